#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{VariantArray, VariantNames};

/// An FTP implementation that a cell can run.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantArray,
    strum::VariantNames,
)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PeerName {
    /// The server of the embedded pair, a Rust library.
    Libunftp,
    /// The client of the embedded pair, a Rust library.
    Suppaftp,
    /// A server program.
    Vsftpd,
    /// A client program.
    Curl,
    /// A client program.
    Lftp,
    /// A server program, in a container.
    Proftpd,
    /// A server program, in a container.
    PureFtpd,
    /// A client program.
    Tnftp,
    /// A client program.
    Wget,
    /// A client program: Python's own library.
    Ftplib,
    /// A server program: a library of Python's.
    Pyftpdlib,
    /// A server inside the lab that does what a script says.
    ScriptedServer,
    /// A client inside the lab that does what a script says.
    ScriptedClient,
    /// A server that somebody else started, and that runs already.
    OwnServer,
}

impl PeerName {
    /// Every peer that can be asked for by its name, in the order in which tables show them: all
    /// but the last.
    pub const ALL: &'static [PeerName] = match <Self as VariantArray>::VARIANTS.split_last() {
        Some((_, named)) => named,
        None => &[],
    };

    /// The name as it is written in files and reports.
    pub const fn word(self) -> &'static str {
        <Self as VariantNames>::VARIANTS[self as usize]
    }

    /// Whether this peer is an FTP server, rather than a client.
    pub fn is_server(self) -> bool {
        matches!(
            self,
            PeerName::Libunftp
                | PeerName::Vsftpd
                | PeerName::Proftpd
                | PeerName::PureFtpd
                | PeerName::Pyftpdlib
                | PeerName::ScriptedServer
                | PeerName::OwnServer
        )
    }

    /// Whether this peer is inside the lab, or handed to it, rather than a program that must
    /// be on the machine.
    pub fn is_embedded(self) -> bool {
        matches!(
            self,
            PeerName::Libunftp
                | PeerName::Suppaftp
                | PeerName::ScriptedServer
                | PeerName::ScriptedClient
                | PeerName::OwnServer
        )
    }

    /// Whether it does what a scenario's script says.
    pub fn is_scripted(self) -> bool {
        matches!(self, PeerName::ScriptedServer | PeerName::ScriptedClient)
    }
}
