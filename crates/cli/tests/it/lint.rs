//! `lint`: rules that change nothing and rules that let in more than FTP, each taken away and tried.

use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab, lab};

fn lint(name: &str, rules: &str, at: &str, more: &[&str]) -> Ended {
    let folder = folder(&[(name, rules.as_bytes())]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args([
            "lint",
            name,
            "--at",
            at,
            "--server",
            "libunftp",
            "--data",
            "port,pasv",
        ])
        .args(more);
    end_of(&mut command)
}

/// One that repeats another for fewer peers, one that stands behind what stops all, and one in a chain that nothing leads to.
#[test]
fn what_changes_nothing_is_told_with_its_reason() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:spare - [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 21 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
-A INPUT -p tcp -m tcp --dport 8081 -j ACCEPT
-A spare -p tcp -j ACCEPT
-A INPUT -p udp -m udp --dport 53 -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m limit --limit 5/min -j ACCEPT
COMMIT
";
    let ended = lint("rules.v4", rules, "server", &[]).with(1);
    insta::assert_snapshot!(ended.stdout, @r"
    rules.v4: 6 lines of rules taken away in turn; tried were 16 transfers and 22 ports, for 2 classes of peers

    ipv4/filter/INPUT/3, line 8 `-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 21 -j ACCEPT`
      changes nothing: everything that was tried ended the same without it

    ipv4/filter/INPUT/5, line 10 `-A INPUT -p tcp -m tcp --dport 8081 -j ACCEPT`
      changes nothing: everything that was tried ended the same without it
      line 9 `-A INPUT -j REJECT --reject-with icmp-host-prohibited` decides on every packet before it
      it is the order: as the first rule of its chain, it would change something: new connections to 8081 would come through

    ipv4/filter/spare/1, line 11 `-A spare -p tcp -j ACCEPT`
      changes nothing: everything that was tried ended the same without it
      no rule leads to the chain ipv4/filter/spare

    Each was taken away by itself: once one of them is gone, another may be needed.

    Rules that were not taken away, so what they change is not known:
      1 about other protocols than TCP: ipv4/filter/INPUT/6
      1 asking for or doing something that was not varied: -m limit
      1 naming peers of which not all were tried: ipv4/filter/INPUT/7

    3 changed something, 3 nothing, no hole by a source port that was tried
    ");
}

/// A rule matters too where no transfer of FTP meets it, and one that answers does beside one that drops.
#[test]
fn what_changes_something_is_not_told() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -P INPUT DROP
iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
iptables -A INPUT -p tcp --dport 21 \\
    -j ACCEPT
iptables -A INPUT -p tcp --dport 8081 -j ACCEPT
iptables -A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT
iptables -A INPUT -s 192.0.2.0/24 -p tcp --dport 22 -j ACCEPT
iptables -A INPUT -p tcp --dport 113 -j REJECT --reject-with tcp-reset
";
    let ended = lint("rules.sh", rules, "server", &[]).with(0);
    insta::assert_snapshot!(ended.stdout, @r"
    rules.sh: 6 lines of rules taken away in turn; tried were 24 transfers and 25 ports, for 3 classes of peers

    6 changed something, 0 nothing, no hole by a source port that was tried
    ");
}

/// Without the helper's rule, and without the one that accepts what it expects, a transfer stops passing.
#[test]
fn a_helper_that_is_needed_is_needed() {
    let Some(_lab) = lab() else { return };
    if fwlab_fabric::find_tool("nft").is_none() {
        return fwlab_skipped::skipped(fwlab_skipped::Need::Programs, "no nft here");
    }
    let rules = "table inet filter {
\tct helper ftp-standard {
\t\ttype \"ftp\" protocol tcp
\t}
\tchain prerouting {
\t\ttype filter hook prerouting priority mangle; policy accept;
\t\ttcp dport 21 ct helper set \"ftp-standard\"
\t}
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established accept
\t\ttcp dport 21 accept
\t\tct state related ct helper \"ftp\" accept
\t}
}
";
    let ended = lint("rules.nft", rules, "server", &[]).with(0);
    assert!(
        ended
            .stdout
            .contains("\n4 changed something, 0 nothing, no hole"),
        "{}",
        ended.stdout
    );
    let twice = rules.replace(
        "\t\tct state related ct helper \"ftp\" accept\n",
        "\t\tct state related accept\n\t\tct state related ct helper \"ftp\" accept\n",
    );
    let ended = lint("rules.nft", &twice, "server", &[]).with(1);
    for told in [
        "inet/filter/input/3, line 13 `ct state related accept`\n  changes nothing",
        "inet/filter/input/4, line 14 `ct state related ct helper \"ftp\" accept`\n  changes nothing",
        "Each was taken away by itself: once one of them is gone, another may be needed.",
        "\n3 changed something, 2 nothing",
    ] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
}

/// Whoever sends from port 20 comes to every port of the client, FTP or not.
#[test]
fn a_source_port_that_is_trusted_is_a_hole() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -s 10.77.0.0/16 -p tcp -m tcp --sport 20 --dport 1024:65535 -j ACCEPT
COMMIT
";
    let ended = lint("rules.v4", rules, "client", &[]).with(1);
    insta::assert_snapshot!(ended.stdout, @r"
    rules.v4: 2 lines of rules taken away in turn; tried were 16 transfers and 20 ports, for 2 classes of peers

    A hole: ipv4/filter/INPUT/2, line 6 `-A INPUT -s 10.77.0.0/16 -p tcp -m tcp --sport 20 --dport 1024:65535 -j ACCEPT`
      SYN 10.77.0.1:20 → 10.77.0.2:1024 came through, with no FTP session open
      from port 20 new connections came through, but not from ports that the kernel picked, to
      1024, 3306, 5432, 8080, 20000, 32768, 40000, 49152, 55555, 60999, 65535
      peers: to 10.77.0.0/16
      root can send from any port, so the port says nothing about the sender
      instead, for active FTP without TLS, assign the helper ftp and accept what is RELATED by it;
      `fwlab fix --want active` writes both. Under TLS, no helper can read: use passive FTP

    2 changed something, 0 nothing, 1 hole
    ");
    // The same as a range of ports for everybody is none: nobody comes through by his own port.
    let open = rules.replace("--sport 20 ", "");
    let ended = lint("rules.v4", &open, "client", &[]).with(0);
    assert!(ended.stdout.contains("no hole"), "{}", ended.stdout);
}

/// What --rules leaves out is said, and then nothing is known of the whole.
#[test]
fn a_bound_leaves_the_whole_unclear() {
    let Some(_lab) = lab() else { return };
    let rules = "iptables -P INPUT DROP
iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
iptables -A INPUT -p tcp --dport 21 -j ACCEPT
";
    let ended = lint("rules.sh", rules, "server", &["--rules", "1"]).with(3);
    assert!(
        ended
            .stdout
            .contains("1 beyond --rules: ipv4/filter/INPUT/2"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("\n1 changed something, 0 nothing"),
        "{}",
        ended.stdout
    );
}

/// Of a rule that leads to what is not tried, and of a chain that nobody who is tried comes to, nothing is known.
#[test]
fn what_leads_elsewhere_is_passed_over() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:checks - [0:0]
:many - [0:0]
-A INPUT -j checks
-A INPUT -d 224.0.0.0/4 -j many
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT ! -i lo -p tcp -m tcp --dport 21 -j ACCEPT
-A checks -p tcp -m tcp --tcp-flags SYN,FIN SYN,FIN -j DROP
-A many -p tcp -j ACCEPT
COMMIT
";
    let ended = lint("rules.v4", rules, "server", &[]).with(0);
    for told in [
        "2 asking for or doing something that was not varied: ipv4/filter/INPUT/1; --tcp-flags FIN,SYN",
        "1 that no tried packet came to: ipv4/filter/many/1",
        "1 naming peers of which not all were tried: ipv4/filter/INPUT/2",
        "\n2 changed something, 0 nothing, no hole",
    ] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
}

/// Whatever a client announces is RELATED, its other services too.
#[test]
fn related_to_any_port_is_a_hole() {
    let Some(_lab) = lab() else { return };
    let rules = |related: &str| {
        format!(
            "*raw\n-A OUTPUT -p tcp -m tcp --dport 21 -j CT --helper ftp\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n\
             -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n-A INPUT -p tcp {related} -j ACCEPT\nCOMMIT\n"
        )
    };
    let wide = rules("-m conntrack --ctstate RELATED");
    let ended = lint("rules.v4", &wide, "client", &["--backend", "nft"]).with(1);
    insta::assert_snapshot!(ended.stdout, @r"
    rules.v4: 3 lines of rules taken away in turn; tried were 4 transfers and 20 ports, for 1 class of peers

    A hole: ipv4/filter/INPUT/2, line 7 `-A INPUT -p tcp -m conntrack --ctstate RELATED -j ACCEPT`
      a server's connection to port 22 of the client came through when the client had announced that port; nobody else's did
      peers: anyone
      the helper ftp expects whatever is announced: anything that makes a client speak FTP, such as a page in its browser, can open any of its ports this way
      instead: accept what is RELATED only to ports 1024 and above, as `--dport 1024:` does

    3 changed something, 0 nothing, 1 hole
    ");
    let narrow = rules("-m tcp --dport 1024: -m conntrack --ctstate RELATED");
    let ended = lint("rules.v4", &narrow, "client", &["--backend", "nft"]).with(0);
    assert!(ended.stdout.contains("no hole"), "{}", ended.stdout);
}

/// What front ends write whatever is allowed: chains that rules lead to and that hold nothing, and chains that none leads to.
#[test]
fn many_chains_that_change_nothing_are_told_by_their_chain() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT DROP [0:0]
:before - [0:0]
:after - [0:0]
:track - [0:0]
:deny - [0:0]
:spare - [0:0]
-A INPUT -j before
-A INPUT -p tcp -j after
-A INPUT -j track
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
-A before -j deny
-A spare -p tcp -j ACCEPT
COMMIT
";
    let ended = lint("rules.v4", rules, "server", &[]).with(1);
    insta::assert_snapshot!(ended.stdout, @r"
    rules.v4: 7 lines of rules taken away in turn; tried were 8 transfers and 20 ports, for 1 class of peers

    ipv4/filter/spare/1, line 14 `-A spare -p tcp -j ACCEPT`
      changes nothing: everything that was tried ended the same without it
      no rule leads to the chain ipv4/filter/spare

    Rules that lead to another chain, and change nothing:
      3 in ipv4/filter/INPUT: lines 8, 9, 10
      1 in ipv4/filter/before: line 13
      3 of 4 also match protocols other than TCP, which were not tried
      --verbose lists each of them

    Each was taken away by itself: once one of them is gone, another may be needed.

    2 changed something, 5 nothing, no hole by a source port that was tried
    ");
    let each = lint("rules.v4", rules, "server", &["--verbose"]).with(1);
    for told in [
        "ipv4/filter/INPUT/1, line 8 `-A INPUT -j before`\n  changes nothing",
        "ipv4/filter/INPUT/2, line 9 `-A INPUT -p tcp -j after`\n  changes nothing",
        "ipv4/filter/INPUT/3, line 10 `-A INPUT -j track`\n  changes nothing",
        "ipv4/filter/before/1, line 13 `-A before -j deny`\n  changes nothing",
        "\n2 changed something, 5 nothing",
    ] {
        assert!(each.stdout.contains(told), "{told}: {}", each.stdout);
    }
    assert!(!each.stdout.contains("--verbose"), "{}", each.stdout);
}

/// What it would not write is refused before anything is run.
#[test]
fn reports_that_lint_does_not_write_are_told() {
    let Some(_lab) = lab() else { return };
    let ended = lint(
        "rules.sh",
        "iptables -P INPUT DROP\n",
        "server",
        &["--report", "json=x"],
    );
    let ended = ended.with(2);
    assert!(
        ended.stderr.contains("`fwlab lint` has no --report"),
        "{}",
        ended.stderr
    );
}

/// A rule below the one that rejects everything does nothing by accident of order; one that says what an earlier one does, does nothing anywhere.
#[test]
fn a_rule_that_would_do_something_further_up_is_told() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter
:INPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -j REJECT
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j REJECT
COMMIT
";
    let ended = lint("rules.v4", rules, "server", &["--data", "port"]).with(1);
    let told = |line: &str| {
        let (_, of_line) = ended
            .stdout
            .split_once(line)
            .unwrap_or_else(|| panic!("{line}: {}", ended.stdout));
        of_line.split("\n\n").next().unwrap_or_default().to_owned()
    };
    let accept = told("line 5 ");
    assert!(accept.contains("changes nothing"), "{accept}");
    let order = "it is the order: as the first rule of its chain, it would change something: ";
    let (_, would) = accept
        .split_once(order)
        .unwrap_or_else(|| panic!("{accept}"));
    assert!(would.contains("plain port would pass"), "{would}");
    assert!(
        would.contains("new connections to 21 would come through"),
        "{would}"
    );
    let reject = told("line 6 ");
    assert!(
        reject.contains("changes nothing") && !reject.contains("order"),
        "{reject}"
    );
}
