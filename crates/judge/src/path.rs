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

    /// The last node on its way, the packet, and the place of its latest sighting in the order of events.
    pub(super) fn end(&self) -> Option<(&NodeName, Packet, u64)> {
        let (event, packet) = self.latest?;
        Some((&self.places.last()?.node, packet, event))
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
