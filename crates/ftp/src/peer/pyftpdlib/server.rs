use std::path::Path;

use async_trait::async_trait;
use fwlab_fabric::{Capabilities, Node, Scratch};
use fwlab_record::{PeerName, Protection};

use super::PROGRAM;
use crate::program::installed::Installed;
use crate::{
    Content, DataSourcePort, PeerError, PeerMissing, Places, RunningServer, Server, ServerProgram,
    ServerSettings, Support, TransferSpec,
};

const PEER: PeerName = PeerName::Pyftpdlib;

/// Long enough that the lab's patience, and not the server's, ends a wait: seconds.
const SERVER_PATIENCE: u32 = 600;

const SCRIPT: &str = "serve.py";
const LOG: &str = "pyftpdlib.log";
const ROOT: &str = "root";

/// The attributes of `FTPHandler` that a scenario's options may set. Who may be named in PORT is not among them:
/// that it refuses others is a recorded deviation.
const OPTIONS: [&str; 7] = [
    "auth_failed_timeout",
    "banner",
    "max_login_attempts",
    "permit_privileged_ports",
    "tcp_no_delay",
    "use_gmt_times",
    "use_sendfile",
];

/// pyftpdlib, started in a node with a script that sets its handler's attributes.
///
/// Its own active data connections come from any port; the script binds them to port 20 where that is
/// asked for.
#[derive(Debug, Clone)]
pub(super) struct Pyftpdlib {
    installed: Installed,
}

impl Pyftpdlib {
    /// Looks for it on this machine.
    pub(super) fn find() -> Result<Pyftpdlib, PeerMissing> {
        Ok(Pyftpdlib {
            installed: Installed::find(PEER, PROGRAM)?,
        })
    }
}

#[async_trait]
impl Server for Pyftpdlib {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        self.installed.version.clone()
    }

    fn supports(&self, _: &TransferSpec, settings: &ServerSettings) -> Support {
        let ports = settings.passive_ports;
        if settings.protection != Protection::Plain {
            Support::no("fwlab uses pyftpdlib only for plain FTP: its TLS needs PyOpenSSL as well")
        } else if ports.is_some_and(|ports| ports.min > ports.max) {
            Support::no(
                "pyftpdlib takes a list of passive ports, and a range that is the wrong way round is an empty one",
            )
        } else if let Some(why) = unknown_option(settings) {
            Support::no(why)
        } else {
            Support::Yes
        }
    }

    async fn start(
        &self,
        node: &Node,
        settings: &ServerSettings,
    ) -> Result<Box<dyn RunningServer>, PeerError> {
        if let Some(why) = unknown_option(settings) {
            return Err(PeerError::Settings { peer: PEER, why });
        }
        let files = files(settings)?;
        let home = files.mount_point();
        let mut spec = self
            .installed
            .spec(&files)
            .arguments(["-s", "-B", SCRIPT])
            .arguments(arguments(settings, home));
        spec.capabilities = Capabilities::SERVER;
        let places = Places {
            root: ROOT,
            log: LOG,
        };
        let running = ServerProgram::start(PEER, node, settings, spec, files, places).await?;
        Ok(Box::new(running))
    }
}

/// Why an option is none that can be set.
fn unknown_option(settings: &ServerSettings) -> Option<String> {
    let mut options = settings.options.iter();
    let (name, value) = options.find(|(name, _)| !OPTIONS.contains(&name.as_str()))?;
    Some(format!(
        "`{name}={value}`: of pyftpdlib's FTPHandler, {} can be set",
        OPTIONS.join(", ")
    ))
}

/// The script, the directory that is served, and what it holds at the start.
fn files(settings: &ServerSettings) -> Result<Scratch, PeerError> {
    let failed = |source| PeerError::Files { peer: PEER, source };
    // What is there, and what may be sent.
    let files = Scratch::new(2 * Content::MAX_SIZE + (16 << 20)).map_err(failed)?;
    files
        .write(SCRIPT, include_bytes!("serve.py"))
        .map_err(failed)?;
    files.create_dir(ROOT, 0o755).map_err(failed)?;
    if let Some(stored) = &settings.stored {
        let path = Path::new(ROOT).join(stored.content.name());
        files
            .write_from(path, stored.content.reader(0..stored.size))
            .map_err(failed)?;
    }
    Ok(files)
}

/// What the script unpacks, in its order.
fn arguments(settings: &ServerSettings, home: &Path) -> Vec<String> {
    let passive = settings.passive_ports;
    let advertised = settings.advertised_address;
    let source_port = match settings.data_source_port {
        DataSourcePort::Twenty => "20",
        DataSourcePort::Ephemeral => "any",
    };
    let mut line = vec![
        settings.address.to_string(),
        settings.control_port.to_string(),
        home.join(ROOT).display().to_string(),
        settings.login.user().to_owned(),
        settings.login.password().to_owned(),
        passive.map_or_else(String::new, |ports| format!("{}-{}", ports.min, ports.max)),
        advertised.map_or_else(String::new, |address| address.to_string()),
        source_port.to_owned(),
        SERVER_PATIENCE.to_string(),
    ];
    let options = settings.options.iter();
    line.extend(options.map(|(name, value)| format!("{name}={value}")));
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Login, PassivePorts};

    fn settings() -> ServerSettings {
        ServerSettings {
            address: [192, 168, 0, 201].into(),
            control_port: 21,
            passive_ports: Some(PassivePorts {
                min: 31240,
                max: 31250,
            }),
            advertised_address: Some([198, 51, 100, 1].into()),
            protection: Protection::Plain,
            login: Login::Anonymous,
            certificate: None,
            require_session_reuse: false,
            data_source_port: DataSourcePort::Twenty,
            stored: None,
            alone_in_node: true,
            options: vec![("permit_privileged_ports".into(), "True".into())],
        }
    }

    #[test]
    fn the_script_is_told_what_the_settings_say() {
        assert_eq!(
            arguments(&settings(), Path::new("/files"))[..],
            [
                "192.168.0.201",
                "21",
                "/files/root",
                "anonymous",
                "fwlab@localhost",
                "31240-31250",
                "198.51.100.1",
                "20",
                "600",
                "permit_privileged_ports=True",
            ]
        );
    }

    #[test]
    fn an_option_is_an_attribute_that_names_no_file() {
        assert_eq!(unknown_option(&settings()), None);
        let mut settings = settings();
        settings.options = vec![("authorizer".into(), "x".into())];
        assert!(unknown_option(&settings).is_some_and(|why| why.contains("`authorizer=x`")));
    }
}
