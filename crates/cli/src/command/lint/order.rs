//! Rules that change nothing where they stand, and would as the first of their chain: by accident of order, they do nothing.

use std::collections::{BTreeMap, BTreeSet};

use fwlab_model::ruleset::Asks;
use fwlab_record::{Backend, ChainId, Exit};
use fwlab_runner::Answer;
use fwlab_text::line as shown;

use super::rules::Line;
use super::taken::{AsItIs, answers, asked, beside, listed, loaded, sweep, unclear};
use crate::command::trial::{Bench, Candidate, Slot, passes};

/// So many are moved, at most: each costs what taking one away does.
pub(super) const MOVED: usize = 12;

/// What a line would do as the first of its chain.
#[derive(Default)]
pub(super) struct AsFirst {
    passes: BTreeSet<String>,
    stopped: BTreeSet<String>,
    opened: BTreeSet<u16>,
    closed: BTreeSet<u16>,
}

impl AsFirst {
    /// In words; nothing where it would do nothing either.
    pub(super) fn words(&self) -> Option<String> {
        let transfers = |set: &BTreeSet<String>, what: &str| {
            let words: Vec<&str> = set.iter().map(String::as_str).collect();
            (!words.is_empty()).then(|| format!("{} would {what}", words.join(", ")))
        };
        let ports = |set: &BTreeSet<u16>, what: &str| {
            let ports: Vec<String> = set.iter().take(4).map(u16::to_string).collect();
            let more = set.len() - ports.len();
            let more = if more > 0 {
                format!(" and {more} more ports")
            } else {
                String::new()
            };
            let to = ports.join(", ");
            (!set.is_empty()).then(|| format!("new connections to {to}{more} would {what}"))
        };
        let all = [
            transfers(&self.passes, "pass"),
            transfers(&self.stopped, "be stopped"),
            ports(&self.opened, "come through"),
            ports(&self.closed, "be stopped"),
        ];
        let told: Vec<String> = all.into_iter().flatten().collect();
        (!told.is_empty()).then(|| {
            shown(&format!(
                "it is the order: as the first rule of its chain, it would change something: {}",
                told.join("; ")
            ))
            .to_string()
        })
    }
}

/// What lines that change nothing would do as the first of their chains: those of one rule that is not the first.
pub(super) fn as_first<'l>(
    bench: &Bench<'_>,
    as_it_is: &AsItIs,
    idle: &[&'l Line],
) -> Result<Vec<(&'l Line, AsFirst)>, Exit> {
    let firsts = firsts(bench, as_it_is);
    let mut found = Vec::new();
    for line in idle.iter().filter(|line| line.rules.len() == 1) {
        if found.len() == MOVED {
            break;
        }
        let rule = &line.rules[0];
        let first = firsts.get(&(line.slot, rule.rule.chain.to_string()));
        let Some(first) = first.filter(|_| rule.rule.ordinal.0 > 1 && rule.leads_to.is_empty())
        else {
            continue;
        };
        if let Some(moved) = moved(bench, as_it_is, line, *first)? {
            found.push((*line, moved));
        }
    }
    Ok(found)
}

/// The line of each chain's first rule.
fn firsts(bench: &Bench<'_>, as_it_is: &AsItIs) -> BTreeMap<(Slot, String), u32> {
    let of_rules = asked(bench, &as_it_is.prepared);
    let firsts = of_rules.filter(|(.., asks)| asks.rule.ordinal.0 == 1);
    firsts
        .filter_map(|(_, slot, asks)| {
            Some(((slot?, asks.rule.chain.to_string()), asks.source_line?.line))
        })
        .collect()
}

/// The rules, with this one as the first of its chain and all others in order.
fn with_first(
    mut rules: Vec<(Backend, ChainId, String)>,
    rule: &Asks,
) -> Option<Vec<(Backend, ChainId, String)>> {
    let of_chain = |(_, chain, _): &(Backend, ChainId, String)| *chain == rule.rule.chain;
    let begin = rules.iter().position(of_chain)?;
    let at = begin + usize::try_from(rule.rule.ordinal.0).ok()?.checked_sub(1)?;
    let (_, chain, statement) = rules.get(at)?;
    let is_it = *chain == rule.rule.chain && *statement == rule.statement;
    is_it.then(|| {
        rules[begin..=at].rotate_right(1);
        rules
    })
}

/// Everything tried again with a line as the first of its chain; nothing where it cannot be, or something is not known.
fn moved(
    bench: &Bench<'_>,
    as_it_is: &AsItIs,
    line: &Line,
    first: u32,
) -> Result<Option<AsFirst>, Exit> {
    let none = Candidate::none(bench.subject);
    let Ok(candidate) = none.moved(line.slot, line.line, first) else {
        return Ok(None);
    };
    let Some(prepared) = loaded(bench, &candidate) else {
        return Ok(None);
    };
    let expected = with_first(
        listed(bench, &as_it_is.prepared, |_, _| true),
        &line.rules[0],
    );
    let is_alone = expected == Some(listed(bench, &prepared, |_, _| true));
    if !is_alone || beside(&as_it_is.prepared) != beside(&prepared) {
        return Ok(None);
    }
    let mut found = AsFirst::default();
    let swept = sweep(bench, &candidate, &as_it_is.places, &as_it_is.knocks)?;
    for ((_, was), (_, is)) in as_it_is.swept.iter().zip(&swept) {
        let pairs = answers(was)
            .into_iter()
            .flatten()
            .zip(answers(is).into_iter().flatten());
        for ((knock, was), (_, is)) in pairs.filter(|((_, was), (_, is))| was != is) {
            match (was, is) {
                (_, Answer::Served) => found.opened.insert(knock.to),
                (Answer::Served, _) => found.closed.insert(knock.to),
                _ => false,
            };
        }
    }
    let records = bench.run(&candidate, |at| as_it_is.records.contains_key(&at))?;
    for (at, record) in &records {
        let was = &as_it_is.records[at];
        if unclear(record).is_some() || unclear(was).is_some() {
            return Ok(None);
        }
        let transfer = format!("{} {}", record.axes.protection, record.axes.data);
        match (passes(was), passes(record)) {
            (false, true) => found.passes.insert(transfer),
            (true, false) => found.stopped.insert(transfer),
            _ => false,
        };
    }
    Ok(Some(found))
}
