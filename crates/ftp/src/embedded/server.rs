use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use fwlab_fabric::Node;
use fwlab_record::{DataSetup, PeerName, Protection};
use libunftp::ServerBuilder;
use libunftp::options::{ActivePassiveMode, PassiveHost};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio_rustls::rustls::ServerConfig;
use unftp_core::auth::{AuthenticationError, Authenticator, Credentials, DefaultUser, Principal};

use super::gather::ControlSockets;
use super::recent_log::LastWords;
use super::running::Running;
use super::storage::Storage;
use crate::reserve::{reserve_all, reserve_ports};
use crate::{
    DataSourcePort, PassivePorts, PeerError, RunningServer, Server, ServerSettings, Support,
    TransferSpec,
};

const PEER: PeerName = PeerName::Libunftp;

/// The version of libunftp that the workspace's lock file holds; a test compares.
const VERSION: &str = "0.24.0";

/// libunftp as a server inside the lab, with its files in memory.
///
/// Where it differs from RFC 959: it connects when it reads PORT, before it
/// answers 200 and long before RETR; it does not know EPRT (500); its active
/// connections come from any port, which this crate turns into port 20 by
/// leaving the node no other ephemeral port; a data connection from or to
/// another address than the control connection's is closed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Libunftp;

#[async_trait]
impl Server for Libunftp {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        VERSION.into()
    }

    fn supports(&self, transfer: &TransferSpec, settings: &ServerSettings) -> Support {
        let setup = || match transfer.data_setup {
            DataSetup::Port | DataSetup::Eprt
                if settings.data_source_port == DataSourcePort::Twenty =>
            {
                if settings.alone_in_node {
                    Support::Yes
                } else {
                    Support::no(
                        "libunftp connects from port 20 only when it is alone in its node: \
                         the whole node's ephemeral ports are set to 20",
                    )
                }
            }
            _ => Support::Yes,
        };
        let ports = || match settings.passive_ports {
            Some(PassivePorts { min, max }) if min > max || min == 0 => Support::no(format!(
                "libunftp does not take a range of passive ports from {min} to {max}"
            )),
            _ => Support::Yes,
        };
        let options = || match settings.options.first() {
            Some((name, _)) => Support::no(format!("libunftp has no option `{name}`")),
            None => Support::Yes,
        };
        let tls = || match settings.protection {
            Protection::Implicit => Support::no("libunftp does not speak TLS before AUTH"),
            Protection::Explicit | Protection::Ccc if settings.require_session_reuse => {
                Support::no("libunftp never demands that a TLS session is resumed")
            }
            Protection::Explicit | Protection::Ccc | Protection::Plain => Support::Yes,
        };
        setup().and(ports).and(options).and(tls)
    }

    async fn start(
        &self,
        node: &Node,
        settings: &ServerSettings,
    ) -> Result<Box<dyn RunningServer>, PeerError> {
        prepare(node, settings)
            .await
            .map_err(|source| PeerError::Sysctl { peer: PEER, source })?;
        let storage = Storage::holding(settings.stored.clone());
        let recent_log = LastWords::default();
        let sockets = ControlSockets::default();
        let address = SocketAddr::new(settings.address, settings.control_port);
        let sessions = Sessions {
            storage: storage.clone(),
            logger: recent_log.logger(),
            sockets: sockets.clone(),
            passive_ports: settings.passive_ports,
            passive_host: match settings.advertised_address {
                Some(address) => PassiveHost::Ip(address),
                None => PassiveHost::FromConnection,
            },
            tls: settings
                .protection
                .protects_data()
                .then(|| settings.shown_certificate().server_configuration()),
        };
        let serving = node
            .run(move || async move {
                let listeners = listeners(address)?;
                Ok(tokio::spawn(sessions.serve(listeners)))
            })
            .await
            .map_err(|source| PeerError::Node { peer: PEER, source })?
            .map_err(|source| PeerError::Bind {
                peer: PEER,
                address,
                source,
            })?;
        Ok(Box::new(Running {
            storage,
            recent_log,
            serving,
            sockets,
            gathering: JoinSet::new(),
        }))
    }
}

/// Leaves the node the ports that the settings ask for.
async fn prepare(node: &Node, settings: &ServerSettings) -> Result<(), fwlab_fabric::SysctlError> {
    let passive = settings
        .passive_ports
        .map(|PassivePorts { min, max }| min..=max);
    if settings.alone_in_node && settings.data_source_port == DataSourcePort::Twenty {
        // The kernel takes no range that begins below the first unprivileged port.
        node.set_sysctl("net.ipv4.ip_unprivileged_port_start", "0")
            .await?;
        // Of a range whose ends are both even or both odd it complains in the host's log. Of these two,
        // only 20 is to be had.
        reserve_all(node, passive.into_iter().chain([21..=21])).await?;
        node.set_sysctl("net.ipv4.ip_local_port_range", "20 21")
            .await?;
    } else if let Some(ports) = passive {
        reserve_ports(node, ports).await?;
    }
    Ok(())
}

/// Listeners for an address. libunftp takes a client that reached it as
/// `::ffff:192.0.2.1` for one over IPv6, and so each family has a listener of its own.
fn listeners(address: SocketAddr) -> io::Result<Vec<TcpListener>> {
    let mut listeners = vec![listen(address)?];
    if address.ip() == Ipv6Addr::UNSPECIFIED {
        let every = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
        listeners.push(listen(every)?);
    }
    Ok(listeners)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if address.is_ipv6() {
        SockRef::from(&socket).set_only_v6(true)?;
    }
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(64)
}

/// What every session of one server shares.
struct Sessions {
    storage: Storage,
    logger: slog::Logger,
    sockets: ControlSockets,
    passive_ports: Option<PassivePorts>,
    passive_host: PassiveHost,
    tls: Option<Arc<ServerConfig>>,
}

impl Sessions {
    /// Accepts sessions until it is aborted, which ends them too.
    async fn serve(self, listeners: Vec<TcpListener>) {
        let sessions = Arc::new(self);
        let mut serving = JoinSet::new();
        for listener in listeners {
            serving.spawn(Arc::clone(&sessions).accept(listener));
        }
        while serving.join_next().await.is_some() {}
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut sessions = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = sessions.join_next() => continue,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                // The connection was reset while it waited; the next one counts.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => {
                    slog::error!(self.logger, "accept: {}", error);
                    return;
                }
            };
            if let Err(error) = stream.set_nodelay(true) {
                slog::warn!(self.logger, "TCP_NODELAY: {}", error);
            }
            // libunftp takes a server for each connection that it did not accept itself.
            match self.builder().build() {
                Ok(server) => {
                    let socket = self.sockets.keep(&stream);
                    sessions.spawn(async move {
                        let served = server.service(stream).await;
                        drop(socket);
                        served
                    });
                }
                Err(error) => slog::error!(self.logger, "no session: {}", error),
            }
        }
    }

    fn builder(&self) -> ServerBuilder<Storage, DefaultUser> {
        let storage = self.storage.clone();
        let builder =
            ServerBuilder::with_authenticator(Box::new(move || storage.clone()), Arc::new(AnyUser))
                .active_passive_mode(ActivePassiveMode::ActiveAndPassive)
                .passive_host(self.passive_host.clone())
                .greeting("fwlab")
                .logger(self.logger.clone());
        let builder = match self.passive_ports {
            Some(PassivePorts { min, max }) => builder.passive_ports(min..=max),
            None => builder,
        };
        match &self.tls {
            // It asks for a type of paths and takes none.
            Some(tls) => builder
                .ftps_manual::<PathBuf>(Arc::clone(tls))
                .ftps_required(true, true),
            None => builder,
        }
    }
}

/// Lets everyone in.
#[derive(Debug)]
struct AnyUser;

#[async_trait]
impl Authenticator for AnyUser {
    async fn authenticate(
        &self,
        username: &str,
        _: &Credentials,
    ) -> Result<Principal, AuthenticationError> {
        Ok(Principal {
            username: username.into(),
        })
    }
}
