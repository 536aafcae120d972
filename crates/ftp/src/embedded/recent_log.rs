use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use slog::{Drain, Level, Logger, Never, OwnedKVList, Record};

/// How many messages are kept.
const KEPT: usize = 16;

/// The latest warnings of an embedded server.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    /// A logger that leads here.
    pub(crate) fn logger(&self) -> Logger {
        Logger::root(self.clone(), slog::o!())
    }

    /// The messages, one a line.
    pub(crate) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Drain for LastWords {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), Never> {
        if record.level().is_at_least(Level::Warning) {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(record.msg().to_string());
        }
        Ok(())
    }
}
