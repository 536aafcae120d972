//! Scripts of nft against the real nft: lines, purity, complaints.

use std::collections::BTreeSet;
use std::fmt::Write;

use fwlab_model::ruleset::native::{Echo, NativeListing, NativeScript};
use fwlab_model::ruleset::{Correspondence, MistakeKind, Source};
use fwlab_record::{ChainId, RuleId, RuleOrdinal, TableFamily};
use fwlab_skipped::{Need, skipped};
use proptest::prelude::*;

use crate::kernel;

/// Whether there is nft here; where not, says so.
fn has_nft() -> bool {
    let there = kernel::run("nft -j list ruleset", "").success;
    if !there {
        skipped(Need::Programs, "no nft here");
    }
    there
}

fn read(text: &str) -> NativeScript {
    let source = Source::new("test.nft", text);
    NativeScript::read(&source).unwrap_or_else(|mistakes| panic!("{text}\n{:?}", mistakes.told()))
}

/// What nft lists of a loaded script, and what it said when it loaded it.
struct Loaded {
    listing: NativeListing,
    echo: Echo,
}

/// Loads a script and reads what is listed then.
#[track_caller]
fn load(script: &NativeScript) -> Loaded {
    let list = "ip link set lo up; nft -e -a -f - && echo '#listed' &&
        nft -j -a list ruleset && echo && nft -a list ruleset";
    let loaded = kernel::run(list, script.text());
    assert!(loaded.success, "{}\n{}", script.text(), loaded.stderr);
    let (echoed, listed) = loaded.saved.split_once("#listed\n").expect("both");
    let (json, text) = listed.split_once("\n\n").expect("two listings");
    let listing = NativeListing::parse(json, text);
    Loaded {
        listing: listing.unwrap_or_else(|error| panic!("{error}\n{json}")),
        echo: Echo::parse(echoed),
    }
}

fn chain(family: TableFamily, table: &str, chain: &str) -> ChainId {
    ChainId {
        family,
        table: table.into(),
        chain: chain.into(),
    }
}

fn corresponding(script: &NativeScript, loaded: &Loaded) -> Correspondence {
    script
        .correspond(&loaded.listing, &loaded.echo)
        .unwrap_or_else(|differences| panic!("{}\n{differences:?}", script.text()))
}

/// The line of each rule of a chain, in order.
fn lines(script: &NativeScript, loaded: &Loaded, id: &ChainId) -> Vec<Option<u32>> {
    let correspondence = corresponding(script, loaded);
    let count = loaded
        .listing
        .chain(id)
        .expect("the chain is there")
        .rules()
        .len();
    (1..=count as u32)
        .map(|ordinal| {
            let chain = id.clone();
            let ordinal = RuleOrdinal(ordinal);
            correspondence.source_line(&RuleId { chain, ordinal })
        })
        .collect()
}

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

    #[test]
    fn no_text_that_is_taken_reads_a_file(
        text in "(\"|#|\\\\|\n|;|include|include \"/etc/hostname\"|\"/etc/hostname\"|table t \\{|\\}|define a = \"| |x|1|\r){1,16}"
    ) {
        if !has_nft() {
            return Ok(());
        }
        if let Ok(script) = NativeScript::read(&Source::new("any", text)) {
            let loaded = kernel::run("nft -f -", script.text());
            prop_assert!(!loaded.stderr.contains("In file included from"), "{:?}\n{}", script.text(), loaded.stderr);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(table|inet|chain|add|rule|delete|flush|[a-z\"{}; #\\\\\n$@.é]){0,60}") {
        if let Ok(script) = NativeScript::read(&Source::new("any", text)) {
            prop_assert!(script.text().len() >= script.source().text().len());
            let _ = script.correspond(&NativeListing::default(), &Echo::default());
            let _ = script.complaints("/dev/stdin:1:1-900: Error: x\n a\n ^\n/dev/stdin:99:5-2: Error: y");
            script.interfaces_used();
        }
    }
}

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
        "`limit` depends on how fast packets come (set ip/t/l)",
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
fn complaints_stand_where_nft_points() {
    if !has_nft() {
        return;
    }
    for (text, places) in [
        (
            "table inet t {\n\tchain c {\n\t\ttcp dprot 21 accept\n\t}\n}\n",
            &[(3, "dprot")][..],
        ),
        (
            "table inet t {\n chain c { iif nosuch0 accept; }\n}\n",
            &[(2, "nosuch0")],
        ),
        (
            "# über\ntable inet t {\n chain c { tcp –dport 21 accept; }\n}\n",
            &[(3, "–")],
        ),
        (
            "table inet t {\n chain c { jump nosuch; }\n}\n",
            &[(2, "nosuch")],
        ),
        ("table inet t {\n chain c { accept\n", &[(3, "")]),
    ] {
        let script = read(text);
        let loaded = kernel::run("nft -f -", script.text());
        assert!(!loaded.success, "{text}");
        let complaints = script.complaints(&loaded.stderr);
        let told: Vec<_> = complaints
            .iter()
            .filter_map(|complaint| complaint.line)
            .map(|line| (line.line, &script.source().text()[line.start..line.end]))
            .collect();
        assert_eq!(told.first(), places.first(), "{}", loaded.stderr);
        assert!(
            complaints
                .iter()
                .all(|complaint| !complaint.words.contains(['^', '\n'])),
            "{complaints:#?}"
        );
    }
}

#[test]
fn rules_that_nft_could_not_print_are_refused() {
    let in_chain = |rule: &str| {
        let hook = "type filter hook input priority filter; policy drop;";
        let text =
            format!("table ip filter {{\n\tchain INPUT {{\n\t\t{hook}\n\t\t{rule}\n\t}}\n}}\n");
        NativeScript::read(&Source::new("test.nft", text))
    };
    for lost in [
        "tcp dport 21 # match-set allowed src counter packets 0 bytes 0 accept",
        "ip saddr 192.0.2.1 # #conn src/32 > 8 counter packets 5 bytes 300 jump CONNLIMIT",
        "# match-set chain_DENY src counter packets 0 bytes 0 drop",
        "tcp dport { 21 } # match-set allowed src counter packets 0 bytes 0 accept",
        "# recent: SET name: x side: source counter packets 1 bytes 2",
        "tcp dport 21 xt match \"set\" counter packets 0 bytes 0 accept",
        "counter packets 1 bytes 2 xt target \"SET\"",
    ] {
        let mistakes = in_chain(lost).expect_err(lost);
        let mistake = &mistakes.told()[0];
        assert_eq!(
            (mistake.kind(), mistake.line()),
            (MistakeKind::Unprinted, 4)
        );
        let help = mistake.help().unwrap_or_default();
        assert!(help.contains("`iptables-save`"), "{help}");
    }
    for (whole, notes) in [
        ("tcp dport 22 counter packets 0 bytes 0 # CHECKSUM fill", 1),
        ("tcp dport 22 counter packets 0 bytes 0 accept # web", 0),
        (
            "tcp dport 22 accept # was: counter packets 0 bytes 0 drop",
            0,
        ),
        ("# tcp dport 22 counter packets 0 bytes 0 accept", 0),
        (
            "#            icmp type echo-request counter packets 0 bytes 0 drop comment \"x\"",
            0,
        ),
        (
            "# Warning: table ip filter is managed by iptables-nft, do not touch!",
            0,
        ),
        ("# what it had counted: counter packets and bytes", 0),
        (
            "tcp dport 22 accept comment \"a # b counter packets 0 bytes 0\"",
            0,
        ),
    ] {
        let script = in_chain(whole).unwrap_or_else(|mistakes| panic!("{:?}", mistakes.told()));
        assert_eq!(script.notes().len(), notes, "{whole}");
    }
    let two = "a # b counter packets 0 bytes 0 accept\nc # d counter packets 0 bytes 0 accept";
    let mistakes = in_chain(two).expect_err("both are lost");
    assert_eq!(mistakes.told().len(), 1);
    assert_eq!(
        mistakes.told()[0].message(),
        "nft could not print this rule in full, nor 1 more: `# b counter packets 0 bytes 0 accept`"
    );
}

#[test]
fn what_follows_from_a_complaint_is_not_told() {
    if !has_nft() {
        return;
    }
    let over_lines = "table inet t {\n chain a {\n  ip daddr vmap {\n   $x : accept,\n   $y : drop\n  }\n  counter name c\n }\n \
                      chain b {\n  tcp dport 21 accept\n }\n}\n";
    let in_set = "table inet t {\n set s {\n  type ipv4_addr\n  elements = { 192.0.2.1,\n\n   192.0.2.2 }\n }\n chain b {\n  tcp dport 21 accept\n }\n}\n";
    let beside = "table inet t {\n chain a {\n  tcp dprot 21 accept\n  tcp dport 22 \\\n   acept\n  udp dprot 1 drop\n }\n}\n";
    for (text, told, followed) in [
        (over_lines, &[4, 5][..], true),
        (in_set, &[5], true),
        (beside, &[3, 5, 6], false),
    ] {
        let script = read(text);
        let loaded = kernel::run("nft -f -", script.text());
        let (leading, others) = script.leading(script.complaints(&loaded.stderr));
        let lines = leading.iter().filter_map(|complaint| complaint.line);
        let lines: Vec<u32> = lines.map(|line| line.line).collect();
        assert_eq!(lines, told, "{}", loaded.stderr);
        assert_eq!(others > 0, followed, "{}", loaded.stderr);
    }
}

#[test]
fn what_complaints_mean_is_told() {
    if !has_nft() {
        return;
    }
    for (rule, help) in [
        ("meta skuid nosuch accept", "`id -u NAME`"),
        ("meta skgid nosuch accept", "`getent group NAME`"),
        ("tcp dport $nosuch accept", "is a file left out?"),
    ] {
        let script = read(&format!("table inet t {{\n chain c {{\n{rule}\n}}\n}}\n"));
        let loaded = kernel::run("nft -f -", script.text());
        let told = script.complaints(&loaded.stderr);
        assert!(told[0].to_string().contains(help), "{told:?}");
    }
}

#[test]
fn comments_stand_wherever_nft_takes_them() {
    if !has_nft() {
        return;
    }
    let in_chain = |rule: &str| {
        format!(
            "table inet t {{\n chain c {{\n  type filter hook input priority 0\n{rule}\n  drop\n }}\n}}\n"
        )
    };
    for (rule, drops_on) in [
        ("  tcp dport { 22,\n  # web\n  80 } accept", Some(7)),
        (
            "  tcp dport { 22,\n  # web\n# and\r\n \t#\n  80\n  # more\n  } accept",
            Some(11),
        ),
        ("  tcp dport { 80, # web\n  # etc.\n  } accept", Some(7)),
        (
            "  ct state vmap { established : accept,\n  # etc.\n  }",
            Some(7),
        ),
        ("  tcp dport 21 \\\n  # why\n  accept", Some(7)),
        ("  accept # why \\\n  # and", Some(6)),
        ("  tcp dport { 80 # web\n  } accept", Some(6)),
        // An empty line is nothing that nft takes there.
        ("  tcp dport { 22,\n\n  80 } accept", None),
        ("  tcp dport { 22,\n  \n  80 } accept", None),
    ] {
        let text = in_chain(rule);
        let itself = kernel::run("nft -c -f -", &text.replace('\r', "")).success;
        assert_eq!(itself, drops_on.is_some(), "{text}");
        let script = read(&text);
        let Some(line) = drops_on else {
            assert!(!kernel::run("nft -f -", script.text()).success, "{text}");
            continue;
        };
        let of_c = lines(&script, &load(&script), &chain(TableFamily::Inet, "t", "c"));
        assert_eq!(of_c, [Some(4), Some(line)], "{text}");
    }
    let text = "# a\ndefine p = {\n # web\n 80,\n # tls\n 443\n}\ntable inet t {\n set s {\n  type ipv4_addr\n  elements = {\n   # lan\n   \
                192.0.2.1,\n   # wifi\n   192.0.2.2\n  }\n }\n chain c { tcp dport $p ip saddr @s accept; }\n}\n # end";
    let script = read(text);
    let of_c = lines(&script, &load(&script), &chain(TableFamily::Inet, "t", "c"));
    assert_eq!(of_c, [Some(18)]);
}

#[test]
fn what_reaches_beyond_the_node_is_refused() {
    for (text, at) in [
        ("include \"/etc/shadow\"\n", "include"),
        (
            "# include\ntable t {\n chain c {\n drop;include \"/x\"\n}\n}\n",
            "include",
        ),
        // A backslash continues no comment, and a comment ends no text.
        ("# and \\\ninclude \"/etc/shadow\"\n", "include"),
        ("define a = \"x # \"; include \"/etc/shadow\"\n", "include"),
        ("define a = \"x\ninclude \"/etc/shadow\"\n", "etc"),
        ("monitor\n", "monitor"),
        ("table inet t { }\nmonitor trace\n", "monitor"),
        ("delete table inet fwlab-observe\n", "fwlab-observe"),
    ] {
        match NativeScript::read(&Source::new("test.nft", text)) {
            Err(mistakes) => {
                let mistake = &mistakes.told()[0];
                let span = mistake.span().expect("it is told where");
                assert_eq!(&text[span], at);
            }
            // The quotation marks go together otherwise: nft sees no include either.
            Ok(script) => {
                assert_eq!(at, "etc");
                if has_nft() {
                    let loaded = kernel::run("nft -f -", script.text());
                    assert!(
                        !loaded.success && !loaded.stderr.contains("root"),
                        "{}",
                        loaded.stderr
                    );
                }
            }
        }
    }
    let harmless =
        "# include \"/etc/shadow\"\ntable inet t {\n chain c { log prefix \"include\" ; }\n}\n";
    let script = read(harmless);
    assert!(!script.text().contains("shadow"));
    assert_eq!(script.text().len(), harmless.len());
    assert_eq!(script.text().find("table"), harmless.find("table"));
}

#[test]
fn interfaces_are_found_however_they_are_named() {
    let script = read(
        "define wan = eth0\ndefine lans = { \"eth1\", wlan* }\ntable netdev n {\n chain i { type filter hook ingress device e9 priority 0; }\n \
         chain j { type filter hook ingress devices = { e7, e8 } priority 0; }\n}\ntable inet t {\n chain c {\n iif lo accept\n \
         iifname $wan accept\n oifname != \"ppp0\" drop\n oif { eth2,\n eth3 } accept\n iifname vmap { eth4 : accept, eth5 : drop }\n \
         meta iifname . tcp dport @x accept\n iifname $lans drop comment \"iifname none\"\n iifname @set accept\n}\n}\n",
    );
    let used: Vec<String> = script.interfaces_used().into_iter().collect();
    assert_eq!(
        used,
        [
            "e7", "e8", "e9", "eth0", "eth1", "eth2", "eth3", "eth4", "eth5", "lo", "ppp0", "wlan*"
        ]
    );
}

#[test]
fn interfaces_are_found_in_time_that_grows_with_the_script_alone() {
    let (many, none) = (200_000, BTreeSet::new());
    let used = |text: String| read(&text).interfaces_used();
    assert_eq!(used(format!("iifname {}", "{".repeat(many))), none);
    assert_eq!(used("iif { {".repeat(many)), none);
    assert_eq!(used(format!("iifname {}", "map ".repeat(many))), none);
    let list = format!("define x = {{ {} }}\n", "eth0, ".repeat(many));
    let eth0 = BTreeSet::from(["eth0".to_owned()]);
    assert_eq!(used(list + &"iifname $x\n".repeat(many)), eth0);
}

#[test]
fn ends_of_lines_from_elsewhere_are_taken() {
    let script = read("\u{feff}table inet t {\r\n chain c { drop; }\r\n}\r\n");
    assert_eq!(script.notes().len(), 2);
    if has_nft() {
        let loaded = load(&script);
        let c = chain(TableFamily::Inet, "t", "c");
        assert_eq!(lines(&script, &loaded, &c), [Some(2)]);
    }
}

#[test]
fn what_is_not_listed_did_not_load() {
    let script = read("table inet t {\n chain a { drop; }\n}\n");
    let listing = NativeListing::parse("{\"nftables\": []}", "").expect("it is a listing");
    let echo = Echo::parse("add rule inet t a drop # handle 3\n");
    let told = script
        .correspond(&listing, &echo)
        .expect_err("nothing is listed");
    let told: Vec<_> = told
        .iter()
        .map(|difference| {
            (
                difference.line.map(|line| line.line),
                difference.to_string(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some(2), "the chain inet/t/a did not load".to_owned()),
            (
                Some(2),
                "`a rule of inet/t/a` did not load, and nothing was said of it".to_owned()
            )
        ]
    );
    for broken in [
        "",
        "[]",
        "{\"nftables\": [{\"rule\": {\"family\": \"inet\"}}]}",
    ] {
        assert!(NativeListing::parse(broken, "").is_err(), "{broken}");
    }
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

#[test]
fn chains_of_iptables_are_there_for_who_adds_to_them() {
    let beforehand = |text: &str| read(text).beforehand();
    assert_eq!(
        beforehand(
            "add rule ip filter INPUT accept\nadd rule ip6 nat PREROUTING tcp dport 21 redirect to :2121\n"
        ),
        Some(
            "add table ip filter
add chain ip filter INPUT { type filter hook input priority 0; policy accept; }
add table ip6 nat
add chain ip6 nat PREROUTING { type nat hook prerouting priority -100; policy accept; }
"
            .to_owned()
        )
    );
    for own in [
        "add rule inet filter INPUT accept\n",
        "add rule ip filter input accept\n",
        "table ip filter {\n chain INPUT { accept; }\n}\nadd rule ip filter INPUT drop\n",
        "add chain ip filter INPUT { type filter hook input priority 5; }\nadd rule ip filter INPUT drop\n",
    ] {
        assert_eq!(beforehand(own), None, "{own}");
    }
    if !has_nft() {
        return;
    }
    let script =
        read("add rule ip filter INPUT tcp dport 21 accept\nadd rule ip nat OUTPUT counter\n");
    let both = script.beforehand().expect("both are iptables'") + script.text();
    let loaded = kernel::run(
        "nft -f - && iptables-nft-save | grep -c '^:INPUT ACCEPT'",
        &both,
    );
    assert!(loaded.success, "{}", loaded.stderr);
}
