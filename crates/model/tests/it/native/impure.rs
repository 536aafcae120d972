//! What in rules of nft depends on more than the packet.

use super::*;

#[test]
fn what_depends_on_more_than_the_packet_is_impure() {
    if !has_nft() {
        return;
    }
    for (rule, impurities) in [
        (
            "iif lo tcp flags & (fin|syn) == syn ct state new,established accept",
            &[][..],
        ),
        (
            "ip saddr { 10.0.0.0/8, 1.1.1.1-1.1.1.9 } meta l4proto { tcp, udp } th dport 1-5 counter drop",
            &[],
        ),
        (
            "tcp dport vmap { 21 : accept, 22 : jump other } log prefix \"x\"",
            &[],
        ),
        (
            "ct state vmap @states reject with icmpx admin-prohibited",
            &[],
        ),
        ("meta mark set ct mark", &[]),
        ("tcp dport 21 ct helper set \"f\"", &[]),
        (
            "ct helper \"ftp\" ct direction original ct status dnat accept",
            &[],
        ),
        ("fib saddr . iif oif missing drop", &[]),
        ("tcp option maxseg size set 1000", &[]),
        ("notrack", &[]),
        (
            "meta ipsec exists ipsec in reqid 1 rt ipsec exists drop",
            &[],
        ),
        ("ip saddr . tcp dport @pairs accept", &[]),
        ("limit rate 5/second accept", &["limit: rate"]),
        ("quota over 5 mbytes drop", &["quota: count"]),
        ("ct count over 10 drop", &["ct count: count"]),
        ("add @seen { ip saddr } drop", &["set: memory"]),
        ("numgen random mod 2 0 drop", &["numgen: chance"]),
        ("jhash ip saddr mod 2 0 drop", &["jhash: chance"]),
        ("meta hour \"10:00\"-\"12:00\" accept", &["meta hour: time"]),
        ("meta skuid 0 accept", &["meta skuid: sender"]),
        ("meta cpu 0 accept", &["meta cpu: machine"]),
        ("ct bytes > 100 drop", &["ct bytes: count"]),
        ("ct expiration < 10s drop", &["ct expiration: time"]),
        ("socket transparent 1 accept", &["socket: user-space"]),
        ("@th,160,32 0x50415356 drop", &["raw payload: content"]),
        ("ip id 5 drop", &["id: chance"]),
        ("ct id 5 drop", &["ct id: unknown"]),
        ("tcp window 100 drop", &["window: chance"]),
        ("tcp option timestamp exists accept", &[]),
        ("tcp option timestamp tsval 5 drop", &["tsval: time"]),
        ("tcp dport 21 jump { drop; }", &["jump { drop }: unknown"]),
    ] {
        let text = format!(
            "table inet t {{\n set seen {{ type ipv4_addr; size 65535; flags dynamic; }}\n \
             set pairs {{ type ipv4_addr . inet_service; elements = {{ 1.1.1.1 . 21 }}; }}\n \
             map states {{ type ct_state : verdict; elements = {{ established : accept }}; }}\n \
             ct helper f {{ type \"ftp\" protocol tcp; }}\n chain other {{ }}\n chain c {{\n{rule}\n}}\n}}\n"
        );
        let script = read(&text);
        let loaded = load(&script);
        let listing = &loaded.listing;
        let found = listing.impurities(&corresponding(&script, &loaded));
        let told: Vec<String> = found
            .iter()
            .map(|impurity| {
                let what = impurity.what.split_whitespace().collect::<Vec<_>>();
                format!("{}: {}", what.join(" "), impurity.why)
            })
            .collect();
        assert_eq!(told, impurities, "{rule}");
        assert!(
            found
                .iter()
                .all(|impurity| impurity.source_line.is_some_and(|line| line.line == 8)),
            "{rule}"
        );
    }
}

#[test]
fn what_only_other_protocols_can_meet_is_known() {
    if !has_nft() {
        return;
    }
    for (rule, tcp) in [
        ("", true),
        ("icmp type echo-request", false),
        ("icmp type != echo-request", false),
        ("icmp type { 8, 13 }", false),
        ("icmpv6 type nd-neighbor-solicit", false),
        ("icmp type vmap { echo-request : accept }", false),
        ("ip protocol icmp", false),
        ("ip protocol { icmp, igmp }", false),
        ("ip protocol { icmp, tcp }", true),
        ("ip protocol != icmp", true),
        ("ip protocol != tcp", true),
        ("ip6 nexthdr icmpv6", false),
        ("ip6 nexthdr ah", true),
        ("meta l4proto icmp", false),
        ("meta l4proto { icmp, icmpv6 }", false),
        ("meta l4proto { icmp, 6 }", true),
        ("meta l4proto 1-5", true),
        ("udp dport 53", false),
        ("udp dport != 53", false),
        ("ip saddr . udp dport { 192.0.2.1 . 53 }", false),
        ("th dport 53", true),
        ("tcp flags & syn == syn", true),
        ("ct state related", true),
        ("esp spi 1", false),
    ] {
        let chain = format!("chain c {{\n{rule} limit rate 5/second accept\n}}\n");
        let script = read(&format!("table inet t {{\n{chain}}}\n"));
        let loaded = load(&script);
        let found = loaded.listing.impurities(&Correspondence::default());
        let limit = found.iter().find(|found| found.what == "limit");
        let limit = limit.unwrap_or_else(|| panic!("{rule}: {found:?}"));
        let only = limit.decides_in.iter().map(|(_, only)| only.is_of_tcp());
        assert_eq!(only.collect::<Vec<_>>(), [tcp], "{rule}");
    }
}

#[test]
fn sets_that_change_and_translation_by_chance_are_impure() {
    if !has_nft() {
        return;
    }
    let script = read(
        "table ip t {
 set s { type ipv4_addr; timeout 1m; elements = { 1.1.1.1 timeout 5s }; }
 set l { type ipv4_addr; limit rate 5/second; }
 chain post {
  type nat hook postrouting priority srcnat
  ip saddr 10.0.0.1 snat to 10.0.0.2
  snat to 10.0.0.3-10.0.0.4
  masquerade random
 }
}
",
    );
    let loaded = load(&script);
    let listing = &loaded.listing;
    let found = listing.impurities(&corresponding(&script, &loaded));
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    for expected in [
        "`snat to several addresses` depends on chance (ip/t/post/2, line 7)",
        "`random` depends on chance (ip/t/post/3, line 8)",
        "`timeout` depends on time (set ip/t/s)",
        "`limit` depends on how fast packets arrive (set ip/t/l)",
    ] {
        assert!(
            told.iter().any(|told| told == expected),
            "{expected} is not in {told:#?}"
        );
    }
    assert!(
        !told.iter().any(|told| told.contains("post/1")),
        "{told:#?}"
    );
}

#[test]
fn what_acts_before_the_trace_is_known() {
    if !has_nft() {
        return;
    }
    let script = read(
        "table inet t {
 chain a { type filter hook ingress device lo priority 0; }
 chain b { type filter hook prerouting priority -351; }
 chain c { type filter hook prerouting priority -349; meta nftrace set 1
 }
 chain d { type filter hook input priority -400; }
}
",
    );
    let loaded = load(&script);
    let listing = &loaded.listing;
    let early: Vec<bool> = listing
        .chains()
        .map(|(_, chain)| chain.is_before_trace())
        .collect();
    assert_eq!(early, [true, true, false, false]);
    let c = listing.chain(&chain(TableFamily::Inet, "t", "c"));
    assert!(c.expect("it is there").rules()[0].sets_trace());
}
