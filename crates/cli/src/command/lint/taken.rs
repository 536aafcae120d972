//! One line taken away, and everything tried again.

use fwlab_model::ruleset::Asks;
use fwlab_record::{Backend, CellRecord, ChainId, Exit, Family, Judgement};
use fwlab_runner::{Answer, Knock, Listed, PreparedRuleset, Reach};

use super::rules::Line;
use crate::command::trial::{Bench, Candidate, Records, Slot};
use crate::report::Shown;

/// Classes of peers whose ports are tried at a time: each takes a lab of its own.
const AT_A_TIME: usize = 4;

/// What came of new connections, for a cell of each class.
pub(super) type Swept = Vec<(usize, Reach)>;

/// What is compared: everything as it is with the rules as they are.
pub(super) struct AsItIs {
    pub(super) records: Records,
    pub(super) swept: Swept,
    pub(super) prepared: PreparedRuleset,
    pub(super) knocks: Vec<Knock>,
    /// A cell of each class.
    pub(super) places: Vec<usize>,
}

/// What came of it.
pub(super) enum Taken {
    /// A new connection of these came to something else.
    Ports(Swept),
    /// A transfer did.
    Transfers,
    /// Nothing did.
    Nothing,
    /// A transfer is not known, and nothing else came to something else.
    Unclear(String),
    /// More than the rules of the line was taken away, or the rest does not load.
    NotAlone,
}

/// Whether a transfer is known.
pub(super) fn unclear(record: &CellRecord) -> Option<&str> {
    match &record.judgement {
        Judgement::Inconclusive { why } => Some(why),
        _ => None,
    }
}

/// Tries new connections for each class.
pub(super) fn sweep(
    bench: &Bench<'_>,
    candidate: &Candidate,
    places: &[usize],
    knocks: &[Knock],
) -> Result<Swept, Exit> {
    let mut swept = Vec::new();
    for some in places.chunks(AT_A_TIME) {
        let each = some.iter().map(|at| async {
            let reach = bench.reach(candidate, *at, knocks).await?;
            Ok((*at, reach))
        });
        swept.extend(
            bench
                .runtime
                .block_on(futures::future::try_join_all(each))?,
        );
    }
    Ok(swept)
}

impl AsItIs {
    /// Takes a line away, and tries everything again until something comes to something else.
    pub(super) fn without(&self, bench: &Bench<'_>, line: &Line) -> Result<Taken, Exit> {
        let none = Candidate::none(bench.subject);
        let Ok(without) = none.without(line.slot, line.line) else {
            return Ok(Taken::NotAlone);
        };
        let Some(prepared) = loaded(bench, &without) else {
            return Ok(Taken::NotAlone);
        };
        let is_of_line = |slot, number| slot == Some(line.slot) && number == Some(line.line);
        let left = listed(bench, &self.prepared, |slot, number| {
            !is_of_line(slot, number)
        });
        let is_alone = left == listed(bench, &prepared, |_, _| true)
            && beside(&self.prepared) == beside(&prepared);
        if !is_alone {
            return Ok(Taken::NotAlone);
        }
        let swept = sweep(bench, &without, &self.places, &self.knocks)?;
        let mut pairs = self.swept.iter().zip(&swept);
        if pairs.any(|((_, was), (_, is))| answers(was) != answers(is)) {
            return Ok(Taken::Ports(swept));
        }
        let records = bench.run(&without, |at| {
            self.records
                .get(&at)
                .is_some_and(|was| unclear(was).is_none())
        })?;
        let mut why = None;
        for (at, record) in &records {
            match unclear(record) {
                Some(unclear) => why = Some(unclear.to_owned()),
                None if Shown::of(&record.judgement) != Shown::of(&self.records[at].judgement) => {
                    return Ok(Taken::Transfers);
                }
                None => {}
            }
        }
        Ok(why.map_or(Taken::Nothing, Taken::Unclear))
    }
}

/// What came of new connections in both directions.
pub(super) fn answers(reach: &Reach) -> [Vec<(Knock, Answer)>; 2] {
    [&reach.of_server, &reach.of_client].map(|doors| {
        doors
            .answers
            .iter()
            .map(|(knock, answer)| (*knock, *answer))
            .collect()
    })
}

/// The rules of some lines, in order.
pub(super) fn listed(
    bench: &Bench<'_>,
    prepared: &PreparedRuleset,
    which: impl Fn(Option<Slot>, Option<u32>) -> bool,
) -> Vec<(Backend, ChainId, String)> {
    let of_lines = asked(bench, prepared)
        .filter(|(_, slot, asks)| which(*slot, asks.source_line.map(|source| source.line)));
    of_lines
        .map(|(backend, _, asks)| (backend, asks.rule.chain, asks.statement))
        .collect()
}

/// All rules, with their backend and the text that each is of, in order.
pub(super) fn asked(
    bench: &Bench<'_>,
    prepared: &PreparedRuleset,
) -> impl Iterator<Item = (Backend, Option<Slot>, Asks)> {
    prepared.parts.iter().flat_map(|part| {
        let (family, asks) = match &part.listed {
            Listed::Iptables {
                family, listing, ..
            } => (*family, listing.asks(&part.lines)),
            Listed::Native(listing) => (Family::Ipv4, listing.asks(&part.lines)),
        };
        let slot = Slot::of(bench.subject, part.backend(), family);
        let backend = part.backend();
        asks.into_iter().map(move |asks| (backend, slot, asks))
    })
}

/// The rules of a candidate as they are listed; nothing where they do not load.
pub(super) fn loaded(bench: &Bench<'_>, candidate: &Candidate) -> Option<PreparedRuleset> {
    let first = &bench.planned[0];
    let scenario = candidate.scenario(&first.scenario);
    let prepared = bench.loader.prepare(&scenario, 0, first.axes.backend);
    bench.runtime.block_on(prepared).ok()
}

/// What stands beside rules and decides: policies, and the hooks of nft's own chains.
pub(super) fn beside(prepared: &PreparedRuleset) -> Vec<(ChainId, String)> {
    let mut found = Vec::new();
    for part in &prepared.parts {
        match &part.listed {
            Listed::Iptables { listing, .. } => {
                for table in listing.tables() {
                    let chains = listing
                        .chains(table)
                        .map(|(name, _)| listing.id(table, name));
                    let drops = chains.filter(|id| listing.policy(id) == Some("DROP"));
                    found.extend(drops.map(|id| (id, "DROP".to_owned())));
                }
            }
            Listed::Native(listing) => {
                let chains = listing.chains();
                found.extend(chains.map(|(id, chain)| (id.clone(), chain.hook().to_owned())));
            }
        }
    }
    found
}
