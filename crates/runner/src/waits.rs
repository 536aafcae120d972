use std::fmt;
use std::sync::Arc;

/// Whom a cell tells what it waits for while it runs: what makes it longer than others, and no part of what becomes of it.
#[derive(Clone)]
pub(crate) struct Waits(Arc<dyn Fn(&str) + Send + Sync>);

impl Waits {
    pub(crate) fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Waits {
        Waits(Arc::new(tell))
    }

    /// Nobody listens.
    pub(crate) fn for_nobody() -> Waits {
        Waits::new(|_| {})
    }

    pub(crate) fn tell(&self, why: &str) {
        (self.0)(why);
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waits")
    }
}
