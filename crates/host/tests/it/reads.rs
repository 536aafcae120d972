use std::net::IpAddr;

use fwlab_host::{Host, RouteKind, SectionName};
use fwlab_record::{Backend, Family, InterfaceName};

use crate::support::{BUSYBOX, JSON, WORDS, read};

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).expect("an interface name")
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn to(host: &Host, text: &str) -> Option<(String, Option<String>)> {
    let way = host.route_to(address(text));
    way.map(|(interface, via)| (interface.to_string(), via.map(|via| via.to_string())))
}

fn way(interface: &str, via: Option<&str>) -> Option<(String, Option<String>)> {
    Some((interface.to_owned(), via.map(str::to_owned)))
}

#[test]
fn json_and_words_say_the_same() {
    let (json, words) = (read(JSON), read(WORDS));
    assert_eq!(json.addresses, words.addresses);
    assert_eq!(json.routes, words.routes);
    assert_eq!(json.policy_rules, words.policy_rules);
    assert_eq!(json.links, words.links);
    assert_eq!(json.unread, []);
    assert_eq!(words.unread, []);
}

#[test]
fn links_are_known_with_their_bridges() {
    let host = read(JSON);
    let link = |of: &str| host.links.iter().find(|link| link.name == name(of));
    let kind = |of: &str| link(of).and_then(|link| link.kind.as_deref());
    assert_eq!(kind("lo"), Some("loopback"));
    assert_eq!(kind("br0"), Some("bridge"));
    assert_eq!(kind("lan0"), Some("veth"));
    let lan = link("lan0").expect("it is there");
    assert_eq!(lan.master, Some(name("br0")));
    assert!(lan.is_up && lan.has_carrier);
    assert_eq!(link("wan0").and_then(|link| link.mtu), Some(1400));
}

#[test]
fn addresses_are_those_that_others_can_reach() {
    for bytes in [JSON, WORDS, BUSYBOX] {
        let host = read(bytes);
        let addresses: Vec<String> = host
            .addresses()
            .map(|address| format!("{} {}", address.interface, address.net))
            .collect();
        assert_eq!(
            addresses,
            [
                "br0 192.0.2.10/24",
                "br0 192.0.2.11/24",
                "br0 2001:db8:1::10/64",
                "wan0 203.0.113.5/25",
                "wan0 10.9.9.1/32",
                "wan0 9.20.30.40/29",
            ]
        );
        let secondary = host.addresses.iter().find(|address| address.is_secondary);
        let secondary = secondary.map(|address| address.net.addr());
        assert_eq!(secondary, Some("192.0.2.11".parse().expect("an address")));
    }
}

#[test]
fn the_longest_prefix_leads() {
    for bytes in [JSON, WORDS, BUSYBOX] {
        let host = read(bytes);
        assert_eq!(to(&host, "192.0.2.77"), way("br0", None));
        assert_eq!(to(&host, "8.8.8.8"), way("wan0", Some("203.0.113.1")));
        assert_eq!(to(&host, "203.0.113.200"), way("wan0", Some("203.0.113.1")));
        assert_eq!(to(&host, "10.9.9.2"), way("wan0", None));
        // The lower metric.
        assert_eq!(to(&host, "10.20.30.1"), way("br0", Some("192.0.2.8")));
        assert_eq!(to(&host, "198.51.100.7"), None);
        assert_eq!(to(&host, "192.0.2.11"), way("lo", None));
        assert_eq!(to(&host, "127.0.0.2"), way("lo", None));
        assert_eq!(to(&host, "2001:db8:1::20"), way("br0", None));
        assert_eq!(to(&host, "2001:db8:2::20"), way("br0", Some("fe80::1")));
    }
}

#[test]
fn a_route_of_several_ways_has_them_all_and_busybox_does_not_tell_them() {
    for bytes in [JSON, WORDS] {
        let host = read(bytes);
        let several = host.routes.iter().find(|route| route.hops.len() > 1);
        let several = several.expect("it is there");
        assert_eq!(several.to.to_string(), "10.20.0.0/16");
        assert_eq!(several.hops[1].via, Some(address("203.0.113.6")));
        assert_eq!(to(&host, "10.20.1.1"), way("br0", Some("192.0.2.2")));
        let hole = host.routes.iter().find(|route| route.hops.is_empty());
        assert_eq!(hole.map(|route| route.kind), Some(RouteKind::Blackhole));
    }
    let busybox = read(BUSYBOX);
    let [unread] = &busybox.unread[..] else {
        panic!("{:?}", busybox.unread);
    };
    assert_eq!(unread.section, SectionName::Routes);
    assert_eq!(unread.why, "the route to 10.20.0.0/16 has no interface");
}

#[test]
fn rules_beside_the_usual_ones_are_known() {
    for bytes in [JSON, WORDS, BUSYBOX] {
        let host = read(bytes);
        let unusual: Vec<(u32, &str)> = host
            .policy_rules
            .iter()
            .filter(|rule| !rule.is_usual())
            .map(|rule| (rule.priority, rule.words.as_str()))
            .collect();
        assert_eq!(
            unusual,
            [
                (500, "from 203.0.113.5 lookup 100"),
                (600, "from all fwmark 0x1 lookup 101"),
            ]
        );
    }
}

#[test]
fn each_loaders_rules_are_apart_and_know_their_line() {
    for bytes in [JSON, WORDS, BUSYBOX] {
        let host = read(bytes);
        let keys: Vec<_> = host.iptables.keys().copied().collect();
        let (nft, legacy) = (Backend::Nft, Backend::Legacy);
        let (ipv4, ipv6) = (Family::Ipv4, Family::Ipv6);
        assert_eq!(keys, [(nft, ipv4), (nft, ipv6), (legacy, ipv4)]);
        let file: Vec<&str> = std::str::from_utf8(bytes)
            .expect("it is text")
            .lines()
            .collect();
        let pieces = host.iptables.values().chain(&host.nft).chain(&host.ipset);
        for piece in pieces {
            let text = String::from_utf8(piece.text.clone()).expect("it is text");
            for (line, at) in text.lines().zip(piece.begins as usize - 1..) {
                // What nft lists of iptables' tables is left out.
                assert!(line.is_empty() || file[at] == format!("|{line}"), "{line}");
            }
            assert_eq!(piece.source().begins, (piece.begins, 0));
        }
        let dump = &host.iptables[&(nft, ipv4)];
        assert_eq!(dump.name, "host.fwlab: iptables-save (nft)");
        assert!(dump.text.starts_with(b"# Generated by iptables-nft-save"));
    }
}

#[test]
fn of_nft_what_is_no_iptables_rule_is_left() {
    let host = read(JSON);
    let nft = host.nft.expect("it is there");
    let text = String::from_utf8(nft.text).expect("it is text");
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines[0], "table inet own {");
    assert_eq!(lines.last(), Some(&"}"));
    assert_eq!(
        text.matches("table ").count(),
        2,
        "one is in a comment: {text}"
    );
}

#[test]
fn servers_sockets_and_conntrack_are_known() {
    let host = read(JSON);
    assert_eq!(host.name.as_deref(), Some("web1"));
    assert!(
        host.kernel
            .as_deref()
            .is_some_and(|kernel| kernel.starts_with("Linux "))
    );
    assert!(host.system.is_some());
    assert!(host.versions["nft"].starts_with("nftables v"));
    let [server] = &host.servers[..] else {
        panic!("{:?}", host.servers);
    };
    assert_eq!(server.program, "vsftpd");
    assert_eq!(server.file, "/etc/vsftpd.conf");
    let text = String::from_utf8_lossy(&server.text.text);
    assert!(text.contains("pasv_min_port=40000\n"));
    assert!(text.contains("rsa_private_passwd (left out)\n"), "{text}");
    let [listener] = &host.listeners[..] else {
        panic!("{:?}", host.listeners);
    };
    assert_eq!(
        (listener.port, listener.program.as_str()),
        (21, "busybox-ftpd")
    );
    assert!(listener.address.is_unspecified());
    assert!(listener.command.ends_with("nc -l -p 21"));
    assert_eq!(host.parameters["nf_conntrack_ftp.ports"], "21");
    assert!(host.modules.contains("nf_conntrack_ftp"));
    // The kernel gives these only to who reads them in one go.
    assert!(host.sysctls.contains_key("net.ipv4.conf.wan0.forwarding"));
    assert!(!host.sysctls.keys().any(|name| name.contains("secret")));
    let helper = host.sysctls.get("net.netfilter.nf_conntrack_helper");
    assert!(helper.is_none_or(|value| value == "0"));
    assert!(host.has_rules());
}
