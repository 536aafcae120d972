use std::net::{IpAddr, SocketAddr};

use fwlab_model::{
    Family, InterfaceName, IpNet, LinkEnd, LinkSpec, NextHop, NodeName, NodeSpec, RouteSpec,
    Topology,
};

/// Where the firewall stands: the named topologies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// Client and server on one link, the rules on the client's host.
    ClientFirewall,
    /// Client and server on one link, the rules on the server's host.
    ServerFirewall,
    /// A router between client and server, without NAT, with the rules on it.
    Gateway,
    /// The client in a private network behind a gateway with the rules; the server on the
    /// Internet, from where no route leads back.
    ClientNat,
    /// The server in a private network behind a gateway with the rules; the client on the
    /// Internet, where it knows the server by the gateway's address.
    ServerNat,
}

impl std::str::FromStr for Shape {
    type Err = ();
    fn from_str(word: &str) -> Result<Shape, ()> {
        match word {
            "client-firewall" => Ok(Shape::ClientFirewall),
            "server-firewall" => Ok(Shape::ServerFirewall),
            "gateway" => Ok(Shape::Gateway),
            "client-nat" => Ok(Shape::ClientNat),
            "server-nat" => Ok(Shape::ServerNat),
            _ => Err(()),
        }
    }
}

impl Shape {
    /// The node that loads the ruleset.
    pub fn firewall(self) -> NodeName {
        match self {
            Shape::ClientFirewall => NodeName::client(),
            Shape::ServerFirewall => NodeName::server(),
            Shape::Gateway | Shape::ClientNat | Shape::ServerNat => NodeName::gateway(),
        }
    }

    /// Whether a gateway stands between client and server.
    pub fn has_gateway(self) -> bool {
        self.firewall() == NodeName::gateway()
    }
}

/// An interface with its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The interface's name.
    pub interface: InterfaceName,
    /// Its address and the link's prefix length.
    pub address: IpNet,
}

impl Port {
    /// An interface with its address.
    ///
    /// # Panics
    /// When the texts are no interface name and no address: they are the program's own.
    pub(crate) fn known(interface: &str, address: &str) -> Port {
        Port {
            interface: InterfaceName::new(interface)
                .expect("the default interface names are valid"),
            address: address.parse().expect("the default addresses are valid"),
        }
    }
}

/// The addresses of a named topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressing {
    /// The client's end.
    pub client: Port,
    /// The gateway's ends, towards the client and towards the server.
    pub gateway: [Port; 2],
    /// The server's end.
    pub server: Port,
}

impl Addressing {
    /// What a scenario gets that says nothing.
    pub fn default_of(shape: Shape) -> Addressing {
        let gateway = [
            Port::known("lan", "10.77.1.1/24"),
            Port::known("wan", "203.0.113.1/24"),
        ];
        match shape {
            Shape::ClientFirewall | Shape::ServerFirewall => Addressing {
                client: Port::known("e0", "10.77.0.2/24"),
                server: Port::known("e0", "10.77.0.1/24"),
                gateway,
            },
            Shape::Gateway | Shape::ClientNat => Addressing {
                client: Port::known("e0", "10.77.1.2/24"),
                server: Port::known("e0", "203.0.113.10/24"),
                gateway,
            },
            Shape::ServerNat => Addressing {
                client: Port::known("e0", "198.51.100.2/24"),
                server: Port::known("e0", "192.168.7.10/24"),
                gateway: [
                    Port::known("wan", "198.51.100.1/24"),
                    Port::known("lan", "192.168.7.1/24"),
                ],
            },
        }
    }
}

/// A topology with its roles: who is client, who is server, who loads the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What the fabric builds.
    pub topology: Topology,
    /// The node that loads the ruleset.
    pub firewall: NodeName,
    /// The node that the client runs on.
    pub client: NodeName,
    /// The node that the server runs on.
    pub server: NodeName,
    /// The server's own address.
    pub server_address: IpAddr,
    /// The address and port that the client connects to.
    pub connect_to: SocketAddr,
}

impl Stage {
    /// Lays out a named topology.
    pub fn new(shape: Shape, addressing: &Addressing, control_port: u16) -> Stage {
        let end = |node: NodeName, port: &Port| LinkEnd {
            node,
            interface: port.interface.clone(),
            addresses: vec![port.address],
        };
        let [client, gateway, server] =
            [NodeName::client(), NodeName::gateway(), NodeName::server()];
        let mut client_node = NodeSpec::new(client.clone());
        let mut server_node = NodeSpec::new(server.clone());
        let topology = match shape {
            Shape::ClientFirewall | Shape::ServerFirewall => Topology {
                nodes: vec![client_node, server_node],
                links: vec![LinkSpec::new([
                    end(client.clone(), &addressing.client),
                    end(server.clone(), &addressing.server),
                ])],
            },
            Shape::Gateway | Shape::ClientNat | Shape::ServerNat => {
                let [near_client, near_server] = &addressing.gateway;
                let mut gateway_node = NodeSpec {
                    forwards: true,
                    ..NodeSpec::new(gateway.clone())
                };
                client_node.routes.push(match shape {
                    Shape::ServerNat => swallowed(&addressing.client),
                    _ => default_route(near_client.address.addr()),
                });
                server_node.routes.push(match shape {
                    Shape::ClientNat => swallowed(&addressing.server),
                    _ => default_route(near_server.address.addr()),
                });
                match shape {
                    Shape::ClientNat => gateway_node.routes.push(swallowed(near_server)),
                    Shape::ServerNat => gateway_node.routes.push(swallowed(near_client)),
                    _ => {}
                }
                Topology {
                    nodes: vec![client_node, gateway_node, server_node],
                    links: vec![
                        LinkSpec::new([
                            end(client.clone(), &addressing.client),
                            end(gateway.clone(), near_client),
                        ]),
                        LinkSpec::new([
                            end(gateway, near_server),
                            end(server.clone(), &addressing.server),
                        ]),
                    ],
                }
            }
        };
        let server_address = addressing.server.address.addr();
        Stage {
            topology,
            firewall: shape.firewall(),
            client,
            server,
            server_address,
            connect_to: SocketAddr::new(
                match shape {
                    Shape::ServerNat => addressing.gateway[0].address.addr(),
                    _ => server_address,
                },
                control_port,
            ),
        }
    }

    /// The family that the client and the server speak.
    pub fn family(&self) -> Family {
        Family::of(self.connect_to.ip())
    }

    /// The node that has an address, loopback addresses being the client's own.
    pub fn owner_of(&self, address: IpAddr) -> Option<&NodeName> {
        if address.is_loopback() {
            return Some(&self.client);
        }
        let ends = self.topology.links.iter().flat_map(|link| &link.ends);
        ends.filter(|end| end.addresses.iter().any(|net| net.addr() == address))
            .map(|end| &end.node)
            .next()
    }
}

fn default_route(via: IpAddr) -> RouteSpec {
    RouteSpec {
        to: everything(via),
        via: NextHop::Neighbour(via),
    }
}

/// What the Internet does with a packet to an address that is not there.
fn swallowed(port: &Port) -> RouteSpec {
    RouteSpec {
        to: everything(port.address.addr()),
        via: NextHop::Sink(port.interface.clone()),
    }
}

fn everything(family_of: IpAddr) -> IpNet {
    let everything = if family_of.is_ipv4() {
        "0.0.0.0/0"
    } else {
        "::/0"
    };
    everything.parse().expect("the default route is a prefix")
}
