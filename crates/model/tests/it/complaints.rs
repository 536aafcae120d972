//! What the parser leaves to the loader is told at the line of the source.

use fwlab_model::ruleset::{Source, parse};
use fwlab_record::Family;

use crate::kernel;

/// Commands of which the marked one does not load, and a word of the complaint.
const LEFT: &[(&str, &str)] = &[
    (
        "iptables -P INPUT DROP\niptables -A INPUT -j LOG\niptables -A INPUT -j NOSUCHTARGET # !\niptables -A INPUT -j LOG\n",
        "NOSUCHTARGET",
    ),
    (
        "iptables -A INPUT -j LOG\niptables -A INPUT -m nosuchmatch -j DROP # !\n",
        "nosuchmatch",
    ),
    (
        "iptables -A INPUT -m time --days Sun -j DROP # !\niptables -A INPUT -j LOG\n",
        "--days",
    ),
    (
        "iptables -A INPUT -p tcp --dport nosuchservice -j DROP # !\n",
        "nosuchservice",
    ),
    (
        "iptables -A INPUT -p nosuchprotocol -j DROP # !\n",
        "nosuchprotocol",
    ),
    (
        "iptables -A INPUT -p icmp --icmp-type nosuch -j DROP # !\n",
        "nosuch",
    ),
    (
        "iptables -A INPUT -m set --match-set nosuchset src -j DROP # !\n",
        "nosuchset",
    ),
    (
        "iptables -t raw -A OUTPUT -p tcp -j CT --helper nosuchhelper # !\niptables -A INPUT -j LOG\n",
        "",
    ),
    ("iptables -A INPUT -m nfacct --nfacct-name nosuch # !\n", ""),
];

#[test]
fn complaints_are_told_at_their_line() {
    for backend in kernel::backends() {
        for (text, word) in LEFT {
            let parsed = parse(&Source::new("left", *text), Family::Ipv4);
            let ruleset = parsed
                .unwrap_or_else(|mistakes| panic!("{text}: {:?}", mistakes.told()))
                .ruleset;
            let rendered = ruleset.render(Family::Ipv4);
            let loaded = kernel::load(backend, Family::Ipv4, rendered.text());
            assert!(!loaded.success, "{backend} takes {text}");
            let complaints = rendered.complaints(&loaded.stderr);
            let wanted = 1 + text
                .lines()
                .position(|line| line.ends_with("# !"))
                .expect("one is marked");
            let told: Vec<_> = complaints
                .iter()
                .map(|complaint| complaint.line.map(|line| line.line as usize))
                .collect();
            assert_eq!(told, [Some(wanted)], "{backend}: {text}{}", loaded.stderr);
            assert!(
                complaints[0].words.contains(word),
                "{:?}",
                complaints[0].words
            );
        }
    }
}

#[test]
fn several_rules_refused_by_the_kernel_are_told_at_once_by_nft() {
    let text = "iptables -t raw -A OUTPUT -p tcp -j CT --helper nosuchone\niptables -t raw -A OUTPUT -j LOG\niptables -t raw -A OUTPUT -p tcp -j CT --helper nosuchother\n";
    let rendered = parse(&Source::new("two", text), Family::Ipv4)
        .unwrap()
        .ruleset
        .render(Family::Ipv4);
    for backend in kernel::backends() {
        let loaded = kernel::load(backend, Family::Ipv4, rendered.text());
        let complaints = rendered.complaints(&loaded.stderr);
        let lines: Vec<_> = complaints
            .iter()
            .map(|complaint| complaint.line.map(|line| line.line))
            .collect();
        match backend {
            fwlab_record::Backend::Nft => {
                assert_eq!(lines, [Some(1), Some(3)], "{}", loaded.stderr)
            }
            _ => assert_eq!(lines, [None], "{}", loaded.stderr),
        }
    }
}
