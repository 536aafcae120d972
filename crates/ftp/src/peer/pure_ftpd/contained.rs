use fwlab_record::{Operation, Protection};

use crate::peer::entry::ContainedServer;
use crate::{DataSourcePort, Login, ServerSettings, Support, TransferSpec};

pub(super) const CONTAINED: ContainedServer = ContainedServer {
    image: "pure-ftpd",
    package: "pure-ftpd",
    // It ends without a word when it cannot have them.
    capabilities: &["SYS_NICE", "DAC_READ_SEARCH"],
    supports,
    is_option,
};

fn supports(transfer: &TransferSpec, settings: &ServerSettings) -> Support {
    let ports = settings.passive_ports;
    if ports.is_some_and(|ports| ports.min > ports.max) {
        Support::no("pure-ftpd does not start with a passive range that is the wrong way round")
    } else if settings.protection == Protection::Implicit {
        Support::no("Debian's pure-ftpd is built without implicit TLS")
    } else if settings.require_session_reuse {
        Support::no("pure-ftpd cannot demand that TLS sessions are reused")
    } else if settings.data_source_port == DataSourcePort::Ephemeral {
        Support::no("pure-ftpd's active data connections come from port 20")
    } else if settings.login == Login::Anonymous && transfer.operation == Operation::Appe {
        Support::no("pure-ftpd does not let anonymous users append to a file")
    } else {
        Support::Yes
    }
}

fn is_option(name: &str) -> bool {
    name.strip_prefix("--")
        .is_some_and(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}
