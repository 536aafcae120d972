use std::cmp::Reverse;
use std::net::IpAddr;

use fwlab_model::IpNet;
use fwlab_record::InterfaceName;

use super::address::Address;
use super::route::{Hop, RouteKind};
use crate::host::Host;

/// What leads to an address, and what it is chosen by.
struct Candidate<'a> {
    length: u8,
    metric: u32,
    way: Option<(&'a InterfaceName, Option<IpAddr>)>,
}

impl Host {
    /// Its addresses that others can reach: neither loopback nor link-local.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        let is_local = |address: IpAddr| match address {
            IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local(),
        };
        let addresses = self.addresses.iter();
        addresses.filter(move |address| !is_local(address.net.addr()))
    }

    /// By which interface a packet for an address leaves, and to which neighbour it goes first. Nothing where no route
    /// leads there, or one that ends there.
    ///
    /// It is looked up in the main table and the networks that the host is in, whatever other tables there are; of
    /// several ways of one route the first is told. The host's own addresses are behind `lo`.
    pub fn route_to(&self, address: IpAddr) -> Option<(InterfaceName, Option<IpAddr>)> {
        if self.addresses.iter().any(|own| own.net.addr() == address) {
            let lo = self.links.iter();
            let mut lo = lo.filter(|link| link.kind.as_deref() == Some("loopback"));
            let name = lo.next().map(|link| link.name.clone());
            return name
                .or_else(|| InterfaceName::new("lo").ok())
                .zip(Some(None));
        }
        let leads = |net: &IpNet| net.contains(&address);
        let of_table = self.routes.iter().filter(|route| leads(&route.to));
        let of_table = of_table.filter_map(|route| {
            let usable = route.hops.iter().find(|hop| hop.is_usable);
            let way = match route.kind {
                RouteKind::Unicast => Some(usable?),
                _ => None,
            };
            Some(Candidate {
                length: route.to.prefix_len(),
                metric: route.metric,
                way: way.map(|Hop { interface, via, .. }| (interface, *via)),
            })
        });
        let connected = self.addresses.iter().filter(|own| leads(&own.network()));
        let connected = connected.filter(|own| self.is_usable(&own.interface));
        let connected = connected.map(|own| Candidate {
            length: own.network().prefix_len(),
            // The table has the same with its own metric; without, it is the last resort.
            metric: u32::MAX,
            way: Some((&own.interface, None)),
        });
        let candidates = of_table.chain(connected);
        let best = candidates.min_by_key(|one| (Reverse(one.length), one.metric))?;
        best.way.map(|(interface, via)| (interface.clone(), via))
    }

    /// Whether the kernel has routes over it; an interface that is not known is believed.
    fn is_usable(&self, name: &InterfaceName) -> bool {
        let link = self.links.iter().find(|link| link.name == *name);
        link.is_none_or(|link| link.is_up)
    }
}
