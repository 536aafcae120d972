use fwlab_ftp::{DataSourcePort, Login, ServerSettings, Support, TransferSpec};
use fwlab_record::{Operation, PeerName, Protection};

use crate::Image;

/// A server that containers run: what is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Vsftpd,
    Proftpd,
    PureFtpd,
}

impl Kind {
    pub(crate) fn of(peer: PeerName) -> Option<Kind> {
        match peer {
            PeerName::Vsftpd => Some(Kind::Vsftpd),
            PeerName::Proftpd => Some(Kind::Proftpd),
            PeerName::PureFtpd => Some(Kind::PureFtpd),
            _ => None,
        }
    }

    pub(crate) fn peer(self) -> PeerName {
        match self {
            Kind::Vsftpd => PeerName::Vsftpd,
            Kind::Proftpd => PeerName::Proftpd,
            Kind::PureFtpd => PeerName::PureFtpd,
        }
    }

    pub(crate) fn image(self) -> Image {
        match self {
            Kind::Vsftpd => Image::Vsftpd,
            Kind::Proftpd => Image::Proftpd,
            Kind::PureFtpd => Image::PureFtpd,
        }
    }

    /// The Debian package that it is of.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Kind::Vsftpd => "vsftpd",
            Kind::Proftpd => "proftpd-core",
            Kind::PureFtpd => "pure-ftpd",
        }
    }

    /// What it needs beyond a container's usual capabilities: Pure-FTPd ends without a
    /// word when it cannot have them.
    pub(crate) fn capabilities(self) -> &'static [&'static str] {
        match self {
            Kind::Vsftpd | Kind::Proftpd => &[],
            Kind::PureFtpd => &["SYS_NICE", "DAC_READ_SEARCH"],
        }
    }

    pub(crate) fn supports(self, transfer: &TransferSpec, settings: &ServerSettings) -> Support {
        self.options(settings).and(|| self.can(transfer, settings))
    }

    fn can(self, transfer: &TransferSpec, settings: &ServerSettings) -> Support {
        let anonymous = settings.login == Login::Anonymous;
        let upload = transfer.operation.is_upload();
        let ports = settings.passive_ports;
        let ports_are =
            |is: fn(u16, u16) -> bool| ports.is_some_and(|ports| is(ports.min, ports.max));
        match self {
            _ if matches!(settings.login, Login::As { .. }) => {
                Support::no("the users of a server that the lab sets up are the lab's")
            }
            Kind::Vsftpd if anonymous && upload => Support::no(
                "vsftpd lets in nobody anonymous where the directory that it holds them in can be written to",
            ),
            // As in 1.3.8: "min port must be less than max port".
            Kind::Proftpd if ports_are(|min, max| min >= max) => Support::no(
                "proftpd does not start with a passive range of one port, or the wrong way round",
            ),
            Kind::PureFtpd if ports_are(|min, max| min > max) => Support::no(
                "pure-ftpd does not start with a passive range that is the wrong way round",
            ),
            Kind::Proftpd
                if settings.data_source_port == DataSourcePort::Twenty
                    && settings.control_port != 21 =>
            {
                Support::no(
                    "proftpd's active data connections come from the port below its control port, \
                     which is not 20 here (RFC 959 section 3.3)",
                )
            }
            Kind::PureFtpd if settings.protection == Protection::Implicit => {
                Support::no("Debian's pure-ftpd is built without implicit TLS")
            }
            Kind::PureFtpd if settings.require_session_reuse => {
                Support::no("pure-ftpd cannot demand that TLS sessions are reused")
            }
            Kind::PureFtpd if settings.data_source_port == DataSourcePort::Ephemeral => {
                Support::no("pure-ftpd's active data connections come from port 20")
            }
            Kind::PureFtpd if anonymous && transfer.operation == Operation::Appe => {
                Support::no("pure-ftpd lets nobody anonymous add to a file")
            }
            _ => Support::Yes,
        }
    }

    /// Whether it knows these options: each server's own are written in its own way.
    fn options(self, settings: &ServerSettings) -> Support {
        let is_name = |name: &str| {
            let mut bytes = name.bytes();
            let first = bytes.next();
            match self {
                Kind::Vsftpd => {
                    first.is_some_and(|byte| byte.is_ascii_lowercase())
                        && bytes.all(|byte| {
                            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
                        })
                }
                Kind::Proftpd => {
                    first.is_some_and(|byte| byte.is_ascii_uppercase())
                        && bytes.all(|byte| byte.is_ascii_alphanumeric())
                }
                Kind::PureFtpd => name.strip_prefix("--").is_some_and(|word| {
                    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
                }),
            }
        };
        let is_value = |value: &str| {
            value
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        };
        match settings
            .options
            .iter()
            .find(|(name, value)| !is_name(name) || !is_value(value))
        {
            Some((name, value)) => {
                Support::no(format!("`{name}={value}` is no option of {}", self.peer()))
            }
            None => Support::Yes,
        }
    }
}
