use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use fwlab_ftp::script::Script;
use fwlab_ftp::{Certificate, DataSourcePort, Login, OwnServer};

use crate::format::table::table;
use crate::format::value::{Node, Parsed, Port, Ports, Settings, Switch, Word};
use crate::format::vocabulary::Logins;
use crate::read::certificate::CertificateFile;
use crate::read::script::ServerScript;

table! {
    ServerTable, ["server"], "How the FTP server is set up, whichever server it is.",
    fills terms:
    /// How a server is set up, whichever it is.
    #[derive(Debug, Clone)]
    pub struct ServerTerms {
        /// What a scripted server does.
        script: Option<Arc<Script>> = None,
        /// Which one a server of somebody else's is.
        own: Option<OwnServer> = None,
    }
    keys {
        "at", Node, "the node that it runs on; default `server`" -> at;
        "control-port", Port, "where it listens; default 21" => control_port: u16 = 21;
        "passive-ports", Ports,
        "where it listens for passive data connections; default: any port of its choice. A range may be written \
         the wrong way round, to see how the server handles it"
            => passive_ports: Option<(u16, u16)> = None;
        "data-source-port", Word<DataSourcePort>,
        "the source port of its active data connections; default `ephemeral`"
            => data_source_port: DataSourcePort = DataSourcePort::Ephemeral;
        "login", Word<Logins>, "who logs in; default: the user whom the server allows the most"
            => login: Option<Login> = None;
        "options", Settings<String>,
        "further settings of a server that is a program, by their own names; a server that does not know them is skipped"
            => options: BTreeMap<String, String> = BTreeMap::new();
        "advertised-address", Parsed<Ipv4Addr>,
        "the IPv4 address that its 227 announces, as for a server behind NAT; default: the control \
         connection's"
            => advertised_address: Option<Ipv4Addr> = None;
        "certificate", CertificateFile,
        "a PEM file, relative to this one, with a certificate and its private key; default: one that the lab makes"
            => certificate: Option<Certificate> = None;
        "require-session-reuse", Switch,
        "`true` refuses a protected data connection that does not resume the TLS session of the control connection; \
         default `false`"
            => require_session_reuse: bool = false;
        "script", ServerScript,
        "what `scripted-server` does, in the language of [Scripted peers](#scripted-peers)" -> script;
    }
}
