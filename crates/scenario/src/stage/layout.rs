//! From a named topology to nodes and links.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fwlab_model::{BridgeSpec, IpNet, LinkEnd, LinkSpec, NextHop, NodeSpec, RouteSpec, Topology};
use fwlab_record::{Family, InterfaceName, NodeName};

use super::addressing::family_of;
use super::{Addressing, Port, Shape, Stage};

/// A named topology with all that can be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Where the firewall stands.
    pub shape: Shape,
    /// Who has which address.
    pub addressing: Addressing,
    /// How many clients there are, one beside the other: `client`, `client2`, …
    pub clients: u8,
    /// Whether a host `third` is in the server's network.
    pub third: bool,
    /// The families that are spoken. A node is silent in the others.
    pub families: Vec<Family>,
}

/// The number of `third` in the server's network, so that a scenario can name it.
const THIRD: u8 = 66;

/// Where packets go that no link takes.
#[derive(Clone, Copy)]
enum Default<'a> {
    /// Nowhere: the sender is told at once.
    Nowhere,
    /// To a router.
    Router(&'a Port),
    /// Out of the host's own interface to nobody, as the Internet does.
    Swallowed,
}

impl Layout {
    /// The shape as it is where nothing more is said: one client, no third host, IPv4.
    pub fn new(shape: Shape) -> Layout {
        Layout {
            shape,
            addressing: Addressing::default_of(shape),
            clients: 1,
            third: false,
            families: vec![Family::Ipv4],
        }
    }

    /// Lays it out.
    pub fn stage(&self, control_port: u16) -> Stage {
        let Addressing {
            client,
            gateway,
            server_gateway,
            server,
        } = &self.addressing;
        let of = |port: &Port| port.of(&self.families);
        let [near_client, near_server] = [of(&gateway[0]), of(&gateway[1])];
        let [outside, inside] = [of(&server_gateway[0]), of(&server_gateway[1])];
        let (client, server) = (of(client), of(server));
        let mut plan = Plan::default();
        let through = Default::Router;
        let swallowed = Default::Swallowed;
        let (of_clients, of_servers) = match self.shape {
            Shape::ClientFirewall | Shape::ServerFirewall => (Default::Nowhere, Default::Nowhere),
            Shape::Gateway => (through(&near_client), through(&near_server)),
            Shape::ClientNat => (through(&near_client), swallowed),
            Shape::ServerNat => (swallowed, through(&near_server)),
            Shape::BothNat => (through(&near_client), through(&inside)),
            Shape::Hairpin => (through(&near_client), through(&near_client)),
        };
        let clients = self.clients(&client);
        for (name, port) in &clients {
            plan.host(name, port, of_clients);
        }
        let mut reached_at = &server;
        match self.shape {
            Shape::ClientFirewall | Shape::ServerFirewall => {}
            Shape::Gateway => {
                plan.router(&NodeName::gateway(), None);
            }
            Shape::ClientNat | Shape::Hairpin => {
                plan.router(&NodeName::gateway(), Some(&near_server));
            }
            Shape::ServerNat => plan.router(&NodeName::gateway(), Some(&near_client)),
            Shape::BothNat => {
                plan.router(&node("client-gateway"), Some(&near_server));
                plan.router(&node("server-gateway"), Some(&outside));
            }
        }
        let mut servers = vec![(NodeName::server(), server.clone())];
        servers.extend(self.third.then(|| (NodeName::third(), third(&server))));
        for (name, port) in &servers {
            plan.host(name, port, of_servers);
        }
        let gateway = |port: &Port| (NodeName::gateway(), port.clone());
        match self.shape {
            Shape::ClientFirewall | Shape::ServerFirewall => {
                plan.network([clients, servers].concat(), None);
            }
            Shape::Gateway | Shape::ClientNat => {
                let inside = NodeName::gateway();
                plan.network(
                    [clients, vec![gateway(&near_client)]].concat(),
                    Some(&inside),
                );
                plan.network([vec![gateway(&near_server)], servers].concat(), None);
            }
            Shape::ServerNat => {
                reached_at = &near_client;
                let inside = NodeName::gateway();
                plan.network([clients, vec![gateway(&near_client)]].concat(), None);
                plan.network(
                    [vec![gateway(&near_server)], servers].concat(),
                    Some(&inside),
                );
            }
            Shape::BothNat => {
                reached_at = &outside;
                let [one, other] = [node("client-gateway"), node("server-gateway")];
                let of_one = |port: &Port| (one.clone(), port.clone());
                let of_other = |port: &Port| (other.clone(), port.clone());
                plan.network([clients, vec![of_one(&near_client)]].concat(), Some(&one));
                plan.network(vec![of_one(&near_server), of_other(&outside)], None);
                plan.network([vec![of_other(&inside)], servers].concat(), Some(&other));
            }
            Shape::Hairpin => {
                reached_at = &near_server;
                let inside = NodeName::gateway();
                let hosts = [clients, vec![gateway(&near_client)], servers].concat();
                plan.network(hosts, Some(&inside));
                let internet = (node("internet"), neighbour_of(&near_server));
                plan.host(&internet.0, &internet.1, Default::Nowhere);
                plan.network(vec![gateway(&near_server), internet], None);
            }
        }
        let firsts = |port: &Port| -> Vec<IpAddr> {
            let families = self.families.iter();
            families
                .filter_map(|family| port.address(*family))
                .collect()
        };
        Stage {
            firewall: self.shape.firewall(),
            client: NodeName::client(),
            server: NodeName::server(),
            reached_at: firsts(reached_at),
            connect_port: control_port,
            topology: plan.topology,
        }
    }

    /// The clients, each with the addresses after those of the one before.
    fn clients(&self, first: &Port) -> Vec<(NodeName, Port)> {
        (0..self.clients)
            .map(|number| {
                let name = match number {
                    0 => NodeName::client(),
                    number => node(&format!("client{}", number + 1)),
                };
                let mut port = first.clone();
                if number > 0 {
                    // The second address of an interface is its host's alone.
                    port.addresses = firsts_of_each_family(first)
                        .map(|net| counted_on(net, number))
                        .collect();
                }
                (name, port)
            })
            .collect()
    }
}

/// Nodes and links while they are laid out.
#[derive(Default)]
struct Plan {
    topology: Topology,
}

impl Plan {
    fn host(&mut self, name: &NodeName, port: &Port, default: Default<'_>) {
        let mut node = NodeSpec::new(name.clone());
        for family in families_of(port) {
            let via = match default {
                Default::Nowhere => None,
                Default::Router(router) => router.address(family).map(NextHop::Neighbour),
                Default::Swallowed => Some(NextHop::Sink(port.interface.clone())),
            };
            node.routes
                .extend(via.map(|via| to_everywhere(family, via)));
        }
        self.topology.nodes.push(node);
    }

    /// A router; with its outside, where the Internet swallows what is meant for nobody.
    fn router(&mut self, name: &NodeName, outside: Option<&Port>) {
        let mut node = NodeSpec::new(name.clone());
        node.forwards = true;
        if let Some(port) = outside {
            let sink = || NextHop::Sink(port.interface.clone());
            node.routes
                .extend(families_of(port).map(|family| to_everywhere(family, sink())));
        }
        self.topology.nodes.push(node);
    }

    /// A network. Two hosts are on a link; more are on the bridge of the router whose
    /// inside it is, as behind a home router, or on a switch of their own.
    fn network(&mut self, hosts: Vec<(NodeName, Port)>, inside_of: Option<&NodeName>) {
        let hosts: Vec<LinkEnd> = hosts
            .into_iter()
            .map(|(node, port)| LinkEnd {
                node,
                interface: port.interface,
                addresses: port.addresses,
            })
            .collect();
        match <[LinkEnd; 2]>::try_from(hosts) {
            Ok(ends) => self.topology.links.push(LinkSpec::new(ends)),
            Err(hosts) => self.bridged(hosts, inside_of),
        }
    }

    fn bridged(&mut self, mut hosts: Vec<LinkEnd>, inside_of: Option<&NodeName>) {
        let router = hosts.iter().position(|host| Some(&host.node) == inside_of);
        let middle = match router {
            Some(at) => hosts.remove(at),
            None => {
                let switch = node("switch");
                self.topology.nodes.push(NodeSpec::new(switch.clone()));
                LinkEnd {
                    node: switch,
                    interface: interface("br0"),
                    addresses: Vec::new(),
                }
            }
        };
        let mut ports = Vec::new();
        for (number, host) in hosts.into_iter().enumerate() {
            let port = interface(&format!("port{}", number + 1));
            let there = LinkEnd {
                node: middle.node.clone(),
                interface: port.clone(),
                addresses: Vec::new(),
            };
            self.topology.links.push(LinkSpec::new([host, there]));
            ports.push(port);
        }
        let mut nodes = self.topology.nodes.iter_mut();
        let node = nodes.find(|node| node.name == middle.node);
        let node = node.expect("routers and switches are made before their networks");
        node.bridges.push(BridgeSpec {
            interface: middle.interface,
            ports,
            addresses: middle.addresses,
        });
    }
}

fn node(name: &str) -> NodeName {
    NodeName::new(name).expect("the shapes' node names are valid")
}

fn interface(name: &str) -> InterfaceName {
    InterfaceName::new(name).expect("the shapes' interface names are valid")
}

fn families_of(port: &Port) -> impl Iterator<Item = Family> + '_ {
    firsts_of_each_family(port).map(|net| family_of(&net))
}

fn firsts_of_each_family(port: &Port) -> impl Iterator<Item = IpNet> + '_ {
    let of = |family| {
        port.addresses
            .iter()
            .find(move |net| family_of(net) == family)
    };
    Family::ALL
        .iter()
        .filter_map(move |family| of(*family))
        .copied()
}

fn to_everywhere(family: Family, via: NextHop) -> RouteSpec {
    let to = match family {
        Family::Ipv4 => "0.0.0.0/0",
        Family::Ipv6 => "::/0",
    };
    let to = to.parse().expect("the default routes are prefixes");
    RouteSpec { to, via }
}

/// The address that many after it, with the same prefix length.
fn counted_on(net: IpNet, by: u8) -> IpNet {
    let address = match net.addr() {
        IpAddr::V4(address) => {
            Ipv4Addr::from_bits(address.to_bits().wrapping_add(u32::from(by))).into()
        }
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits().wrapping_add(u128::from(by))).into()
        }
    };
    with_address(net, address)
}

fn with_address(net: IpNet, address: IpAddr) -> IpNet {
    IpNet::new(address, net.prefix_len()).expect("a prefix length that its family has")
}

/// The host of that number in the server's network. `::66` is written as it is read.
fn third(server: &Port) -> Port {
    let numbered = |net: IpNet| match net.network() {
        IpAddr::V4(_) => counted_on(with_address(net, net.network()), THIRD),
        IpAddr::V6(_) => counted_on(with_address(net, net.network()), 0x66),
    };
    Port {
        interface: interface("e0"),
        addresses: firsts_of_each_family(server).map(numbered).collect(),
    }
}

/// Somebody else in the network of a port: the one after it, where there is one.
fn neighbour_of(port: &Port) -> Port {
    Port {
        interface: interface("e0"),
        addresses: firsts_of_each_family(port)
            .map(|net| counted_on(net, 1))
            .collect(),
    }
}
