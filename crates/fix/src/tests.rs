use fwlab_model::ruleset::Source;
use fwlab_record::{Backend, ChainId, Family, TableFamily};

use super::*;

fn spot(family: TableFamily, table: &str, chain: &str, line: u32, ordinal: Option<u32>) -> Spot {
    Spot {
        chain: ChainId {
            family,
            table: table.to_owned(),
            chain: chain.to_owned(),
        },
        backend: Backend::Nft,
        family: Family::Ipv4,
        line: Some(line),
        ordinal,
        only: Only::default(),
    }
}

fn helper() -> Remedy {
    Remedy::Helper {
        family: Family::Ipv4,
        side: fwlab_model::ruleset::Side::Server.into(),
        port: 21,
        backend: Backend::Nft,
    }
}

fn accept(spot: Spot, what: Accepts) -> Remedy {
    Remedy::Accept { spot, what }
}

fn edited(text: &str, remedies: &[Remedy]) -> String {
    let source = Source::new("rules", text);
    let remedies: Vec<&Remedy> = remedies.iter().collect();
    let after = apply(&source, &remedies).expect("it has a place");
    String::from_utf8(after.text).expect("UTF-8")
}

#[test]
fn a_dump_gets_rules_where_they_count() {
    let dump = "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j REJECT\nCOMMIT\n";
    let of = |ordinal, line| spot(TableFamily::Ip, "filter", "INPUT", line, ordinal);
    assert_eq!(
        edited(dump, &[helper(), accept(of(Some(2), 4), Accepts::Related)]),
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n# FTP: what is RELATED by the helper ftp\n\
         -A INPUT -p tcp -m tcp --dport 1024: -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT\n-A INPUT -j REJECT\nCOMMIT\n\
         *raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n# conntrack's helper reads FTP's control connections\n\
         -A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\nCOMMIT\n"
    );
    let ports = Accepts::Ports {
        low: 50000,
        high: 50100,
    };
    assert_eq!(
        edited(dump, &[accept(of(None, 2), ports)]),
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -j REJECT\n# FTP: TCP to the ports 50000-50100\n\
         -A INPUT -p tcp -m tcp --dport 50000:50100 -j ACCEPT\nCOMMIT\n"
    );
}

#[test]
fn a_script_of_a_shell_gets_commands_as_it_has_them() {
    let script = "#!/bin/sh\nsudo /sbin/iptables -P INPUT DROP\nsudo /sbin/iptables -A INPUT -j REJECT\nexit 0\n";
    let of = |ordinal, line| spot(TableFamily::Ip, "filter", "INPUT", line, ordinal);
    assert_eq!(
        edited(
            script,
            &[helper(), accept(of(Some(1), 3), Accepts::Established)]
        ),
        "#!/bin/sh\nsudo /sbin/iptables -P INPUT DROP\n# FTP: what is ESTABLISHED\n\
         sudo /sbin/iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nsudo /sbin/iptables -A INPUT -j REJECT\n\
         # conntrack's helper reads FTP's control connections\n\
         sudo /sbin/iptables -t raw -A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\nexit 0\n"
    );
    let inserted = "iptables -I INPUT -j REJECT\n";
    assert_eq!(
        edited(inserted, &[accept(of(Some(1), 1), Accepts::Established)]),
        "iptables -I INPUT -j REJECT\n# FTP: what is ESTABLISHED\n\
         iptables -I INPUT 1 -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
    );
}

#[test]
fn a_script_of_a_shell_gets_commands_of_nft() {
    let script = "nft add table ip f\nnft add chain ip f i '{ type filter hook input priority 0; policy drop; }'\n";
    assert_eq!(
        edited(&format!("{script}exit 0\n"), &[helper()]),
        format!(
            "{script}\n# conntrack's helper reads FTP's control connections\nnft add table inet ftp_helper\n\
             nft add ct helper inet ftp_helper ftp-standard '{{ type \"ftp\" protocol tcp; }}'\n\
             nft add chain inet ftp_helper prerouting '{{ type filter hook prerouting priority mangle; policy accept; }}'\n\
             nft add rule inet ftp_helper prerouting 'tcp dport 21 ct helper set \"ftp-standard\"'\nexit 0\n"
        )
    );
    let of_nft = script.replace("nft ", "").replace('\'', "");
    assert!(edited(&of_nft, &[helper()]).contains("\ntable inet ftp_helper {\n"));
}

#[test]
fn a_script_of_nft_gets_statements_within_its_chains() {
    let script = "table inet filter {\n  chain input {\n    type filter hook input priority filter; policy drop;\n    tcp dport 21 accept\n  }\n}\n";
    let of = |ordinal, line| spot(TableFamily::Inet, "filter", "input", line, ordinal);
    let after = edited(script, &[helper(), accept(of(None, 3), Accepts::Related)]);
    assert!(
        after.starts_with(
            "table inet filter {\n  chain input {\n    type filter hook input priority filter; policy drop;\n    tcp dport 21 accept\n    \
             # FTP: what is RELATED by the helper ftp\n    tcp dport 1024-65535 ct state related ct helper \"ftp\" accept\n  }\n}\n\n"
        ),
        "{after}"
    );
    assert!(
        after.contains("tcp dport 21 ct helper set \"ftp-standard\""),
        "{after}"
    );
    let before = edited(script, &[accept(of(Some(1), 4), Accepts::FromPort20)]);
    assert!(
        before.contains("    tcp sport 20 accept\n    tcp dport 21 accept\n"),
        "{before}"
    );
    let one_line = Source::new(
        "rules",
        "table ip f { chain i { type filter hook input priority 0; policy drop; } }\n",
    );
    let remedy = accept(of(None, 1), Accepts::Related);
    let error = apply(&one_line, &[&remedy]).expect_err("it is one line");
    assert!(error.to_string().contains("in one line"), "{error}");
}

#[test]
fn a_patch_is_a_unified_diff() {
    let before = Source::new("rules", "*filter\n:INPUT DROP [0:0]\nCOMMIT\n");
    let remedy = accept(
        spot(TableFamily::Ip, "filter", "INPUT", 2, None),
        Accepts::Established,
    );
    let after = apply(&before, &[&remedy]).expect("it has a place");
    assert_eq!(
        patch(&before, &after),
        "--- rules\n+++ rules\n@@ -1,3 +1,5 @@\n *filter\n :INPUT DROP [0:0]\n+# FTP: what is ESTABLISHED\n\
         +-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n COMMIT\n"
    );
}

#[test]
fn a_last_line_that_does_not_end_is_not_changed_for_that() {
    let before = Source::new("rules", "*filter\n-A INPUT -j DROP\nCOMMIT");
    let of = spot(TableFamily::Ip, "filter", "INPUT", 2, Some(1));
    let remedy = accept(of, Accepts::Established);
    let after = apply(&before, &[&remedy]).expect("it has a place");
    let patch = patch(&before, &after);
    assert!(!patch.contains("-COMMIT"), "{patch}");
    assert!(after.text.ends_with(b"\nCOMMIT"), "{patch}");
}

#[test]
fn what_hosts_of_a_network_need_is_written_in_each_form() {
    let of = |line| spot(TableFamily::Ip6, "filter", "INPUT", line, Some(1));
    let icmp = |icmp| accept(of(1), Accepts::Icmp(icmp));
    let commands = "ip6tables -A INPUT -j DROP\n";
    let after = edited(commands, &[icmp(Icmp::NeighbourDiscovery)]);
    assert!(after.contains("--icmpv6-type 135 -j ACCEPT\n"), "{after}");
    assert!(
        after.contains("--icmpv6-type 136 -j ACCEPT\nip6tables -A INPUT -j DROP\n"),
        "{after}"
    );
    let script =
        "table inet f {\n\tchain c {\n\t\ttype filter hook input priority 0;\n\t\tdrop\n\t}\n}\n";
    let before_line_4 = |what| accept(of(4), Accepts::Icmp(what));
    let after = edited(script, &[before_line_4(Icmp::NeighbourDiscovery)]);
    assert!(
        after.contains(
            "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n\t\tdrop\n"
        ),
        "{after}"
    );
    let after = edited(script, &[before_line_4(Icmp::FragmentationNeeded)]);
    assert!(
        after.contains("icmp code frag-needed accept\n\t\tdrop"),
        "{after}"
    );
}

#[test]
fn a_gateway_clamps_before_all_else_that_its_chain_does() {
    let clamp = Remedy::ClampMss {
        family: Family::Ipv4,
        backend: Backend::Nft,
    };
    let after = |text| edited(text, std::slice::from_ref(&clamp));
    let rule = "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu";
    // A rule that accepts ends a packet's way through its chain.
    let dump = after(
        "*filter\n-A FORWARD -j DROP\nCOMMIT\n*mangle\n-A INPUT -j ACCEPT\n-A FORWARD -i lan -j ACCEPT\nCOMMIT\n",
    );
    let before_all = format!(
        "-A INPUT -j ACCEPT\n# clamp the MSS of forwarded TCP to what the gateway's links carry\n-A FORWARD {rule}\n-A FORWARD -i lan"
    );
    assert!(dump.contains(&before_all), "{dump}");
    let without = after("*filter\n-A FORWARD -j DROP\nCOMMIT\n");
    assert!(
        without.contains("COMMIT\n*mangle\n:PREROUTING"),
        "{without}"
    );
    assert!(
        without.ends_with(&format!("-A FORWARD {rule}\nCOMMIT\n")),
        "{without}"
    );
    let commands = after("iptables -t mangle -A FORWARD -j ACCEPT\n");
    assert!(
        commands.ends_with(&format!("iptables -t mangle -I FORWARD {rule}\n")),
        "{commands}"
    );
    let script = after("table ip f {\n}\n");
    assert!(
        script.ends_with("priority mangle; policy accept;\n\t\ttcp flags syn tcp option maxseg size set rt mtu\n\t}\n}\n"),
        "{script}"
    );
    let listed = Source::new("rules", "-P FORWARD DROP\n-A FORWARD -p icmp -j DROP\n");
    let error = apply(&listed, &[&clamp]).expect_err("it is of one table");
    assert!(
        error.to_string().contains("the MSS is clamped in another"),
        "{error}"
    );
}

#[test]
fn what_is_put_into_a_quotation_has_its_mark() {
    let of = spot(TableFamily::Ip, "filter", "INPUT", 3, Some(1));
    let dump = "> *filter\n>\n> -A INPUT -j DROP\n\n> COMMIT\n";
    let after = edited(
        dump,
        &[accept(of, Accepts::Icmp(Icmp::FragmentationNeeded))],
    );
    assert!(after.starts_with("> *filter\n>\n> # "), "{after}");
    assert!(
        after.ends_with("> -A INPUT -j DROP\n\n> COMMIT\n"),
        "{after}"
    );
    assert!(
        after
            .lines()
            .all(|line| line.is_empty() || line.starts_with('>')),
        "{after}"
    );
}

/// Braces of a comment open and close nothing.
#[test]
fn a_brace_in_a_comment_ends_no_chain() {
    let script = "table inet f {\n\tchain c {\n\t\ttype filter hook input priority 0; policy drop;\n\
        \t\ttcp dport 22 accept comment \"close } it\"\n\t\ttcp dport 23 accept comment \"an { open\" # } here\n\t}\n}\n";
    let at_its_policy = spot(TableFamily::Inet, "f", "c", 3, None);
    let after = edited(script, &[accept(at_its_policy, Accepts::Established)]);
    assert!(
        after.ends_with(
            "# } here\n\t\t# FTP: what is ESTABLISHED\n\t\tct state established accept\n\t}\n}\n"
        ),
        "{after}"
    );
}

/// What keeps packets in conntrack comes before what takes them out, in each form.
#[test]
fn control_connections_are_kept_before_they_are_taken_out() {
    let track = |way, side, backend| Remedy::Track {
        family: Family::Ipv4,
        side,
        way,
        port: 2121,
        backend,
    };
    let both = |backend| {
        [
            track(ControlWay::ToServer, HelperSide::Incoming, backend),
            track(ControlWay::FromServer, HelperSide::Outgoing, backend),
        ]
    };
    let dump = "*raw\n-A PREROUTING -j NOTRACK\n-A OUTPUT -j NOTRACK\nCOMMIT\n";
    let after = edited(dump, &both(Backend::Nft));
    for kept in [
        "-A PREROUTING -p tcp -m tcp --dport 2121 -j CT --helper ftp\n-A PREROUTING -j NOTRACK",
        "-A OUTPUT -p tcp -m tcp --sport 2121 -j ACCEPT\n-A OUTPUT -j NOTRACK",
    ] {
        assert!(after.contains(kept), "{after}");
    }
    let script = "table ip r {\n\tchain p {\n\t\ttype filter hook prerouting priority raw;\n\t\tnotrack\n\t}\n\
        \tchain o {\n\t\ttype filter hook output priority raw;\n\t\tnotrack\n\t}\n}\n";
    let after = edited(script, &both(Backend::Native));
    for kept in [
        "\t\ttcp dport 2121 accept\n\t\tnotrack",
        "\t\ttcp sport 2121 accept\n\t\tnotrack",
    ] {
        assert!(after.contains(kept), "{after}");
    }
    // A jump leads there, and which hook it comes from the text alone does not say.
    let elsewhere = script.replace("hook output", "hook input");
    let remedies = both(Backend::Native);
    let error = apply(&Source::new("rules", elsewhere), &[&remedies[1]]).expect_err("no place");
    assert!(error.to_string().contains("the hook output"), "{error}");
}

/// A file of Windows keeps its line ends, and its other lines.
#[test]
fn the_ends_of_lines_stay() {
    let text = "*filter\r\n:INPUT DROP [0:0]\r\nCOMMIT\r\n";
    let source = Source::new("rules", text);
    let helper = of_a_server();
    let changed = apply(&source, &[&helper]).expect("it has a place");
    let changed = String::from_utf8(changed.text).expect("text");
    assert!(changed.starts_with(text), "{changed:?}");
    assert!(
        changed.ends_with("-j CT --helper ftp\r\nCOMMIT\r\n"),
        "{changed:?}"
    );
    assert!(
        !changed.replace("\r\n", "").contains(['\r', '\n']),
        "{changed:?}"
    );
}

/// What ends a script's quotation of a dump stands behind a new table.
#[test]
fn a_new_table_stands_within_the_quotation() {
    let text = "iptables-restore <<EOF\n*filter\n:INPUT DROP [0:0]\nCOMMIT\nEOF\n";
    let helper = of_a_server();
    let changed = apply(&Source::new("rules", text), &[&helper]).expect("it has a place");
    let changed = String::from_utf8(changed.text).expect("text");
    assert!(changed.contains("COMMIT\n*raw\n"), "{changed}");
    assert!(
        changed.ends_with("-j CT --helper ftp\nCOMMIT\nEOF\n"),
        "{changed}"
    );
}

fn of_a_server() -> Remedy {
    Remedy::Helper {
        family: Family::Ipv4,
        side: HelperSide::Incoming,
        port: 21,
        backend: Backend::Nft,
    }
}

fn applied(text: &str, remedy: &Remedy) -> String {
    let changed = apply(&Source::new("rules", text), &[remedy]).expect("it has a place");
    String::from_utf8(changed.text).expect("text")
}

/// A variable may hold options, too, and the line that gives it its value is no command.
#[test]
fn a_variable_with_options_is_used() {
    for value in ["/usr/sbin/iptables -w", "sudo /sbin/iptables", "iptables"] {
        let text = format!("IPT=\"{value}\"\n$IPT -P INPUT DROP\n");
        let changed = applied(&text, &of_a_server());
        assert!(
            changed.contains("\n$IPT -t raw -A PREROUTING "),
            "{changed}"
        );
    }
}

/// A script's own table is left alone.
#[test]
fn a_table_gets_a_name_that_is_free() {
    let text = "table inet ftp_helper {\n}\ntable inet ftp_helper_2{ }\n";
    let changed = applied(text, &of_a_server());
    assert!(changed.contains("table inet ftp_helper_3 {\n"), "{changed}");
    assert!(applied("table inet f {\n}\n", &of_a_server()).contains("table inet ftp_helper {\n"));
}

/// Where a later command counts rules, a new one comes behind it.
#[test]
fn commands_that_count_rules_count_as_they_did() {
    let text = "iptables -P INPUT DROP\niptables -A INPUT -j REJECT\niptables -D INPUT 1\n";
    let accept = Remedy::Accept {
        spot: Spot {
            ordinal: Some(1),
            ..spot(TableFamily::Ipv4, "filter", "INPUT", 2, Some(1))
        },
        what: Accepts::Established,
    };
    let changed = applied(text, &accept);
    let begin = "iptables -P INPUT DROP\niptables -A INPUT -j REJECT\niptables -D INPUT 1\n# ";
    assert!(changed.starts_with(begin), "{changed}");
    assert!(
        changed.contains("\niptables -I INPUT 1 -m conntrack "),
        "{changed}"
    );
}
