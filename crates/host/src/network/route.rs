use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fwlab_model::IpNet;
use fwlab_record::{Family, InterfaceName, words};
use serde::Deserialize;

use super::answer::Answered;
use crate::reading::Reading;
use crate::section::SectionName;

/// A route of the main table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where it leads; a prefix of length 0 for everywhere.
    pub to: IpNet,
    /// What becomes of packets.
    pub kind: RouteKind,
    /// By which ways: several where they share the packets, none where packets end.
    pub hops: Vec<Hop>,
    /// Of two routes to one network the lower one is taken.
    pub metric: u32,
    /// The address that packets of the host itself come from.
    pub source: Option<IpAddr>,
}

/// One way of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The interface.
    pub interface: InterfaceName,
    /// The neighbour; nothing where the network itself is there.
    pub via: Option<IpAddr>,
    /// Whether packets can go there: its interface has a carrier.
    pub is_usable: bool,
}

words! {
    /// What becomes of packets for a network.
    pub enum RouteKind {
        /// They are sent there.
        Unicast,
        /// They are dropped without a word.
        Blackhole,
        /// They are refused: host unreachable.
        Unreachable,
        /// They are refused: prohibited.
        Prohibit,
        /// Another table is asked.
        Throw,
        /// They are the host's own.
        Local,
        /// They are sent to everybody.
        Broadcast,
        /// They are sent to a group.
        Multicast,
        /// They are the host's, and others' too.
        Anycast,
    }
}

#[derive(Deserialize)]
struct JsonRoute {
    #[serde(rename = "type")]
    kind: Option<String>,
    dst: Option<String>,
    #[serde(default)]
    metric: u32,
    prefsrc: Option<IpAddr>,
    #[serde(flatten)]
    hop: JsonHop,
    #[serde(default)]
    nexthops: Vec<JsonHop>,
}

#[derive(Deserialize)]
struct JsonHop {
    gateway: Option<IpAddr>,
    via: Option<JsonVia>,
    dev: Option<InterfaceName>,
    #[serde(default)]
    flags: Vec<String>,
}

/// A neighbour of the other family.
#[derive(Deserialize)]
struct JsonVia {
    host: Option<IpAddr>,
}

impl JsonHop {
    fn hop(self) -> Option<Hop> {
        let via = self.gateway.or_else(|| self.via.and_then(|via| via.host));
        let is_usable = !self.flags.iter().any(|flag| is_unusable(flag));
        Some(Hop {
            interface: self.dev?,
            via,
            is_usable,
        })
    }
}

fn is_unusable(flag: &str) -> bool {
    matches!(flag, "dead" | "linkdown")
}

impl Answered<'_> {
    pub(crate) fn routes(&self, reading: &mut Reading<'_>) -> Vec<Route> {
        let routes = if self.is_json() {
            let routes: Vec<JsonRoute> = self.json(reading);
            let routes = routes.into_iter();
            routes
                .filter_map(|route| self.route_of(reading, route))
                .collect()
        } else {
            self.routes_in_words(reading)
        };
        let (usable, not): (Vec<Route>, Vec<Route>) = routes
            .into_iter()
            .partition(|route| route.kind != RouteKind::Unicast || !route.hops.is_empty());
        for route in not {
            // busybox's `ip` leaves out the ways of a route that has several.
            let why = format!("the route to {} has no interface", route.to);
            reading.unread(self.section, self.begins, why);
        }
        usable
    }

    fn route_of(&self, reading: &mut Reading<'_>, route: JsonRoute) -> Option<Route> {
        let line = self.begins;
        let kind = match &route.kind {
            Some(word) => self.kind(reading, line, word)?,
            None => RouteKind::Unicast,
        };
        let to = self.destination(reading, line, &route.dst?)?;
        let hops = route.nexthops.into_iter().chain([route.hop]);
        Some(Route {
            to,
            kind,
            hops: hops.filter_map(JsonHop::hop).collect(),
            metric: route.metric,
            source: route.prefsrc,
        })
    }

    fn routes_in_words(&self, reading: &mut Reading<'_>) -> Vec<Route> {
        let mut routes: Vec<Route> = Vec::new();
        for (line, text) in self.text() {
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            if text.starts_with([' ', '\t']) {
                if let (["nexthop", ..], Some(route)) = (&words[..], routes.last_mut()) {
                    self.ways(reading, line, &words, route);
                }
                continue;
            }
            let (kind, words) = match words[..] {
                [first, ref rest @ ..] if first.parse::<RouteKind>().is_ok() => {
                    (first.parse().unwrap_or(RouteKind::Unicast), rest)
                }
                _ => (RouteKind::Unicast, &words[..]),
            };
            let Some((to, words)) = words.split_first() else {
                continue;
            };
            let Some(to) = self.destination(reading, line, to) else {
                continue;
            };
            let mut route = Route {
                to,
                kind,
                hops: Vec::new(),
                metric: 0,
                source: None,
            };
            self.ways(reading, line, words, &mut route);
            routes.push(route);
        }
        routes
    }

    /// `via 10.0.0.1 dev eth0 metric 100`, and several of these behind `nexthop`.
    fn ways(&self, reading: &mut Reading<'_>, line: u32, words: &[&str], route: &mut Route) {
        for way in words.split(|word| *word == "nexthop") {
            let mut via = None;
            let mut interface = None;
            let mut at = way.iter();
            while let Some(word) = at.next() {
                match *word {
                    "via" => {
                        let mut value = at.next();
                        // A neighbour of the other family is told with it.
                        if matches!(value, Some(&"inet" | &"inet6")) {
                            value = at.next();
                        }
                        via = value.and_then(|text| self.valid(reading, line, text, "address"));
                    }
                    "dev" => {
                        let name = at.next();
                        interface =
                            name.and_then(|text| self.valid(reading, line, text, "interface name"));
                    }
                    "metric" => {
                        let metric = at.next().and_then(|metric| metric.parse().ok());
                        route.metric = metric.unwrap_or(route.metric);
                    }
                    "src" => {
                        let address = at.next();
                        route.source =
                            address.and_then(|text| self.valid(reading, line, text, "address"));
                    }
                    _ => {}
                }
            }
            let is_usable = !way.iter().any(|word| is_unusable(word));
            route.hops.extend(interface.map(|interface| Hop {
                interface,
                via,
                is_usable,
            }));
        }
    }

    fn destination(&self, reading: &mut Reading<'_>, line: u32, text: &str) -> Option<IpNet> {
        if text != "default" {
            return self.net(reading, line, text);
        }
        let everywhere: IpAddr = match self.family() {
            Family::Ipv4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::Ipv6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        IpNet::new(everywhere, 0).ok()
    }

    fn kind(&self, reading: &mut Reading<'_>, line: u32, word: &str) -> Option<RouteKind> {
        let kind = word.parse().ok();
        if kind.is_none() {
            self.not_understood(reading, line, word);
        }
        kind
    }

    /// The family that the section is about.
    pub(super) fn family(&self) -> Family {
        match self.section {
            SectionName::Routes6 | SectionName::Rules6 => Family::Ipv6,
            _ => Family::Ipv4,
        }
    }
}
