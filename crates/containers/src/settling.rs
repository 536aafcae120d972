use std::time::Duration;

use crate::{Unsettled, warm, work};

/// How long it is waited for what the engine still has to do in the end.
const SETTLE: Duration = Duration::from_secs(20);

/// Waits until every container is removed that belonged to a cell which is over. Those that
/// wait for cells stay: they end with this process. So does what the engine does not come to remove.
pub async fn cleared() {
    let _ = tokio::time::timeout(SETTLE, work::removals_done()).await;
}

/// Removes the containers that wait for cells, and waits until every container of this
/// process is removed.
///
/// # Errors
/// When the engine does not answer for 20 seconds, or does not remove one.
pub async fn settle() -> Result<(), Unsettled> {
    let settled = async {
        warm::end_all().await;
        work::all_done().await;
    };
    let settled = tokio::time::timeout(SETTLE, settled).await;
    if settled.is_err() || work::taken_left() > 0 {
        return Err(Unsettled);
    }
    Ok(())
}
