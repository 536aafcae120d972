use std::net::IpAddr;

use fwlab_model::IpNet;
use fwlab_record::{Family, InterfaceName, NodeName};

use super::networks::Networks;

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
    /// Takes these addresses in place of those that it has of their families.
    pub fn place(&mut self, addresses: &[IpNet]) {
        let given = |family| addresses.iter().any(|net| family_of(net) == family);
        self.addresses.retain(|net| !given(family_of(net)));
        self.addresses.extend(addresses);
    }

    /// The address of a family that others know it by.
    pub fn address(&self, family: Family) -> Option<IpAddr> {
        let mut firsts = self.firsts().map(|net| net.addr());
        firsts.find(|address| Family::of(*address) == family)
    }

    /// The address of each family that others know it by.
    pub(super) fn firsts(&self) -> impl Iterator<Item = IpNet> + '_ {
        let of = |family| {
            let mut addresses = self.addresses.iter();
            addresses.find(move |net| family_of(net) == family)
        };
        let families = Family::ALL.iter();
        families.filter_map(move |family| of(*family)).copied()
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
    /// The gateway's ends, towards the client and towards the server; in `hairpin` the inside and the outside. None,
    /// where no node is called so.
    pub gateway: Vec<Port>,
    /// The server's end.
    pub server: Port,
}

impl Addressing {
    /// What a shape has by itself.
    pub(super) fn of(networks: &Networks) -> Addressing {
        let ports = |node: NodeName| -> Vec<Port> {
            let ends = networks.members().filter(|end| end.node == node);
            let ports = ends.map(|end| Port {
                interface: end.interface.clone(),
                addresses: end.addresses.clone(),
            });
            ports.collect()
        };
        let peer = |node| {
            ports(node)
                .pop()
                .expect("a shape has a client and a server")
        };
        Addressing {
            client: peer(NodeName::client()),
            gateway: ports(NodeName::gateway()),
            server: peer(NodeName::server()),
        }
    }

    /// The ports: the client's, the server's, and those of a gateway.
    pub fn ports_mut(&mut self) -> impl Iterator<Item = &mut Port> {
        let peers = [&mut self.client, &mut self.server];
        peers.into_iter().chain(&mut self.gateway)
    }

    /// The same, each with its node.
    pub(super) fn ports(&self) -> impl Iterator<Item = (NodeName, &Port)> {
        let peers = [
            (NodeName::client(), &self.client),
            (NodeName::server(), &self.server),
        ];
        let gateway = self.gateway.iter();
        peers
            .into_iter()
            .chain(gateway.map(|port| (NodeName::gateway(), port)))
    }

    /// The address that stands here where another stood before: others know the port by it.
    pub(super) fn in_place_of(&self, address: IpAddr, before: &Addressing) -> IpAddr {
        let mut ports = before.ports().zip(self.ports());
        let found = ports.find_map(|((_, was), (_, now))| {
            was.firsts().find(|net| net.addr() == address)?;
            let family = Family::of(address);
            now.firsts().find(|net| family_of(net) == family)
        });
        found.map_or(address, |net| net.addr())
    }
}
