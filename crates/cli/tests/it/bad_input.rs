//! What a user gets wrong is told so that it can be put right: rulesets and the command line.

use std::fs;
use std::path::Path;

use fwlab_ftp::{CLIENT_WORDS, SERVER_WORDS};
use tempfile::TempDir;

use crate::support::{end_of, fwlab, lab, root, shared};

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("it can be written");
    }
    folder
}

/// Exit code and standard error of a command in that folder; what it printed beside is left out.
pub(crate) fn told(folder: &Path, arguments: &[&str]) -> String {
    let mut command = fwlab();
    let ended = end_of(command.current_dir(folder).args(arguments));
    let code = ended.code.expect("an exit code");
    if code != 0 {
        assert_eq!(
            ended.stdout, "",
            "what went wrong is told on standard error alone"
        );
    }
    // The lists are the table's, whoever is in it by now.
    let stderr = ended
        .stderr
        .replace(&SERVER_WORDS.join(", "), "[every server]");
    let stderr = stderr.replace(&CLIENT_WORDS.join(", "), "[every client]");
    format!("exit {code}\n{stderr}")
}

/// What `fwlab check` says to these rules for a client.
fn checked(rules: &[u8]) -> String {
    let folder = folder(&[("rules.v4", rules)]);
    told(
        folder.path(),
        &[
            "check", "rules.v4", "--at", "client", "--data", "pasv", "--server", "libunftp",
        ],
    )
}

#[test]
fn the_seed_as_published_is_told_its_dashes() {
    let _machine = shared();
    let text = fs::read(root().join("lab/rulesets/seed/active-as-published.txt"));
    insta::assert_snapshot!(checked(&text.expect("the seed is there")), @"
    exit 2
      × 4 mistakes in rules.v4
      × `–dport` and `–state` have U+2013 EN DASH: `--dport` and `--state` are meant
       ╭─[rules.v4:1:39]
     1 │ # iptables -t filter -A OUTPUT -p tcp –dport 21 -m state –state NEW,ESTABLISHED -j ACCEPT # iptables -t filter -A INPUT -p tcp –sport 21 -m state –state ESTABLISHED -j ACCEPT # iptables -t filter -A INPUT -p tcp –sport 20 -m state –state ESTABLISHED,RELATED -j ACCEPT # iptables -t filter -A OUTPUT -p tcp –dport 20 -m state –state ESTABLISHED -j ACCEPT
       ·                                       ───┬──             ───┬──
       ·                                          │                  ╰── U+2013 EN DASH
       ·                                          ╰── U+2013 EN DASH
       ╰────
      help: write `iptables -t filter -A OUTPUT -p tcp --dport 21 -m state --state NEW,ESTABLISHED -j
            ACCEPT`
      × `–sport` and `–state` have U+2013 EN DASH: `--sport` and `--state` are meant
       ╭─[rules.v4:1:132]
     1 │ # iptables -t filter -A OUTPUT -p tcp –dport 21 -m state –state NEW,ESTABLISHED -j ACCEPT # iptables -t filter -A INPUT -p tcp –sport 21 -m state –state ESTABLISHED -j ACCEPT # iptables -t filter -A INPUT -p tcp –sport 20 -m state –state ESTABLISHED,RELATED -j ACCEPT # iptables -t filter -A OUTPUT -p tcp –dport 20 -m state –state ESTABLISHED -j ACCEPT
       ·                                                                                                                                ───┬──             ───┬──
       ·                                                                                                                                   │                  ╰── U+2013 EN DASH
       ·                                                                                                                                   ╰── U+2013 EN DASH
       ╰────
      help: write `iptables -t filter -A INPUT -p tcp --sport 21 -m state --state ESTABLISHED -j
            ACCEPT`
      × `–sport` and `–state` have U+2013 EN DASH: `--sport` and `--state` are meant
       ╭─[rules.v4:1:221]
     1 │ # iptables -t filter -A OUTPUT -p tcp –dport 21 -m state –state NEW,ESTABLISHED -j ACCEPT # iptables -t filter -A INPUT -p tcp –sport 21 -m state –state ESTABLISHED -j ACCEPT # iptables -t filter -A INPUT -p tcp –sport 20 -m state –state ESTABLISHED,RELATED -j ACCEPT # iptables -t filter -A OUTPUT -p tcp –dport 20 -m state –state ESTABLISHED -j ACCEPT
       ·                                                                                                                                                                                                                     ───┬──             ───┬──
       ·                                                                                                                                                                                                                        │                  ╰── U+2013 EN DASH
       ·                                                                                                                                                                                                                        ╰── U+2013 EN DASH
       ╰────
      help: write `iptables -t filter -A INPUT -p tcp --sport 20 -m state --state ESTABLISHED,RELATED
            -j ACCEPT`
      × `–dport` and `–state` have U+2013 EN DASH: `--dport` and `--state` are meant
       ╭─[rules.v4:1:319]
     1 │ # iptables -t filter -A OUTPUT -p tcp –dport 21 -m state –state NEW,ESTABLISHED -j ACCEPT # iptables -t filter -A INPUT -p tcp –sport 21 -m state –state ESTABLISHED -j ACCEPT # iptables -t filter -A INPUT -p tcp –sport 20 -m state –state ESTABLISHED,RELATED -j ACCEPT # iptables -t filter -A OUTPUT -p tcp –dport 20 -m state –state ESTABLISHED -j ACCEPT
       ·                                                                                                                                                                                                                                                                                                                   ───┬──             ───┬──
       ·                                                                                                                                                                                                                                                                                                                      │                  ╰── U+2013 EN DASH
       ·                                                                                                                                                                                                                                                                                                                      ╰── U+2013 EN DASH
       ╰────
      help: write `iptables -t filter -A OUTPUT -p tcp --dport 20 -m state --state ESTABLISHED -j
            ACCEPT`
    ");
    let text = fs::read(root().join("lab/rulesets/seed/passive-as-published.txt"));
    let told = checked(&text.expect("the seed is there"));
    assert!(told.starts_with("exit 2\n"));
    // Every rule of it, corrected.
    for rule in fs::read_to_string(root().join("lab/rulesets/seed/passive.rules"))
        .expect("the seed is there")
        .lines()
        .filter_map(|line| line.strip_prefix("# iptables -t"))
    {
        let words: Vec<&str> = rule.split_whitespace().collect();
        let folded = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            folded.contains(&words.join(" ")),
            "{rule}\nis not in\n{told}"
        );
    }
}

#[test]
fn what_iptables_restore_would_choke_on_is_read_and_told() {
    let Some(_lab) = lab() else { return };
    insta::assert_snapshot!(checked(b"iptables -P INPUT DROP\r\niptables -A INPUT -p tcp -j ACCEPT\r\n"), @r#"
    exit 0
    fwlab: rules.v4:1: lines end as on Windows (CR LF): taken as line ends; iptables-restore itself refuses them
    "#);
    insta::assert_snapshot!(checked("\u{feff}iptables -P INPUT ACCEPT\n".as_bytes()), @r#"
    exit 0
    fwlab: rules.v4:1: starts with a byte order mark: left out; iptables-restore itself refuses it
    "#);
}

#[test]
fn what_was_read_with_leniency_is_told_once() {
    let Some(_lab) = lab() else { return };
    let dump = "iptables-save -t filter\n*filter\n:INPUT DROP [0:0]\nCOMMIT\n# done";
    let folder = folder(&[("rules.v4", dump.as_bytes())]);
    let mut command = fwlab();
    let check = [
        "check", "rules.v4", "--at", "server", "--data", "pasv", "--server", "libunftp",
    ];
    let ended = end_of(command.current_dir(folder.path()).args(check)).with(0);
    assert_eq!(
        ended.stderr,
        "fwlab: rules.v4:1: a command that only prints rules: left out\n"
    );
    assert!(!ended.stdout.contains("note:"), "{}", ended.stdout);
    assert!(ended.stdout.contains("legacy,nft"), "{}", ended.stdout);
}

#[test]
fn an_empty_file_is_no_ruleset() {
    let _machine = shared();
    insta::assert_snapshot!(checked(b""), @r"
    exit 2
    fwlab: rules.v4: it has no rules: was iptables-save run as root?
      with no rules at all, everything passes; write that as `iptables -P INPUT ACCEPT`
    ");
    // A table without a rule is one.
    let Some(_lab) = lab() else { return };
    insta::assert_snapshot!(checked(b"*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n"), @"exit 0");
}

#[test]
fn prose_around_a_dump_is_told() {
    let _machine = shared();
    let dump =
        "hello, what is wrong with our rules\n\n*filter\n:INPUT DROP [0:0]\nCOMMIT\n\nso long\n";
    insta::assert_snapshot!(checked(dump.as_bytes()), @"
    exit 2
      × 2 mistakes in rules.v4
      × no rule: `hello, what is wrong with our rules`
       ╭─[rules.v4:1:1]
     1 │ hello, what is wrong with our rules
       · ─────────────────┬─────────────────
       ·                  ╰── text among the rules
     2 │ 
       ╰────
      help: outside a table, only `#` comments are allowed
      × no rule: `so long`
       ╭─[rules.v4:7:1]
     6 │ 
     7 │ so long
       · ───┬───
       ·    ╰── text among the rules
       ╰────
      help: outside a table, only `#` comments are allowed
    ");
}

#[test]
fn a_table_without_its_end_is_told() {
    let _machine = shared();
    let dump = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\n";
    insta::assert_snapshot!(checked(dump.as_bytes()), @"
    exit 2
      × a mistake in rules.v4
      × filter has no COMMIT
       ╭─[rules.v4:1:1]
     1 │ *filter
       · ───┬───
       ·    ╰── starts here, and never ends
     2 │ :INPUT DROP [0:0]
       ╰────
      help: each table ends with a line `COMMIT`; without it, nothing of the table is loaded
    ");
}

#[test]
fn every_mistake_of_a_ruleset_is_told_at_once() {
    let _machine = shared();
    let rules = "iptables -A INPTU -j ACCEPT
iptables -t filtre -A INPUT -j ACCEPT
iptables -A INPUT -m conntrak --ctstate NEW -j ACCEPT
iptables -A INPUT -j ACEPT
iptables -A INPUT -p tcp --dport 70000 -j ACCEPT
iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper fpt
iptables -A INPUT -p tcp --dport 21 -j CT --helper ftp
";
    insta::assert_snapshot!(checked(rules.as_bytes()), @"
    exit 2
      × 7 mistakes in rules.v4
      × the table filter has no chain `INPTU`
       ╭─[rules.v4:1:13]
     1 │ iptables -A INPTU -j ACCEPT
       ·             ──┬──
       ·               ╰── `INPUT`?
     2 │ iptables -t filtre -A INPUT -j ACCEPT
       ╰────
      × there is no table `filtre`
       ╭─[rules.v4:2:13]
     1 │ iptables -A INPTU -j ACCEPT
     2 │ iptables -t filtre -A INPUT -j ACCEPT
       ·             ───┬──
       ·                ╰── `filter`?
     3 │ iptables -A INPUT -m conntrak --ctstate NEW -j ACCEPT
       ╰────
      × there is no match `conntrak`
       ╭─[rules.v4:3:22]
     2 │ iptables -t filtre -A INPUT -j ACCEPT
     3 │ iptables -A INPUT -m conntrak --ctstate NEW -j ACCEPT
       ·                      ────┬───
       ·                          ╰── `conntrack`?
     4 │ iptables -A INPUT -j ACEPT
       ╰────
      help: write `iptables -A INPUT -m conntrack --ctstate NEW -j ACCEPT`
      × there is no chain or target `ACEPT` in filter
       ╭─[rules.v4:4:19]
     3 │ iptables -A INPUT -m conntrak --ctstate NEW -j ACCEPT
     4 │ iptables -A INPUT -j ACEPT
       ·                   ────┬───
       ·                       ╰── `ACCEPT`?
     5 │ iptables -A INPUT -p tcp --dport 70000 -j ACCEPT
       ╰────
      × iptables refuses this: invalid port/service `70000' specified
       ╭─[rules.v4:5:34]
     4 │ iptables -A INPUT -j ACEPT
     5 │ iptables -A INPUT -p tcp --dport 70000 -j ACCEPT
       ·                                  ──┬──
       ·                                    ╰── refused here
     6 │ iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper fpt
       ╰────
      help: ports go up to 65535
      × the kernel has no helper `fpt`
       ╭─[rules.v4:6:64]
     5 │ iptables -A INPUT -p tcp --dport 70000 -j ACCEPT
     6 │ iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper fpt
       ·                                                                ─┬─
       ·                                                                 ╰── `ftp`?
     7 │ iptables -A INPUT -p tcp --dport 21 -j CT --helper ftp
       ╰────
      help: its helpers are ftp, tftp, sip, irc, RAS, Q.931, H.245, amanda, netbios-ns, pptp, sane,
            snmp and snmp_trap
      × `CT` is not allowed in the table filter
       ╭─[rules.v4:7:37]
     6 │ iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper fpt
     7 │ iptables -A INPUT -p tcp --dport 21 -j CT --helper ftp
       ·                                     ──┬──
       ·                                       ╰── the kernel refuses it here
       ╰────
      help: it belongs in raw, in PREROUTING and OUTPUT
    ");
}

#[test]
fn a_circle_of_jumps_is_told() {
    let _machine = shared();
    let rules = "iptables -N A\niptables -N B\niptables -A A -j B\niptables -A B -j A\niptables -A INPUT -j A\n";
    insta::assert_snapshot!(checked(rules.as_bytes()), @"
    exit 2
      × a mistake in rules.v4
      × the kernel refuses this: Too many links
       ╭─[rules.v4:5:19]
     4 │ iptables -A B -j A
     5 │ iptables -A INPUT -j A
       ·                   ──┬─
       ·                     ╰── refused here
       ╰────
      help: the chains jump in a loop, or more than 16 deep
    ");
}

#[test]
fn what_is_no_text_is_told() {
    let _machine = shared();
    insta::assert_snapshot!(checked(b"\x7fELF\x02\x01\x01\0\0\xff\xfe\n\0\0"), @"
    exit 2
      × a mistake in rules.v4
      × these bytes are not text
       ╭─[rules.v4:1:1]
     1 │ ␡ELF␂␁␁␀␀��
       · ─────┬─────
       ·      ╰── starts so
     2 │ ␀␀
       ╰────
    ");
}

#[test]
fn twenty_thousand_rules_are_loaded_through_both_backends() {
    let Some(_lab) = lab() else { return };
    let mut rules = String::from("*filter\n:INPUT DROP [0:0]\n");
    for number in 0..20_000 {
        let (high, low) = (number / 256, number % 256);
        rules.push_str(&format!(
            "-A INPUT -s 10.9.{high}.{low}/32 -p tcp -j DROP\n"
        ));
    }
    rules.push_str("-A INPUT -m state --state ESTABLISHED -j ACCEPT\nCOMMIT\n");
    let folder = folder(&[("big.v4", rules.as_bytes())]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["check", "big.v4", "--at", "client", "--server", "libunftp"])
        .args([
            "--data",
            "pasv,port",
            "--protection",
            "plain",
            "--report",
            "json=report.json",
        ])
        // All that is usual, and not each of the addresses that it names.
        .args(["--from", "10.77.0.2", "--to", "10.77.0.1"]);
    end_of(&mut command).with(0);
    let cells = crate::support::report(&folder.path().join("report.json"));
    assert_eq!(cells.len(), 4);
    for (name, line) in cells {
        if line["data"] == "pasv" {
            assert_eq!(line["symptom"], "transferred", "{name}: {line}");
        } else {
            assert_eq!(
                line["cause"]["rule_id"], "ipv4/filter/INPUT/policy",
                "{name}: {line}"
            );
            assert_eq!(line["cause"]["source_line"], 2, "{name}: {line}");
        }
    }
}
