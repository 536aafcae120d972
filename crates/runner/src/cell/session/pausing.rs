use std::collections::BTreeSet;

use fwlab_record::{NodeName, PeerName};
use fwlab_scenario::plan::Cell;

/// The nodes of peers that pause.
pub(super) fn pausing(cell: &Cell, client: &NodeName) -> BTreeSet<NodeName> {
    let scenario = &cell.scenario;
    let scripts = [
        (PeerName::ScriptedClient, &scenario.client.script, client),
        (
            PeerName::ScriptedServer,
            &scenario.server.script,
            &scenario.deployment.server,
        ),
    ];
    scripts
        .into_iter()
        .filter(|(peer, ..)| [cell.axes.client, cell.axes.server].contains(peer))
        .filter(|(_, script, _)| script.as_ref().is_some_and(|script| script.pauses()))
        .map(|(.., node)| node.clone())
        .collect()
}
