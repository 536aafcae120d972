use std::net::IpAddr;

use fwlab_model::{NextHop, Topology};
use fwlab_record::NodeName;

/// Whether what leaves a node for an address goes to where nobody is: the longest prefix among its
/// links and routes, as the kernel chooses, is that of a sink.
pub(super) fn is_swallowed(topology: &Topology, node: &NodeName, to: IpAddr) -> bool {
    let on_link = topology
        .interfaces_in(node)
        .flat_map(|interface| interface.addresses);
    let on_link = on_link.filter(|net| net.contains(&to));
    let nearest = on_link.map(|net| net.prefix_len()).max();
    let routes = topology
        .node(node)
        .into_iter()
        .flat_map(|node| &node.routes);
    let best = routes
        .filter(|route| route.to.contains(&to))
        .max_by_key(|route| route.to.prefix_len());
    best.is_some_and(|route| {
        matches!(route.via, NextHop::Sink(_)) && Some(route.to.prefix_len()) > nearest
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fwlab_scenario::{Layout, Shape};

    #[test]
    fn the_longest_prefix_decides() {
        let deployment = Layout::new(Shape::ServerNat).deployment(21);
        let swallowed = |node: &NodeName, to: &str| {
            is_swallowed(&deployment.topology, node, to.parse().expect("an address"))
        };
        assert!(swallowed(&deployment.client, "192.168.7.10"));
        assert!(!swallowed(&deployment.client, "198.51.100.1"));
        assert!(!swallowed(&deployment.server, "198.51.100.2"));
    }
}
