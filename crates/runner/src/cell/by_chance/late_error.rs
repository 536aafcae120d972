use fwlab_judge::SessionTracker;
use fwlab_record::Chance;
use fwlab_scenario::plan::Cell;

use super::ByChance;

/// An ICMP error about the last packet of a handshake. The connection is open then, and TCP keeps the error
/// (`sk_err_soft`): a program hears of it only if it asks how its connect ended (`SO_ERROR`) when the error has come.
pub(super) fn late_error(cell: &Cell, tracker: &SessionTracker) -> Option<ByChance> {
    let opener = tracker.late_error()?;
    let peer = if *opener == cell.scenario.deployment.client {
        cell.axes.client
    } else {
        cell.axes.server
    };
    Some(ByChance {
        chance: Chance::LateError,
        note: format!(
            "whether {peer} learns that its packet was rejected is chance: the ICMP error came in just as its \
             connection opened, and only a program that asks later how the connect ended learns of it; the same \
             transfer may end differently next time"
        ),
    })
}
