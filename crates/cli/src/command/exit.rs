use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use fwlab_check::{Message, Messages};
use fwlab_record::Exit;
use fwlab_runner::Summary;
use miette::{Diagnostic, GraphicalTheme};

use crate::text::{Page, columns};

/// The exit code of the process: a result that could not be told is none.
pub(super) fn code(exit: Exit) -> u8 {
    if exit == Exit::Good && UNWRITTEN.load(Ordering::Relaxed) {
        Exit::Lab.code()
    } else {
        exit.code()
    }
}

/// How a run ends.
pub(super) fn of_run(summary: &Summary) -> Exit {
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

/// Whether something could not be written to standard output.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// Writes to standard output; a reader that is gone is no mistake of ours.
pub(crate) fn print(page: impl Into<Page>) {
    if let Err(error) = write(std::io::stdout().lock(), &page.into())
        && error.kind() != ErrorKind::BrokenPipe
        && !UNWRITTEN.swap(true, Ordering::Relaxed)
    {
        complain(format!("standard output cannot be written: {error}"), None);
    }
}

/// Writes text that is read, and not copied: on a terminal no line is longer than that is wide.
pub(crate) fn print_prose(page: impl Into<Page>) {
    let page = page.into();
    match columns(&Term::stdout()) {
        Some(columns) => print(page.within(columns)),
        None => print(page),
    }
}

/// Writes to standard error. Nobody is left to tell when that fails.
pub(crate) fn print_aside(page: impl Into<Page>) {
    let _ = write(std::io::stderr().lock(), &page.into());
}

/// The one way to standard output and standard error.
fn write(mut stream: impl Write, page: &Page) -> std::io::Result<()> {
    stream.write_all(page.to_string().as_bytes())?;
    stream.flush()
}

/// Tells mistakes, each with its place.
pub(super) fn tell<'a>(mistakes: impl IntoIterator<Item = &'a dyn Diagnostic>) {
    let theme = if console::colors_enabled_stderr() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    for mistake in mistakes {
        let mut page = Page::of_mistake(mistake, theme.clone());
        page.text('\n');
        print_aside(page);
    }
}

/// Does what has something to say, and tells it, whatever came of it.
pub(super) fn telling<T>(what: impl FnOnce(&mut Messages) -> T) -> T {
    let mut said = Messages::default();
    let answer = what(&mut said);
    for message in said.take() {
        match message {
            Message::Sentence { what, help } => complain(what, help.as_deref()),
            Message::Mistake(mistake) => tell([&*mistake as &dyn Diagnostic]),
        }
    }
    answer
}

/// Tells one thing that went wrong, and what to do about it.
pub(crate) fn complain(what: impl Display, help: Option<&str>) {
    let mut page = Page::from(format!("fwlab: {what}\n"));
    if let Some(help) = help {
        page.text(format_args!("  {help}\n"));
    }
    match columns(&Term::stderr()) {
        Some(columns) => print_aside(page.within(columns)),
        None => print_aside(page),
    }
}
