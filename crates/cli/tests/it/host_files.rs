//! Several files of one host, each known by its content.

use fwlab_fabric::find_tool;
use fwlab_skipped::{Need, skipped};

use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab, lab, shared};

const RULES: &str = "*filter
:INPUT DROP [0:0]
-A INPUT -m set --match-set banned src -j DROP
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 21 -j ACCEPT
-A INPUT -p tcp --dport 50000:50010 -j ACCEPT
COMMIT
";

const RULES6: &str = "*filter
-A INPUT -p ipv6-icmp -j ACCEPT
-A INPUT -p tcp --dport 21 -j REJECT
COMMIT
";

const SCRIPT: &str = "table inet mine {
 chain i { type filter hook input priority 5
  tcp dport 50000-50010 drop
 }
}
";

fn sets(banned: &str) -> String {
    format!("create banned hash:ip family inet hashsize 1024 maxelem 65536\nadd banned {banned}\n")
}

fn check(files: &[(&str, &str)]) -> Ended {
    let written: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    let folder = folder(&written);
    let names = files.iter().map(|(name, _)| *name);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .arg("check")
        .args(names)
        .args(["--at", "server", "--server", "libunftp"])
        .args(["--data", "pasv,epsv", "--passive-ports", "50000-50010"]);
    end_of(&mut command)
}

fn has_ipset() -> bool {
    let there = find_tool("ipset").is_some();
    if !there {
        skipped(Need::Programs, "no ipset on this machine");
    }
    there
}

/// The rows of the truth table, without the file names.
fn rows(ended: &Ended) -> Vec<Vec<&str>> {
    let lines = ended.stdout.lines();
    let rows = lines.filter_map(|line| line.split_once("libunftp ← "));
    let outcomes = rows.map(|(_, row)| row.split_whitespace().skip(1));
    outcomes.map(Iterator::collect).collect()
}

#[test]
fn both_families_and_the_sets_are_one_table() {
    let Some(_lab) = lab() else { return };
    if !has_ipset() {
        return;
    }
    let files = |banned: &str| {
        let sets = sets(banned);
        check(&[("sets", &sets), ("rules.v4", RULES), ("rules.v6", RULES6)])
    };
    let ended = files("192.0.2.99");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // IPv4, then IPv6, where libunftp knows no PASV.
    assert_eq!(
        rows(&ended),
        [
            vec!["ctl", "timeout", "ctl", "timeout"],
            vec!["passes", "passes"],
            vec!["–", "ctl", "rejected"]
        ],
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains("full patience"), "{}", ended.stdout);
    // The client's own address is in the set.
    let ended = files("10.77.0.2");
    assert_eq!(rows(&ended)[0], ["ctl", "timeout", "ctl", "timeout"]);
    assert!(
        ended
            .stdout
            .contains("line 3 of rules.v4 `-A INPUT -m set --match-set banned src -j DROP`"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_script_of_nft_stands_beside_rules_of_iptables() {
    let Some(_lab) = lab() else { return };
    if find_tool("nft").is_none() {
        skipped(Need::Programs, "no nft on this machine");
        return;
    }
    let rules = RULES.replace("-A INPUT -m set --match-set banned src -j DROP\n", "");
    let ended = check(&[("host.nft", SCRIPT), ("rules.v4", &rules)]);
    // Its table is of both families; libunftp knows no PASV in IPv6.
    let expected = [["timeout", "timeout"], ["–", "timeout"]];
    assert_eq!(rows(&ended), expected, "{ended:?}");
    assert!(
        ended.stdout.contains("inet/mine/i/1, line 3 of host.nft `"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_script_makes_its_sets_itself() {
    let Some(_lab) = lab() else { return };
    if !has_ipset() {
        return;
    }
    let script = "sudo ipset create banned hash:net
ipset add banned 10.77.0.0/24
iptables -P INPUT DROP
iptables -A INPUT -m set --match-set banned src -j REJECT
iptables -A INPUT -j ACCEPT
";
    let ended = check(&[("rules.sh", script)]);
    assert_eq!(
        rows(&ended),
        [
            vec!["ctl", "rejected", "ctl", "rejected"],
            vec!["passes", "passes"]
        ],
        "{ended:?}"
    );
    let wrong = script.replace("/24", "/240");
    let ended = check(&[("rules.sh", &wrong)]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("ipset refuses this"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("rules.sh:2:1"), "{}", ended.stderr);
}

#[test]
fn sets_with_code_fences_are_read() {
    let Some(_lab) = lab() else { return };
    if !has_ipset() {
        return;
    }
    let fenced = format!("```\n{}```\n", sets("192.0.2.99"));
    let ended = check(&[("rules.v4", RULES), ("sets", &fenced)]).with(0);
    for line in [1, 4] {
        let note = format!("sets:{line}: a code fence: left out");
        assert!(ended.stderr.contains(&note), "{note}\n{}", ended.stderr);
    }
}

#[test]
fn what_cannot_stand_together_is_told() {
    let _machine = shared();
    let sets = sets("192.0.2.99");
    for (files, told) in [
        (
            vec![("one", RULES), ("other", RULES)],
            "one and other are both iptables rules for IPv4",
        ),
        (
            vec![("a.nft", SCRIPT), ("b.nft", SCRIPT)],
            "a.nft and b.nft are both nft scripts",
        ),
        (vec![("sets", sets.as_str())], "sets of ipset are not rules"),
        (
            vec![("sets", sets.as_str()), ("a.nft", SCRIPT)],
            "no iptables rules match on them",
        ),
    ] {
        let ended = check(&files);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

/// A gateway with a port forward: the client connects to the gateway, and the rules say where the server is.
#[test]
fn a_port_forward_has_its_server_where_its_rules_say() {
    let Some(_lab) = lab() else { return };
    let forward = "iptables -t nat -A PREROUTING -i eth0 -p tcp --dport 21 -j DNAT --to-destination 192.168.5.9\n";
    let helper = "iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp\n";
    let checked = |rules: &str| {
        let folder = folder(&[("rules.sh", rules.as_bytes())]);
        let mut command = fwlab();
        command.current_dir(folder.path()).args([
            "check",
            "rules.sh",
            "--at",
            "port-forward",
            "--on",
            "eth0",
            "--server",
            "libunftp",
            "--data",
            "pasv",
            "--protection",
            "plain",
        ]);
        end_of(&mut command)
    };
    let ended = checked(&[forward, helper].concat());
    assert_eq!(rows(&ended), [["passes"]], "{ended:?}");
    assert!(
        ended.stderr.contains("the rules forward to 192.168.5.9"),
        "{}",
        ended.stderr
    );
    // Without the helper the 227 names an address that leads nowhere from outside.
    let ended = checked(forward);
    assert_eq!(rows(&ended), [["timeout"]], "{ended:?}");
    // Nothing listens on the gateway itself.
    let ended = checked(helper);
    assert_eq!(rows(&ended), [["ctl", "rejected"]], "{ended:?}");
}

#[test]
fn sets_that_no_file_makes_are_said_or_empty() {
    let Some(_lab) = lab() else { return };
    if !has_ipset() {
        return;
    }
    let rules = folder(&[("rules.v4", RULES.as_bytes())]);
    let check = |arguments: &[&str]| {
        let mut command = fwlab();
        command.current_dir(rules.path()).args([
            "check", "rules.v4", "--at", "server", "--server", "libunftp",
        ]);
        command.args([
            "--data",
            "pasv",
            "--passive-ports",
            "50000-50010",
            "--backend",
            "nft",
            "--protection",
            "plain",
        ]);
        end_of(command.args(arguments))
    };
    let refused = check(&[]);
    assert_eq!(refused.code, Some(2), "{}", refused.stdout);
    for way in ["ipset save", "--set banned=ADDRESS", "--empty-sets"] {
        assert!(refused.stderr.contains(way), "{}", refused.stderr);
    }
    let said = check(&["--set", "banned=192.0.2.0/24"]);
    let rows = rows(&said);
    assert_eq!(rows, [vec!["ctl", "timeout"], vec!["passes"]]);
    let empty = check(&["--empty-sets"]);
    assert!(
        empty
            .stderr
            .contains("these sets are assumed to be empty: banned"),
        "{}",
        empty.stderr
    );
    assert_eq!(self::rows(&empty), [["passes"]]);
}

#[test]
fn scripts_include_from_a_folder_that_is_named_and_from_nowhere_else() {
    let Some(_lab) = lab() else { return };
    let main = "table inet f {\n chain i {\n  type filter hook input priority 0; policy drop;\n }\n}\ninclude \"/etc/nftables.d/*.nft\"\n";
    let host = folder(&[("host.nft", main.as_bytes())]);
    let parts = folder(&[
        ("b.nft", b"include \"more/c.nft\"\n"),
        (".hidden.nft", b"no nft at all\n"),
    ]);
    std::fs::create_dir(parts.path().join("more")).expect("a folder");
    let c = "table inet f {\n chain i {\n  tcp dport { 21, 50000-50010 } accept\n }\n}\n";
    std::fs::write(parts.path().join("more/c.nft"), c).expect("it can be written");
    let check = |include: Option<&std::path::Path>| {
        let mut command = fwlab();
        command.current_dir(host.path()).args([
            "check", "host.nft", "--at", "server", "--server", "libunftp",
        ]);
        command.args([
            "--data",
            "pasv",
            "--passive-ports",
            "50000-50010",
            "--protection",
            "plain",
        ]);
        if let Some(folder) = include {
            command.arg("--include").arg(folder);
        }
        end_of(&mut command)
    };
    let without = check(None);
    assert_eq!(without.code, Some(2), "{}", without.stdout);
    assert!(
        without
            .stderr
            .contains("--include FOLDER reads it from there"),
        "{}",
        without.stderr
    );
    let with = check(Some(parts.path()));
    assert_eq!(with.code, Some(0), "{}", with.stderr);
    assert_eq!(rows(&with), [["passes"], ["–"]]);
    assert!(
        with.stderr
            .contains("lines 6-10 are b.nft; lines 6-10 are more/c.nft"),
        "{}",
        with.stderr
    );
    // A link out of the folder is not followed.
    std::os::unix::fs::symlink(host.path().join("host.nft"), parts.path().join("z.nft"))
        .expect("a link");
    let out = check(Some(parts.path()));
    assert_eq!(out.code, Some(2), "{}", out.stdout);
    assert!(
        out.stderr.contains("z.nft leads out of the folder"),
        "{}",
        out.stderr
    );
    let nowhere = check(Some(&parts.path().join("nowhere")));
    assert!(
        nowhere.stderr.contains("there is no such folder"),
        "{}",
        nowhere.stderr
    );
}

#[test]
fn a_forward_to_another_port_is_checked_as_it_is() {
    let Some(_lab) = lab() else { return };
    let rules = "*nat
-A PREROUTING -i eth0 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.8:8080
-A PREROUTING -i eth0 -p tcp --dport 21 -j DNAT --to-destination 10.0.0.9:2121
COMMIT
*raw
-A PREROUTING -p tcp --dport 21 -j CT --helper ftp
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -p tcp --dport 2121 -j ACCEPT
COMMIT
";
    let folder = folder(&[("rules.v4", rules.as_bytes())]);
    let mut command = fwlab();
    command.current_dir(folder.path()).args([
        "check",
        "rules.v4",
        "--at",
        "port-forward",
        "--server",
        "libunftp",
    ]);
    let ended = end_of(command.args(["--protection", "plain", "--backend", "nft", "--on", "eth0"]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("the rules forward port 21 of the gateway to port 2121 of the server"),
        "{}",
        ended.stderr
    );
    let passes = ended
        .stdout
        .lines()
        .find(|line| line.contains("libunftp"))
        .expect("a row");
    assert_eq!(passes.matches("passes").count(), 3, "{}", ended.stdout);
}

/// Clients that root is not: rules about root do not stop them. Whoever may not become another user says so.
#[test]
fn rules_about_root_do_not_meet_the_client() {
    let Some(_lab) = lab() else { return };
    let rules = "*filter\n-A OUTPUT -p tcp -m owner --uid-owner 0 -j DROP\nCOMMIT\n";
    let folder = folder(&[("rules.v4", rules.as_bytes())]);
    for client in ["suppaftp", "curl", "ftplib"] {
        let mut command = fwlab();
        command.current_dir(folder.path()).args([
            "check", "rules.v4", "--at", "client", "--server", "libunftp",
        ]);
        let ended = end_of(command.args([
            "--client",
            client,
            "--protection",
            "plain",
            "--backend",
            "nft",
            "--data",
            "port,pasv",
        ]));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        if ended.stdout.contains("\n  skipped 2: ") {
            skipped(Need::Programs, format_args!("no {client} here"));
            continue;
        }
        let said = ended.stderr.contains("everybody is root here");
        match fwlab_fabric::has_ordinary_user() {
            true => assert_eq!(
                (said, rows(&ended)),
                (false, vec![vec!["passes", "passes"]]),
                "{client}"
            ),
            false => {
                let stopped = vec!["ctl", "timeout", "ctl", "timeout"];
                assert_eq!((said, rows(&ended)), (true, vec![stopped]), "{client}");
            }
        }
    }
}
