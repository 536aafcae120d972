//! Which rules are taken away, and which are passed over, and why.

use std::collections::BTreeMap;

use fwlab_check::Subject;
use fwlab_classes::Position;
use fwlab_model::Topology;
use fwlab_model::ruleset::{Addresses, Asks, Condition, Hook, Only, Told};
use fwlab_record::{Backend, ChainId, Family, RuleId, TableFamily};
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

impl Line {
    /// Whether it is about other protocols than TCP, too.
    pub(super) fn is_of_others(&self) -> bool {
        !self.rules.iter().all(|rule| rule.only.is_of_tcp_alone())
    }
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
            PassedOver::Family => "for a family that nobody spoke",
            PassedOver::Beyond => "asking for or doing something that was not varied",
            PassedOver::Elsewhere => "that no tried packet came to",
            PassedOver::OtherHelper => "assigning a helper to connections that were not tried",
            PassedOver::Ports => "about ports that were not tried",
            PassedOver::Peers => "naming peers of which not all were tried",
            PassedOver::NoLine => "whose line is not known",
            PassedOver::NotAlone => {
                "that cannot be taken away alone: more went with the line, or the rest did not load"
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

/// What rules are held against.
pub(super) struct Tried<'t> {
    pub(super) subject: &'t Subject,
    pub(super) knocks: &'t Knocks,
    /// Whether everybody was tried: nobody was chosen, and there were not too many.
    pub(super) is_everybody: bool,
    /// The topologies of all classes.
    pub(super) topologies: Vec<&'t Topology>,
}

/// Sorts the rules by whether what is tried can tell of them.
pub(super) fn sorted(prepared: &PreparedRuleset, tried: &Tried<'_>) -> Sorted {
    let told = prepared.told().into_iter();
    let told: BTreeMap<RuleId, Told> = told.map(|told| (told.rule.clone(), told)).collect();
    let mut all: Vec<(&Listed, Asks, Option<PassedOver>)> = asked(prepared)
        .map(|(listed, asks)| {
            let passed_over = tried.passed_over(&asks, told.get(&asks.rule));
            (listed, asks, passed_over)
        })
        .collect();
    where_nobody_comes(&mut all);
    with_what_they_lead_to(&mut all);
    let mut sorted = Sorted::default();
    let mut before: BTreeMap<ChainId, Vec<Asks>> = BTreeMap::new();
    // A line with several rules is taken away with all of them, or not at all.
    let mut lines: BTreeMap<(Slot, u32), (Line, Option<PassedOver>)> = BTreeMap::new();
    for (listed, asks, passed_over) in all {
        let (backend, family) = match listed {
            Listed::Iptables {
                backend, family, ..
            } => (*backend, *family),
            Listed::Native(_) => (Backend::Native, Family::Ipv4),
        };
        let earlier = before.entry(asks.rule.chain.clone()).or_default();
        let why = why(&asks, earlier);
        earlier.push(asks.clone());
        let line = asks.source_line.map(|source| source.line);
        let Some((slot, line)) = Slot::of(tried.subject, backend, family).zip(line) else {
            let one = Line {
                slot: Slot::Origin,
                line: 0,
                rules: vec![asks],
                why,
            };
            sorted.pass_over(&one, &passed_over.unwrap_or(PassedOver::NoLine));
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

/// Nobody who was tried comes to a chain to which only rules lead that none of them meets.
fn where_nobody_comes(all: &mut [(&Listed, Asks, Option<PassedOver>)]) {
    loop {
        let mut ways: BTreeMap<ChainId, bool> = BTreeMap::new();
        for (_, asks, why) in all.iter() {
            let may_be_met = matches!(
                why,
                None | Some(PassedOver::Beyond | PassedOver::OtherHelper)
            );
            for chain in &asks.leads_to {
                *ways.entry(chain.clone()).or_default() |= may_be_met;
            }
        }
        let mut is_more = false;
        for (_, asks, why) in all.iter_mut().filter(|(_, _, why)| why.is_none()) {
            if ways.get(&asks.rule.chain) == Some(&false) {
                *why = Some(PassedOver::Elsewhere);
                is_more = true;
            }
        }
        if !is_more {
            return;
        }
    }
}

/// Without a rule that leads to a chain, no packet comes to the rules there: what nobody can tell of them, nobody can of it.
fn with_what_they_lead_to(all: &mut [(&Listed, Asks, Option<PassedOver>)]) {
    loop {
        let untold: BTreeMap<ChainId, PassedOver> = all
            .iter()
            .filter_map(|(_, asks, why)| Some((asks.rule.chain.clone(), why.clone()?)))
            .filter(|(_, why)| *why != PassedOver::OtherProtocol)
            .collect();
        let mut is_more = false;
        for (_, asks, why) in all.iter_mut().filter(|(_, _, why)| why.is_none()) {
            *why = asks
                .leads_to
                .iter()
                .find_map(|chain| untold.get(chain))
                .cloned();
            is_more |= why.is_some();
        }
        if !is_more {
            return;
        }
    }
}

impl Tried<'_> {
    fn passed_over(&self, asks: &Asks, told: Option<&Told>) -> Option<PassedOver> {
        let family = match asks.rule.chain.family {
            TableFamily::Ipv4 | TableFamily::Ip => Some(Family::Ipv4),
            TableFamily::Ipv6 | TableFamily::Ip6 => Some(Family::Ipv6),
            _ => None,
        };
        let spoken = &self.subject.place.layout.families;
        if !asks.only.is_of_tcp() {
            return Some(PassedOver::OtherProtocol);
        }
        if family.is_some_and(|family| !spoken.contains(&family)) {
            return Some(PassedOver::Family);
        }
        if asks.beyond.is_some() {
            return Some(PassedOver::Beyond);
        }
        let position = self.subject.place.position();
        if !asks.hooks.is_empty() && !asks.hooks.iter().any(|hook| position.passes(*hook)) {
            return Some(PassedOver::Elsewhere);
        }
        let is_helper =
            asks.statement.contains("-j CT ") || asks.statement.contains("ct helper set");
        if is_helper && !sees_control_connections(self.subject, asks) {
            return Some(PassedOver::OtherHelper);
        }
        if !self.knocks.may_meet(&asks.only) {
            return Some(PassedOver::Ports);
        }
        let told = told.filter(|told| !told.conditions.is_empty())?;
        let is_met = told
            .conditions
            .iter()
            .all(|condition| self.meets(condition));
        // Of what is negated, somebody else is meant.
        (!self.is_everybody || !(is_met || told.negated)).then_some(PassedOver::Peers)
    }

    /// Whether anybody who was tried is where a condition says: nobody has a multicast address, or is on the loopback interface.
    fn meets(&self, condition: &Condition) -> bool {
        let mut topologies = self.topologies.iter();
        topologies.any(|topology| match condition {
            Condition::Unread(_) => false,
            Condition::In(names) | Condition::Out(names) => {
                let mut interfaces = topology.interfaces();
                interfaces.any(|interface| {
                    let here = interface.name.as_str();
                    names.iter().any(|name| match name.strip_suffix('+') {
                        Some(start) => here.starts_with(start),
                        None => here == name,
                    })
                })
            }
            Condition::Source(addresses) | Condition::Destination(addresses) => {
                let mut tried = topology.addresses();
                tried.any(|(address, _)| {
                    let number = Addresses::number(address);
                    let mut ranges = addresses.ranges().iter();
                    Family::of(address) == addresses.family()
                        && ranges.any(|(first, last)| (*first..=*last).contains(&number))
                })
            }
        })
    }
}

/// Whether the first packet of a control connection that is tried can come to a rule.
fn sees_control_connections(subject: &Subject, asks: &Asks) -> bool {
    let [_, to] = asks.only.ports();
    let within = |(low, high): &(u16, u16)| (*low..=*high).contains(&subject.connect_port);
    let leaves = subject.place.position() == Position::Client;
    let is_of_way = |hook: &Hook| matches!(hook, Hook::Output | Hook::Postrouting) == leaves;
    to.is_none_or(|ports| ports.iter().any(within)) && asks.hooks.iter().any(is_of_way)
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
