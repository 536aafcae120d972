use std::sync::LazyLock;

use tokio::sync::watch;

/// What is still asked of the engine: starts and removals.
static COUNT: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// A start or a removal, as long as it goes on.
pub(crate) struct Working(());

impl Working {
    pub(crate) fn begin() -> Working {
        COUNT.send_modify(|count| *count += 1);
        Working(())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        COUNT.send_modify(|count| *count -= 1);
    }
}

/// Waits until nothing is asked of the engine any more.
pub(crate) async fn all_done() {
    let mut count = COUNT.subscribe();
    count
        .wait_for(|count| *count == 0)
        .await
        .expect("a static sender is never dropped");
}
