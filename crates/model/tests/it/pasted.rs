//! Rules as people paste them, with what stands around them.

use fwlab_model::ruleset::native::NativeScript;
use fwlab_model::ruleset::{Format, Parsed, Source, TableName, parse, recognise};
use fwlab_record::{Backend, Family};

use crate::kernel;

fn read(text: &str) -> Parsed {
    let parsed = parse(&Source::new("rules", text), Family::Ipv4);
    assert!(parsed.mistakes.is_none(), "{:?}", parsed.mistakes);
    parsed
}

/// The rules of a chain, as they are rendered.
fn rendered(parsed: &Parsed) -> String {
    parsed.ruleset.render(Family::Ipv4)
}

fn has_table(parsed: &Parsed, table: TableName) -> bool {
    let mut commands = parsed.ruleset.commands(Family::Ipv4).iter();
    commands.any(|command| command.table() == table)
}

fn notes(parsed: &Parsed) -> Vec<String> {
    let notes = parsed.notes.iter();
    notes
        .map(|note| format!("{}: {}", note.line.line, note.message))
        .collect()
}

const DUMP: &str = "*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
COMMIT
";

#[test]
fn a_dump_between_prompts() {
    let pasted = format!("[root@web ~]# iptables-save\n{DUMP}[root@web ~]# \n");
    let parsed = read(&pasted);
    assert_eq!(parsed.format, Format::Saved);
    assert_eq!(rendered(&parsed), rendered(&read(DUMP)));
    assert!(notes(&parsed)[0].ends_with("a prompt: left out"));
}

#[test]
fn a_dump_behind_the_command_that_printed_it() {
    for command in [
        "iptables-save -t filter",
        "sudo ip6tables-save",
        "iptables -t nat -nvL",
        "cat /etc/iptables/rules.v4",
    ] {
        let parsed = read(&format!("{command}\n\n*filter\n-A INPUT -j DROP\nCOMMIT\n"));
        assert_eq!(
            notes(&parsed),
            ["1: a command that only prints rules: left out"]
        );
        assert!(rendered(&parsed).contains("-A INPUT -j DROP"));
    }
    for other in ["iptables -F", "iptables-save | grep 21", "dear all"] {
        let source = Source::new("test", format!("{other}\n*filter\nCOMMIT\n"));
        assert!(parse(&source, Family::Ipv4).mistakes.is_some(), "{other}");
    }
}

#[test]
fn a_last_line_without_its_end_is_told_where_a_loader_misses_it() {
    for (end, loads) in [
        ("COMMIT", false),
        ("COMMIT\n# done", true),
        ("COMMIT\n", true),
    ] {
        let text = format!("*filter\n-A INPUT -j DROP\n{end}");
        assert_eq!(notes(&read(&text)).is_empty(), loads, "{text}");
        for backend in kernel::backends() {
            let loaded = kernel::load(backend, Family::Ipv4, &text).success;
            assert!(loaded || (!loads && backend == Backend::Legacy), "{text}");
        }
    }
}

#[test]
fn a_line_of_blanks_is_told() {
    let parsed = read(&DUMP.replacen(":INPUT", "  \n:INPUT", 1));
    let [note] = &notes(&parsed)[..] else {
        panic!("{:?}", parsed.notes)
    };
    assert!(note.starts_with("2: a line of blanks: left out"), "{note}");
}

#[test]
fn what_iptables_shows_of_its_rules() {
    let shown =
        "-P INPUT DROP\n-N ftp\n-A INPUT -p tcp -m tcp --dport 21 -j ftp\n-A ftp -j ACCEPT\n";
    let alone = read(shown);
    assert!(has_table(&alone, TableName::Filter));
    assert!(
        notes(&alone)[0].contains("`iptables -S`"),
        "{:?}",
        alone.notes
    );
    for command in [
        "$ sudo iptables -S",
        "# iptables --list-rules",
        "iptables -t filter -S",
    ] {
        let parsed = read(&format!("{command}\n{shown}"));
        assert_eq!(rendered(&parsed), rendered(&alone), "{command}");
    }
    let nat = read(
        "iptables -t nat -S\n-P PREROUTING ACCEPT\n-A PREROUTING -p tcp -m tcp --dport 21 -j REDIRECT --to-ports 2121\n",
    );
    assert!(has_table(&nat, TableName::Nat));
    assert!(!has_table(&nat, TableName::Filter));
}

#[test]
fn a_rule_without_its_command_is_still_a_mistake() {
    for text in [
        "iptables -A INPUT -j ACCEPT\n-A INPUT -j DROP\n",
        "iptables -S\niptables -F\n-A INPUT -j DROP\n",
    ] {
        assert!(
            parse(&Source::new("rules", text), Family::Ipv4)
                .mistakes
                .is_some(),
            "{text}"
        );
    }
}

#[test]
fn what_iptables_prints_for_people_is_one_mistake() {
    let listing = "# iptables -L -n -v
Chain INPUT (policy DROP 12 packets, 720 bytes)
 pkts bytes target     prot opt in     out     source               destination
   10   520 ACCEPT     tcp  --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:21
";
    let parsed = parse(&Source::new("rules", listing), Family::Ipv4);
    let mistakes = parsed.mistakes.expect("a listing");
    let told: Vec<&str> = mistakes
        .told()
        .iter()
        .map(|mistake| mistake.message())
        .collect();
    assert!(
        matches!(told[..], [only] if only.contains("`iptables -L`")),
        "{told:?}"
    );
}

#[test]
fn a_script_that_prints_and_ends() {
    let script = "#!/bin/sh\necho \"Starting\"\niptables -P INPUT DROP\nsleep 1\nexit 0\n# end\n";
    let parsed = read(script);
    assert_eq!(notes(&parsed).len(), 3, "{:?}", parsed.notes);
    for other in [
        "iptables -P INPUT DROP\nexit 1\niptables -P INPUT ACCEPT\n",
        "iptables -P INPUT DROP\necho flush > /etc/cron.d/x\n",
        "iptables -P INPUT DROP\necho y | sh\n",
    ] {
        assert!(
            parse(&Source::new("rules", other), Family::Ipv4)
                .mistakes
                .is_some(),
            "{other}"
        );
    }
}

#[test]
fn a_range_of_udp_may_run_backwards() {
    let parsed = read("iptables -A INPUT -p udp --dport 60000:29 -j ACCEPT\n");
    assert!(
        notes(&parsed)[0].contains("runs backwards"),
        "{:?}",
        parsed.notes
    );
    for refused in [
        "-p tcp --dport 60000:29",
        "-p tcp -m multiport --dports 60000:29",
    ] {
        let text = format!("iptables -A INPUT {refused} -j ACCEPT\n");
        let mistakes = kernel::mistakes(&text, Family::Ipv4);
        assert!(mistakes.is_some(), "{refused}");
    }
}

#[test]
fn commands_of_nft_and_its_listing() {
    for (pasted, plain) in [
        (
            "nft add table ip t\nsudo nft 'add chain ip t c { type filter hook input priority 0; }'\n",
            "add table ip t\nadd chain ip t c { type filter hook input priority 0; }\n",
        ),
        (
            "root@gw:~# nft list ruleset\ntable ip t {\n}\nroot@gw:~# \n",
            "table ip t {\n}\n",
        ),
    ] {
        let source = Source::new("rules", pasted);
        assert_eq!(recognise(&source), Format::Nft, "{pasted}");
        let script = NativeScript::read(&source).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(script.text()), words(plain));
        assert_eq!(script.text().len(), pasted.len(), "all is in its place");
    }
    let file = Source::new("rules", "nft flush ruleset\nnft -f /etc/nftables.conf\n");
    assert!(NativeScript::read(&file).is_err());
}

#[test]
fn words_of_fib_are_no_interfaces() {
    let script = "table inet t {
    chain c {
        type filter hook prerouting priority raw
        fib saddr . iif oif missing drop
        fib daddr . iif type != { local, broadcast } drop
        fib daddr oifname \"eth7\" accept
        iifname \"eth0\" accept
    }
}
";
    let script = NativeScript::read(&Source::new("rules", script)).expect("a script");
    let used: Vec<String> = script.interfaces_used().into_iter().collect();
    assert_eq!(used, ["eth0", "eth7"]);
}

#[test]
fn constants_of_a_script_are_put_in() {
    let script = "#!/bin/sh
IPT=\"/sbin/iptables\"
SERVER=10.0.0.5
export PORTS='30000:31000'
$IPT -P FORWARD DROP
$IPT -A FORWARD -p tcp -d ${SERVER} --dport 21 -j ACCEPT
$IPT -A FORWARD -p tcp -d \"$SERVER\" --dport $PORTS -j ACCEPT
$IPT -t nat -A PREROUTING -p tcp --dport 21 -j DNAT --to-destination $SERVER:21
";
    let plain = "iptables -P FORWARD DROP
iptables -A FORWARD -p tcp -d 10.0.0.5 --dport 21 -j ACCEPT
iptables -A FORWARD -p tcp -d 10.0.0.5 --dport 30000:31000 -j ACCEPT
iptables -t nat -A PREROUTING -p tcp --dport 21 -j DNAT --to-destination 10.0.0.5:21
";
    let parsed = read(script);
    assert_eq!(rendered(&parsed), rendered(&read(plain)));
    assert_eq!(notes(&parsed).len(), 3, "{:?}", parsed.notes);
    for unknown in [
        "SERVER=$(hostname -i)\niptables -A INPUT -s $SERVER -j ACCEPT\n",
        "iptables -A INPUT -s $SERVER -j ACCEPT\nSERVER=10.0.0.5\n",
        "NET=\"10.0.0.0/8 -j ACCEPT\"\niptables -A INPUT -s $NET\n",
        "SERVER=10.0.0.5\niptables -A INPUT -s '$SERVER' -j ACCEPT\n",
    ] {
        let mistakes = kernel::mistakes(unknown, Family::Ipv4);
        assert!(mistakes.is_some(), "{unknown}");
    }
}

/// What kube-proxy writes. The object that counts stands in no dump.
#[test]
fn what_only_counts_is_left_out() {
    let counted =
        "iptables -A FORWARD -p tcp -m nfacct --nfacct-name  dropped -m mark --mark 1 -j DROP\n";
    let parsed = read(counted);
    let plain = read("iptables -A FORWARD -p tcp -m mark --mark 1 -j DROP\n");
    assert_eq!(rendered(&parsed), rendered(&plain));
    assert!(notes(&parsed)[0].contains("counts packets"));
    assert!(kernel::mistakes(counted, Family::Ipv4).is_none());
}
