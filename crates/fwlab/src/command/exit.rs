use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use fwlab_runner::Summary;
use miette::{Diagnostic, GraphicalTheme};

use crate::rendered::rendered_with;

/// How the command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// Everything required was met.
    Good = 0,
    /// Something was missed.
    Missed = 1,
    /// The arguments, a scenario or a ruleset are wrong.
    Usage = 2,
    /// The lab could not tell, or cannot work here.
    Lab = 3,
}

impl Exit {
    /// The exit code of the process: a result that could not be told is none.
    pub(super) fn code(self) -> u8 {
        match self {
            Exit::Good if UNWRITTEN.load(Ordering::Relaxed) => Exit::Lab as u8,
            exit => exit as u8,
        }
    }

    pub(super) fn of(summary: &Summary) -> Exit {
        match summary {
            Summary { missed: 1.., .. } => Exit::Missed,
            Summary {
                inconclusive: 1.., ..
            } => Exit::Lab,
            // A run in which nothing was run proves nothing.
            Summary {
                met: 0,
                reported: 0,
                skipped: 1..,
                ..
            } => Exit::Lab,
            _ => Exit::Good,
        }
    }
}

/// Whether something could not be written to standard output.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// Writes to standard output; a reader that is gone is no mistake of ours.
pub(crate) fn print(text: impl Display) {
    let mut stdout = std::io::stdout().lock();
    let written = write!(stdout, "{text}").and_then(|()| stdout.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
        && !UNWRITTEN.swap(true, Ordering::Relaxed)
    {
        complain(format!("standard output cannot be written: {error}"), None);
    }
}

/// Tells mistakes, each with its place.
pub(super) fn tell<'a>(mistakes: impl IntoIterator<Item = &'a dyn Diagnostic>) {
    let theme = if console::colors_enabled_stderr() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    for mistake in mistakes {
        let text = rendered_with(mistake, theme.clone());
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// Tells one thing that went wrong, and what to do about it.
pub(super) fn complain(what: impl Display, help: Option<&str>) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "fwlab: {what}");
    if let Some(help) = help {
        let _ = writeln!(stderr, "  {help}");
    }
}
