//! Connections that come through because of the port that they come from.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use fwlab_classes::Position;
use fwlab_record::Exit;
use fwlab_runner::{Doors, Knock, Reach};

use super::rules::Line;
use super::taken::{Swept, sweep};
use crate::command::trial::{Bench, Candidate};

/// New connections that come through from one port, and from one that the kernel picks do not.
pub(super) struct Hole {
    /// The port.
    pub(super) port: u16,
    /// One that came through.
    pub(super) example: (Option<SocketAddr>, SocketAddr),
    /// The ports that it was.
    pub(super) to: BTreeSet<u16>,
    /// Whom it was tried for: a cell of each class.
    pub(super) places: Vec<usize>,
}

/// Whose ports were connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Servers,
    Clients,
}

impl Whose {
    /// Those that the firewall is there for: its own host's, or on a router everybody's.
    fn behind(position: Position) -> &'static [Whose] {
        match position {
            Position::Client => &[Whose::Clients],
            Position::Server => &[Whose::Servers],
            Position::Router | Position::Forwarder | Position::Hairpin => {
                &[Whose::Servers, Whose::Clients]
            }
        }
    }

    fn doors(self, reach: &Reach) -> &Doors {
        match self {
            Whose::Servers => &reach.of_server,
            Whose::Clients => &reach.of_client,
        }
    }
}

/// A connection that stands from one port and not from another, for a cell, on one side.
type Found = BTreeMap<(usize, Whose, Knock), (Option<IpAddr>, IpAddr)>;

fn found(position: Position, swept: &Swept) -> Found {
    let mut found = Found::new();
    for (at, reach) in swept {
        for whose in Whose::behind(position) {
            let doors = whose.doors(reach);
            let standing: BTreeSet<Knock> = doors.standing().collect();
            for knock in &standing {
                let picked = Knock {
                    from: None,
                    to: knock.to,
                };
                if knock.from.is_some() && !standing.contains(&picked) {
                    found.insert((*at, *whose, *knock), (doors.from, doors.to));
                }
            }
        }
    }
    found
}

/// The holes, each with the line that accepts what comes through: without it, it did not. Where there is no such line, with those
/// that name the port. What is no hole a second time is none.
pub(super) fn holes<'l>(
    bench: &Bench<'_>,
    swept: &Swept,
    without: &[(&'l Line, Option<Swept>)],
) -> Result<Vec<(Hole, Vec<&'l Line>)>, Exit> {
    let position = bench.subject.place.position();
    let first = found(position, swept);
    if first.is_empty() {
        return Ok(Vec::new());
    }
    let places: BTreeSet<usize> = first.keys().map(|(at, _, _)| *at).collect();
    let knocks: BTreeSet<Knock> = first
        .keys()
        .flat_map(|(_, _, knock)| {
            [
                *knock,
                Knock {
                    from: None,
                    to: knock.to,
                },
            ]
        })
        .collect();
    let none = Candidate::none(bench.subject);
    let places: Vec<usize> = places.into_iter().collect();
    let knocks: Vec<Knock> = knocks.into_iter().collect();
    let again = found(position, &sweep(bench, &none, &places, &knocks)?);
    let mut holes: BTreeMap<(Option<usize>, Whose, u16), Hole> = BTreeMap::new();
    for ((at, whose, knock), (from, to)) in again {
        let Some(port) = knock
            .from
            .filter(|_| first.contains_key(&(at, whose, knock)))
        else {
            continue;
        };
        let closes = |(line, swept): &(&Line, Option<Swept>)| {
            let mut swept = swept.iter().flatten();
            let of_place = swept.find(|(place, _)| *place == at);
            let stands =
                |(_, reach): &(usize, Reach)| whose.doors(reach).standing().any(|one| one == knock);
            names(line, port) && of_place.is_some_and(|of_place| !stands(of_place))
        };
        let line = without.iter().position(closes);
        let hole = holes.entry((line, whose, port)).or_insert_with(|| Hole {
            port,
            example: (from.map(|from| (from, port).into()), (to, knock.to).into()),
            to: BTreeSet::new(),
            places: Vec::new(),
        });
        hole.to.insert(knock.to);
        if !hole.places.contains(&at) {
            hole.places.push(at);
        }
    }
    let naming = |port: u16| {
        let lines = without.iter().map(|(line, _)| *line);
        lines.filter(|line| names(line, port)).collect()
    };
    let holes = holes.into_iter().map(|((line, _, port), hole)| match line {
        Some(line) => (hole, vec![without[line].0]),
        None => (hole, naming(port)),
    });
    Ok(holes.collect())
}

/// Whether a rule of a line names a port that packets come from.
fn names(line: &Line, port: u16) -> bool {
    let rules = line.rules.iter();
    let mut ranges = rules.filter_map(|rule| rule.only.ports()[0]).flatten();
    ranges.any(|(low, high)| (*low..=*high).contains(&port))
}
