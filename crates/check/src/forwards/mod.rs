//! What rules forward, read from their text.

mod iptables;
mod text;

use std::net::IpAddr;

use fwlab_model::IpNet;
use fwlab_model::ruleset::Source;

use crate::forwarded::Forwarded;
pub(crate) use iptables::redirects;
pub(crate) use text::target_of;
use text::{dports, elements_of, mapped};

/// What a rule of address translation makes of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forward {
    /// The addresses that it is for, where it says them.
    pub(crate) of: Option<IpNet>,
    /// The ports that it takes, where it says them.
    pub(crate) ports: Option<Vec<(u16, u16)>>,
    /// Where it leads.
    pub(crate) to: IpAddr,
    /// The port that it leads to, where it is another.
    pub(crate) port: Option<u16>,
}

impl Forward {
    pub(crate) fn takes(&self, port: u16) -> bool {
        let ports = self.ports.as_ref();
        ports.is_none_or(|ports| {
            ports
                .iter()
                .any(|(low, high)| (*low..=*high).contains(&port))
        })
    }

    /// How clients come to a server that listens on this port.
    pub(crate) fn leading_to(&self, listening: u16) -> Option<Forwarded> {
        let connected = match self.port {
            None => self.takes(listening).then_some(listening),
            Some(port) if port == listening => match &self.ports {
                None => Some(listening),
                Some(ports) => ports.first().map(|(low, _)| *low),
            },
            Some(_) => None,
        };
        connected.map(|connected| Forwarded {
            to: self.to,
            connected,
            listening,
        })
    }

    /// Where clients come to that connect to this port.
    pub(crate) fn taken_from(&self, connected: u16) -> Option<Forwarded> {
        self.takes(connected).then_some(Forwarded {
            to: self.to,
            connected,
            listening: self.port.unwrap_or(connected),
        })
    }
}

/// What the rules of a file forward, in their order: `--dport 21 -j DNAT --to-destination 192.168.7.10:2121`,
/// `tcp dport 21 dnat ip to 192.168.7.10`, and maps, `dnat to tcp dport map { 21 : 192.168.7.10 }`.
pub(crate) fn forwards(source: &Source) -> Vec<Forward> {
    let text = String::from_utf8_lossy(&source.text);
    if let Some(walked) = iptables::walked(&text) {
        return walked;
    }
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with('#') {
            continue;
        }
        let apart = line.replace(['{', '}', ',', ';'], " ");
        let words: Vec<&str> = apart.split_ascii_whitespace().collect();
        if let Some(target) = iptables::target(line) {
            found.push(Forward {
                of: iptables::destination(line),
                ports: iptables::ports(line),
                ..target
            });
        }
        let Some(dnat) = words.iter().position(|one| *one == "dnat") else {
            continue;
        };
        let (before, behind) = words.split_at(dnat);
        let Some(to) = behind.iter().position(|one| *one == "to") else {
            continue;
        };
        let behind = &behind[to + 1..];
        match behind.iter().position(|one| *one == "map") {
            Some(map) => {
                let elements = &behind[map + 1..];
                match elements.first().and_then(|one| one.strip_prefix('@')) {
                    Some(name) => found.extend(elements_of(&text, name)),
                    None => found.extend(mapped(elements)),
                }
            }
            None => {
                let target = behind.first().and_then(|target| target_of(target));
                found.extend(target.map(|(to, port)| Forward {
                    of: None,
                    ports: dports(before),
                    to,
                    port,
                }));
            }
        }
    }
    found
}
