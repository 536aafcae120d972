//! What a scripted client's failures are called.

use std::io;
use std::time::Duration;

use crate::wire::Event;
use crate::{ClientFailure, Connection, FailureKind};

fn on_control(kind: FailureKind, words: impl Into<String>) -> ClientFailure {
    ClientFailure {
        on: Connection::Control,
        kind,
        words: words.into(),
    }
}

pub(super) fn closed() -> ClientFailure {
    on_control(FailureKind::Closed, "the server closed the connection")
}

pub(super) fn broke(error: &io::Error) -> ClientFailure {
    let kind = match error.kind() {
        // Control's own: more than anybody reads.
        io::ErrorKind::InvalidData => FailureKind::NoFtp,
        _ => FailureKind::Broken,
    };
    on_control(kind, error.to_string())
}

pub(super) fn no_ftp(event: &Event) -> ClientFailure {
    let words = match event {
        Event::NoReply { line } => format!("`{line}` is not a reply"),
        other => format!("{other:?} is not a reply"),
    };
    on_control(FailureKind::NoFtp, words)
}

pub(super) fn silent(silence: Duration) -> ClientFailure {
    on_control(FailureKind::Deadline, format!("no reply after {silence:?}"))
}

pub(super) fn nothing_transferred(moved: bool) -> ClientFailure {
    let words = if moved {
        "the script ended without a positive reply after the transfer"
    } else {
        "the script ended without a transfer"
    };
    on_control(FailureKind::Program, words)
}

pub(super) fn nothing_announced() -> ClientFailure {
    on_control(
        FailureKind::NoFtp,
        "no reply has announced where to connect to",
    )
}
