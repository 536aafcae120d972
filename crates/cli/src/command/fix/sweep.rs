//! What else remedies open: ports that a new connection comes to, before and after.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _};
use fwlab_model::ruleset::Told;
use fwlab_record::Exit;
use fwlab_runner::{Answer, Doors, Knock, Reach};

use super::everybody::{CLASSES, Everybody};
use super::ports::{Ports, Sources};
use super::search::Search;
use crate::command::trial::{Bench, Candidate};

/// For how many classes of peers ports are tried at a time.
const AT_A_TIME: usize = 8;

/// What was opened to the peers of a class: ports of the server's, and of the client's.
type Opened = [OpenedAt; 2];

/// How far a new connection gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Got {
    Nothing,
    /// An answer to its first packet, and nothing more.
    Answer,
    Data,
}

impl Got {
    fn of(answer: Answer) -> Got {
        match answer {
            Answer::Served => Got::Data,
            Answer::Opened => Got::Answer,
            Answer::Refused(_) | Answer::Silence => Got::Nothing,
        }
    }
}

/// The ports of one end that were opened to those who connect from any port, and those that were to who connects from a certain
/// one alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct OpenedAt {
    to_any: BTreeSet<u16>,
    from: BTreeMap<u16, BTreeSet<u16>>,
}

impl OpenedAt {
    fn of(was: &Doors, is: &Doors, from: &Sources) -> OpenedAt {
        let answer = |doors: &Doors, from, to| {
            let answer = doors.answers.get(&Knock { from, to });
            answer.map_or(Got::Nothing, |answer| Got::of(*answer))
        };
        // What anybody gets to, whatever the port is that he comes from, is not told twice.
        let is_news = |from_port: Option<u16>, to: u16| {
            let after = answer(is, from_port, to);
            let by_anybody = from_port != from.usual && after <= answer(is, from.usual, to);
            after > answer(was, from_port, to) && !by_anybody
        };
        let opened = |from_port: Option<u16>| -> BTreeSet<u16> {
            let tried = is.answers.keys().filter(|knock| knock.from == from_port);
            tried
                .map(|knock| knock.to)
                .filter(|to| is_news(from_port, *to))
                .collect()
        };
        let of_certain = from.certain.keys().map(|port| (*port, opened(Some(*port))));
        OpenedAt {
            to_any: opened(from.usual),
            from: of_certain
                .filter(|(_, opened)| !opened.is_empty())
                .collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.to_any.is_empty() && self.from.is_empty()
    }

    /// In words; `end`: whose ports, and to whom.
    fn words(&self, ports: &Ports, from: &Sources, end: &str) -> Vec<String> {
        let to_any = (!self.to_any.is_empty())
            .then(|| format!("{} of the {end}", ports.listed(&self.to_any)));
        let from_certain = self.from.iter().map(|(port, opened)| {
            format!(
                "{} of the {end} who connect from {}",
                ports.listed(opened),
                from.named(*port)
            )
        });
        to_any.into_iter().chain(from_certain).collect()
    }
}

/// What comes of knocks that cannot all be tried in one lab.
async fn reach(
    bench: &Bench<'_>,
    candidate: &Candidate,
    at: usize,
    [first, second]: &[Vec<Knock>; 2],
) -> Result<Reach, Exit> {
    let mut all = bench.reach(candidate, at, first).await?;
    if !second.is_empty() {
        let more = bench.reach(candidate, at, second).await?;
        all.of_server.answers.extend(more.of_server.answers);
        all.of_client.answers.extend(more.of_client.answers);
    }
    Ok(all)
}

/// Tries the ports for each class of peers, and says which were opened, and to whom.
pub(super) fn opened(
    search: &Search<'_>,
    told: &[Told],
    before: &Candidate,
    after: &Candidate,
) -> Result<String, Exit> {
    let of_rules = search.rules.ports();
    let ports = Ports::of(after.remedies(), &of_rules);
    let from = Sources::of(&ports, &of_rules);
    let from_each = || {
        let certain = from.certain.keys().copied().map(Some);
        std::iter::once(from.usual).chain(certain)
    };
    let tried = ports.tried.iter();
    let knocks = tried.flat_map(|&to| from_each().map(move |from| Knock { from, to }));
    let knocks = knocks.filter(|knock| knock.from != Some(knock.to));
    let (together, apart) = knocks.partition(|knock| from.is_first(knock.from, knock.to));
    let rounds: [Vec<Knock>; 2] = [together, apart];
    let everybody = Everybody::of(search, told)?;
    let bench = &everybody.bench(search);
    let mut places = bench.one_of_each_class();
    let classes = places.len();
    places.truncate(CLASSES);
    let each = places.iter().map(|at| async {
        let [was, is] = [before, after].map(|candidate| reach(bench, candidate, *at, &rounds));
        let (was, is) = futures::try_join!(was, is)?;
        let opened: Opened = [
            OpenedAt::of(&was.of_server, &is.of_server, &from),
            OpenedAt::of(&was.of_client, &is.of_client, &from),
        ];
        Ok((*at, opened))
    });
    // Each has two labs at a time.
    let each = futures::stream::iter(each).buffered(AT_A_TIME);
    let each: Vec<(usize, Opened)> = bench.runtime.block_on(each.try_collect())?;
    let mut groups: Vec<(Opened, Vec<usize>)> = Vec::new();
    for (at, opened) in each {
        match groups.iter_mut().find(|(known, _)| *known == opened) {
            Some((_, places)) => places.push(at),
            None => groups.push((opened, vec![at])),
        }
    }
    groups.retain(|(opened, _)| !opened.iter().all(OpenedAt::is_empty));
    let mut told = format!("\nOf {} ports that were tried", ports.tried.len());
    if classes > CLASSES {
        told += &format!(", for {CLASSES} of {classes} classes of peers");
    }
    if everybody.is_more_apart {
        told += ", not apart for peers whom only rules of other services tell apart";
    }
    if groups.is_empty() {
        return Ok(told + ", it opens none to new connections.\n");
    }
    told += ", it opens to new connections:\n";
    for ([of_server, of_client], places) in &groups {
        let mut ends = of_server.words(&ports, &from, "server to clients");
        ends.extend(of_client.words(&ports, &from, "client to servers"));
        told += &format!("  {}: {}\n", ends.join("; "), bench.whom(places));
    }
    Ok(told)
}
