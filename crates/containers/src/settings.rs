use std::net::IpAddr;

use fwlab_ftp::{Certificate, DataSourcePort, Login, PassivePorts, Places, ServerSettings};
use fwlab_record::Protection;

/// The settings as `lab/servers/settings.sh` reads them.
pub(crate) fn environment(
    settings: &ServerSettings,
    files: &str,
    places: Places,
) -> Vec<(String, String)> {
    let mut environment = Vec::new();
    let mut set = |name: &str, value: String| environment.push((name.to_owned(), value));
    let family = match settings.address {
        IpAddr::V4(_) => "ipv4",
        IpAddr::V6(_) => "ipv6",
    };
    set("FTP_FAMILY", family.into());
    set("FTP_CONTROL_PORT", settings.control_port.to_string());
    if let Some(PassivePorts { min, max }) = settings.passive_ports {
        set("FTP_PASSIVE_MIN", min.to_string());
        set("FTP_PASSIVE_MAX", max.to_string());
    }
    let source = match settings.data_source_port {
        DataSourcePort::Twenty => "20",
        DataSourcePort::Ephemeral => "ephemeral",
    };
    set("FTP_DATA_SOURCE_PORT", source.into());
    if let Some(address) = settings.advertised_address {
        set("FTP_ADVERTISED_ADDRESS", address.to_string());
    }
    set("FTP_PROTECTION", settings.protection.to_string());
    if settings.protection != Protection::Plain {
        let certificate = settings.certificate.clone();
        let certificate = certificate.unwrap_or_else(Certificate::of_the_lab);
        set("FTP_CERTIFICATE", certificate.pem().to_owned());
        let reuse = if settings.require_session_reuse {
            "required"
        } else {
            "free"
        };
        set("FTP_SESSION_REUSE", reuse.into());
    }
    let login = match settings.login {
        Login::Anonymous => "anonymous",
        // Of those that somebody else has, none is served here.
        Login::Named | Login::As { .. } => "named",
    };
    set("FTP_LOGIN", login.into());
    let options = settings.options.iter();
    let options: Vec<String> = options
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    set("FTP_OPTIONS", options.join("\n"));
    set("FTP_HOME", format!("{files}/{}", places.root));
    set("FTP_LOG", format!("{files}/{}", places.log));
    environment
}
