//! What of a cell's outcome is chance, and not what the rules say.

mod cutting;
mod late_error;
mod port;
mod push;
mod rule;
mod source_port;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

pub use port::settling_ports;

use fwlab_judge::Finding;
use fwlab_model::NodeSpec;
use fwlab_model::ruleset::Hook;
use fwlab_record::{Chance, NodeName};
use fwlab_scenario::plan::Cell;

use super::session::Session;
use crate::rules::PreparedRuleset;

/// How many rules a note names.
const NAMED: usize = 3;

/// How a note goes on that says what is chance.
const IS_CHANCE: &str = " is chance: ";

/// What a note of a cell is about that says that a port is chance; nothing where it is no such note, or of another chance.
pub fn is_about_port(note: &str, chance: Chance) -> Option<&'static str> {
    let about: &[&'static str] = match chance {
        Chance::DataPort => &[port::DATA_PORT],
        Chance::SourcePort => &[source_port::OF_CLIENT, source_port::OF_SERVER],
        _ => &[],
    };
    let mut about = about.iter().copied();
    about.find(|about| {
        let rest = note.strip_prefix(about);
        rest.is_some_and(|rest| rest.starts_with(IS_CHANCE))
    })
}

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
    session: &Session<'_>,
) -> Vec<ByChance> {
    let tracker = session.tracker();
    let deployment = &cell.scenario.deployment;
    let connects_from = |node| source_port::source_port(cell, rules, finding, session, node);
    [
        port::port(cell, rules, finding, session),
        connects_from(&deployment.client),
        connects_from(&deployment.server).filter(|_| deployment.server != deployment.client),
        push::push(cell, rules, tracker),
        late_error::late_error(cell, tracker),
        rule::rule(finding, session),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// From which node to which the data connection is opened.
fn opens(cell: &Cell) -> [&NodeName; 2] {
    let deployment = &cell.scenario.deployment;
    if cell.axes.data.is_active() {
        [&deployment.server, &deployment.client]
    } else {
        [&deployment.client, &deployment.server]
    }
}

/// The ports from which a node's kernel picks.
fn ephemeral_ports(cell: &Cell, node: &NodeName) -> RangeInclusive<u16> {
    let node = cell.scenario.deployment.topology.node(node);
    node.map_or(NodeSpec::EPHEMERAL_PORTS, NodeSpec::ephemeral_ports)
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
