//! Where a gateway forwards its control port to, as its rules say it.

use std::net::IpAddr;

use fwlab_model::IpNet;
use fwlab_model::ruleset::Source;
use fwlab_record::Family;
use fwlab_scenario::{Layout, RulesOrigin, Shape};

use crate::captured::DEFAULT_PORT;
use crate::forwards::{Forward, forwards, redirects};
use crate::host_files::HostFiles;
use crate::messages::Messages;

/// The ports that somebody chose of a server behind a gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ports {
    /// That which the server listens on.
    pub(crate) listening: Option<u16>,
    /// That which clients connect to.
    pub(crate) connected: Option<u16>,
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

/// Gives the server the address that rules forward to, where they name one and nobody chose another, and says so.
pub(crate) fn place(
    files: &HostFiles,
    chosen: &[IpAddr],
    ports: Ports,
    layout: &mut Layout,
    said: &mut Messages,
) {
    for family in layout.families.clone() {
        let chosen = chosen
            .iter()
            .copied()
            .find(|address| Family::of(*address) == family);
        let leading = leading(files, family, ports);
        let forwarded = leading.first().copied();
        let Some(target) = chosen.or(forwarded.map(|forwarded| forwarded.to)) else {
            continue;
        };
        let (server, gateway) = network(target);
        let others = leading.iter().map(|one| one.to).filter(|to| *to != target);
        let others: Vec<IpNet> = match chosen {
            Some(_) => Vec::new(),
            None => others.map(IpNet::from).collect(),
        };
        let all: Vec<IpNet> = [server].into_iter().chain(others.iter().copied()).collect();
        layout.addressing.server.place(&all);
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
            if !others.is_empty() {
                let others: Vec<String> = others.iter().map(|net| net.addr().to_string()).collect();
                said.say(
                    format!("they forward the same port to {}, too: the server has these addresses, too", others.join(", ")),
                    None,
                );
            }
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
                    "the rules forward port {connected} of the gateway to port {listening} of the server: clients connect to the former, and the server listens on the latter"
                ),
                Some("--control-port says on which port the server listens, --connect-port to which port clients connect"),
            );
        }
    }
}

/// Where the rules forward the control port to, in a family: that of a server which listens on this port, or of clients who connect
/// to that; where nobody says which it is, what clients come to that connect to port 21, and otherwise to whichever port leads to
/// port 21. What is forwarded for an address of the host's own comes before what is for another.
pub(crate) fn by_rules(files: &HostFiles, family: Family, ports: Ports) -> Option<Forwarded> {
    leading(files, family, ports).into_iter().next()
}

/// The same with whatever else the rules lead the same port to: one of several servers is as good as another.
fn leading(files: &HostFiles, family: Family, ports: Ports) -> Vec<Forwarded> {
    let forwards = sources(files).flat_map(forwards);
    let forwards = forwards.filter(|forward| Family::of(forward.to) == family);
    let is_own = |net: &IpNet| {
        let host = files.host.as_deref();
        host.is_none_or(|host| host.addresses().any(|own| net.contains(&own.net.addr())))
    };
    let (own, of_others): (Vec<Forward>, Vec<Forward>) =
        forwards.partition(|forward| forward.of.as_ref().is_none_or(is_own));
    let found = chosen(&own, ports);
    match found.is_empty() {
        true => chosen(&of_others, ports),
        false => found,
    }
}

/// Those that lead to the port which was chosen.
fn chosen(forwards: &[Forward], ports: Ports) -> Vec<Forwarded> {
    let of_both = |one: &Forward| {
        let found = one.taken_from(ports.connected?)?;
        let is_it = ports.listening.is_none_or(|port| port == found.listening);
        is_it.then_some(found)
    };
    match (ports.listening, ports.connected) {
        (_, Some(_)) => alike(forwards, of_both),
        (Some(port), None) => alike(forwards, |one| one.leading_to(port)),
        (None, None) => {
            let found = alike(forwards, |one| one.taken_from(DEFAULT_PORT));
            match found.is_empty() {
                true => alike(forwards, |one| one.leading_to(DEFAULT_PORT)),
                false => found,
            }
        }
    }
}

/// The first, and those that lead the same port, of the same addresses, to another server.
fn alike(forwards: &[Forward], of: impl Fn(&Forward) -> Option<Forwarded>) -> Vec<Forwarded> {
    let mut found: Vec<(Option<IpNet>, Forwarded)> = Vec::new();
    for forward in forwards {
        let Some(one) = of(forward) else { continue };
        let is_alike = |(whose, known): &(Option<IpNet>, Forwarded)| {
            *whose == forward.of
                && (known.connected, known.listening) == (one.connected, one.listening)
        };
        if found.first().is_none_or(is_alike) && !found.contains(&(forward.of, one)) {
            found.push((forward.of, one));
        }
    }
    found.into_iter().map(|(_, one)| one).collect()
}

/// The port of a host's own that its rules lead to that of its server: the first, where they lead several.
pub(crate) fn redirected(files: &HostFiles, listening: u16) -> Option<u16> {
    let mut texts = sources(files).map(|source| String::from_utf8_lossy(&source.text));
    texts.find_map(|text| {
        let mut redirects = redirects(&text).into_iter();
        let (ports, _) = redirects.find(|(_, to)| *to == listening)?;
        ports.first().map(|(first, _)| *first)
    })
}

/// The texts of a host's rules.
pub(crate) fn sources(files: &HostFiles) -> impl Iterator<Item = &Source> {
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
            let found = by_rules(
                &files,
                family,
                Ports {
                    listening,
                    connected: None,
                },
            )?;
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
}
