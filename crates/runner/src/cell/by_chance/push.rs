use fwlab_judge::SessionTracker;
use fwlab_model::ruleset::ByPush;
use fwlab_record::{Chance, Packet, TcpFlags};
use fwlab_scenario::plan::Cell;

use super::{ByChance, NAMED, comes_by};
use crate::rules::PreparedRuleset;

/// The rules that decide by PSH on what the data connection carried.
pub(super) fn push(
    cell: &Cell,
    rules: &PreparedRuleset,
    tracker: &SessionTracker,
) -> Option<ByChance> {
    let deployment = &cell.scenario.deployment;
    let way = if cell.axes.operation.is_upload() {
        [&deployment.client, &deployment.server]
    } else {
        [&deployment.server, &deployment.client]
    };
    let segments: Vec<Packet> = tracker
        .data_sent_as()
        .map(|flow| Packet::Tcp {
            flow,
            flags: TcpFlags(TcpFlags::ACK),
            sequence: 0,
            acknowledgement: 0,
            payload: 1,
        })
        .collect();
    let deciding: Vec<&ByPush> = rules
        .by_push
        .iter()
        .filter(|(node, rule)| comes_by(node, way, &rule.hooks))
        .map(|(_, rule)| rule)
        .filter(|rule| segments.iter().any(|segment| rule.only.may_be(segment)))
        .collect();
    let told: Vec<String> = deciding
        .iter()
        .take(NAMED)
        .map(|rule| named(rule))
        .collect();
    if told.is_empty() {
        return None;
    }
    let (more, decide) = match deciding.len() - told.len() {
        0 if told.len() == 1 => (String::new(), "decides"),
        0 => (String::new(), "decide"),
        more => (format!(" and {more} more"), "decide"),
    };
    Some(ByChance {
        chance: Chance::Push,
        note: format!(
            "which segments of the data carry PSH is chance: TCP sets it where it has no more to send at that moment, and \
             {}{more} {decide} by it; the same transfer may end differently next time",
            told.join(", ")
        ),
    })
}

fn named(rule: &ByPush) -> String {
    match rule.source_line {
        Some(line) => format!("{} ({line})", rule.rule),
        None => rule.rule.to_string(),
    }
}
