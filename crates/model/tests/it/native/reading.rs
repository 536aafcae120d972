//! How a script is read, and what of it is refused before nft sees it.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

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

    #[test]
    fn any_script_is_left_without_helpers_or_stays(
        text in "(table t \\{|add ct helper t |ct helper |s |\\{|type \"sip\" protocol (tcp|udp);?|\\}|chain c \\{|add rule t c |udp dport \\{? ?5060|\
                 ct helper set \"?s\"?|ct helper set udp dport map \\{ ?1 : \"s\",? 2 : \"s\" \\}|,|\n|;|é| ){0,24}"
    ) {
        if let Ok(script) = NativeScript::read(&Source::new("any", text)) {
            let lines = 1..=script.text().lines().count();
            let said: String = lines
                .map(|line| format!("/dev/stdin:{line}:1-1: Error: No such file or directory\n"))
                .collect();
            if let Some(without) = script.without_other_helpers(&script.complaints(&said)) {
                prop_assert_eq!(without.text().len(), script.text().len());
                prop_assert!(without.notes().len() > script.notes().len());
            }
        }
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
