//! The ways that packets take around a firewall: what routes of its peers lead to.

use std::net::IpAddr;

use fwlab_model::{IpNet, NextHop, RouteSpec, Topology};
use fwlab_record::{Family, is_private};
use fwlab_scenario::{Deployment, Port};

use crate::{Place, Position, Representative};

impl Place {
    /// Beyond a router's public address nobody has a way back to a private one: what comes from there untranslated is answered
    /// in vain. Only of a host that is known: otherwise the addresses are the lab's own.
    pub(crate) fn without_way_back(
        &self,
        class: &Representative,
        family: Family,
        deployment: &mut Deployment,
    ) {
        let (Some(network), Some(out)) = (&self.network, &class.far_interface) else {
            return;
        };
        let mut outside = network.on(out, family).into_iter();
        let is_public = outside.any(|net| !is_private(net.addr()));
        let is_inside = class.address.is_some_and(is_private);
        if self.position() != Position::Router || !is_public || !is_inside {
            return;
        }
        let ends = deployment.topology.ends_in(&deployment.server);
        let Some(interface) = ends.map(|end| end.interface.clone()).next() else {
            return;
        };
        let server = deployment.server.clone();
        let mut nodes = deployment.topology.nodes.iter_mut();
        if let Some(node) = nodes.find(|node| node.name == server) {
            for route in node
                .routes
                .iter_mut()
                .filter(|route| route.to.prefix_len() == 0)
            {
                route.via = NextHop::Sink(interface.clone());
            }
        }
    }

    /// Lets the peer of a host find it by an address that its rules give to what leaves, and that nobody has.
    pub(crate) fn ways_to_given(&self, family: Family, deployment: &mut Deployment) {
        let peer = match self.position() {
            Position::Server => deployment.client.clone(),
            Position::Client => deployment.server.clone(),
            Position::Router | Position::Forwarder | Position::Hairpin => return,
        };
        let Some(firewall) = deployment.firewall.clone() else {
            return;
        };
        let had: Vec<IpAddr> = deployment
            .topology
            .addresses()
            .map(|(address, _)| address)
            .collect();
        let own = {
            let links = deployment.topology.ends_in(&firewall);
            let mut own = links.flat_map(|end| end.addresses.iter().map(IpNet::addr));
            own.find(|address| Family::of(*address) == family)
        };
        let Some(own) = own else { return };
        let mut nodes = deployment.topology.nodes.iter_mut();
        let Some(node) = nodes.find(|node| node.name == peer) else {
            return;
        };
        let given = self
            .given
            .iter()
            .filter(|given| Family::of(**given) == family);
        node.routes.extend(
            given
                .filter(|given| !had.contains(given))
                .map(|given| RouteSpec {
                    to: IpNet::from(*given),
                    via: NextHop::Neighbour(own),
                }),
        );
    }

    /// Who is in a private network of a host that is known, as a container, sends what is not of that network to the host, if the
    /// host's own route to everywhere leaves by another interface.
    pub(crate) fn by_way_of_the_host(&self, family: Family, deployment: &mut Deployment) {
        let (peer, host) = match self.position() {
            Position::Server => (deployment.client.clone(), deployment.server.clone()),
            Position::Client => (deployment.server.clone(), deployment.client.clone()),
            Position::Router | Position::Forwarder | Position::Hairpin => return,
        };
        let Some(network) = &self.network else { return };
        let mut ends = deployment.topology.ends_in(&host);
        let Some(end) = ends.next() else { return };
        let mut addresses = end.addresses.iter().map(IpNet::addr);
        let beside = addresses.find(|address| Family::of(*address) == family);
        let mut routes = network.routes.iter();
        let leaves_elsewhere = routes.any(|(to, interface)| {
            to.prefix_len() == 0 && Family::of(to.addr()) == family && *interface != end.interface
        });
        let Some(beside) = beside.filter(|beside| leaves_elsewhere && is_private(*beside)) else {
            return;
        };
        drop(ends);
        let mut nodes = deployment.topology.nodes.iter_mut();
        if let Some(node) = nodes.find(|node| node.name == peer) {
            let everywhere = node
                .routes
                .iter_mut()
                .filter(|route| route.to.prefix_len() == 0);
            everywhere.for_each(|route| route.via = NextHop::Neighbour(beside));
        }
    }
}

/// Two ends of a router are not in one network, whatever their addresses: where one's network has the other in it, each is alone.
pub(crate) fn keep_apart(client: &mut Port, server: &mut Port, family: Family) {
    let of = |port: &Port| {
        let mut nets = port.addresses.iter().copied();
        nets.find(|net| Family::of(net.addr()) == family)
    };
    let (Some(one), Some(other)) = (of(client), of(server)) else {
        return;
    };
    if one.contains(&other.addr()) || other.contains(&one.addr()) {
        client.place(&[IpNet::from(one.addr())]);
        server.place(&[IpNet::from(other.addr())]);
    }
}

/// Lets the two ends of each link know each other, whatever their prefixes.
pub(crate) fn joined(topology: &mut Topology) {
    for link in &topology.links {
        let [one, other] = &link.ends;
        for (here, there) in [(one, other), (other, one)] {
            let mut nodes = topology.nodes.iter_mut();
            let Some(node) = nodes.find(|node| node.name == here.node) else {
                continue;
            };
            // Who is behind a port of a bridge is in the bridge's network.
            let mut bridges = node.bridges.iter();
            if bridges.any(|bridge| bridge.ports.contains(&here.interface)) {
                continue;
            }
            let strange = there
                .addresses
                .iter()
                .filter(|far| !here.addresses.iter().any(|net| net.contains(&far.addr())));
            let routes: Vec<RouteSpec> = strange
                .map(|far| RouteSpec {
                    to: IpNet::from(far.addr()),
                    via: NextHop::Link(here.interface.clone()),
                })
                .collect();
            node.routes.extend(routes);
        }
    }
}
