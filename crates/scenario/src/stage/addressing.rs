use std::net::IpAddr;

use fwlab_model::IpNet;
use fwlab_record::{Family, InterfaceName};

use super::Shape;

/// An interface with its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The interface's name.
    pub interface: InterfaceName,
    /// Its addresses, each with the link's prefix length; the first of a family is the
    /// one that others know it by.
    pub addresses: Vec<IpNet>,
}

impl Port {
    /// An interface with its addresses.
    ///
    /// # Panics
    /// When the texts are no interface name and no addresses: they are the program's own.
    fn known(interface: &str, addresses: &[&str]) -> Port {
        let address = |text: &&str| text.parse().expect("the default addresses are valid");
        Port {
            interface: InterfaceName::new(interface)
                .expect("the default interface names are valid"),
            addresses: addresses.iter().map(address).collect(),
        }
    }

    /// Takes these addresses in place of those that it has of their families.
    pub fn place(&mut self, addresses: &[IpNet]) {
        let given = |family| addresses.iter().any(|net| family_of(net) == family);
        self.addresses.retain(|net| !given(family_of(net)));
        self.addresses.extend(addresses);
    }

    /// The address of a family that others know it by.
    pub fn address(&self, family: Family) -> Option<IpAddr> {
        let mut addresses = self.addresses.iter();
        let net = addresses.find(|net| family_of(net) == family)?;
        Some(net.addr())
    }

    /// The same with the addresses of these families only.
    pub(super) fn of(&self, families: &[Family]) -> Port {
        let mut port = self.clone();
        port.addresses
            .retain(|net| families.contains(&family_of(net)));
        port
    }
}

pub(super) fn family_of(net: &IpNet) -> Family {
    Family::of(net.addr())
}

/// The addresses of a named topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressing {
    /// The client's end.
    pub client: Port,
    /// The gateway's ends, towards the client and towards the server; in `both-nat` the
    /// client's gateway's, in `hairpin` the inside and the outside.
    pub gateway: [Port; 2],
    /// The server's gateway's ends in `both-nat`, towards the client and towards the server.
    pub server_gateway: [Port; 2],
    /// The server's end.
    pub server: Port,
}

impl Addressing {
    /// What a scenario gets that says nothing. Public addresses are those that are kept
    /// for documentation (RFC 5737, RFC 3849), since they lead nowhere else.
    pub fn default_of(shape: Shape) -> Addressing {
        let inside_of_client = || Port::known("lan", &["10.77.1.1/24", "fd77:1::1/64"]);
        let inside_of_server = || Port::known("lan", &["192.168.7.1/24", "fd77:7::1/64"]);
        let private_client = || Port::known("e0", &["10.77.1.2/24", "fd77:1::2/64"]);
        let private_server = || Port::known("e0", &["192.168.7.10/24", "fd77:7::10/64"]);
        let public_server =
            |interface| Port::known(interface, &["203.0.113.10/24", "2001:db8:113::10/64"]);
        let outside = || Port::known("wan", &["203.0.113.1/24", "2001:db8:113::1/64"]);
        let behind_one = Addressing {
            client: private_client(),
            gateway: [inside_of_client(), outside()],
            server_gateway: [public_server("wan"), inside_of_server()],
            server: public_server("e0"),
        };
        match shape {
            Shape::ClientFirewall | Shape::ServerFirewall => Addressing {
                client: Port::known("e0", &["10.77.0.2/24", "fd77::2/64"]),
                server: Port::known("e0", &["10.77.0.1/24", "fd77::1/64"]),
                ..behind_one
            },
            Shape::Gateway | Shape::ClientNat => behind_one,
            Shape::ServerNat => Addressing {
                client: Port::known("e0", &["198.51.100.2/24", "2001:db8:51::2/64"]),
                gateway: [
                    Port::known("wan", &["198.51.100.1/24", "2001:db8:51::1/64"]),
                    inside_of_server(),
                ],
                server: private_server(),
                ..behind_one
            },
            Shape::BothNat => Addressing {
                server: private_server(),
                ..behind_one
            },
            Shape::Hairpin => Addressing {
                client: Port::known("e0", &["192.168.7.20/24", "fd77:7::20/64"]),
                gateway: [inside_of_server(), outside()],
                server: private_server(),
                ..behind_one
            },
        }
    }
}
