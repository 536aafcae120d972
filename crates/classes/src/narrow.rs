//! A gateway's narrow links, as PPPoE and tunnels are: the hosts beyond them are on wide ones, and do not know.

use std::net::IpAddr;

use fwlab_model::{IpNet, LinkEnd, LinkSpec, NextHop, NodeSpec, RouteSpec};
use fwlab_record::{Family, InterfaceName, NodeName};
use fwlab_scenario::Deployment;

use crate::Network;

/// What a link carries unless it is narrow.
const USUAL: u32 = 1500;

/// The least that a link of IPv6 carries (RFC 8200 section 5).
const LEAST_OF_IPV6: u32 = 1280;

/// Gives the firewall's links the size that its interfaces have. Whose address is none of the link's own network is behind a router
/// at its other end.
pub(crate) fn narrowed(network: &Network, family: Family, deployment: &mut Deployment) {
    let Some(firewall) = deployment.firewall.clone() else {
        return;
    };
    for at in 0..deployment.topology.links.len() {
        let link = &deployment.topology.links[at];
        let Some(own) = link.ends.iter().position(|end| end.node == firewall) else {
            continue;
        };
        let (own, peer) = (link.ends[own].clone(), link.ends[1 - own].clone());
        let Some(mtu) = network.narrow(&own.interface) else {
            continue;
        };
        if family == Family::Ipv6 && mtu < LEAST_OF_IPV6 {
            continue;
        }
        deployment.topology.links[at].mtu = Some(mtu);
        let is_near = |net: &IpNet| own.addresses.iter().any(|own| own.contains(&net.addr()));
        if !peer.addresses.iter().all(is_near) {
            put_beyond(family, at, (&own, &peer), deployment);
        }
    }
}

/// Puts a router between the firewall and the peer at the other end of a link.
fn put_beyond(
    family: Family,
    link: usize,
    (own, peer): (&LinkEnd, &LinkEnd),
    deployment: &mut Deployment,
) {
    let name = NodeName::new(format!("beyond-{}", own.interface).to_lowercase());
    let free = free(family, deployment);
    let (Ok(name), [near, far, ..]) = (name, &free[..]) else {
        return;
    };
    let of_family = |end: &LinkEnd| -> Vec<IpAddr> {
        let addresses = end.addresses.iter().map(IpNet::addr);
        addresses
            .filter(|address| Family::of(*address) == family)
            .collect()
    };
    let (owns, peers) = (of_family(own), of_family(peer));
    let Some(first) = owns.first() else { return };
    let end = |interface: &str, address: &IpAddr| LinkEnd {
        node: name.clone(),
        interface: InterfaceName::new(interface).expect("a name"),
        addresses: vec![IpNet::from(*address)],
    };
    let mut router = NodeSpec::new(name.clone());
    router.forwards = true;
    router.routes.push(RouteSpec {
        to: everything(family),
        via: NextHop::Neighbour(*first),
    });
    for node in &mut deployment.topology.nodes {
        let (others, via) = match &node.name {
            one if *one == own.node => (&peers, near),
            one if *one == peer.node => (&owns, far),
            _ => continue,
        };
        for route in &mut node.routes {
            if matches!(&route.via, NextHop::Neighbour(hop) if others.contains(hop)) {
                route.via = NextHop::Neighbour(*via);
            }
        }
        let beyond = others.iter().filter(|other| {
            !node
                .routes
                .iter()
                .any(|route| route.to == IpNet::from(**other))
        });
        let beyond: Vec<RouteSpec> = beyond
            .map(|other| RouteSpec {
                to: IpNet::from(*other),
                via: NextHop::Neighbour(*via),
            })
            .collect();
        node.routes.extend(beyond);
    }
    deployment.topology.nodes.push(router);
    let links = &mut deployment.topology.links;
    links[link].ends = [own.clone(), end("near", near)];
    links.push(LinkSpec::new([end("far", far), peer.clone()]));
}

/// Addresses for documentation that nobody in the lab has (RFC 5737, RFC 3849).
fn free(family: Family, deployment: &Deployment) -> Vec<IpAddr> {
    let written = |at: u8| match family {
        Family::Ipv4 => IpAddr::from([192, 0, 2, at]),
        Family::Ipv6 => IpAddr::from([0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, u16::from(at)]),
    };
    let mut free: Vec<IpAddr> = (200..=254).map(written).collect();
    free.retain(|address| {
        deployment
            .topology
            .addresses()
            .all(|(had, _)| had != *address)
    });
    free
}

fn everything(family: Family) -> IpNet {
    let all = match family {
        Family::Ipv4 => "0.0.0.0/0",
        Family::Ipv6 => "::/0",
    };
    all.parse().expect("a prefix")
}

impl Network {
    /// The size of an interface's largest packet, where it is less than usual.
    fn narrow(&self, interface: &InterfaceName) -> Option<u32> {
        let mut sizes = self.mtus.iter();
        let (_, mtu) = sizes.find(|(name, _)| name == interface)?;
        (*mtu < USUAL).then_some(*mtu)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fwlab_scenario::{Layout, Shape};

    use super::*;
    use crate::{Place, Representative};

    /// A gateway with a tunnel to the outside, and the lab that it stands in.
    fn deployment(server: &str, mtu: u32) -> Deployment {
        let name = |name: &str| InterfaceName::new(name).expect("a name");
        let net = |net: &str| net.parse::<IpNet>().expect("a prefix");
        let place = Place {
            layout: Layout::new(Shape::Gateway),
            interfaces: BTreeSet::new(),
            given: BTreeSet::new(),
            network: Some(Network {
                interfaces: vec![
                    (name("lan0"), vec![net("10.77.1.1/24")]),
                    (name("ppp0"), vec![net("203.0.113.1/24")]),
                ],
                mtus: vec![(name("lan0"), 1500), (name("ppp0"), mtu)],
                ..Network::default()
            }),
        };
        let class = Representative {
            interface: Some(name("lan0")),
            far_interface: Some(name("ppp0")),
            address: "10.77.1.2".parse().ok(),
            far_address: server.parse().ok(),
        };
        place.deployment(&class, Family::Ipv4, 21)
    }

    #[test]
    fn who_is_beyond_a_narrow_link_is_on_a_wide_one() {
        let deployment = deployment("198.51.100.9", 1492);
        assert_eq!(deployment.topology.mistakes(), []);
        let sizes: Vec<Option<u32>> = deployment
            .topology
            .links
            .iter()
            .map(|link| link.mtu)
            .collect();
        assert_eq!(sizes, [None, Some(1492), None]);
        let [.., last] = &deployment.topology.links[..] else {
            panic!("there is a link beyond")
        };
        assert_eq!(last.ends[1].node, deployment.server);
        assert_eq!(last.ends[0].node.as_str(), "beyond-ppp0");
    }

    #[test]
    fn who_is_at_its_other_end_has_a_narrow_one() {
        let deployment = deployment("203.0.113.9", 1492);
        let sizes: Vec<Option<u32>> = deployment
            .topology
            .links
            .iter()
            .map(|link| link.mtu)
            .collect();
        assert_eq!(sizes, [None, Some(1492)]);
        let usual = self::deployment("198.51.100.9", 1500);
        assert!(usual.topology.links.iter().all(|link| link.mtu.is_none()));
    }
}
