use fwlab_record::{NodeName, Packet};

/// The way of one packet of a handshake: each node and direction once, in the order in
/// which they were heard of.
#[derive(Debug, Clone, Default)]
pub(super) struct Path {
    places: Vec<Place>,
    /// The latest sighting: its place in the order of events, and the packet.
    latest: Option<(u64, Packet)>,
}

#[derive(Debug, Clone)]
struct Place {
    node: NodeName,
    inbound: bool,
    times: usize,
}

impl Path {
    pub(super) fn seen(&mut self, event: u64, node: &NodeName, inbound: bool, packet: &Packet) {
        self.latest = Some((event, *packet));
        let place = self
            .places
            .iter_mut()
            .find(|place| place.node == *node && place.inbound == inbound);
        match place {
            Some(place) => place.times += 1,
            None => self.places.push(Place {
                node: node.clone(),
                inbound,
                times: 1,
            }),
        }
    }

    pub(super) fn times(&self, node: &NodeName, inbound: bool) -> usize {
        let mut places = self.places.iter();
        places
            .find(|place| place.node == *node && place.inbound == inbound)
            .map_or(0, |place| place.times)
    }

    /// The node that it went out of without having come in there.
    pub(super) fn origin(&self) -> Option<&NodeName> {
        let mut out = self.places.iter().filter(|place| !place.inbound);
        out.find(|place| self.times(&place.node, true) == 0)
            .map(|place| &place.node)
    }

    /// The node that it was seen at, where there is no other.
    pub(super) fn only_node(&self) -> Option<&NodeName> {
        let first = &self.places.first()?.node;
        let mut nodes = self.places.iter().map(|place| &place.node);
        nodes.all(|node| node == first).then_some(first)
    }

    /// Whether it came in at a node.
    pub(super) fn reached(&self, node: &NodeName) -> bool {
        self.times(node, true) > 0
    }

    /// Whether it came in at a node and did not go on from there.
    pub(super) fn ends_at(&self, node: &NodeName) -> bool {
        self.reached(node) && self.times(node, false) == 0
    }

    /// The last node on its way, the packet, and the place of its latest sighting in the order of events. Of two nodes the
    /// one behind may be heard first.
    pub(super) fn end(&self) -> Option<(&NodeName, Packet, u64)> {
        let (event, packet) = self.latest?;
        let mut nodes = self.places.iter().rev().map(|place| &place.node);
        let last = nodes.clone().find(|node| self.ends_at(node));
        // It went on from all of them: what it came in at is behind what it only went out of.
        let last = last.or_else(|| nodes.clone().find(|node| self.reached(node)));
        Some((last.or_else(|| nodes.next())?, packet, event))
    }

    pub(super) fn absorb(&mut self, other: Path) {
        for place in other.places {
            let Place {
                node,
                inbound,
                times,
            } = place;
            let known = self
                .places
                .iter_mut()
                .find(|place| place.node == node && place.inbound == inbound);
            match known {
                Some(known) => known.times += times,
                None => self.places.push(Place {
                    node,
                    inbound,
                    times,
                }),
            }
        }
        self.latest = self.latest.or(other.latest);
    }
}

#[cfg(test)]
mod tests {
    use fwlab_record::{Flow, TcpFlags};

    use super::*;

    fn end(places: &[(&NodeName, bool)]) -> Option<NodeName> {
        let packet = Packet::Tcp {
            flow: Flow {
                from: "10.0.0.2:40000".parse().expect("an address"),
                to: "10.0.0.1:21".parse().expect("an address"),
            },
            flags: TcpFlags(TcpFlags::SYN),
            sequence: 1,
            acknowledgement: 0,
            payload: 0,
        };
        let mut path = Path::default();
        for (event, (node, inbound)) in (1..).zip(places) {
            path.seen(event, node, *inbound, &packet);
        }
        path.end().map(|(node, _, _)| node.clone())
    }

    #[test]
    fn the_end_of_a_way_is_the_same_in_whatever_order_its_nodes_are_heard() {
        let [client, gateway, server] =
            [NodeName::client(), NodeName::gateway(), NodeName::server()];
        let ways: [(&[_], _); 4] = [
            (&[(&client, false)], &client),
            (&[(&client, false), (&server, true)], &server),
            (&[(&client, false), (&gateway, true)], &gateway),
            (
                &[(&client, false), (&gateway, true), (&gateway, false)],
                &gateway,
            ),
        ];
        for (way, last) in ways {
            let reversed: Vec<_> = way.iter().rev().copied().collect();
            assert_eq!(end(way).as_ref(), Some(last), "{way:?}");
            assert_eq!(end(&reversed).as_ref(), Some(last), "{reversed:?}");
        }
    }
}
