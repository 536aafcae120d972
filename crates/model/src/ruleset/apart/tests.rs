use fwlab_record::Family;

use super::{Addresses, Condition};
use crate::ruleset::native::NativeListing;
use crate::ruleset::{Hook, Listing, Sets, Source};

fn shown(condition: &Condition) -> String {
    let listed = |addresses: &Addresses| {
        let family = addresses.family();
        let ranges = addresses.ranges().iter().map(|(first, last)| {
            let (first, last) = (
                Addresses::address(family, *first),
                Addresses::address(family, *last),
            );
            format!("{first}-{last}")
        });
        format!(
            "{} = {}",
            addresses.words(),
            ranges.collect::<Vec<_>>().join(" ")
        )
    };
    match condition {
        Condition::In(names) => format!("in {names:?}"),
        Condition::Out(names) => format!("out {names:?}"),
        Condition::Source(addresses) => format!("from {}", listed(addresses)),
        Condition::Destination(addresses) => format!("to {}", listed(addresses)),
        Condition::Unread(what) => format!("unread {what}"),
    }
}

#[test]
fn conditions_of_iptables_are_read_from_the_listing() {
    let sets = "create two hash:net,iface family inet\nadd two 10.0.0.0/8,eth0\n\
                create banned hash:ip family inet\nadd banned 192.0.2.9\nadd banned 192.0.2.7-192.0.2.8\n\
                create all list:set size 8\nadd all banned\n";
    let sets = Sets::read(&Source::new("sets", sets));
    let saved = "*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:web - [0:0]
:lost - [0:0]
-A INPUT ! -s 203.0.113.0/24 -i eth+ -p tcp -m tcp --dport 21 -j web
-A INPUT -p tcp -j ACCEPT
-A web -m iprange --src-range 192.0.2.1-192.0.2.5 -j ACCEPT
-A web -m set --match-set two src,src -j ACCEPT
-A web -m set ! --match-set all dst -j ACCEPT
-A web -m set --match-set none src -j ACCEPT
-A web -m mac --mac-source 02:00:00:00:00:01 -j ACCEPT
-A lost -d 198.51.100.1/32 -j ACCEPT
COMMIT
";
    let listing = Listing::parse(saved, Family::Ipv4).expect("a listing");
    let told = listing.told(&[&sets]);
    let shown: Vec<(String, String)> = told
        .iter()
        .map(|told| {
            let conditions: Vec<String> = told.conditions.iter().map(shown).collect();
            (told.rule.to_string(), conditions.join("; "))
        })
        .collect();
    let expected = [
        (
            "ipv4/filter/INPUT/1",
            "from 203.0.113.0/24 = 203.0.113.0-203.0.113.255; in {\"eth+\"}",
        ),
        (
            "ipv4/filter/lost/1",
            "to 198.51.100.1 = 198.51.100.1-198.51.100.1",
        ),
        (
            "ipv4/filter/web/1",
            "from 192.0.2.1-192.0.2.5 = 192.0.2.1-192.0.2.5",
        ),
        (
            "ipv4/filter/web/2",
            "from set two = 10.0.0.0-10.255.255.255; in {\"eth0\"}",
        ),
        (
            "ipv4/filter/web/3",
            "to set all = 192.0.2.9-192.0.2.9 192.0.2.7-192.0.2.8",
        ),
        ("ipv4/filter/web/4", "unread set none"),
        ("ipv4/filter/web/5", "unread -m mac"),
    ];
    let expected = expected.map(|(rule, conditions)| (rule.to_owned(), conditions.to_owned()));
    assert_eq!(shown, expected);
    assert!(told[1].hooks.is_empty());
    assert!(told[2].hooks.contains(&Hook::Input));
    assert_eq!(told[0].rest, "! -s -i -p tcp -m tcp --dport 21 -j web ");
}

#[test]
fn conditions_of_nft_are_read_from_its_json() {
    let matched = |left: &str, right: &str| {
        format!(r#"{{"match": {{"op": "==", "left": {left}, "right": {right}}}}}"#)
    };
    let ip = |field: &str| format!(r#"{{"payload": {{"protocol": "ip", "field": "{field}"}}}}"#);
    let expressions = [
        matched(&ip("saddr"), r#""@banned""#),
        matched(
            &ip("daddr"),
            r#"{"prefix": {"addr": "10.0.0.0", "len": 8}}"#,
        ),
        matched(
            r#"{"meta": {"key": "iifname"}}"#,
            r#"{"set": ["eth0", "wg*"]}"#,
        ),
        format!(
            r#"{{"vmap": {{"key": {}, "data": {{"set": [["192.0.2.1", {{"accept": null}}], ["192.0.2.2", {{"drop": null}}]]}}}}}}"#,
            ip("saddr")
        ),
        matched(
            &format!(r#"{{"concat": [{}, {}]}}"#, ip("saddr"), ip("daddr")),
            r#"{"set": [{"concat": ["192.0.2.5", "192.0.2.6"]}]}"#,
        ),
        matched(
            &format!(r#"{{"&": [{}, "0.0.0.255"]}}"#, ip("saddr")),
            r#""0.0.0.7""#,
        ),
        format!(
            r#"{{"dnat": {{"addr": {{"map": {{"key": {}, "data": {{"set": [["192.0.2.8", "10.0.0.9"]]}}}}}}}}}}"#,
            ip("daddr")
        ),
    ];
    let rules: Vec<String> = expressions
        .iter()
        .zip(1..)
        .map(|(expression, handle)| {
            format!(
                r#"{{"rule": {{"family": "inet", "table": "t", "chain": "in", "handle": {handle}, "expr": [{expression}]}}}}"#
            )
        })
        .collect();
    let json = format!(
        r#"{{"nftables": [
            {{"table": {{"family": "inet", "name": "t", "handle": 1}}}},
            {{"chain": {{"family": "inet", "table": "t", "name": "in", "handle": 2, "hook": "input", "prio": 0}}}},
            {{"set": {{"family": "inet", "table": "t", "name": "banned", "type": "ipv4_addr", "elem": [
                {{"range": ["192.0.2.20", "192.0.2.29"]}}, {{"elem": {{"val": "192.0.2.50", "timeout": 9}}}}]}}}},
            {}]}}"#,
        rules.join(",")
    );
    let listing = NativeListing::parse(&json, "").expect("a listing");
    let shown: Vec<String> = listing
        .told()
        .iter()
        .map(|told| {
            told.conditions
                .iter()
                .map(shown)
                .collect::<Vec<_>>()
                .join("; ")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "from set banned = 192.0.2.20-192.0.2.29 192.0.2.50-192.0.2.50",
            "to 10.0.0.0/8 = 10.0.0.0-10.255.255.255",
            "in {\"eth0\", \"wg+\"}",
            "from 192.0.2.1 = 192.0.2.1-192.0.2.1; from 192.0.2.2 = 192.0.2.2-192.0.2.2",
            "from 192.0.2.5 = 192.0.2.5-192.0.2.5; to 192.0.2.6 = 192.0.2.6-192.0.2.6",
            "unread 0.0.0.7 ",
            "to 192.0.2.8 = 192.0.2.8-192.0.2.8",
        ]
    );
}
