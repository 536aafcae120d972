use std::net::{IpAddr, Ipv4Addr};

use fwlab_record::words;

use super::{OwnSettings, SettingNote};

words! {
    /// An FTP server whose settings are read.
    pub enum ServerProgram {
        /// vsftpd: `vsftpd.conf`.
        Vsftpd,
        /// ProFTPD: `proftpd.conf`.
        Proftpd,
        /// Pure-FTPd: `pure-ftpd.conf`, a file for each setting, or options.
        PureFtpd,
    }
}

/// What of a server's settings matters to a firewall, with the program's own defaults. `None` where neither the settings nor
/// the program's documentation say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerSettings {
    /// The port that it waits for clients on; `None` where something else does that for it (inetd).
    pub control_port: Option<u16>,
    /// The ports of passive data connections, the first and the last; `None`: any.
    pub passive_ports: Option<(u16, u16)>,
    /// The address that its 227 announces; `None`: the control connection's.
    pub advertised_address: Option<Ipv4Addr>,
    /// Whether active data connections come from port 20.
    pub data_from_port_20: Option<bool>,
    /// Whether a session can be protected by TLS.
    pub offers_tls: Option<bool>,
    /// Whether a session has to be.
    pub requires_tls: Option<bool>,
    /// Whether TLS begins with the first byte.
    pub implicit_tls: Option<bool>,
    /// Whether a protected data connection has to resume the control connection's TLS session.
    pub require_session_reuse: Option<bool>,
    /// Whether PORT and EPRT are allowed.
    pub active_enabled: Option<bool>,
    /// Whether PASV and EPSV are allowed.
    pub passive_enabled: Option<bool>,
    /// The address that it waits on; the unspecified one for all.
    pub listens_on: Option<IpAddr>,
}

/// A server's settings, once they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRead {
    /// Whose they are.
    pub program: ServerProgram,
    /// What messages call them: the main file.
    pub name: String,
    /// The settings.
    pub settings: ServerSettings,
    /// What was not understood or is not heeded, in order of line. Of very much, the first.
    pub notes: Vec<SettingNote>,
    /// What becomes of its settings where that program itself runs.
    pub own: OwnSettings,
}
