//! Which line each rule of a script came from.

use super::*;

const EVERYTHING: &str = r#"#!/usr/sbin/nft -f
flush ruleset
define FTP = 21 # not { here
define nets = { 10.0.0.0/8,
    192.168.0.0/16 }
table inet t {
    ct helper f { type "ftp" protocol tcp; }
    counter c1 { }
    set s {
        type inet_service
        elements = { 21,
            22 }
    }
    map m { type inet_service : verdict; elements = { 21 : accept, 22 : drop }; }
    chain sub { tcp dport 80 drop; tcp dport 81 \
        reject; return
    }
    chain h { type filter hook prerouting priority filter; tcp dport $FTP ct helper set "f"; }
    chain i {
        type filter hook input priority 10
        policy drop
        iif lo accept
        ip saddr $nets tcp dport { 22,
            23 } accept comment "two # lines"
        ct state vmap { established : accept, related : accept, invalid : drop }
        tcp dport vmap @m; tcp dport @s counter name c1 jump sub
        log prefix "drop; {" reject with tcp reset
    }
}
add rule inet t i tcp dport 99 accept
insert rule inet t i tcp dport 98 drop
table ip filter {
    chain INPUT { type filter hook input priority 0; policy accept; tcp dport 21 accept
    }
}
ip filter INPUT drop
"#;

#[test]
fn every_rule_has_the_line_that_it_begins_on() {
    if !has_nft() {
        return;
    }
    let script = read(EVERYTHING);
    let loaded = load(&script);
    let listing = &loaded.listing;
    let of = |family, table: &str, name: &str| lines(&script, &loaded, &chain(family, table, name));
    assert_eq!(
        of(TableFamily::Inet, "t", "sub"),
        [Some(15), Some(15), Some(16)]
    );
    assert_eq!(of(TableFamily::Inet, "t", "h"), [Some(18)]);
    assert_eq!(
        of(TableFamily::Inet, "t", "i"),
        [31, 22, 23, 25, 26, 26, 27, 30].map(Some)
    );
    assert_eq!(of(TableFamily::Ip, "filter", "INPUT"), [Some(33), Some(36)]);
    let input = chain(TableFamily::Inet, "t", "i");
    assert_eq!(
        corresponding(&script, &loaded).policy_line(&input),
        Some(21)
    );
    let listed = listing.chain(&input).expect("the chain is there");
    assert_eq!(
        listed.hook(),
        "type filter hook input priority filter + 10; policy drop;"
    );
    assert_eq!(listed.rules()[7].statement(), "tcp dport 99 accept");
    let rejects: Vec<_> = listed.rules().iter().map(|rule| rule.rejects()).collect();
    assert_eq!(
        rejects,
        [false, false, false, false, false, false, true, false].map(Some)
    );
    assert!(listing.has_table(TableFamily::Ip, "filter"));
    assert!(!listing.has_table(TableFamily::Ip6, "filter"));
    assert_eq!(listing.impurities(&corresponding(&script, &loaded)), []);
}

#[test]
fn rules_are_known_wherever_they_are_put() {
    if !has_nft() {
        return;
    }
    let table = "table inet t {\n chain a { accept; drop; }\n chain b { drop; }\n}\n";
    for (commands, of_a) in [
        ("", vec![2, 2]),
        ("add rule inet t a index 0 counter\n", vec![2, 5, 2]),
        ("insert rule inet t a index 1 counter\n", vec![2, 5, 2]),
        ("replace rule inet t a handle 3 counter\n", vec![5, 2]),
        ("delete rule inet t a handle 3\n", vec![2]),
        (
            "delete rule inet t a handle 3; flush chain inet t a\nadd rule inet t a reject\n",
            vec![6],
        ),
        ("flush table inet t\n", vec![]),
        (
            "delete table inet t\ntable inet t {\n chain a { return; }\n}\n",
            vec![7],
        ),
        ("flush ruleset ip\n", vec![2, 2]),
        (
            "flush ruleset\nadd table inet t\nadd chain inet t a\nadd rule inet t a drop\n",
            vec![8],
        ),
    ] {
        let script = read(&format!("{table}{commands}"));
        let loaded = load(&script);
        let a = chain(TableFamily::Inet, "t", "a");
        let of_a: Vec<Option<u32>> = of_a.into_iter().map(Some).collect();
        assert_eq!(lines(&script, &loaded, &a), of_a, "{commands}");
    }
}

/// A command of a script over three chains; every rule bears the line that it is written on.
fn command() -> impl Strategy<Value = (u8, usize, u8)> {
    (0_u8..10, 0_usize..3, 0_u8..3)
}

const CHAINS: [(&str, &str); 3] = [("inet t", "a"), ("inet t", "b"), ("ip u", "a")];

fn written(commands: &[(u8, usize, u8)]) -> String {
    let mut text = String::new();
    for (table, chain) in CHAINS {
        let _ = writeln!(text, "add table {table}\nadd chain {table} {chain}");
    }
    for &(kind, which, verdict) in commands {
        let (table, chain) = CHAINS[which];
        let verdict = [
            "accept",
            "drop",
            "tcp dport vmap { 21 : drop, 22 : accept }",
        ][verdict as usize];
        let here = text.lines().count() + 1;
        let rule = |line: usize| format!("{verdict} comment \"L{line}\"");
        match kind {
            0 => writeln!(text, "add rule {table} {chain} {}", rule(here)),
            1 => writeln!(text, "insert rule {table} {chain} {}", rule(here)),
            2 => writeln!(text, "rule {table} {chain} {}; # {{ and so on", rule(here)),
            3 => writeln!(
                text,
                "table {table} {{\n set s{here} {{ type inet_service; elements = {{ 1,\n 2 }}\n }}\n chain {chain} {{\n {}\n {}; {}\n }}\n}}",
                rule(here + 5),
                rule(here + 6),
                rule(here + 6)
            ),
            4 => writeln!(text, "add chain {table} {chain} {{ {}; }}", rule(here)),
            5 => writeln!(text, "flush chain {table} {chain}"),
            7 => writeln!(
                text,
                "add rule {table} {chain} accept comment \"L{here}\"\ninsert rule {table} {chain} index 0 {}",
                rule(here + 1)
            ),
            8 => writeln!(
                text,
                "insert rule {table} {chain} accept comment \"L{here}\"\nadd rule {table} {chain} index 0 {}",
                rule(here + 1)
            ),
            6 => writeln!(
                text,
                "insert rule {table} {chain} tcp dport {{\n 21,\n 22 }} \\\n {}",
                rule(here)
            ),
            _ => writeln!(text, "delete table {table}; add table {table}; add chain inet t a; add chain inet t b; add chain ip u a"),
        }
        .expect("a string takes everything");
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn commands_in_any_order_keep_their_lines(commands in proptest::collection::vec(command(), 1..14)) {
        if !has_nft() {
            return Ok(());
        }
        let text = written(&commands);
        let script = read(&text);
        let loaded = load(&script);
    let listing = &loaded.listing;
        for (id, listed) in listing.chains() {
            for (rule, line) in listed.rules().iter().zip(lines(&script, &loaded, id)) {
                let line = line.unwrap_or_else(|| panic!("{id}: {}\n{text}", rule.statement()));
                let comment = format!(" comment \"L{line}\"");
                prop_assert!(rule.statement().ends_with(&comment), "{} is said to be of line {line}:\n{text}", rule.statement());
            }
        }
    }
}
