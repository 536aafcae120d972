use std::sync::LazyLock;

use tokio::sync::watch;

/// What is still asked of the engine.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    starts: usize,
    removals: usize,
}

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
