use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use fwlab_record::{Backend, DataSetup, Exit, Family, InterfaceName, PeerName, Protection};
use fwlab_scenario::Shape;
use fwlab_text::one_line;

use crate::captured;
use crate::host_files::HostFiles;
use crate::messages::Messages;
use crate::sets::GivenSet;

/// Where rules are tried, on whom, and how, as far as somebody chose; the rest follows from the files.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// The host that the rules are for.
    pub at: Option<At>,
    /// Whose transfers are tried.
    pub whom: Whom,
    /// Only these data setups.
    pub data: Vec<DataSetup>,
    /// What hides the dialogue from the firewall.
    pub protections: Vec<Protection>,
    /// The families that client and server speak. A dump that does not say its family is of the first.
    pub families: Vec<Family>,
    /// Only these backends.
    pub backends: Vec<Backend>,
    /// These servers.
    pub servers: Vec<PeerName>,
    /// These clients.
    pub clients: Vec<PeerName>,
    /// How the server is set up.
    pub server_options: ServerOptions,
    /// Sets that rules match on, and what is in them.
    pub sets: Vec<GivenSet>,
    /// Whether sets that rules match on and that nobody gave are empty.
    pub empty_sets: bool,
    /// The folder that scripts of nft include files from.
    pub include: Option<PathBuf>,
    /// Whether peers run in containers, so that a program that is not on this machine can be had.
    pub in_containers: bool,
}

/// How the server is set up. What is given here holds, whatever its own settings say.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Files of the server's own settings: the first, and what it includes.
    pub config: Vec<PathBuf>,
    /// Its control port.
    pub control_port: Option<u16>,
    /// The port that clients connect to, where rules lead that to the control port.
    pub connect_port: Option<u16>,
    /// The ports that it listens on for passive data connections.
    pub passive_ports: Option<(u16, u16)>,
    /// The IPv4 address that it announces in its 227.
    pub advertise: Option<Ipv4Addr>,
    /// Whether its active data connections come from a high port, and not from port 20.
    pub data_from_high_port: bool,
}

/// Which of those whom the rules can tell apart.
#[derive(Debug, Clone, Default)]
pub struct Whom {
    /// Only those on this interface of the host: the other end, or, on a gateway, the client.
    pub on: Option<InterfaceName>,
    /// On a gateway: only servers on this interface.
    pub out: Option<InterfaceName>,
    /// Only clients of this address, one of each family.
    pub from: Vec<IpAddr>,
    /// Only this address that clients connect to, one of each family.
    pub to: Vec<IpAddr>,
    /// Where a port is forwarded: the server's own address, one of each family.
    pub server_address: Vec<IpAddr>,
    /// At most this many classes of peers for each family; otherwise 50, and fewer for a ruleset of thousands of rules.
    pub classes: Option<u16>,
}

impl Whom {
    /// Whether somebody chose.
    pub fn is_chosen(&self) -> bool {
        self.on.is_some() || self.out.is_some() || !self.from.is_empty() || !self.to.is_empty()
    }

    /// The same where nobody chose.
    pub(crate) fn everybody(&self) -> Whom {
        Whom {
            server_address: self.server_address.clone(),
            classes: self.classes,
            ..Whom::default()
        }
    }
}

/// The host that rules are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The client's.
    Client,
    /// The server's.
    Server,
    /// A router between the two.
    Gateway,
    /// A gateway that forwards its own control port to the server behind it.
    PortForward,
    /// The same for clients who are in the server's own network, and connect to the gateway's address all the same.
    Hairpin,
}

impl At {
    pub(crate) fn shape(self) -> Shape {
        match self {
            At::Client => Shape::ClientFirewall,
            At::Server => Shape::ServerFirewall,
            At::Gateway => Shape::Gateway,
            At::PortForward => Shape::ServerNat,
            At::Hairpin => Shape::Hairpin,
        }
    }

    pub(crate) fn is_router(self) -> bool {
        matches!(self, At::Gateway | At::PortForward | At::Hairpin)
    }

    /// Whether clients connect to an address of the gateway's own.
    pub(crate) fn forwards(self) -> bool {
        matches!(self, At::PortForward | At::Hairpin)
    }
}

impl Terms {
    /// The family of a dump that does not say its own.
    pub fn first_family(&self) -> Family {
        self.families.first().copied().unwrap_or(Family::Ipv4)
    }

    /// Whose rules these are, of one host or of several that are compared.
    ///
    /// # Errors
    /// When nobody said, and nothing tells, or two tell two things.
    pub fn at(&self, hosts: &[&HostFiles], said: &mut Messages) -> Result<At, Exit> {
        const HELP: &str = "--at server, --at client, --at gateway, or --at port-forward for a gateway that forwards its own control port";
        if let Some(at) = self.at {
            return Ok(at);
        }
        let mut told: Option<(At, &HostFiles)> = None;
        for files in hosts {
            let Some(at) = captured::at(
                files,
                self.server_options.control_port,
                self.server_options.connect_port,
            ) else {
                continue;
            };
            let why = match at {
                At::PortForward => "its rules forward to a server: use --at port-forward",
                _ => "a server listens there: use --at server",
            };
            said.say(format!("{}: {why}", one_line(&files.name)), None);
            match told {
                None => told = Some((at, files)),
                Some((other, first)) if other != at => {
                    said.say(
                        format!(
                            "{} and {} cannot be tried in the same way",
                            one_line(&first.name),
                            one_line(&files.name)
                        ),
                        Some(HELP),
                    );
                    return Err(Exit::Usage);
                }
                Some(_) => {}
            }
        }
        told.map(|(at, _)| at).ok_or_else(|| {
            let names: Vec<String> = hosts
                .iter()
                .map(|files| one_line(&files.name).to_string())
                .collect();
            said.say(
                format!("whose rules are these, {}?", names.join(" and ")),
                Some(HELP),
            );
            Exit::Usage
        })
    }
}
