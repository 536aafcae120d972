use std::fmt;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use fwlab_ftp::{DataSourcePort, Server};
use fwlab_model::IpNet;
use fwlab_model::ruleset::{Policy, Source};
use fwlab_record::{Backend, DataSetup, Family, InterfaceName, Operation, Place, Protection};
use fwlab_runner::{Loader, PrepareError, Present, Run, RunSettings};
use fwlab_scenario::filter::Filter;
use fwlab_scenario::input;
use fwlab_scenario::plan::{Overrides, cells};
use fwlab_scenario::{
    ClientTerms, Layout, Matrix, RulesOrigin, RulesetEntry, Scenario, ServerTerms, Shape,
};
use tokio::runtime::Runtime;

use fwlab_runner::written;

use crate::builds::builds;
use crate::link_name::LinkName;
use crate::{ClientPeer, Observed, ServerPeer, libunftp, suppaftp};

/// A topology and a ruleset, ready for transfers. Each transfer gets everything
/// fresh: namespaces, links, rules, server, client.
///
/// ```no_run
/// use fwlab::{DataSetup, Lab};
///
/// # fn main() -> Result<(), fwlab::LabError> {
/// let lab = Lab::client_firewall().rules_file("rules.v4")?;
/// fwlab::assert_transferred!(lab.transfer(DataSetup::Epsv)?);
/// fwlab::assert_blocked!(lab.transfer(DataSetup::Port)?, by policy "filter/INPUT");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a lab does nothing until a transfer is asked of it"]
pub struct Lab {
    layout: Layout,
    interface: Option<InterfaceName>,
    origin: RulesOrigin,
    helper: bool,
    backend: Option<Backend>,
    server: ServerTerms,
    client: ClientTerms,
    peers: (ServerPeer, ClientPeer),
    protection: Protection,
    size: u64,
}

/// Why a lab has no answer. A transfer that did not pass is an answer.
#[derive(thiserror::Error)]
pub enum LabError {
    /// A ruleset file cannot be read.
    #[error("cannot read {}", fwlab_text::one_line(path.display()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: input::InputError,
    },
    /// This process may not make namespaces.
    #[error("{source}\n  {}", source.help)]
    Privilege {
        /// Why not.
        #[from]
        source: fwlab_fabric::PrivilegeError,
    },
    /// This machine has no iptables.
    #[error("{source}\n  {}", source.help())]
    NoLoader {
        /// What is missing.
        #[from]
        source: fwlab_runner::NoLoader,
    },
    /// The ruleset has mistakes, or did not load.
    #[error("the ruleset cannot be used:\n{}", .0.iter().map(|error| fwlab_text::rendered(error)).collect::<Vec<_>>().join("\n"))]
    Ruleset(Vec<PrepareError>),
    /// A peer cannot do this transfer.
    #[error("not run: {}", fwlab_text::lines(.0))]
    NotSupported(String),
    /// A scenario written in place has mistakes, or cannot be run here.
    #[error("{}", fwlab_text::lines(.0))]
    Scenario(String),
    /// The lab could not tell what happened.
    #[error("inconclusive: {}", fwlab_text::lines(.0))]
    Inconclusive(String),
    /// The files of a host cannot be used, or not in the way that was asked for.
    #[cfg(feature = "hosts")]
    #[error("{}", fwlab_text::lines(.0))]
    Host(String),
}

/// What a test that returns it prints: the message, as people read it.
impl fmt::Debug for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The runtime of all labs of this process: made once, and never inside another one.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    // Few files are enough for one lab; a refusal shows where it matters.
    let _ = fwlab_fabric::raise_open_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("fwlab")
        .build();
    runtime.expect("threads and an event queue can be had")
});

pub(crate) fn block_on<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    RUNTIME.spawn(async move {
        // Nobody waits any more when the caller's thread is gone.
        let _ = sender.send(future.await);
    });
    receiver
        .recv()
        .expect("a panic of the lab's own is a broken invariant")
}

impl Lab {
    /// Client and server on one link, the rules on the client's host.
    pub fn client_firewall() -> Lab {
        Lab::new(Shape::ClientFirewall)
    }

    /// Client and server on one link, the rules on the server's host.
    pub fn server_firewall() -> Lab {
        Lab::new(Shape::ServerFirewall)
    }

    /// A router between client and server, with the rules on it.
    pub fn gateway() -> Lab {
        Lab::new(Shape::Gateway)
    }

    /// The client in a private network behind a gateway with the rules; the server on the
    /// Internet, from where no route leads back.
    pub fn client_nat() -> Lab {
        Lab::new(Shape::ClientNat)
    }

    /// The server in a private network behind a gateway with the rules; the client on the
    /// Internet, where it connects to the gateway's address.
    pub fn server_nat() -> Lab {
        Lab::new(Shape::ServerNat)
    }

    /// A host from its own files: what `fwlab capture` wrote on it, or its rules. [`Host::file`](crate::Host::file) adds more.
    #[cfg(feature = "hosts")]
    pub fn host(file: impl AsRef<Path>) -> crate::Host {
        crate::Host::of(file.as_ref())
    }

    fn new(shape: Shape) -> Lab {
        Lab {
            layout: Layout::new(shape),
            interface: None,
            origin: RulesOrigin::None,
            helper: false,
            backend: None,
            server: ServerTerms::default(),
            client: ClientTerms::default(),
            peers: (libunftp(), suppaftp()),
            protection: Protection::Plain,
            size: Scenario::DEFAULT_SIZE,
        }
    }

    /// Loads these rules: what `iptables-save` writes, lines of `iptables` commands, or an nft script.
    pub fn rules(mut self, text: impl Into<String>) -> Lab {
        self.origin = RulesOrigin::Written(Source::new("rules", text.into().into_bytes()));
        self
    }

    /// Loads the rules of a file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rules_file(mut self, path: impl AsRef<Path>) -> Result<Lab, LabError> {
        let path = path.as_ref();
        let text = input::read_file(path).map_err(|source| LabError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        self.origin = RulesOrigin::Written(Source::new(path.display().to_string(), text));
        Ok(self)
    }

    /// Loads rules generated for a purpose.
    pub fn policy(mut self, policy: Policy) -> Lab {
        self.origin = RulesOrigin::Generated(policy);
        self
    }

    /// Adds the rule that assigns the conntrack helper `ftp`, where it belongs.
    pub fn with_helper(mut self) -> Lab {
        self.helper = true;
        self
    }

    /// Loads through this backend; otherwise through iptables-nft, and an nft script through nft.
    pub fn backend(mut self, backend: Backend) -> Lab {
        self.backend = Some(backend);
        self
    }

    /// Gives the firewall's host an interface of this name, as the rules call it. By default, it has the one
    /// name that its rules use, or `e0` if they use none.
    pub fn interface(mut self, name: InterfaceName) -> Lab {
        self.interface = Some(name);
        self
    }

    /// Makes client and server speak this family; otherwise IPv4. A dump that does not name its family is taken
    /// to be of this one.
    pub fn family(mut self, family: Family) -> Lab {
        self.layout.families = vec![family];
        self
    }

    /// Gives the client this address, instead of its own in that family.
    pub fn client_address(mut self, address: IpNet) -> Lab {
        self.layout.addressing.client.place(&[address]);
        self
    }

    /// Gives the server this address, instead of its own in that family.
    pub fn server_address(mut self, address: IpNet) -> Lab {
        self.layout.addressing.server.place(&[address]);
        self
    }

    /// Makes the server listen for passive data connections only on these ports.
    pub fn passive_ports(mut self, ports: std::ops::RangeInclusive<u16>) -> Lab {
        self.server.passive_ports = Some((*ports.start(), *ports.end()));
        self
    }

    /// Makes the client listen for active data connections only on these ports.
    pub fn active_ports(mut self, ports: std::ops::RangeInclusive<u16>) -> Lab {
        self.client.active_ports = Some(ports);
        self
    }

    /// Makes active data connections come from port 20; otherwise they come from a high port.
    pub fn data_from_port_20(mut self) -> Lab {
        self.server.data_source_port = DataSourcePort::Twenty;
        self
    }

    /// Makes the server listen on this control port; otherwise on 21.
    pub fn control_port(mut self, port: u16) -> Lab {
        self.server.control_port = port;
        self
    }

    /// Puts TLS on both connections; otherwise they are plain.
    pub fn protection(mut self, protection: Protection) -> Lab {
        self.protection = protection;
        self
    }

    /// Makes the server's 227 announce this address, as it must behind NAT without a helper.
    pub fn advertised_address(mut self, address: Ipv4Addr) -> Lab {
        self.server.advertised_address = Some(address);
        self
    }

    /// Uses this server instead of the embedded one, libunftp: another peer, or an
    /// [`OwnServer`](crate::OwnServer) that is already running.
    pub fn server(mut self, server: impl Into<ServerPeer>) -> Lab {
        self.peers.0 = server.into();
        self
    }

    /// Uses this client instead of the embedded one, suppaftp.
    pub fn client(mut self, client: ClientPeer) -> Lab {
        self.peers.1 = client;
        self
    }

    /// Transfers this many bytes; otherwise 300,000.
    pub fn size(mut self, bytes: u64) -> Lab {
        self.size = bytes.min(fwlab_ftp::Content::MAX_SIZE);
        self
    }

    /// Downloads a file over this data setup, and returns what happened.
    ///
    /// # Errors
    /// When the lab has no answer.
    pub fn transfer(&self, data: DataSetup) -> Result<Observed, LabError> {
        self.run(data, Operation::Retr)
    }

    /// Does this operation over this data setup, and returns what happened.
    ///
    /// # Errors
    /// When the lab has no answer.
    pub fn run(&self, data: DataSetup, operation: Operation) -> Result<Observed, LabError> {
        let lab = self.clone();
        block_on(async move { lab.observe(data, operation).await })
    }

    /// The same as [`Lab::run`], for callers that have their own runtime.
    ///
    /// # Errors
    /// When the lab has no answer.
    pub async fn observe(
        &self,
        data: DataSetup,
        operation: Operation,
    ) -> Result<Observed, LabError> {
        fwlab_fabric::Privilege::current()?;
        let (server, client) = &self.peers;
        if let Some(why) = server.nowhere().or_else(|| client.nowhere()) {
            return Err(LabError::NotSupported(why));
        }
        let scenario = Arc::new(self.scenario(data, operation));
        if server.own.is_some()
            && scenario.deployment.firewall.as_ref() == Some(&scenario.deployment.server)
        {
            return Err(LabError::NotSupported(
                "the namespace of a server that is already running outlives the lab, so rules in it would stay: \
                 put the firewall on a gateway or on the client's host"
                    .into(),
            ));
        }
        let planned = cells(&scenario, &Overrides::default(), &Filter::default());
        let settings = RunSettings {
            keep_evidence: true,
            builds: Some(builds()),
            housed_apart: [
                (server.name, server.placement),
                (client.name, client.placement),
            ]
            .into(),
            ..RunSettings::default()
        };
        let run = Run::prepare(planned, Loader::find()?, settings)
            .await
            .map_err(LabError::Ruleset)?;
        let mut record = run.cell(0).await;
        if let Some(name) = self.assumed_interface() {
            record.notes.push(format!(
                "the peers are on {name}, the only interface that the rules name; Lab::interface gives it another name"
            ));
        }
        let own = server.own.as_ref().map(|own| Present {
            peer: record.axes.server,
            version: own.version(),
            place: Place::Host,
        });
        let peers = [
            own.or_else(|| run.peers().present(record.axes.server)),
            run.peers().present(record.axes.client),
        ];
        // A test's process may end at once.
        Run::cleared().await;
        Observed::of(record, peers.into_iter().flatten().collect())
    }

    fn scenario(&self, data: DataSetup, operation: Operation) -> Scenario {
        let (server, client) = &self.peers;
        let mut layout = self.layout.clone();
        let host = match layout.shape {
            Shape::ClientFirewall => Some(&mut layout.addressing.client),
            Shape::ServerFirewall => Some(&mut layout.addressing.server),
            _ => None,
        };
        if let (Some(host), Some(name)) = (
            host,
            self.interface.clone().or_else(|| self.assumed_interface()),
        ) {
            host.interface = name;
        }
        let (origin, ipv6) = match &self.origin {
            RulesOrigin::Written(source) => written::placed(source.clone(), self.spoken()),
            other => (other.clone(), None),
        };
        Scenario {
            name: "lab".into(),
            path: PathBuf::new(),
            description: String::new(),
            reports: Vec::new(),
            messages: Vec::new(),
            tags: Vec::new(),
            deployment: layout.deployment(self.server.control_port),
            server: ServerTerms {
                own: server.own.clone(),
                ..self.server.clone()
            },
            client: self.client.clone(),
            size: self.size,
            rulesets: vec![RulesetEntry {
                name: "rules".into(),
                at: None,
                origin,
                ipv6,
                helper: self.helper,
                skip_refused_lines: false,
                backends: vec![self.backend.unwrap_or_else(|| self.own_backend())],
                sets: None,
                beside: Vec::new(),
                also: Vec::new(),
            }],
            steps: Vec::new(),
            matrix: Matrix {
                rulesets: Vec::new(),
                servers: vec![server.name],
                clients: vec![client.name],
                data: vec![data],
                protections: vec![self.protection],
                families: self.layout.families.clone(),
                operations: vec![operation],
                deviations: false,
            },
            requirements: Vec::new(),
            sysctls: Vec::new(),
            text: "".into(),
            files: Vec::new(),
        }
    }

    fn spoken(&self) -> Family {
        self.layout.families[0]
    }

    /// The first backend that loads the rules' language.
    fn own_backend(&self) -> Backend {
        match &self.origin {
            RulesOrigin::Written(source) => written::backends(source)[0],
            RulesOrigin::Generated(_) | RulesOrigin::Image(_) | RulesOrigin::None => Backend::Nft,
        }
    }

    /// The name of the interface on the firewall's host where nobody gave one: that one beside loopback that written rules name.
    fn assumed_interface(&self) -> Option<InterfaceName> {
        let has_one = matches!(
            self.layout.shape,
            Shape::ClientFirewall | Shape::ServerFirewall
        );
        if self.interface.is_some() || !has_one {
            return None;
        }
        let RulesOrigin::Written(source) = &self.origin else {
            return None;
        };
        // Mistakes are told when the rules are loaded.
        let rules = written::read(source, self.spoken()).ok()?;
        match LinkName::of(&rules.interfaces) {
            LinkName::Named(name) => Some(name),
            LinkName::Unnamed | LinkName::Virtual(_) | LinkName::Several(_) => None,
        }
    }
}
