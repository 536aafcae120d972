//! The search: what stops a wanted transfer is mended, and what then stops it, until it passes or nothing more is known.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fwlab_check::{Terms, Transfers};
use fwlab_classes::Position;
use fwlab_explain::Diagnosis;
use fwlab_fix::{Accepts, Only, PassedOn, Remedy, Situation, Spot, remedies};
use fwlab_model::IpNet;
use fwlab_model::ruleset::{Hook, Side};
use fwlab_record::{Backend, CellRecord, Exit, Family, Judgement, Packet, Symptom, TableFamily};
use fwlab_runner::PreparedRuleset;
use fwlab_scenario::plan::Cell;

use crate::command::trial::{Bench, Candidate, PASSIVE_PORTS, Records, joined, passes};

/// A range of so many ports is not one that a server is to keep to.
const MOST: u16 = 30_000;

/// The passive ports that a server is to keep to: a range that the rules open already, most likely for that, and rather one that
/// is open to everybody. Docker's rules have one for each port. One that is open to some only may be another service's, unless it is
/// where services rarely are.
pub(super) fn passive_ports(rules: &PreparedRuleset) -> (u16, u16) {
    let opened = rules.opened();
    let usable = |for_all: bool| {
        let alike = opened
            .iter()
            .filter(|(_, is_for_all)| *is_for_all == for_all);
        let lowest = if for_all { 1024 } else { 10_000 };
        let mut usable = joined(alike.map(|(ports, _)| *ports))
            .into_iter()
            .filter(|(low, high)| *low >= lowest && (4..MOST).contains(&(high - low)));
        usable.next()
    };
    usable(true)
        .or_else(|| usable(false))
        .unwrap_or(PASSIVE_PORTS)
}

/// Whether a control connection came through.
pub(super) fn reaches_the_server(record: &CellRecord) -> bool {
    let stopped = [Symptom::ControlTimeout, Symptom::ControlRejected];
    let outcome = record.judgement.outcome();
    outcome.is_some_and(|outcome| !stopped.contains(&outcome.symptom))
}

/// As many things as one after another stand in a transfer's way, at most.
const ROUNDS: usize = 8;

pub(super) struct Search<'a> {
    pub(super) bench: Bench<'a>,
    pub(super) terms: &'a Terms,
    /// The passive ports that a server is to keep to where nobody chose any.
    pub(super) passive_ports: (u16, u16),
    /// The rules as they are.
    pub(super) rules: PreparedRuleset,
    /// Whether some rules take packets out of conntrack.
    pub(super) untracks: bool,
    /// Whether the control connections of some come through, and those of others do not: then a new rule is for the former.
    pub(super) is_divided: bool,
}

/// What was found.
pub(super) struct Found {
    pub(super) candidate: Candidate,
    /// The wanted transfers that do not pass with it.
    pub(super) left: Records,
    /// Why some remedies have no place in the files.
    pub(super) without_place: Vec<String>,
}

impl Search<'_> {
    /// The cells that are to pass: of classes that were chosen, or whose control connection comes through, those that were
    /// asked for and can be run here.
    pub(super) fn wanted(&self, before: &Records, want: &[Transfers]) -> Vec<usize> {
        let whom = &self.terms.whom;
        let chosen = whom.is_chosen();
        let class = |at: usize| (self.bench.tried[at].family, self.bench.tried[at].class);
        let comes_through = |at: usize| {
            let mut of_class = before
                .iter()
                .filter(|(other, _)| class(**other) == class(at));
            of_class.any(|(_, record)| reaches_the_server(record))
        };
        // Where the rules tell nobody apart, and let nobody in, it is everybody that is meant.
        let is_one = self
            .bench
            .tried
            .iter()
            .all(|tried| tried.classes.len() == 1);
        let nobody = !before.values().any(|record| reaches_the_server(record));
        let chosen = chosen || (is_one && nobody);
        let asked = |cell: &Cell| want.iter().any(|transfers| transfers.has(&cell.axes));
        let runs = |at: &usize| !matches!(before[at].judgement, Judgement::Skipped { .. });
        let begin = if whom.is_chosen() {
            self.bench.everybody
        } else {
            0
        };
        (begin..self.bench.planned.len())
            .filter(|at| asked(&self.bench.planned[*at]))
            .filter(runs)
            .filter(|at| chosen || comes_through(*at))
            .collect()
    }

    /// Looks for remedies: with a helper where one does, since that opens least; and with a range of passive ports where
    /// that leaves less stopped.
    pub(super) fn remedies(&self, wanted: &[usize]) -> Result<Found, Exit> {
        let by_helper = self.followed(wanted, false)?;
        if by_helper.left.is_empty() {
            return Ok(by_helper);
        }
        let by_range = self.followed(wanted, true)?;
        match by_range.left.len() < by_helper.left.len() {
            true => Ok(by_range),
            false => Ok(by_helper),
        }
    }

    fn followed(&self, wanted: &[usize], prefers_range: bool) -> Result<Found, Exit> {
        let none = Candidate::none(self.bench.subject);
        let mut candidate = none.clone();
        let mut left = Records::new();
        let mut known: Vec<Remedy> = Vec::new();
        let mut without_place = Vec::new();
        for round in 0.. {
            let records = self.bench.run(&candidate, |at| wanted.contains(&at))?;
            left = records
                .into_iter()
                .filter(|(_, record)| !passes(record))
                .collect();
            if round == ROUNDS {
                break;
            }
            let mut all = known.clone();
            for (at, record) in &left {
                for remedy in self.remedies_of(&candidate, *at, record, prefers_range) {
                    let was_tried = known.contains(&remedy);
                    let remedy = match was_tried {
                        true => self.before_goto(&remedy, &all),
                        false => Some(remedy),
                    };
                    all.extend(remedy.filter(|remedy| !all.contains(remedy)));
                }
            }
            if all.len() == known.len() {
                break;
            }
            known = all;
            let next;
            (next, without_place) = self.placed(&none, &known);
            let Some(next) = next else { break };
            candidate = next;
        }
        let found = Found {
            candidate,
            left,
            without_place,
        };
        self.smallest(&none, found, wanted)
    }

    /// The rules with those of the remedies that have a place in the files, and why the others have none.
    fn placed(&self, none: &Candidate, remedies: &[Remedy]) -> (Option<Candidate>, Vec<String>) {
        let (mut placed, mut without_place) = (Vec::new(), Vec::new());
        for remedy in remedies {
            match none.with(self.bench.subject, vec![remedy.clone()]) {
                Ok(_) => placed.push(remedy.clone()),
                Err(no_place) => without_place.push(no_place.to_string()),
            }
        }
        (none.with(self.bench.subject, placed).ok(), without_place)
    }

    /// The same before a rule by which packets leave the chain for good: what stands at its end, they do not come to.
    fn before_goto(&self, remedy: &Remedy, known: &[Remedy]) -> Option<Remedy> {
        let Remedy::Accept { spot, what } = remedy else {
            return None;
        };
        let gotos = self.rules.gotos().into_iter();
        let of_chain = gotos.filter(|(id, _)| id.chain == spot.chain);
        let mut before = of_chain.map(|(id, line)| Remedy::Accept {
            spot: Spot {
                line,
                ordinal: Some(id.ordinal.0),
                ..spot.clone()
            },
            what: *what,
        });
        before.find(|one| spot.ordinal.is_none() && !known.contains(one))
    }

    /// Takes remedies away again, one by one, as long as what passes goes on passing.
    fn smallest(
        &self,
        none: &Candidate,
        mut found: Found,
        wanted: &[usize],
    ) -> Result<Found, Exit> {
        let Found {
            candidate, left, ..
        } = &mut found;
        let mut at = candidate.remedies().len();
        while at > 0 {
            at -= 1;
            let mut fewer = candidate.remedies().to_vec();
            let taken = fewer.remove(at);
            // This server may pick from that range by itself, and another one does not.
            if fewer.iter().any(|remedy| remedy.needs(&taken)) {
                continue;
            }
            let Ok(smaller) = none.with(self.bench.subject, fewer) else {
                continue;
            };
            let mended = |cell: usize| wanted.contains(&cell) && !left.contains_key(&cell);
            let records = self.bench.run(&smaller, mended)?;
            if records.values().all(|record| passes(record)) {
                *candidate = smaller;
            }
        }
        Ok(found)
    }

    fn remedies_of(
        &self,
        candidate: &Candidate,
        at: usize,
        record: &CellRecord,
        prefers_range: bool,
    ) -> Vec<Remedy> {
        let Some((diagnosis, outcome)) = Diagnosis::of(record).zip(record.judgement.outcome())
        else {
            return Vec::new();
        };
        let position = self.bench.subject.place.position();
        let connected = self.bench.tried[at].representative().far_address;
        let mut only = self.only(at);
        // What comes to the gateway's own address, and is not led on, leaves by no interface.
        if position == Position::Forwarder
            && let Some(Packet::Tcp { flow, .. }) = outcome.cause.packet()
            && Some(flow.to.ip()) == connected
        {
            only.far_interface = None;
        }
        let found = remedies(
            &diagnosis,
            &Situation {
                cause: &outcome.cause,
                family: self.bench.tried[at].family,
                side: match position {
                    Position::Client => Side::Client,
                    Position::Server => Side::Server,
                    Position::Router | Position::Forwarder | Position::Hairpin => Side::Gateway,
                },
                control_port: self.bench.subject.connect_port,
                passive_ports: self
                    .bench
                    .subject
                    .serving
                    .terms
                    .passive_ports
                    .ok_or(self.passive_ports),
                connected,
                passed_on: self.passed_on(at),
                server: self.server(at).filter(|_| position.forwards()),
                backend: self.backend(record.axes.backend),
                only,
                untracks: self.untracks,
                prefers_range,
            },
        );
        found
            .into_iter()
            .filter_map(|remedy| self.in_the_file(candidate, remedy))
            .collect()
    }

    /// Where rules that open something are reached from besides, which is not tried: a gateway's own ports, the hosts behind another
    /// one, and a family that nobody asked for.
    pub(super) fn elsewhere(&self, remedies: &[Remedy]) -> Vec<String> {
        let position = self.bench.subject.place.position();
        let (other, where_to) = match position {
            Position::Router | Position::Forwarder | Position::Hairpin => {
                (Hook::Input, "to the gateway itself")
            }
            Position::Client | Position::Server => (Hook::Forward, "to hosts behind this one"),
        };
        let tried = |family: Family| self.bench.tried.iter().any(|tried| tried.family == family);
        let untried = Family::ALL.iter().find(|family| !tried(**family));
        let told = remedies.iter().flat_map(|remedy| {
            let Remedy::Accept { spot, what } = remedy else {
                return [None, None];
            };
            let hooks = self.rules.hooks_of(&spot.chain);
            let reached = hooks.contains(&other).then(|| {
                format!(
                    "{} is reached from {}, too: there the rule accepts {what} {where_to}, which was not tried.",
                    spot.chain,
                    other.chain()
                )
            });
            let is_of_both = spot.chain.family == TableFamily::Inet;
            let untried = untried.filter(|_| is_of_both).map(|family| {
                format!(
                    "{} is of {}, too: what the rule that accepts {what} opens there was not tried.",
                    spot.chain,
                    family.protocol()
                )
            });
            [reached, untried]
        });
        let told = told.flatten();
        let mut told: Vec<String> = told.collect();
        let lets_answers_in = remedies.iter().any(|remedy| {
            matches!(
                remedy,
                Remedy::Accept {
                    what: Accepts::Established,
                    ..
                }
            )
        });
        if self.bench.subject.place.position().forwards() && lets_answers_in {
            told.push(
                "Connections that the server opens by itself, and that the rules do not translate, were not tried: here, clients beyond the \
                 gateway have no way back to its address."
                    .to_owned(),
            );
        }
        told
    }

    /// The server's own address.
    fn server(&self, at: usize) -> Option<IpAddr> {
        let cell = &self.bench.planned[at];
        cell.scenario.deployment.server_address(cell.axes.family)
    }

    /// The connections that a gateway passes a cell's on with.
    fn passed_on(&self, at: usize) -> Option<PassedOn> {
        let place = &self.bench.subject.place;
        let tried = &self.bench.tried[at];
        match place.position() {
            Position::Hairpin => Some(PassedOn::Within {
                net: place.inside(tried.family)?,
                server: self.server(at)?,
            }),
            _ => tried.representative().far_interface.map(PassedOn::By),
        }
    }

    /// Whom a rule is for, where somebody chose: the other end of this cell's transfer.
    fn only(&self, at: usize) -> Only {
        let whom = &self.terms.whom;
        let family = self.bench.tried[at].family;
        let leaving = self.bench.subject.place.position() == Position::Client;
        let (near, far) = match leaving {
            true => (&whom.to, &whom.from),
            false => (&whom.from, &whom.to),
        };
        let of_family = |addresses: &[IpAddr]| {
            let mut addresses = addresses.iter().copied();
            addresses.find(|address| Family::of(*address) == family)
        };
        // Where clients connect to another address than the server's, a rule behind the translation does not see it.
        let forwards = self.bench.subject.place.position().forwards();
        if self.is_divided && !whom.is_chosen() {
            let tried = &self.bench.tried[at];
            let (near, far) = tried.classes.named_ends(tried.class);
            return Only {
                leaving,
                interface: near.interface,
                address: near.address,
                far_interface: far.interface,
                far_address: far.address,
            };
        }
        Only {
            leaving,
            interface: whom.on.clone(),
            address: of_family(near).map(IpNet::from),
            far_interface: whom.out.clone(),
            far_address: of_family(far).filter(|_| !forwards).map(IpNet::from),
        }
    }

    /// Whether the control connections of some classes come through, and those of others do not.
    pub(super) fn divides(&self, before: &Records) -> bool {
        let mut come: BTreeMap<(Family, usize), bool> = BTreeMap::new();
        for (at, record) in before.iter().filter(|(at, _)| **at < self.bench.everybody) {
            let tried = &self.bench.tried[*at];
            let of_class = come.entry((tried.family, tried.class)).or_default();
            *of_class |= reaches_the_server(record);
        }
        let mut come = come.into_values();
        let first = come.next();
        come.any(|one| Some(one) != first)
    }

    /// The first of several backends that load the same text.
    fn backend(&self, backend: Backend) -> Backend {
        match self.bench.subject.backends.contains(&backend) {
            true => self.bench.subject.backends[0],
            false => backend,
        }
    }

    /// A remedy by the lines of the person's own file; nothing where it is about a line that a remedy brought.
    fn in_the_file(&self, candidate: &Candidate, remedy: Remedy) -> Option<Remedy> {
        let Remedy::Accept { mut spot, what } = remedy else {
            return Some(remedy);
        };
        spot.backend = self.backend(spot.backend);
        spot.only = spot.only.fitting(&self.rules.hooks_of(&spot.chain));
        let line = spot.line;
        let remedy = Remedy::Accept {
            spot: spot.clone(),
            what,
        };
        if let Some(line) = line {
            spot.line = Some(candidate.line_before(self.bench.subject, &remedy, line)?);
        }
        Some(Remedy::Accept { spot, what })
    }
}
