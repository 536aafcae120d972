use fwlab_judge::Finding;
use fwlab_model::ruleset::PortEnd;
use fwlab_record::{Chance, NodeName};
use fwlab_scenario::plan::Cell;

use super::cutting::{Opening, cutting, in_words};
use super::{ByChance, IS_CHANCE, ephemeral_ports, opens};
use crate::cell::session::Session;
use crate::rules::PreparedRuleset;

/// What a note of this is about.
pub(super) const OF_CLIENT: &str = "the port that the client connects from";
pub(super) const OF_SERVER: &str = "the port that the server connects from";

/// The ranges of the rules that cut those ports in two from which the kernel of a node picked one for a connection of its peer.
pub(super) fn source_port(
    cell: &Cell,
    rules: &PreparedRuleset,
    finding: &Finding,
    session: &Session<'_>,
    of: &NodeName,
) -> Option<ByChance> {
    if !matches!(finding, Finding::Outcome(_)) {
        return None;
    }
    let deployment = &cell.scenario.deployment;
    let choice = ephemeral_ports(cell, of);
    let of_control = [&deployment.client, &deployment.server];
    let opened = [(false, of_control), (true, opens(cell))];
    let openings: Vec<Opening<'_>> = opened
        .into_iter()
        .filter(|(_, [from, _])| *from == of)
        .flat_map(|(of_data, way)| Opening::both_ways(of_data, way, PortEnd::Source))
        .collect();
    let cutting = cutting(cell, rules, session, &choice, &openings);
    if cutting.is_empty() {
        return None;
    }
    let about = if *of == deployment.client {
        OF_CLIENT
    } else {
        OF_SERVER
    };
    Some(ByChance {
        chance: Chance::SourcePort,
        note: format!(
            "{about}{IS_CHANCE}its kernel picks one of {} to {}, and the rules tell {} from the \
             rest; the same transfer may end another way the next time",
            choice.start(),
            choice.end(),
            in_words(&cutting),
        ),
    })
}
