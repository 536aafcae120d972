use std::io;
use std::time::Duration;

use suppaftp::FtpError;
use suppaftp::types::Response;

use crate::wire::{Reply, ReplyCode};
use crate::{ClientFailure, Connection, FailureKind};

/// The reply that suppaftp read.
pub(crate) fn reply(response: &Response) -> Reply {
    Reply::parse_all(&response.body)
        .pop()
        .or_else(|| {
            let code = u16::try_from(response.status.code()).ok()?;
            Some(Reply {
                code: ReplyCode::new(code)?,
                lines: vec![String::new()],
            })
        })
        .unwrap_or(Reply {
            code: ReplyCode::new(599).expect("599 is a code"),
            lines: vec![String::from_utf8_lossy(&response.body).into_owned()],
        })
}

/// What suppaftp's error on the control connection means.
pub(crate) fn control(error: &FtpError) -> ClientFailure {
    let kind = match error {
        FtpError::UnexpectedResponse(response) => FailureKind::Reply(reply(response)),
        FtpError::BadResponse => FailureKind::NoFtp,
        FtpError::ConnectionError(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof => FailureKind::Closed,
            // suppaftp's own: a reply over 256 KiB.
            io::ErrorKind::InvalidData => FailureKind::NoFtp,
            _ => FailureKind::Broken,
        },
        _ => FailureKind::NoFtp,
    };
    ClientFailure {
        on: Connection::Control,
        words: match &kind {
            FailureKind::Reply(reply) => reply.to_string(),
            _ => error.to_string(),
        },
        kind,
    }
}

/// A connection could not be opened.
pub(crate) fn connect(on: Connection, error: &io::Error) -> ClientFailure {
    ClientFailure {
        on,
        kind: FailureKind::Connect,
        words: error.to_string(),
    }
}

/// The TLS handshake failed.
pub(crate) fn tls(on: Connection, error: &io::Error) -> ClientFailure {
    ClientFailure {
        on,
        kind: FailureKind::Tls,
        words: format!("TLS: {error}"),
    }
}

/// Patience for the TLS handshake ended.
pub(crate) fn tls_deadline(on: Connection, silence: Duration) -> ClientFailure {
    ClientFailure {
        on,
        kind: FailureKind::Tls,
        words: format!("TLS: the handshake is not over after {silence:?}"),
    }
}

/// Patience for a connection ended.
pub(crate) fn connect_deadline(on: Connection, timeouts: Duration) -> ClientFailure {
    deadline(on, format!("not open after {timeouts:?}"))
}

/// Patience for a reply ended.
pub(crate) fn no_reply(to: &str, silence: Duration) -> ClientFailure {
    deadline(
        Connection::Control,
        format!("no reply to {to} after {silence:?}"),
    )
}

/// Patience for the whole session ended.
pub(crate) fn session_deadline(whole: Duration) -> ClientFailure {
    deadline(
        Connection::Control,
        format!("the session is not over after {whole:?}"),
    )
}

/// Patience for data ended.
pub(crate) fn data_silent(silence: Duration) -> ClientFailure {
    deadline(Connection::Data, format!("silent for {silence:?}"))
}

/// The data connection broke.
pub(crate) fn data_broke(error: &io::Error) -> ClientFailure {
    ClientFailure {
        on: Connection::Data,
        kind: FailureKind::Broken,
        words: error.to_string(),
    }
}

/// The server said no, or something else, in a reply.
pub(crate) fn refused(reply: Reply) -> ClientFailure {
    ClientFailure {
        on: Connection::Control,
        words: reply.to_string(),
        kind: FailureKind::Reply(reply),
    }
}

fn deadline(on: Connection, words: String) -> ClientFailure {
    ClientFailure {
        on,
        kind: FailureKind::Deadline,
        words,
    }
}
