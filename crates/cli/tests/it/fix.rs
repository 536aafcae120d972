//! `fix`: remedies that were tried, as a patch of the person's own file.

use crate::bad_input::folder;
use crate::native::lab_with_nft;
use crate::support::{Ended, end_of, fwlab, lab, shared};

pub(crate) fn fix(name: &str, rules: &str, more: &[&str]) -> Ended {
    let folder = folder(&[(name, rules.as_bytes())]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["fix", name, "--server", "libunftp", "--data", "port,pasv"])
        .args(more);
    end_of(&mut command)
}

const DUMP: &str = "*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
COMMIT
";

/// In plain FTP a helper does, and nothing is opened; under TLS only a range of ports does.
#[test]
fn the_least_that_does_is_found_and_tried() {
    let Some(_lab) = lab() else { return };
    let ended = fix("rules.v4", DUMP, &["--at", "server", "--want", "plain/all"]).with(0);
    insta::assert_snapshot!(ended.stdout, @r"
    rules.v4: 2 of 2 stopped transfers pass with this, and 6 are as before:
      - assign the helper ftp to connections to port 21
      - accept what is RELATED by the helper ftp in ipv4/filter/INPUT, before line 7

    --- rules.v4
    +++ rules.v4
    @@ -5,4 +5,12 @@
     -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
     -A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
    +# FTP: what is RELATED by the helper ftp
    +-A INPUT -p tcp -m tcp --dport 1024: -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT
     -A INPUT -j REJECT --reject-with icmp-host-prohibited
     COMMIT
    +*raw
    +:PREROUTING ACCEPT [0:0]
    +:OUTPUT ACCEPT [0:0]
    +# conntrack's helper reads FTP's control connections
    +-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp
    +COMMIT

    Of 20 ports that were tried, it opens none to new connections.
    ");
    let ended = fix(
        "rules.v4",
        DUMP,
        &["--at", "server", "--want", "explicit/passive"],
    )
    .with(0);
    for told in [
        "have the server keep to the passive ports 50000-50100",
        "+-A INPUT -p tcp -m tcp --dport 50000:50100 -j ACCEPT",
        "it opens to new connections:\n  50000-50100 of the server to clients: anyone",
    ] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("helper"), "{}", ended.stdout);
}

/// A rule for those that were chosen is for them alone, and opens nothing to others.
#[test]
fn who_was_chosen_is_let_in_alone() {
    let Some(_lab) = lab_with_nft() else { return };
    let rules = "table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established accept
\t\tip saddr 203.0.113.0/24 tcp dport 21 accept
\t}
}
";
    let chosen = [
        "--at",
        "server",
        "--from",
        "198.51.100.7",
        "--want",
        "plain/pasv",
    ];
    let ended = fix("rules.nft", rules, &chosen).with(0);
    for told in [
        "+\t\tip saddr 198.51.100.7 tcp dport 21 accept",
        "+\t\ttcp dport 1024-65535 ct state related ct helper \"ftp\" accept",
        "+\t\ttcp dport 21 ct helper set \"ftp-standard\"",
        "it opens to new connections:\n  21 of the server to clients: those that were chosen\n",
    ] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
}

/// What is written loads, and does what was said.
#[test]
fn what_was_written_is_what_was_tried() {
    let Some(_lab) = lab() else { return };
    let folder = folder(&[(
        "rules.sh",
        b"iptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 21 -j ACCEPT\n",
    )]);
    let run = |arguments: &[&str]| {
        let mut command = fwlab();
        command.current_dir(folder.path()).args(arguments).args([
            "--at",
            "server",
            "--server",
            "libunftp",
            "--data",
            "pasv",
            "--protection",
            "plain",
        ]);
        end_of(&mut command)
    };
    run(&["fix", "rules.sh", "--write", "fixed.sh"]).with(0);
    let fixed = std::fs::read_to_string(folder.path().join("fixed.sh")).expect("it was written");
    assert!(fixed.contains("iptables -t raw -A PREROUTING"), "{fixed}");
    let table = run(&["check", "fixed.sh"]).with(0).stdout;
    assert!(
        table.contains("passes") && !table.contains("timeout"),
        "{table}"
    );
    let again = run(&["fix", "fixed.sh"]).with(0).stdout;
    assert!(again.contains("nothing to fix"), "{again}");
    let over = run(&["fix", "rules.sh", "--write", "fixed.sh"]).with(2);
    assert!(
        over.stderr.contains("fwlab does not overwrite it"),
        "{}",
        over.stderr
    );
}

/// An active transfer under TLS cannot be told from a stranger's connection at the client's.
#[test]
fn what_has_no_remedy_is_told_with_its_reason() {
    let Some(_lab) = lab() else { return };
    let ended = fix(
        "rules.v4",
        DUMP,
        &["--at", "client", "--want", "explicit/port"],
    )
    .with(1);
    assert!(
        ended.stdout.contains("none of fwlab's remedies helps"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("with TLS, use passive transfers"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_wish_that_is_none_is_told() {
    let _machine = shared();
    let ended = fix("rules.v4", DUMP, &["--at", "server", "--want", "ssl/port"]).with(2);
    assert!(
        ended.stderr.contains("`ssl` is not a protection"),
        "{}",
        ended.stderr
    );
}

/// Remedies in several chains of one script each go to their own.
#[test]
fn several_places_of_a_script_do_not_move_each_other() {
    let Some(_lab) = lab_with_nft() else { return };
    let rules = "table inet f {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established accept
\t\tiifname \"lan0\" jump lan
\t}
\tchain lan {
\t\tip saddr 10.0.0.66 drop
\t\ttcp dport 21 accept
\t}
}
";
    let chosen = [
        "--at",
        "server",
        "--from",
        "10.0.0.66",
        "--want",
        "plain/pasv",
    ];
    let ended = fix("rules.nft", rules, &chosen).with(0);
    assert!(
        ended.stdout.contains(
            "\tchain lan {\n+\t\t# FTP: TCP to port 21\n+\t\tip saddr 10.0.0.66 tcp dport 21 accept\n"
        ),
        "{}",
        ended.stdout
    );
    assert!(
        ended
            .stdout
            .contains("21 of the server to clients: those that were chosen"),
        "{}",
        ended.stdout
    );
}

/// A script's own name for iptables is kept.
#[test]
fn commands_are_called_as_the_script_calls_them() {
    let Some(_lab) = lab() else { return };
    let rules =
        "IPT=/sbin/iptables\n$IPT -P INPUT DROP\n$IPT -A INPUT -p tcp --dport 21 -j ACCEPT\n";
    let ended = fix(
        "rules.sh",
        rules,
        &["--at", "server", "--want", "plain/pasv"],
    )
    .with(0);
    assert!(
        ended.stdout.contains("+$IPT -t raw -A PREROUTING"),
        "{}",
        ended.stdout
    );
}

/// What it would not write is refused before anything is run, and a host to which nobody connects is told as one.
#[test]
fn what_fix_does_not_do_is_told() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -P INPUT DROP\n";
    for option in [["--record", "x"], ["--capture", "x"], ["--against", "x"]] {
        let more = [&["--at", "server"][..], &option].concat();
        let ended = fix("rules.sh", rules, &more).with(2);
        let told = format!("`fwlab fix` has no {}", option[0]);
        assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    }
    let apart =
        "iptables -P INPUT DROP\niptables -A INPUT -s 198.51.100.7 -p tcp --dport 21 -j REJECT\n";
    let ended = fix(
        "rules.sh",
        apart,
        &["--at", "server", "--want", "plain/pasv"],
    )
    .with(2);
    let told = "no peer's control connection comes through, and nobody said whose must";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

/// Rules that take the control connection out of conntrack: it stays there, which opens nothing, as a range of ports would.
#[test]
fn control_connections_stay_in_conntrack() {
    let Some(_lab) = lab_with_nft() else { return };
    let dump = "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --notrack\n-A OUTPUT -p tcp --sport 21 -j CT --notrack\nCOMMIT\n\
        *filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
        -A INPUT -p tcp --dport 21 -j ACCEPT\nCOMMIT\n";
    let commands = "iptables -t raw -A PREROUTING -p tcp --dport 21 -j NOTRACK\niptables -t raw -A PREROUTING -p tcp --sport 21 -j NOTRACK\n\
        iptables -P FORWARD DROP\n\
        iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\niptables -A FORWARD -p tcp --dport 21 -j ACCEPT\n\
        iptables -A FORWARD -p tcp --sport 21 -j ACCEPT\n";
    let script = "table inet f {\n\tchain pre {\n\t\ttype filter hook prerouting priority raw;\n\t\ttcp dport 21 notrack\n\t}\n\
        \tchain out {\n\t\ttype filter hook output priority raw;\n\t\ttcp sport 21 notrack\n\t}\n\
        \tchain i {\n\t\ttype filter hook input priority 0; policy drop;\n\t\tct state established,related accept\n\
        \t\ttcp dport 21 accept\n\t}\n}\n";
    // One way alone: there is no rule to stand before in the chain of the other.
    let one_way = script.replace("tcp sport 21 notrack", "");
    for (name, rules, at, changes) in [
        (
            "rules.v4",
            dump,
            "server",
            &[
                "+-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\n -A PREROUTING",
                "+-A OUTPUT -p tcp -m tcp --sport 21 -j ACCEPT\n -A OUTPUT",
            ][..],
        ),
        (
            "rules.sh",
            commands,
            "gateway",
            &[
                "+iptables -t raw -I PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp",
                "+iptables -t raw -I PREROUTING -p tcp -m tcp --sport 21 -j ACCEPT",
            ],
        ),
        (
            "host.nft",
            script,
            "server",
            &[
                "+\t\ttcp dport 21 accept\n \t\ttcp dport 21 notrack",
                "+\t\ttcp sport 21 accept\n \t\ttcp sport 21 notrack",
                "+\t\ttcp dport 21 ct helper set",
            ],
        ),
        (
            "host.nft",
            &one_way,
            "server",
            &[
                "+\t\ttcp dport 21 accept\n \t\ttcp dport 21 notrack",
                "+\t\ttcp dport 21 ct helper set",
            ],
        ),
    ] {
        let more = ["--at", at, "--want", "plain/pasv", "--family", "ipv4"];
        let ended = fix(name, rules, &more).with(0);
        for change in changes {
            assert!(ended.stdout.contains(change), "{change}: {}", ended.stdout);
        }
        let opens = "it opens none to new connections";
        assert!(ended.stdout.contains(opens), "{name}: {}", ended.stdout);
    }
}

/// Behind a port forward TLS needs the range led on, too, and the address that clients connect to announced.
#[test]
fn a_forward_gets_its_missing_half() {
    let Some(_lab) = lab() else { return };
    let dump = "*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -i wan -p tcp -m tcp --dport 21 -j DNAT --to-destination 192.168.7.10
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -p tcp -m tcp --dport 21 -j ACCEPT
COMMIT
";
    let script = "table ip mine {
\tchain pre {
\t\ttype nat hook prerouting priority dstnat; policy accept;
\t\tiifname \"wan\" tcp dport 21 dnat to 192.168.7.10
\t}
}
";
    let asked = ["--at", "port-forward", "--want", "explicit/passive"];
    for (name, rules, forward) in [
        (
            "rules.v4",
            dump,
            "+-A PREROUTING -d 198.51.100.1 -p tcp -m tcp --dport 50000:50100 -j DNAT --to-destination 192.168.7.10",
        ),
        (
            "host.nft",
            script,
            "+\t\tip daddr 198.51.100.1 tcp dport 50000-50100 dnat to 192.168.7.10",
        ),
    ] {
        let ended = fix(name, rules, &[&asked[..], &["--on", "wan"]].concat()).with(0);
        for told in [
            "have the server announce 198.51.100.1",
            "have the server keep to the passive ports 50000-50100",
            "forward TCP to ports 50000-50100 of 198.51.100.1 to 192.168.7.10",
            forward,
            "198.51.100.1 stands for the address that clients connect to",
            "it opens to new connections:\n  50000-50100 of the server to clients",
        ] {
            assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
        }
        assert!(!ended.stdout.contains("helper"), "{}", ended.stdout);
    }
    // An address that somebody gave is theirs.
    let given = fix(
        "rules.v4",
        dump,
        &[&asked[..], &["--on", "wan", "--to", "203.0.113.9"]].concat(),
    )
    .with(0);
    assert!(given.stdout.contains("-d 203.0.113.9 "), "{}", given.stdout);
    assert!(!given.stdout.contains("stands for"), "{}", given.stdout);
}

/// A word names the same transfers to `fix` and to `check`: what was wanted, and no more, is what is expected to pass.
#[test]
fn all_is_every_transfer_to_fix_as_to_check() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
";
    let passive_alone = ["all blocked", "plain/all passes", "tls/passive passes"];
    for (want, expected) in [
        (&["--want", "all"][..], &["all passes"][..]),
        (&["--want", "plain/all,tls/passive"], &passive_alone),
        (&[], &passive_alone),
    ] {
        let folder = folder(&[("rules.v4", rules.as_bytes())]);
        let command = |name: &str, rules: &str| {
            let mut command = fwlab();
            command
                .current_dir(folder.path())
                .args([name, rules, "--at", "server", "--server", "libunftp"]);
            command
        };
        let mut fixing = command("fix", "rules.v4");
        end_of(fixing.args(want).args(["--write", "fixed.v4"])).with(0);
        let mut checking = command("check", "fixed.v4");
        checking.args(["--passive-ports", "50000-50100"]);
        for expected in expected {
            checking.args(["--expect", expected]);
        }
        let checked = end_of(&mut checking);
        assert_eq!(checked.code, Some(0), "{want:?}: {}", checked.stdout);
    }
    let help = end_of(fwlab().args(["fix", "--help"])).with(0).stdout;
    let default = "[default: plain/all,tls/passive]";
    assert!(help.contains(default), "{help}");
}

/// Rules for IPv6 that forget ICMPv6: nobody finds the server, whatever else they accept.
#[test]
fn neighbours_are_to_find_each_other() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
                 -A INPUT -p tcp -j ACCEPT\nCOMMIT\n";
    let folder = folder(&[("rules.v6", rules.as_bytes())]);
    let mut command = fwlab();
    command.current_dir(folder.path()).args([
        "fix",
        "rules.v6",
        "--at",
        "server",
        "--family",
        "ipv6",
        "--server",
        "libunftp",
        "--data",
        "epsv",
        "--want",
        "plain/epsv",
        "--backend",
        "nft",
    ]);
    let ended = end_of(&mut command).with(0);
    insta::assert_snapshot!(ended.stdout, @r"
    rules.v6: 1 of 1 stopped transfers pass with this, 1 more does that nobody asked for, and 0 are as before:
      - accept ICMPv6 by which neighbours find each other in ipv6/filter/INPUT, before its policy

    --- rules.v6
    +++ rules.v6
    @@ -3,3 +3,6 @@
     -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
     -A INPUT -p tcp -j ACCEPT
    +# FTP: ICMPv6 by which neighbours find each other
    +-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT
    +-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j ACCEPT
     COMMIT

    Of 20 ports that were tried, it opens to new connections:
      20, 21, 22, 25, 80, 139, 443, 990, 1023, 1024-65535 of the server to clients; 20, 21, 22, 25, 80, 139, 443, 990, 1023, 1024-65535 of the client to servers: anyone
    ");
}

/// Who may not reach the control port needs no data ports either.
#[test]
fn what_is_opened_is_for_those_who_come_through_alone() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
                 -A INPUT -i eth0 -s 203.0.113.0/24 -p tcp --dport 21 -j ACCEPT\nCOMMIT\n";
    let more = [
        "--at",
        "server",
        "--backend",
        "nft",
        "--want",
        "explicit/passive",
    ];
    let ended = fix("rules.v4", rules, &more).with(0);
    for told in [
        "+-A INPUT -i eth0 -s 203.0.113.0/24 -p tcp -m tcp --dport 50000:50100 -j ACCEPT\n",
        "50000-50100 of the server to clients: from 203.0.113.0/24 on eth0\n",
        "`fwlab check rules.v4 --at server --passive-ports 50000-50100` shows what the rules do",
    ] {
        assert!(ended.stdout.contains(told), "{}", ended.stdout);
    }
}
