//! What of a cell's outcome is chance, and not what the rules say.

mod late_error;
mod port;
mod push;

use std::collections::BTreeSet;

pub use port::settling_ports;

use fwlab_judge::{Finding, Watch};
use fwlab_model::ruleset::Hook;
use fwlab_record::{Chance, NodeName};
use fwlab_scenario::plan::Cell;

use crate::rules::PreparedRuleset;

/// How many rules a note names.
const NAMED: usize = 3;

/// Something that an outcome rests on, and that the rules leave to chance.
pub(super) struct ByChance {
    pub(super) chance: Chance,
    /// What, and which rules decide by it.
    pub(super) note: String,
}

/// All of it.
pub(super) fn by_chance(
    cell: &Cell,
    rules: &PreparedRuleset,
    finding: &Finding,
    watch: &Watch,
) -> Vec<ByChance> {
    [
        port::port(cell, rules, finding),
        push::push(cell, rules, watch),
        late_error::late_error(cell, watch),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// From which node to which the data connection is opened.
fn opens(cell: &Cell) -> [&NodeName; 2] {
    let stage = &cell.scenario.stage;
    if cell.axes.data.is_active() {
        [&stage.server, &stage.client]
    } else {
        [&stage.client, &stage.server]
    }
}

/// Whether a packet from one node to another comes by one of these hooks of a node.
fn comes_by(node: &NodeName, [from, to]: [&NodeName; 2], hooks: &BTreeSet<Hook>) -> bool {
    let passed: &[Hook] = match (node == from, node == to) {
        (true, true) => Hook::ALL,
        (true, false) => &[Hook::Output, Hook::Postrouting],
        (false, true) => &[Hook::Prerouting, Hook::Input],
        (false, false) => &[Hook::Prerouting, Hook::Forward, Hook::Postrouting],
    };
    // What is not known to be reached may be reached from anywhere.
    hooks.is_empty() || passed.iter().any(|hook| hooks.contains(hook))
}
