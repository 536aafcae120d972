use crate::waits::Waits;

/// How a session goes about it.
#[derive(Debug, Clone)]
pub(in crate::cell) struct SessionSettings {
    /// Whether the kernel's evidence ends a cell, rather than the peers' timers.
    pub(in crate::cell) early: bool,
    /// Whether what the judge is told is kept.
    pub(in crate::cell) keep_stream: bool,
    /// Who is told what it waits for.
    pub(in crate::cell) waits: Waits,
}
