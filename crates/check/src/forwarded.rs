//! Where a gateway forwards a port to, as its rules say it.

use std::net::IpAddr;

use fwlab_model::IpNet;
use fwlab_model::ruleset::Source;
use fwlab_record::Family;
use fwlab_scenario::{Layout, RulesOrigin};

use crate::host_files::HostFiles;
use crate::messages::Messages;

/// Gives the server the address that rules forward to, where they name one and nobody chose another, and says so.
pub(crate) fn place(
    files: &HostFiles,
    chosen: &[IpAddr],
    layout: &mut Layout,
    said: &mut Messages,
) {
    for family in layout.families.clone() {
        let chosen = chosen
            .iter()
            .copied()
            .find(|address| Family::of(*address) == family);
        let Some(target) = chosen.or_else(|| by_rules(files, family)) else {
            continue;
        };
        let (server, gateway) = network(target);
        layout.addressing.server.place(&[server]);
        layout.addressing.gateway[1].place(&[gateway]);
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
    }
}

/// The first address of a family that the rules forward to.
pub(crate) fn by_rules(files: &HostFiles, family: Family) -> Option<IpAddr> {
    let sources = [written(&files.origin), files.ipv6.as_ref()];
    let beside = files.beside.iter().map(|(_, source)| source);
    let mut sources = sources.into_iter().flatten().chain(beside);
    sources.find_map(|source| target(source, family))
}

fn written(origin: &RulesOrigin) -> Option<&Source> {
    match origin {
        RulesOrigin::Written(source) => Some(source),
        _ => None,
    }
}

/// The first address that a rule forwards to: `--to-destination 192.168.7.10:21`, `dnat ip to 192.168.7.10`.
fn target(source: &Source, family: Family) -> Option<IpAddr> {
    let text = String::from_utf8_lossy(&source.text);
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines.into_iter().find_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let iptables = words
            .windows(2)
            .filter(|pair| pair[0] == "--to-destination");
        let after = words.iter().position(|word| *word == "dnat");
        let native = after.and_then(|at| {
            let mut rest = words[at..].windows(2);
            rest.find(|pair| pair[0] == "to")
        });
        let mut named = iptables.chain(native).map(|pair| address(pair[1]));
        named.find_map(|address| address.filter(|address| Family::of(*address) == family))
    })
}

/// `192.168.7.10`, with a port or what ends a statement behind it, `[fd77::10]:21`.
fn address(written: &str) -> Option<IpAddr> {
    let written = written.trim_end_matches([';', '}']);
    if let Some(rest) = written.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    let plain = written.split('-').next().unwrap_or_default();
    plain
        .parse()
        .or_else(|_| plain.split(':').next().unwrap_or_default().parse())
        .ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rules_forward_to_is_found() {
        let of = |text: &str, family| {
            target(&Source::new("rules", text), family).map(|to| to.to_string())
        };
        for (text, family, found) in [
            (
                "-A PREROUTING -p tcp --dport 21 -j DNAT --to-destination 192.168.7.10:21",
                Family::Ipv4,
                Some("192.168.7.10"),
            ),
            (
                "-A PREROUTING -j DNAT --to-destination 192.168.7.10-192.168.7.12",
                Family::Ipv4,
                Some("192.168.7.10"),
            ),
            (
                "-A PREROUTING -j DNAT --to-destination [fd77::10]:21",
                Family::Ipv6,
                Some("fd77::10"),
            ),
            (
                "  tcp dport 21 dnat ip to 10.77.1.20; }",
                Family::Ipv4,
                Some("10.77.1.20"),
            ),
            ("# dnat to 10.77.1.20", Family::Ipv4, None),
            (
                "-A PREROUTING -j DNAT --to-destination 192.168.7.10",
                Family::Ipv6,
                None,
            ),
            ("-A INPUT -j ACCEPT", Family::Ipv4, None),
        ] {
            assert_eq!(of(text, family).as_deref(), found, "{text}");
        }
        let (server, gateway) = network("10.77.1.1".parse().expect("an address"));
        assert_eq!(server.to_string(), "10.77.1.1/24");
        assert_eq!(gateway.to_string(), "10.77.1.2/24");
    }
}
