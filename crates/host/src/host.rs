use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fwlab_record::{Backend, Family};

use crate::frame::{Edits, Frame};
use crate::mistake::CaptureMistakes;
use crate::network::{Address, Link, PolicyRule, Route};
use crate::piece::Piece;
use crate::reading::Reading;
use crate::section::SectionName;

/// A host, as far as FTP and its firewall are concerned. Texts are as the file has them: whoever shows them makes
/// them safe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// Whether public addresses and the host's name were replaced.
    pub is_redacted: bool,
    /// Its name.
    pub name: Option<String>,
    /// The kernel's name, release and machine, as `uname -srm` has them.
    pub kernel: Option<String>,
    /// The distribution, as it calls itself.
    pub system: Option<String>,
    /// When it was read, as `date` has it.
    pub time: Option<String>,
    /// The version that each program tells, by the program's name.
    pub versions: BTreeMap<String, String>,
    /// Its rules of iptables, by how they are loaded and for which family. Those that have no table are not here.
    pub iptables: BTreeMap<(Backend, Family), Piece>,
    /// Its ruleset of nft, without the tables of iptables-nft that are among [`Host::iptables`].
    pub nft: Option<Piece>,
    /// Its sets of ipset.
    pub ipset: Option<Piece>,
    /// Its interfaces, in the kernel's order.
    pub links: Vec<Link>,
    /// Their addresses, in the kernel's order.
    pub addresses: Vec<Address>,
    /// The main tables of routes of both families.
    pub routes: Vec<Route>,
    /// Which table of routes is used when, for both families, in order of priority.
    pub policy_rules: Vec<PolicyRule>,
    /// Settings below `net`, by their names: `net.ipv4.ip_forward`.
    pub sysctls: BTreeMap<String, String>,
    /// The kernel's modules for packets, as far as they are loaded or tell of themselves.
    pub modules: BTreeSet<String>,
    /// Parameters of conntrack's modules: `nf_conntrack_ftp.ports`.
    pub parameters: BTreeMap<String, String>,
    /// The files of FTP servers' settings.
    pub servers: Vec<ServerConfig>,
    /// Sockets that wait on ports of FTP, or belong to a program that is named after it.
    pub listeners: Vec<Listener>,
    /// What could not be read of the host, or is not understood in what was read, in order of line. Of very much, the first.
    pub unread: Vec<Unread>,
}

/// A file of an FTP server's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// The server's program, as `vsftpd`.
    pub program: String,
    /// What the file is called on the host. It is never opened here.
    pub file: String,
    /// Its text, without passwords of data bases.
    pub text: Piece,
}

/// A socket that waits for connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The address that it is bound to; the unspecified one for all.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The name of its process; `unknown` where it is the kernel's, or gone.
    pub program: String,
    /// The command line of an FTP server.
    pub command: String,
}

/// Something of the host that is not known, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The section that it would be in.
    pub section: SectionName,
    /// The line of the file.
    pub line: u32,
    /// Why it is not known.
    pub why: String,
}

impl Host {
    /// Reads the text of a file, which messages call by this name.
    ///
    /// # Errors
    /// The first thing that is wrong with the file as a whole, or everything that is wrong with what it says.
    pub fn read(name: &str, bytes: &[u8], edits: Edits) -> Result<Host, CaptureMistakes> {
        Reading::new(name).host(Frame::read(name, bytes, edits)?)
    }

    /// Whether the host has any rules: without, everything passes.
    pub fn has_rules(&self) -> bool {
        !self.iptables.is_empty() || self.nft.is_some()
    }
}
