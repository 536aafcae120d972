use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use fwlab_fabric::Node;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::parsed::Script;
use super::place::Hosts;
use super::server_session::{Session, Terms};
use super::sockets;
use crate::embedded::gather::ControlSockets;
use crate::embedded::recent_log::LastWords;
use crate::embedded::running::Running;
use crate::embedded::storage::Storage;
use crate::reserve::reserve_ports;
use crate::{
    PassivePorts, PeerError, RunningServer, Server, ServerSettings, Support, TransferSpec,
};
use fwlab_record::PeerName;

const PEER: PeerName = PeerName::ScriptedServer;

/// A server that answers as a [`Script`] says; to a verb that the script does not
/// name, it answers as a well-behaved small FTP server does.
///
/// It lets everyone in, and it checks no addresses: neither what PORT names nor who
/// connects to a passive port. That is left to the firewall under test.
#[derive(Debug, Clone, Default)]
pub struct ScriptedServer {
    script: Option<Arc<Script>>,
    hosts: Hosts,
}

impl ScriptedServer {
    /// A server with a script, and the addresses of the nodes that the script names.
    pub fn new(script: Arc<Script>, hosts: Hosts) -> ScriptedServer {
        ScriptedServer {
            script: Some(script),
            hosts,
        }
    }
}

#[async_trait]
impl Server for ScriptedServer {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn supports(&self, transfer: &TransferSpec, settings: &ServerSettings) -> Support {
        let Some(script) = &self.script else {
            return Support::no("there is no script for it: write `script = '''…'''` in [server]");
        };
        let ports = || match settings.passive_ports {
            Some(PassivePorts { min, max }) if min > max => Support::no(format!(
                "a scripted server does not take a range of passive ports from {min} to {max}"
            )),
            _ => Support::Yes,
        };
        let options = || match settings.options.first() {
            Some((name, _)) => Support::no(format!("a scripted server has no option `{name}`")),
            None => Support::Yes,
        };
        script
            .supports(&self.hosts, transfer)
            .and(ports)
            .and(options)
    }

    async fn start(
        &self,
        node: &Node,
        settings: &ServerSettings,
    ) -> Result<Box<dyn RunningServer>, PeerError> {
        let script = self.script.clone().ok_or_else(|| PeerError::Settings {
            peer: PEER,
            why: "it has no script".into(),
        })?;
        let by_number = settings
            .passive_ports
            .map(|PassivePorts { min, max }| min..=max)
            .or_else(|| script.listened_ports());
        if let Some(ports) = by_number {
            reserve_ports(node, ports)
                .await
                .map_err(|source| PeerError::Sysctl { peer: PEER, source })?;
        }
        let recent_log = LastWords::default();
        let tls = settings.shown_certificate().server_configuration();
        let terms = Terms {
            script,
            hosts: self.hosts.clone(),
            storage: Storage::holding(settings.stored.clone()),
            file: settings
                .stored
                .as_ref()
                .map_or_else(String::new, |stored| stored.content.name().to_owned()),
            passive_ports: settings.passive_ports,
            data_source_port: settings.data_source_port,
            advertised_address: settings.advertised_address,
            protection: settings.protection,
            control_tls: TlsAcceptor::from(Arc::clone(&tls)),
            data_tls: data_tls(&tls),
            require_session_reuse: settings.require_session_reuse,
            logger: recent_log.logger(),
        };
        let storage = terms.storage.clone();
        let address = SocketAddr::new(settings.address, settings.control_port);
        let serving = node
            .run(move || async move {
                let port = address.port();
                let mut listeners = vec![sockets::listen(address.ip(), port..=port, None)?];
                if address.ip() == Ipv6Addr::UNSPECIFIED {
                    let every_four = Ipv4Addr::UNSPECIFIED.into();
                    listeners.push(sockets::listen(every_four, port..=port, None)?);
                }
                Ok(tokio::spawn(serve(listeners, Arc::new(terms))))
            })
            .await
            .map_err(|source| PeerError::Node { peer: PEER, source })?
            .map_err(|sockets::NotBound { address, source }| PeerError::Bind {
                peer: PEER,
                address,
                source,
            })?;
        Ok(Box::new(Running {
            storage,
            recent_log,
            serving,
            sockets: ControlSockets::default(),
            gathering: JoinSet::new(),
        }))
    }
}

/// TLS of data connections: with the sessions of the control connection, and no tickets
/// of their own. Who uploads does not read, and what lies unread when it closes makes
/// its kernel reset the connection, before the last bytes are there.
fn data_tls(control: &ServerConfig) -> TlsAcceptor {
    let mut configuration = control.clone();
    configuration.send_tls13_tickets = 0;
    TlsAcceptor::from(Arc::new(configuration))
}

/// Accepts sessions until it is aborted, which ends them too.
async fn serve(listeners: Vec<TcpListener>, terms: Arc<Terms>) {
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, Arc::clone(&terms)));
    }
    while accepting.join_next().await.is_some() {}
}

async fn accept(listener: TcpListener, terms: Arc<Terms>) {
    let mut sessions = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = sessions.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                // A connection that has ended already needs no session.
                if let Ok(session) = Session::begin(stream, Arc::clone(&terms)) {
                    sessions.spawn(session.run());
                }
            }
            // The connection was reset while it waited; the next one counts.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                slog::error!(terms.logger, "accept: {}", error);
                return;
            }
        }
    }
}
