use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// What is still asked of the engine.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    starts: usize,
    removals: usize,
}

/// How many containers it did not remove.
static LEFT: AtomicUsize = AtomicUsize::new(0);

static ASKED: LazyLock<watch::Sender<Asked>> = LazyLock::new(watch::Sender::default);

/// What is asked of the engine.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Start,
    Removal,
}

/// A start or a removal, as long as it goes on.
pub(crate) struct Working(Kind);

impl Working {
    /// A start, which ends in a removal when nobody wants its container any more.
    pub(crate) fn start() -> Working {
        Working::begin(Kind::Start)
    }

    pub(crate) fn removal() -> Working {
        Working::begin(Kind::Removal)
    }

    fn begin(kind: Kind) -> Working {
        ASKED.send_modify(|asked| *asked.count(kind) += 1);
        Working(kind)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        ASKED.send_modify(|asked| *asked.count(self.0) -= 1);
    }
}

impl Asked {
    fn count(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Start => &mut self.starts,
            Kind::Removal => &mut self.removals,
        }
    }
}

/// The engine did not remove a container: the next sweep does.
pub(crate) fn left() {
    LEFT.fetch_add(1, Ordering::Relaxed);
}

/// How many containers the engine did not remove since this was last asked.
pub(crate) fn taken_left() -> usize {
    LEFT.swap(0, Ordering::Relaxed)
}

/// Waits until nothing is asked of the engine any more.
pub(crate) async fn all_done() {
    wait(|asked| asked.starts == 0 && asked.removals == 0).await;
}

/// Waits until every container is removed that nobody holds any more.
pub(crate) async fn removals_done() {
    wait(|asked| asked.removals == 0).await;
}

async fn wait(is_over: impl Fn(&Asked) -> bool) {
    let mut asked = ASKED.subscribe();
    let over = asked.wait_for(is_over).await;
    over.expect("a static sender is never dropped");
}
