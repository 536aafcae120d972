use crate::peer::entry::ContainedServer;
use crate::{DataSourcePort, ServerSettings, Support, TransferSpec};

pub(super) const CONTAINED: ContainedServer = ContainedServer {
    image: "proftpd",
    package: "proftpd-core",
    capabilities: &[],
    supports,
    is_option,
};

fn supports(_: &TransferSpec, settings: &ServerSettings) -> Support {
    let ports = settings.passive_ports;
    // As in 1.3.8: "min port must be less than max port".
    if ports.is_some_and(|ports| ports.min >= ports.max) {
        return Support::no(
            "proftpd does not start with a passive range of one port, or the wrong way round",
        );
    }
    if settings.data_source_port == DataSourcePort::Twenty && settings.control_port != 21 {
        return Support::no(
            "proftpd's active data connections come from the port below its control port, \
             which is not 20 here (RFC 959 section 3.3)",
        );
    }
    Support::Yes
}

fn is_option(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
