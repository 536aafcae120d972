use fwlab_record::InterfaceName;
use serde::Deserialize;

use super::answer::Answered;
use crate::reading::Reading;

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub name: InterfaceName,
    /// What it is: `loopback`, `bridge`, `veth`, `vlan`. Nothing for a card, and where busybox's `ip` was asked.
    pub kind: Option<String>,
    /// Whether it was set up.
    pub is_up: bool,
    /// Whether it has a carrier: a cable, or another end that is up.
    pub has_carrier: bool,
    /// The bridge or bond that it is part of.
    pub master: Option<InterfaceName>,
    /// The largest packet.
    pub mtu: Option<u32>,
}

/// The kinds that `ip -details` tells at the beginning of a line of its own.
const KINDS: [&str; 22] = [
    "bareudp",
    "bond",
    "bridge",
    "dummy",
    "erspan",
    "geneve",
    "gre",
    "gretap",
    "ifb",
    "ip6gre",
    "ip6tnl",
    "ipip",
    "ipvlan",
    "macvlan",
    "macvtap",
    "sit",
    "tun",
    "veth",
    "vlan",
    "vrf",
    "vxlan",
    "wireguard",
];

#[derive(Deserialize)]
struct JsonLink {
    // Some versions list an empty object for what was not asked for.
    ifname: Option<InterfaceName>,
    #[serde(default)]
    flags: Vec<String>,
    mtu: Option<u32>,
    master: Option<InterfaceName>,
    link_type: Option<String>,
    linkinfo: Option<JsonKind>,
}

#[derive(Deserialize)]
struct JsonKind {
    info_kind: Option<String>,
}

impl Answered<'_> {
    pub(crate) fn links(&self, reading: &mut Reading<'_>) -> Vec<Link> {
        if self.is_json() {
            let links: Vec<JsonLink> = self.json(reading);
            return links.into_iter().filter_map(JsonLink::link).collect();
        }
        let mut links: Vec<Link> = Vec::new();
        for (line, text) in self.text() {
            let mut words = text.split_ascii_whitespace();
            if !text.starts_with([' ', '\t']) {
                match self.heading(reading, line, &text) {
                    Some(link) => links.push(link),
                    None => self.not_understood(reading, line, &text),
                }
            } else if let (Some(link), Some(first)) = (links.last_mut(), words.next()) {
                let kind = match first {
                    "link/loopback" => Some("loopback"),
                    kind if KINDS.contains(&kind) => Some(kind),
                    _ => None,
                };
                if link.kind.is_none() {
                    link.kind = kind.map(str::to_owned);
                }
            }
        }
        links
    }

    /// `2: eth0@if5: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP`.
    fn heading(&self, reading: &mut Reading<'_>, line: u32, text: &str) -> Option<Link> {
        let (name, rest) = interface(text)?;
        let name = self.valid(reading, line, name, "interface name")?;
        let (flags, rest) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
        let flags: Vec<&str> = flags.split(',').collect();
        let words: Vec<&str> = rest.split_ascii_whitespace().collect();
        let after = |key: &str| {
            let mut pairs = words.windows(2);
            pairs.find(|pair| pair[0] == key).map(|pair| pair[1])
        };
        let master = after("master");
        let master = master.and_then(|name| self.valid(reading, line, name, "interface name"));
        Some(Link {
            name,
            kind: None,
            is_up: flags.contains(&"UP"),
            has_carrier: flags.contains(&"LOWER_UP"),
            master,
            mtu: after("mtu").and_then(|mtu| mtu.parse().ok()),
        })
    }
}

/// The name at the beginning of a link's first line, without the other end's, and what follows it.
pub(super) fn interface(text: &str) -> Option<(&str, &str)> {
    let (number, rest) = text.split_once(": ")?;
    number.parse::<u32>().ok()?;
    let (name, rest) = rest.split_once(": ")?;
    Some((name.split('@').next().unwrap_or(name), rest))
}

impl JsonLink {
    fn link(self) -> Option<Link> {
        let has = |flag: &str| self.flags.iter().any(|is| is == flag);
        let is_loopback = self.link_type.as_deref() == Some("loopback");
        let kind = self.linkinfo.and_then(|info| info.info_kind);
        Some(Link {
            is_up: has("UP"),
            has_carrier: has("LOWER_UP"),
            name: self.ifname?,
            kind: kind.or_else(|| is_loopback.then(|| "loopback".to_owned())),
            master: self.master,
            mtu: self.mtu,
        })
    }
}
