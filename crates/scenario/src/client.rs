use std::ops::RangeInclusive;
use std::sync::Arc;

use fwlab_ftp::PassiveAddress;
use fwlab_ftp::script::Script;

use crate::format::table::table;
use crate::format::value::{Addresses, Node, Number, Port, PortRange, Switch, Word};
use crate::read::script::ClientScript;

table! {
    ClientTable, ["client"], "How the FTP client is set up, whichever client it is.",
    fills terms:
    /// How a client is set up, whichever it is.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ClientTerms {
        /// What a scripted client does.
        script: Option<Arc<Script>> = None,
    }
    keys {
        "active-ports", PortRange,
        "the ports where it listens for active data connections; default: any port of its choice"
            => active_ports: Option<RangeInclusive<u16>> = None;
        "at", Node, "the node that it runs on; default `client`" -> at;
        "connect-to", Addresses,
        "the address that it connects to; default: the topology's, which is the server's own unless the server \
         is behind NAT" -> connect_to;
        "control-port", Port, "the port that it connects to; default: the server's" -> control_port;
        "read-pace", Number<u64, 1, { u32::MAX as u64 }>,
        "the most bytes per second that it reads from the data connection; default: as fast as it can"
            => read_pace: Option<u64> = None;
        "passive-address", Word<PassiveAddress>,
        "`ignored`: takes only the port from a 227 and connects to the address of the control connection, as \
         curl does by default; default `announced`"
            => passive_address: PassiveAddress = PassiveAddress::Announced;
        "session-reuse", Switch,
        "whether a protected data connection resumes the TLS session of the control connection; default `true`"
            => session_reuse: bool = true;
        "script", ClientScript,
        "what `scripted-client` does, in the language of [Scripted peers](#scripted-peers)" -> script;
    }
}
