use std::fmt::Display;
use std::io::Write;

use fwlab_runner::Summary;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

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

/// Writes to standard output; a reader that is gone is no mistake of ours.
pub(super) fn print(text: impl Display) {
    let _ = write!(std::io::stdout().lock(), "{text}");
}

/// Tells mistakes, each with its place.
pub(super) fn tell<'a>(mistakes: impl IntoIterator<Item = &'a dyn Diagnostic>) {
    let theme = if console::colors_enabled_stderr() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    for mistake in mistakes {
        let mut text = String::new();
        if handler.render_report(&mut text, mistake).is_err() {
            text = mistake.to_string();
        }
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
