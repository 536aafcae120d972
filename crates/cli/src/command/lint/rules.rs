//! Which rules are taken away, and which are passed over, and why.

use std::collections::{BTreeMap, BTreeSet};

use fwlab_check::Subject;
use fwlab_model::ruleset::{Asks, Condition, Only, Told};
use fwlab_record::{ChainId, Family, RuleId, TableFamily};
use fwlab_runner::{Listed, PreparedRuleset};

use super::knocks::Knocks;
use crate::command::trial::Slot;

/// The rules that one line makes.
pub(super) struct Line {
    pub(super) slot: Slot,
    pub(super) line: u32,
    /// Never empty.
    pub(super) rules: Vec<Asks>,
    /// Why it changes nothing, where that is plain from the rules.
    pub(super) why: Option<String>,
}

/// Why a rule is not taken away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PassedOver {
    OtherProtocol,
    Family,
    Beyond,
    Elsewhere,
    OtherHelper,
    Ports,
    Peers,
    NoLine,
    NotAlone,
    Bound,
}

impl PassedOver {
    /// In words, of rules.
    pub(super) fn words(&self) -> &'static str {
        match self {
            PassedOver::OtherProtocol => "about other protocols than TCP",
            PassedOver::Family => "of a family that nobody spoke",
            PassedOver::Beyond => "asking or doing what was not varied",
            PassedOver::Elsewhere => "where no packet came that was tried",
            PassedOver::OtherHelper => "assigning a helper to other ports than the control port",
            PassedOver::Ports => "about ports that were not tried",
            PassedOver::Peers => "naming peers that were not all tried",
            PassedOver::NoLine => "of a line that is not known",
            PassedOver::NotAlone => {
                "not to be taken away alone: more went with the line, or the rest did not load"
            }
            PassedOver::Bound => "beyond --rules",
        }
    }
}

/// The lines whose rules are taken away, and how many rules are passed over, each with what it is about.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) lines: Vec<Line>,
    pub(super) passed_over: BTreeMap<PassedOver, Vec<String>>,
}

impl Sorted {
    /// Passes the rules of a line over.
    pub(super) fn pass_over(&mut self, line: &Line, why: &PassedOver) {
        let rules = line.rules.iter().map(|rule| about(rule, why));
        let passed_over = self.passed_over.entry(why.clone()).or_default();
        passed_over.extend(rules);
    }
}

fn about(rule: &Asks, why: &PassedOver) -> String {
    match (why, &rule.beyond) {
        (PassedOver::Beyond, Some(beyond)) => beyond.clone(),
        _ => rule.rule.to_string(),
    }
}

/// All rules of TCP, whether they can be taken away or not.
pub(super) fn of_tcp(prepared: &PreparedRuleset) -> Vec<Only> {
    let mut found = asked(prepared)
        .map(|(_, asks)| asks.only)
        .collect::<Vec<_>>();
    found.retain(Only::is_of_tcp);
    found
}

/// The rules with the part that each is of.
fn asked(prepared: &PreparedRuleset) -> impl Iterator<Item = (&Listed, Asks)> {
    prepared.parts.iter().flat_map(|part| {
        let asks = match &part.listed {
            Listed::Iptables { listing, .. } => listing.asks(&part.lines),
            Listed::Native(listing) => listing.asks(&part.lines),
        };
        asks.into_iter().map(|asks| (&part.listed, asks))
    })
}

/// Sorts the rules by whether what is tried can tell of them. Not everybody is tried where somebody was chosen, or there are too
/// many.
pub(super) fn sorted(
    subject: &Subject,
    prepared: &PreparedRuleset,
    knocks: &Knocks,
    is_everybody: bool,
) -> Sorted {
    let told: BTreeMap<RuleId, Told> = prepared
        .told()
        .into_iter()
        .map(|told| (told.rule.clone(), told))
        .collect();
    let mut sorted = Sorted::default();
    let mut before: BTreeMap<ChainId, Vec<Asks>> = BTreeMap::new();
    // A line with several rules is taken away with all of them, or not at all.
    let mut lines: BTreeMap<(Slot, u32), (Line, Option<PassedOver>)> = BTreeMap::new();
    for (listed, asks) in asked(prepared) {
        let (backend, family) = match listed {
            Listed::Iptables {
                backend, family, ..
            } => (*backend, *family),
            Listed::Native(_) => (fwlab_record::Backend::Native, Family::Ipv4),
        };
        let earlier = before.entry(asks.rule.chain.clone()).or_default();
        let why = why(&asks, earlier);
        earlier.push(asks.clone());
        let told = told.get(&asks.rule);
        let passed_over = passed_over(subject, &asks, told, knocks, is_everybody);
        let line = asks.source_line.map(|source| source.line);
        let Some((slot, line)) = Slot::of(subject, backend, family).zip(line) else {
            let no_line = passed_over.unwrap_or(PassedOver::NoLine);
            let one = Line {
                slot: Slot::Origin,
                line: 0,
                rules: vec![asks],
                why,
            };
            sorted.pass_over(&one, &no_line);
            continue;
        };
        let (of_line, first) = lines.entry((slot, line)).or_insert_with(|| {
            let of_line = Line {
                slot,
                line,
                rules: Vec::new(),
                why: why.clone(),
            };
            (of_line, None)
        });
        if of_line.why != why {
            of_line.why = None;
        }
        of_line.rules.push(asks);
        *first = first.take().or(passed_over);
    }
    for (line, passed_over) in lines.into_values() {
        match passed_over {
            Some(why) => sorted.pass_over(&line, &why),
            None => sorted.lines.push(line),
        }
    }
    sorted
}

fn passed_over(
    subject: &Subject,
    asks: &Asks,
    told: Option<&Told>,
    knocks: &Knocks,
    is_everybody: bool,
) -> Option<PassedOver> {
    let chain = &asks.rule.chain;
    let family = match chain.family {
        TableFamily::Ipv4 | TableFamily::Ip => Some(Family::Ipv4),
        TableFamily::Ipv6 | TableFamily::Ip6 => Some(Family::Ipv6),
        _ => None,
    };
    if !asks.only.is_of_tcp() {
        return Some(PassedOver::OtherProtocol);
    }
    if family.is_some_and(|family| !subject.place.layout.families.contains(&family)) {
        return Some(PassedOver::Family);
    }
    if asks.beyond.is_some() {
        return Some(PassedOver::Beyond);
    }
    let position = subject.place.position();
    if !asks.hooks.is_empty() && !asks.hooks.iter().any(|hook| position.passes(*hook)) {
        return Some(PassedOver::Elsewhere);
    }
    let [_, to] = asks.only.ports();
    let within = |(low, high): &(u16, u16)| (*low..=*high).contains(&subject.connect_port);
    let is_helper = asks.statement.contains("-j CT ") || asks.statement.contains("ct helper set");
    if is_helper && to.is_some_and(|ports| !ports.iter().any(within)) {
        return Some(PassedOver::OtherHelper);
    }
    if !knocks.may_meet(&asks.only) {
        return Some(PassedOver::Ports);
    }
    let names_peers = told.is_some_and(|told| !told.conditions.is_empty());
    let is_unmet = |condition: &Condition| match condition {
        Condition::Unread(_) => true,
        Condition::In(names) | Condition::Out(names) => *names == BTreeSet::from(["lo".to_owned()]),
        _ => false,
    };
    if told.is_some_and(|told| told.conditions.iter().any(is_unmet))
        || (names_peers && !is_everybody)
    {
        return Some(PassedOver::Peers);
    }
    None
}

/// Why a rule changes nothing, where that is plain from those before it in its chain.
fn why(asks: &Asks, earlier: &[Asks]) -> Option<String> {
    let told = |rule: &Asks| match rule.source_line {
        Some(source) => format!("line {} `{}`", source.line, rule.statement),
        None => format!("{} `{}`", rule.rule, rule.statement),
    };
    if asks.hooks.is_empty() {
        return Some(format!("no rule leads to the chain {}", asks.rule.chain));
    }
    if let Some(rule) = earlier.iter().find(|rule| rule.ends_all) {
        return Some(format!("{} decides on every packet before it", told(rule)));
    }
    let mut same = earlier.iter();
    let same = same.find(|rule| rule.statement == asks.statement)?;
    Some(format!("{} says the same before it", told(same)))
}
