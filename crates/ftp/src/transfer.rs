use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use fwlab_record::{DataSetup, Operation, Protection, Secret};

use crate::{Content, Pauses, Support, TlsSecrets};

/// Who a client logs in as.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Default,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantNames,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Login {
    /// Nobody in particular. Servers ask for no secret.
    #[default]
    Anonymous,
    /// The user that a server knows which the lab set up.
    Named,
    /// A user of a server that somebody else set up.
    #[strum(disabled)]
    As {
        /// The user's name.
        user: String,
        /// The user's password.
        password: String,
    },
}

impl Login {
    /// The user's name.
    pub fn user(&self) -> &str {
        match self {
            Login::Anonymous => "anonymous",
            Login::Named => "fwlab",
            Login::As { user, .. } => user,
        }
    }

    /// What is to be kept out of everything that is written down: somebody's own password. The lab's own protects nothing.
    pub fn secret(&self) -> Secret {
        match self {
            Login::Anonymous | Login::Named => Secret::new(""),
            Login::As { password, .. } => Secret::new(password),
        }
    }

    /// The user's password. The lab's own protects nothing.
    pub fn password(&self) -> &str {
        match self {
            Login::Anonymous => "fwlab@localhost",
            Login::Named => "fwlab",
            Login::As { password, .. } => password,
        }
    }
}

/// How long a client waits. Nothing is ever waited out in full: these are the
/// ends of waits for something that may not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to be opened, by either side.
    pub connect: Duration,
    /// For a reply, or for the next bytes of data.
    pub silence: Duration,
    /// For the whole session: a peer that goes on for ever, byte by byte, ends here.
    pub whole: Duration,
}

/// What a client makes of the address that a 227 announces. (A 229 announces none.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum PassiveAddress {
    /// It connects there, whatever it is.
    #[default]
    Announced,
    /// It takes the port, and connects to the address that its control connection goes
    /// to: what curl does when it is not told otherwise.
    Ignored,
}

/// One transfer, as every client is told it.
#[derive(Debug, Clone)]
pub struct TransferSpec {
    /// The address and port that the client connects to.
    pub server: SocketAddr,
    /// Who the client logs in as.
    pub login: Login,
    /// How the data connection is agreed on.
    pub data_setup: DataSetup,
    /// The protection of both connections.
    pub protection: Protection,
    /// Whether a protected data connection resumes the TLS session of the control
    /// connection, as servers may demand.
    pub session_reuse: bool,
    /// What is made of the address that a 227 announces.
    pub passive_address: PassiveAddress,
    /// What is done.
    pub operation: Operation,
    /// The file that is moved, or that a listing must name.
    pub content: Content,
    /// The ports that the client may listen on for an active data connection;
    /// any free one without. A server that connects from port 20 cannot connect
    /// twice to one port within a minute: its kernel keeps the first connection's
    /// TIME-WAIT (RFC 9293 section 3.6.1).
    pub active_ports: Option<RangeInclusive<u16>>,
    /// How long the client waits.
    pub timeouts: Timeouts,
    /// Where the client waits in the middle of its session; nowhere without.
    pub pauses: Option<Pauses>,
    /// How fast the client reads data, in bytes a second; as fast as it can without.
    pub pace: Option<NonZeroU64>,
    /// Where the client tells the secrets of its TLS sessions, if it can; nowhere without.
    pub tls_secrets: Option<TlsSecrets>,
}

/// What a server holds of a content: its first bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The content.
    pub content: Content,
    /// How many of its bytes are there.
    pub size: u64,
}

impl TransferSpec {
    /// A plain download by the anonymous user, who does nothing unusual: what others differ from.
    pub fn retr(
        server: SocketAddr,
        data_setup: DataSetup,
        content: Content,
        timeouts: Timeouts,
    ) -> TransferSpec {
        TransferSpec {
            server,
            login: Login::Anonymous,
            data_setup,
            protection: Protection::Plain,
            session_reuse: true,
            passive_address: PassiveAddress::Announced,
            operation: Operation::Retr,
            content,
            active_ports: None,
            timeouts,
            pauses: None,
            pace: None,
            tls_secrets: None,
        }
    }

    /// What the server must hold before the transfer.
    pub fn stored_before(&self) -> Option<Stored> {
        let size = match self.operation {
            Operation::Stor => return None,
            Operation::Appe => self.content.half(),
            Operation::Retr | Operation::Rest | Operation::List | Operation::Mlsd => {
                self.content.size()
            }
        };
        Some(Stored {
            content: self.content.clone(),
            size,
        })
    }

    /// Which bytes of the content the data connection carries: none for a listing.
    pub fn moved(&self) -> Range<u64> {
        let size = self.content.size();
        match self.operation {
            Operation::Retr | Operation::Stor => 0..size,
            Operation::Appe | Operation::Rest => self.content.half()..size,
            Operation::List | Operation::Mlsd => 0..0,
        }
    }

    /// The ports that the client listens on, where it is told which: passively, it listens on none.
    pub(crate) fn listened_ports(&self) -> Option<RangeInclusive<u16>> {
        let ports = self.active_ports.clone();
        ports.filter(|_| self.data_setup.is_active())
    }

    /// What no program can do: it runs through its session without us.
    pub(crate) fn wants_a_pause(&self) -> Option<Support> {
        let why = "a program cannot be made to wait in the middle of its session";
        self.pauses.as_ref().map(|_| Support::no(why))
    }

    /// Whether the data setup has no room for the address that is needed: PORT and PASV
    /// carry IPv4 addresses alone (RFC 959 section 4.1.2, RFC 2428 section 1).
    pub(crate) fn wants_four_over_six(&self) -> bool {
        let four_only = matches!(self.data_setup, DataSetup::Port | DataSetup::Pasv);
        four_only && self.server.is_ipv6()
    }
}
