//! The rows of the table: classes of peers for whom everything came to the same are one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fwlab_classes::{Classes, Representative};
use fwlab_record::{Axes, Cause, CellRecord, Family, Judgement, Packet};

use crate::report::{Labels, Shown};

/// The class of peers that a cell was for.
#[derive(Debug, Clone)]
pub(in crate::command) struct Tried {
    pub(in crate::command) classes: Arc<Classes>,
    pub(in crate::command) class: usize,
    pub(in crate::command) family: Family,
}

impl Tried {
    pub(in crate::command) fn representative(&self) -> Representative {
        self.classes.representative(self.class)
    }

    /// What the scenario of this class is called; that of the only one as the rules are.
    pub(in crate::command) fn name(&self, rules: &str) -> String {
        if self.classes.len() == 1 {
            return rules.to_owned();
        }
        let of = self.classes.describe(&BTreeSet::from([self.class]));
        format!("{rules}, {}", of.join("; "))
    }
}

/// The cells of one class.
type OfClass<'a, 'b> = Vec<(&'b Tried, &'a CellRecord)>;

/// The cells to show: of classes that came to the same, those of the first, labelled with all.
pub(super) fn merged<'a>(
    rules: &str,
    tried: &[Tried],
    records: &[&'a CellRecord],
) -> (Vec<&'a CellRecord>, Labels) {
    let mut of_class: BTreeMap<(Family, usize), OfClass<'a, '_>> = BTreeMap::new();
    for (tried, record) in tried.iter().zip(records) {
        let class = (tried.family, tried.class);
        of_class.entry(class).or_default().push((tried, record));
    }
    // What it came to, and the cells of each class that came to it.
    let mut groups: Vec<(Vec<Came>, Vec<OfClass<'a, '_>>)> = Vec::new();
    for cells in of_class.into_values() {
        let came: Vec<Came> = cells.iter().map(|(_, record)| Came::of(record)).collect();
        match groups.iter_mut().find(|(known, _)| *known == came) {
            Some((_, classes)) => classes.push(cells),
            None => groups.push((came, vec![cells])),
        }
    }
    // Where everybody comes to the same, nobody need be named.
    let families: BTreeSet<Family> = tried.iter().map(|tried| tried.family).collect();
    let is_simple = groups.len() == families.len() && {
        let of = groups.iter().map(|(_, classes)| classes[0][0].0.family);
        of.collect::<BTreeSet<Family>>() == families
    };
    let mut labels = Labels::of_classes(rules, is_simple);
    let mut shown = Vec::new();
    for (_, classes) in groups {
        let (first, _) = classes[0][0];
        let members = classes.iter().map(|cells| cells[0].0.class).collect();
        let label = match is_simple {
            true => rules.to_owned(),
            false => first.classes.describe(&members).join("; "),
        };
        for (_, record) in &classes[0] {
            labels.label(&record.axes, label.clone());
            shown.push(*record);
        }
    }
    (shown, labels)
}

/// What a cell came to, without what differs between hosts that are decided on alike.
#[derive(Debug, PartialEq)]
struct Came {
    axes: Axes,
    shown: Shown,
    cause: Option<String>,
    why: String,
}

impl Came {
    fn of(record: &CellRecord) -> Came {
        let why = match &record.judgement {
            Judgement::Inconclusive { why } | Judgement::Skipped { why } => why.clone(),
            _ => String::new(),
        };
        Came {
            axes: Axes {
                scenario: String::new(),
                ..record.axes.clone()
            },
            shown: Shown::of(&record.judgement),
            cause: record
                .judgement
                .outcome()
                .map(|outcome| cause(&outcome.cause)),
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
