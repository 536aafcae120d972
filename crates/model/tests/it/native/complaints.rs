//! What nft complains of, and where.

use super::*;

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
        ("meta skuid proftpd accept", "`id -u NAME`"),
        ("meta skgid nosuch accept", "`getent group NAME`"),
        ("tcp dport $nosuch accept", "is a file missing?"),
    ] {
        let script = read(&format!("table inet t {{\n chain c {{\n{rule}\n}}\n}}\n"));
        let loaded = kernel::run("nft -f -", script.text());
        let told = script.complaints(&loaded.stderr);
        assert!(told[0].to_string().contains(help), "{told:?}");
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
                "`a rule of inet/t/a` did not load, and the loader did not say why".to_owned()
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
