use fwlab_judge::Watch;
use fwlab_record::Chance;
use fwlab_scenario::plan::Cell;

use super::ByChance;

/// An ICMP error about the last packet of a handshake. The connection is open then, and TCP keeps the error
/// (`sk_err_soft`): a program hears of it only if it asks how its connect ended (`SO_ERROR`) when the error has come.
pub(super) fn late_error(cell: &Cell, watch: &Watch) -> Option<ByChance> {
    let opener = watch.late_error()?;
    let peer = if *opener == cell.scenario.stage.client {
        cell.axes.client
    } else {
        cell.axes.server
    };
    Some(ByChance {
        chance: Chance::LateError,
        note: format!(
            "whether {peer} is told that its packet was rejected is chance: the ICMP error came in when its connection was \
             just open, and only who asks later than that how the connect ended is told; the same transfer may end another way \
             the next time"
        ),
    })
}
