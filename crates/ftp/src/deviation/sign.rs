use std::net::Ipv4Addr;

/// How a deviation shows to who watches both wires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The server answers a command with this code.
    Answers {
        /// The command.
        verb: &'static str,
        /// The reply's code.
        code: u16,
    },
    /// It ends the transfer with this reply, whichever the command was.
    EndsTransfer {
        /// The reply's code.
        code: u16,
    },
    /// Its 227 names no address that can be read.
    AnnouncesNothing,
    /// Its 227 names this address.
    Announces(Ipv4Addr),
    /// It ends the session in place of an answer.
    EndsSession {
        /// To which command.
        verb: &'static str,
    },
    /// It opens the active data connection before it answers PORT or EPRT.
    ConnectsBeforeReply,
    /// It opens the active data connection to itself.
    ConnectsToItself,
    /// It connects to what PORT or EPRT names, and that is not who it talks to.
    ConnectsElsewhere,
    /// PORT or EPRT names somebody else than who it talks to, and it answers with this code.
    RefusesElsewhere {
        /// The reply's code.
        code: u16,
    },
    /// PORT or EPRT names somebody else, and it connects to who it talks to.
    ConnectsBack,
    /// It serves a passive data connection that comes from another address than the
    /// control connection does.
    ServesAnother,
    /// The client sends this command, in place of the one that was asked for.
    Sends {
        /// What it sends.
        verb: &'static str,
        /// What was asked for.
        instead_of: &'static str,
    },
    /// The client opens no data connection to a 227 that names another address than the
    /// control connection's.
    StaysAway,
    /// The session is over after the preliminary reply, and the client has read no final one.
    LeavesUnread,
}
