//! Where a gateway forwards its control port to, as its rules say it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use fwlab_model::IpNet;
use fwlab_model::ruleset::Source;
use fwlab_record::Family;
use fwlab_scenario::{Layout, RulesOrigin, Shape};

use crate::captured::DEFAULT_PORT;
use crate::host_files::HostFiles;
use crate::messages::Messages;

/// What a rule of address translation makes of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Forward {
    /// The ports that it takes, where it says them.
    ports: Option<Vec<(u16, u16)>>,
    to: IpAddr,
    /// The port that it leads to, where it is another.
    port: Option<u16>,
}

/// The control port of a server behind a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forwarded {
    /// Where the server is.
    pub(crate) to: IpAddr,
    /// The port that clients connect to.
    pub(crate) connected: u16,
    /// The port that the server listens on.
    pub(crate) listening: u16,
}

impl Forward {
    fn takes(&self, port: u16) -> bool {
        let ports = self.ports.as_ref();
        ports.is_none_or(|ports| {
            ports
                .iter()
                .any(|(low, high)| (*low..=*high).contains(&port))
        })
    }

    /// How clients come to a server that listens on this port.
    fn leading_to(&self, listening: u16) -> Option<Forwarded> {
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
    fn taken_from(&self, connected: u16) -> Option<Forwarded> {
        self.takes(connected).then_some(Forwarded {
            to: self.to,
            connected,
            listening: self.port.unwrap_or(connected),
        })
    }
}

/// Gives the server the address that rules forward to, where they name one and nobody chose another, and says so.
pub(crate) fn place(
    files: &HostFiles,
    chosen: &[IpAddr],
    listening: Option<u16>,
    layout: &mut Layout,
    said: &mut Messages,
) {
    for family in layout.families.clone() {
        let chosen = chosen
            .iter()
            .copied()
            .find(|address| Family::of(*address) == family);
        let forwarded = by_rules(files, family, listening);
        let Some(target) = chosen.or(forwarded.map(|forwarded| forwarded.to)) else {
            continue;
        };
        let (server, gateway) = network(target);
        layout.addressing.server.place(&[server]);
        if layout.shape == Shape::Hairpin {
            layout.addressing.client.place(&[beside(server, gateway)]);
        }
        // A host that is known has addresses of its own.
        if files.host.is_none() {
            let towards = match layout.shape {
                Shape::Hairpin => 0,
                _ => 1,
            };
            layout.addressing.gateway[towards].place(&[gateway]);
        }
        if chosen.is_none() {
            let gateway = match files.host {
                // It has addresses of its own.
                Some(_) => String::new(),
                None => format!(", and the gateway {gateway} towards it"),
            };
            said.say(
                format!("the rules forward to {target}: the server has that address{gateway}"),
                Some("--server-address chooses another"),
            );
        }
        if let Some(Forwarded {
            connected,
            listening,
            ..
        }) = forwarded
            && connected != listening
        {
            said.say(
                format!(
                    "the rules lead port {connected} of the gateway to port {listening} of the server: clients connect to the one, and it listens on the other"
                ),
                Some("--control-port says on which port the server listens"),
            );
        }
    }
}

/// Where the rules forward the control port to, in a family: that of a server which listens on this port; where nobody says
/// which it is, what clients come to that connect to port 21, and otherwise to whichever port leads to port 21.
pub(crate) fn by_rules(
    files: &HostFiles,
    family: Family,
    listening: Option<u16>,
) -> Option<Forwarded> {
    let forwards: Vec<Forward> = sources(files).flat_map(forwards).collect();
    let forwards = forwards
        .iter()
        .filter(|forward| Family::of(forward.to) == family);
    match listening {
        Some(port) => forwards.clone().find_map(|one| one.leading_to(port)),
        None => (forwards
            .clone()
            .find_map(|one| one.taken_from(DEFAULT_PORT)))
        .or_else(|| {
            forwards
                .clone()
                .find_map(|one| one.leading_to(DEFAULT_PORT))
        }),
    }
}

/// The addresses that rules give to what leaves: `-j SNAT --to-source 192.0.2.9`, `snat to 192.0.2.9`.
pub(crate) fn given_sources(files: &HostFiles) -> BTreeSet<IpAddr> {
    let mut found = BTreeSet::new();
    for source in sources(files) {
        let text = String::from_utf8_lossy(&source.text);
        let lines = text.lines().map(str::trim_start);
        for line in lines.filter(|line| !line.starts_with('#')) {
            let apart = line.replace(['{', '}', ',', ';'], " ");
            let words: Vec<&str> = apart.split_ascii_whitespace().collect();
            let written = words.iter().position(|one| *one == "--to-source");
            let snat = words.iter().position(|one| *one == "snat");
            let to = snat.and_then(|at| {
                let to = words[at..].iter().position(|one| *one == "to")?;
                Some(at + to)
            });
            let target = written.or(to).and_then(|at| words.get(at + 1));
            found.extend(
                target
                    .and_then(|target| target_of(target))
                    .map(|(address, _)| address),
            );
        }
    }
    found
}

/// The texts of a host's rules.
fn sources(files: &HostFiles) -> impl Iterator<Item = &Source> {
    let sources = [written(&files.origin), files.ipv6.as_ref()];
    let beside = files.beside.iter().map(|(_, source)| source);
    sources.into_iter().flatten().chain(beside)
}

fn written(origin: &RulesOrigin) -> Option<&Source> {
    match origin {
        RulesOrigin::Written(source) => Some(source),
        _ => None,
    }
}

/// What the rules of a file forward, in their order: `--dport 21 -j DNAT --to-destination 192.168.7.10:2121`,
/// `tcp dport 21 dnat ip to 192.168.7.10`, and maps, `dnat to tcp dport map { 21 : 192.168.7.10 }`.
fn forwards(source: &Source) -> Vec<Forward> {
    let text = String::from_utf8_lossy(&source.text);
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with('#') {
            continue;
        }
        let apart = line.replace(['{', '}', ',', ';'], " ");
        let words: Vec<&str> = apart.split_ascii_whitespace().collect();
        let after = |word: &str| {
            let at = words.iter().position(|one| *one == word)?;
            words.get(at + 1).copied()
        };
        if let Some(target) = after("--to-destination") {
            // Several stand with commas, which are gone above.
            let whole: Vec<&str> = line.split_ascii_whitespace().collect();
            let several = whole.windows(2).find(|pair| pair[0] == "--dports");
            let ports = several.map(|pair| pair[1]).or_else(|| after("--dport"));
            found.extend(target_of(target).map(|(to, port)| Forward {
                ports: ports.map(ranges),
                to,
                port,
            }));
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
                    ports: dports(before),
                    to,
                    port,
                }));
            }
        }
    }
    found
}

/// The elements of a named map of a script.
fn elements_of(text: &str, name: &str) -> Vec<Forward> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let text: String = lines.collect::<Vec<_>>().join(" ");
    let apart = text.replace(['{', '}', ',', ';'], " ");
    let words: Vec<&str> = apart.split_ascii_whitespace().collect();
    let named = words.windows(2).position(|pair| pair == ["map", name]);
    let Some(at) = named else { return Vec::new() };
    let words = &words[at + 2..];
    let begin = words.iter().position(|one| *one == "elements");
    let end = words
        .iter()
        .position(|one| ["map", "chain", "set", "table"].contains(one));
    match (begin, end) {
        (Some(begin), None) => mapped(&words[begin + 1..]),
        (Some(begin), Some(end)) if begin < end => mapped(&words[begin + 1..end]),
        _ => Vec::new(),
    }
}

/// `21 : 192.168.7.10`, `tcp . 21 : 192.168.7.10 . 2121`: what leads to which address.
fn mapped(words: &[&str]) -> Vec<Forward> {
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if *word != ":" || at == 0 {
            continue;
        }
        let port = key_before(&words[..at]).find_map(range);
        let target = words.get(at + 1).and_then(|target| target_of(target));
        let Some((to, port_of_target)) = target else {
            continue;
        };
        let joined = match words.get(at + 2..at + 4) {
            Some([".", port]) => port.parse().ok(),
            _ => None,
        };
        found.push(Forward {
            ports: port.map(|port| vec![port]),
            to,
            port: port_of_target.or(joined),
        });
    }
    found
}

/// The parts of a key, the last one first: they are joined by dots.
fn key_before<'w>(words: &'w [&'w str]) -> impl Iterator<Item = &'w str> {
    let mut rest = words;
    std::iter::from_fn(move || {
        let (last, before) = rest.split_last()?;
        rest = match before.split_last() {
            Some((&".", before)) => before,
            _ => &[],
        };
        Some(*last)
    })
}

/// The ports of `tcp dport 21`, `tcp dport { 21, 990 }`, `th dport 21-22`.
fn dports(words: &[&str]) -> Option<Vec<(u16, u16)>> {
    let at = words.iter().position(|one| *one == "dport")?;
    let behind = words[at + 1..].iter().filter(|one| **one != "==");
    let ports = behind.map_while(|one| range(one)).collect::<Vec<_>>();
    (!ports.is_empty()).then_some(ports)
}

fn ranges(written: &str) -> Vec<(u16, u16)> {
    written.split(',').filter_map(range).collect()
}

/// `21`, `ftp`, `21:22`, `21-22`.
fn range(written: &str) -> Option<(u16, u16)> {
    let port = |text: &str| match text {
        "ftp" => Some(21),
        number => number.parse().ok(),
    };
    let (low, high) = written.split_once([':', '-']).unwrap_or((written, written));
    Some((port(low)?, port(high)?))
}

/// `192.168.7.10`, with a port behind it, `[fd77::10]:21`, the first of a range; a network that is one address.
fn target_of(written: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Some((address, length)) = written.split_once('/') {
        let address: IpAddr = address.parse().ok()?;
        let whole = if address.is_ipv4() { "32" } else { "128" };
        return (length == whole).then_some((address, None));
    }
    let first_port = |port: &str| port.split('-').next().and_then(|port| port.parse().ok());
    if let Some(rest) = written.strip_prefix('[') {
        let (address, behind) = rest.split_once(']')?;
        let port = behind.strip_prefix(':').and_then(first_port);
        return Some((address.parse().ok()?, port));
    }
    if let Ok(address) = written.split('-').next().unwrap_or_default().parse() {
        // A range of addresses may have ports behind it, too.
        let behind = written.split_once('-').and_then(|(_, last)| {
            let last = last
                .split_once(':')
                .filter(|(last, _)| last.contains('.'))?;
            first_port(last.1)
        });
        return Some((address, behind));
    }
    let (address, port) = written.split_once(':')?;
    Some((address.parse().ok()?, first_port(port)))
}

/// The server in a network of a usual size, and the gateway beside it.
fn network(server: IpAddr) -> (IpNet, IpNet) {
    let length = if server.is_ipv4() { 24 } else { 64 };
    let net = IpNet::new(server, length).expect("a length that fits");
    let mut hosts = net.hosts().filter(|host| *host != server);
    let gateway = hosts.next().expect("it is not alone");
    let gateway = IpNet::new(gateway, length).expect("a length that fits");
    (net, gateway)
}

/// Somebody else in that network.
fn beside(server: IpNet, gateway: IpNet) -> IpNet {
    let mut hosts = server.hosts();
    let found = hosts.find(|host| ![server.addr(), gateway.addr()].contains(host));
    IpNet::new(found.expect("it is large"), server.prefix_len()).expect("a length that fits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rules_forward_to_is_found() {
        let of = |text: &str, family, listening| {
            let files = HostFiles {
                origin: RulesOrigin::Written(Source::new("rules", text)),
                ..HostFiles::empty()
            };
            let found = by_rules(&files, family, listening)?;
            Some(format!(
                "{} -> {} {}",
                found.connected, found.to, found.listening
            ))
        };
        let (v4, v6) = (Family::Ipv4, Family::Ipv6);
        let web = "-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.8:8080\n";
        let map = "map ftp {\n type inet_service : ipv4_addr . inet_service\n elements = { 80 : 10.0.0.8 . 80, 21 : 10.0.0.9 . 2121 }\n}\nchain c { dnat ip to tcp dport map @ftp; }";
        for (text, family, listening, found) in [
            (
                "-p tcp --dport 21 -j DNAT --to-destination 192.168.7.10:21",
                v4,
                None,
                Some("21 -> 192.168.7.10 21"),
            ),
            (
                "-j DNAT --to-destination 192.168.7.10-192.168.7.12",
                v4,
                None,
                Some("21 -> 192.168.7.10 21"),
            ),
            (
                "-j DNAT --to-destination [fd77::10]:21",
                v6,
                None,
                Some("21 -> fd77::10 21"),
            ),
            (
                "  tcp dport 21 dnat ip to 10.77.1.20; }",
                v4,
                None,
                Some("21 -> 10.77.1.20 21"),
            ),
            (
                "tcp dport { 21, 990 } dnat to 10.77.1.20:2121",
                v4,
                None,
                Some("21 -> 10.77.1.20 2121"),
            ),
            (
                "dnat to tcp dport map { 80 : 10.0.0.8, 21 : 10.0.0.9 }",
                v4,
                None,
                Some("21 -> 10.0.0.9 21"),
            ),
            (
                "dnat ip prefix to ip daddr map { 192.0.2.1 : 192.168.13.2/32 }",
                v4,
                None,
                Some("21 -> 192.168.13.2 21"),
            ),
            (
                "dnat ip prefix to ip daddr map { 192.0.2.0/24 : 192.168.13.0/24 }",
                v4,
                None,
                None,
            ),
            (map, v4, None, Some("21 -> 10.0.0.9 2121")),
            (map, v4, Some(80), Some("80 -> 10.0.0.8 80")),
            ("# dnat to 10.77.1.20", v4, None, None),
            ("-j DNAT --to-destination 192.168.7.10", v6, None, None),
            ("-A INPUT -j ACCEPT", v4, None, None),
            // Another service's forward is none of FTP's.
            (web, v4, None, None),
            (web, v4, Some(8080), Some("80 -> 10.0.0.8 8080")),
            (web, v4, Some(80), None),
            (
                "-p tcp -m multiport --dports 20,21 -j DNAT --to-destination 10.0.0.9:21",
                v4,
                None,
                Some("21 -> 10.0.0.9 21"),
            ),
            (
                "-p tcp --dport 2100:2199 -j DNAT --to-destination 10.0.0.9",
                v4,
                Some(2121),
                Some("2121 -> 10.0.0.9 2121"),
            ),
            (
                "-p tcp --dport 8021 -j DNAT --to-destination 10.0.0.9:21",
                v4,
                None,
                Some("8021 -> 10.0.0.9 21"),
            ),
            (
                "-p tcp --dport 21 -j DNAT --to-destination 10.0.0.9:2121",
                v4,
                Some(2121),
                Some("21 -> 10.0.0.9 2121"),
            ),
        ] {
            assert_eq!(of(text, family, listening).as_deref(), found, "{text}");
        }
        let (server, gateway) = network("10.77.1.1".parse().expect("an address"));
        assert_eq!(server.to_string(), "10.77.1.1/24");
        assert_eq!(gateway.to_string(), "10.77.1.2/24");
    }

    #[test]
    fn what_rules_give_to_what_leaves_is_found() {
        for (text, given) in [
            (
                "-A POSTROUTING -o eth0 -j SNAT --to-source 192.0.2.9",
                "192.0.2.9",
            ),
            (
                "-j SNAT --to-source 192.0.2.9-192.0.2.12:1024-2000",
                "192.0.2.9",
            ),
            ("oif eth0 snat ip to 192.0.2.9", "192.0.2.9"),
            ("snat to [fd77::9]:1024", "fd77::9"),
            ("# snat to 192.0.2.9", ""),
            ("-j MASQUERADE", ""),
        ] {
            let files = HostFiles {
                origin: RulesOrigin::Written(Source::new("rules", text)),
                ..HostFiles::empty()
            };
            let found = given_sources(&files);
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), given, "{text}");
        }
    }
}
