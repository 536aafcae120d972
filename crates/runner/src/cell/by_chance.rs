use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use fwlab_ftp::port_choice;
use fwlab_judge::Finding;
use fwlab_model::ruleset::Hook;
use fwlab_record::{Cause, NodeName, PeerName, Phase};

use crate::plan::Cell;
use crate::rules::PreparedRuleset;

/// How many rules a note names.
const NAMED: usize = 3;

/// The ranges of the rules that cut those ports in two from which a peer picked the data connection's by chance,
/// and the setting that leaves nothing to chance.
pub(super) fn by_chance(cell: &Cell, rules: &PreparedRuleset, finding: &Finding) -> Option<String> {
    let Finding::Outcome(outcome) = finding else {
        return None;
    };
    if outcome.cause != Cause::None && outcome.phase < Phase::DataConnect {
        return None;
    }
    let (peer, setting) = picking(cell)?;
    let choice = port_choice(peer);
    let mut cutting: Vec<_> = rules
        .by_port
        .iter()
        .filter(|(node, rule)| cuts(rule.ports, &choice) && meets(cell, node, &rule.hooks))
        .map(|(_, rule)| rule)
        .collect();
    cutting.dedup_by_key(|rule| (rule.ports, rule.source_line));
    let (first, last) = cutting.first()?.ports;
    let told: Vec<String> = cutting
        .iter()
        .take(NAMED)
        .map(|rule| {
            let (first, last) = rule.ports;
            match rule.source_line {
                Some(line) => format!("{first} to {last} ({line})"),
                None => format!("{first} to {last}"),
            }
        })
        .collect();
    let more = match cutting.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "the data connection's port is chance: {peer} picks one of {} to {}, and the rules tell {}{more} from the rest; \
         where those ports are meant, `{setting} = \"{first}-{last}\"` settles it",
        choice.start(),
        choice.end(),
        told.join(", "),
    ))
}

/// The peer that picks the data connection's port by chance, and the setting by which it would not.
fn picking(cell: &Cell) -> Option<(PeerName, &'static str)> {
    let scenario = &cell.scenario;
    if cell.axes.data.is_active() {
        let terms = &scenario.client;
        let free = terms.active_ports.is_none() && terms.script.is_none();
        free.then_some((cell.axes.client, "active-ports"))
    } else {
        let terms = &scenario.server;
        // What is set by a program's own names may set its ports.
        let free = terms.passive_ports.is_none()
            && terms.script.is_none()
            && terms.own.is_none()
            && terms.options.is_empty();
        free.then_some((cell.axes.server, "passive-ports"))
    }
}

/// Whether what opens the data connection comes by one of these hooks of a node.
fn meets(cell: &Cell, node: &NodeName, hooks: &BTreeSet<Hook>) -> bool {
    let stage = &cell.scenario.stage;
    let (from, to) = if cell.axes.data.is_active() {
        (&stage.server, &stage.client)
    } else {
        (&stage.client, &stage.server)
    };
    let passed: &[Hook] = match (node == from, node == to) {
        (true, true) => Hook::ALL,
        (true, false) => &[Hook::Output, Hook::Postrouting],
        (false, true) => &[Hook::Prerouting, Hook::Input],
        (false, false) => &[Hook::Prerouting, Hook::Forward, Hook::Postrouting],
    };
    // What is not known to be reached may be reached from anywhere.
    hooks.is_empty() || passed.iter().any(|hook| hooks.contains(hook))
}

/// Whether a range holds some of the ports, and not all.
fn cuts((first, last): (u16, u16), choice: &RangeInclusive<u16>) -> bool {
    let apart = last < *choice.start() || first > *choice.end();
    let all = first <= *choice.start() && last >= *choice.end();
    !apart && !all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_holds_some_of_the_ports_cuts_them() {
        let choice = 32768..=60999;
        for (ports, cut) in [
            ((40000, 40100), true),
            ((60000, 65535), true),
            ((1024, 32768), true),
            ((1024, 65535), false),
            ((32768, 60999), false),
            ((6000, 6010), false),
            ((61000, 65535), false),
        ] {
            assert_eq!(cuts(ports, &choice), cut, "{ports:?}");
        }
    }
}
