//! The rows of the table: classes of peers for whom everything came to the same are one.

use std::collections::BTreeSet;

use fwlab_check::{Tried, described, grouped};
use fwlab_record::{Axes, Cause, CellRecord, Family, Judgement, Packet};

use crate::report::{Labels, Shown};

/// The cells to show: of classes that came to the same, those of the first, labelled with all.
pub(super) fn merged<'a>(
    rules: &str,
    tried: &[Tried],
    records: &[&'a CellRecord],
) -> (Vec<&'a CellRecord>, Labels) {
    let cells = tried.iter().zip(records.iter().copied());
    let groups = grouped(cells, |record| (axes(record), Came::of(record)));
    // Where everybody comes to the same, nobody need be named; and it is not known of those that were not tried.
    let all_tried = tried
        .iter()
        .all(|tried| tried.classes.untried == 0 && tried.classes.unread.is_empty());
    let families: BTreeSet<Family> = tried.iter().map(|tried| tried.family).collect();
    let is_simple = all_tried && groups.len() == families.len() && {
        let of = groups.iter().map(|classes| classes[0][0].0.family);
        of.collect::<BTreeSet<Family>>() == families
    };
    let mut labels = Labels::of_classes(rules, is_simple);
    let mut shown = Vec::new();
    for classes in groups {
        let label = match is_simple {
            true => rules.to_owned(),
            false => described(&classes),
        };
        for (_, record) in &classes[0] {
            labels.label(&record.axes, label.clone());
            shown.push(*record);
        }
    }
    (shown, labels)
}

/// A cell's place, whatever class it is of.
pub(super) fn axes(record: &CellRecord) -> Axes {
    Axes {
        scenario: String::new(),
        ..record.axes.clone()
    }
}

/// What a cell came to, without what differs between hosts that are decided on alike.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::command) struct Came {
    pub(in crate::command) shown: Shown,
    cause: Option<String>,
    why: String,
}

impl Came {
    pub(in crate::command) fn of(record: &CellRecord) -> Came {
        let why = match &record.judgement {
            Judgement::Inconclusive { why } | Judgement::Skipped { why } => why.clone(),
            _ => String::new(),
        };
        let outcome = record.judgement.outcome();
        Came {
            shown: Shown::of(&record.judgement),
            cause: outcome.map(|outcome| cause(&outcome.cause)),
            why,
        }
    }
}

/// A cause by its place: the packet's kind, and not whose it was.
fn cause(cause: &Cause) -> String {
    let kind = match cause.packet() {
        None => String::new(),
        Some(Packet::Tcp { flags, .. }) => flags.to_string(),
        Some(Packet::Icmp { kind, code, .. }) => format!("ICMP {kind}.{code}"),
        Some(Packet::Other { number, .. }) => format!("protocol {number}"),
    };
    match cause {
        Cause::Rule {
            node, rule, led_to, ..
        } => {
            let led_to = led_to.as_deref().map(self::cause);
            format!("{node} {rule} {kind} {led_to:?}")
        }
        Cause::Policy { node, chain, .. } => format!("{node} {chain} {kind}"),
        Cause::Helper { node, .. } => format!("helper {node} {kind}"),
        Cause::Host { node, .. } => format!("host {node} {kind}"),
        Cause::Loss { node, .. } => format!("loss {node} {kind}"),
        Cause::None => String::new(),
        Cause::Reply { reply } => reply.clone(),
    }
}
