//! `explain`: of a scenario one cell, and of whatever is explained the line that decided, underlined, and the way to it.

use std::path::Path;

use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab, has_program, lab, shared};
use fwlab_skipped::{Need, skipped};

const RULES: &str = "*filter
:INPUT DROP [0:0]
:FTP - [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
-A INPUT -p tcp -m mark --mark 7 -j ACCEPT
-A INPUT -p tcp -m comment --comment \"goes on\"
-A INPUT -p tcp -j FTP
-A FTP -p tcp -m tcp --dport 1024:65535 -j REJECT
COMMIT
";

const SCENARIO: &str = r#"description = "Rules in a file, and rules in place."
[topology]
shape = "server-firewall"
[[ruleset]]
name = "in-a-file"
file = "../rules.v4"
[[ruleset]]
name = "in=place"
text = """
iptables -A INPUT -p tcp --dport 21 -j ACCEPT
iptables -A INPUT -p tcp -j DROP
"""
[matrix]
servers = ["libunftp"]
data = ["port", "pasv"]
"#;

const UNDERLINED: &str = "  ▶     9 │ -A FTP -p tcp -m tcp --dport 1024:65535 -j REJECT
          │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
";

fn explain(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = fwlab();
    command.current_dir(folder).arg("explain").args(arguments);
    end_of(&mut command)
}

#[track_caller]
fn assert_told(text: &str, told: &[&str]) {
    for told in told {
        assert!(text.contains(told), "{told}: {text}");
    }
}

fn scenario() -> tempfile::TempDir {
    let folder = folder(&[("rules.v4", RULES.as_bytes())]);
    std::fs::create_dir(folder.path().join("scenarios")).expect("a folder");
    let file = folder.path().join("scenarios/two.toml");
    std::fs::write(file, SCENARIO).expect("it can be written");
    folder
}

#[test]
fn a_cell_of_a_scenario_is_run_and_explained() {
    let Some(_lab) = lab() else { return };
    let folder = scenario();
    let explain = |arguments: &[&str]| explain(folder.path(), arguments);
    let file = "scenarios/two.toml";
    // As `fwlab list scenarios` and `fwlab list .` call it.
    for begins in ["two", "scenarios/two"] {
        let name = format!("{begins}::in-a-file::nft::libunftp::suppaftp::pasv::plain::ipv4::retr");
        let told = explain(&[file, "--cell", &name]).with(0).stdout;
        assert_told(
            &told,
            &[
                "two::in-a-file::nft::libunftp::suppaftp::pasv::plain::ipv4::retr\n",
                "› PASV",
                UNDERLINED,
                "no helper reads the control connection",
                "It would pass if the helper ftp were assigned",
            ],
        );
        assert!(!told.contains("This is one of"), "{told}");
    }
    let in_place = explain(&[file, "--cell", "ruleset=in=place pasv", "--backend", "nft"]).with(0);
    assert_told(
        &in_place.stdout,
        &[
            "  ▶    11 │ iptables -A INPUT -p tcp -j DROP\n          │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n",
        ],
    );
}

#[test]
fn which_cell_of_a_scenario_is_meant_has_to_be_said() {
    let _machine = shared();
    let folder = scenario();
    let explain = |arguments: &[&str]| explain(folder.path(), arguments);
    let file = "scenarios/two.toml";
    let several = explain(&[file, "--cell", "nft pasv"]).with(2).stderr;
    assert_told(
        &several,
        &[
            "2 cells of scenarios/two.toml match --cell, and one is explained",
            "  two::in-a-file::nft::libunftp::suppaftp::pasv::plain::ipv4::retr\n",
            "  two::in=place::nft::libunftp::suppaftp::pasv::plain::ipv4::retr\n",
        ],
    );
    let all = explain(&[file]).with(2).stderr;
    assert_told(
        &all,
        &[
            "scenarios/two.toml has 8 cells, and one is explained",
            "and 3 more",
        ],
    );
    let none = explain(&[file, "--cell", "legcay pasv"]).with(2).stderr;
    assert_told(
        &none,
        &[
            "there is no such transfer",
            "none has `legcay`, but there is `legacy`; the nearest names:\n  two::in-a-file::nft::libunftp::suppaftp::pasv::",
        ],
    );
    let place = explain(&[file, "--cell", "nft pasv", "--at", "server"]).with(2);
    assert_told(
        &place.stderr,
        &["--at: scenarios/two.toml is a scenario, which itself says where its rules stand"],
    );
    let beside = explain(&["rules.v4", file]).with(2).stderr;
    assert_told(
        &beside,
        &["scenarios/two.toml is a scenario by its name, and is explained alone"],
    );
}

#[test]
fn the_line_that_decided_is_underlined_wherever_its_file_is() {
    let Some(_lab) = lab() else { return };
    let folder = scenario();
    let written = ["--report", "json=r.json", "--evidence", "all"];
    let mut command = fwlab();
    command.current_dir(folder.path());
    command.args(["run", "scenarios", "--backend", "nft"]);
    command.args([
        "--filter",
        "ruleset=in-a-file data=pasv",
        "--bundle",
        "b.fwlab",
    ]);
    end_of(command.args(written)).with(0);
    let explain = |arguments: &[&str]| explain(folder.path(), arguments).with(0).stdout;
    assert_told(&explain(&["b.fwlab"]), &[UNDERLINED]);
    let heading = |file: &str| format!("  {file}, as it is now:\n");
    for file in ["rules.v4", "scenarios/two.toml"] {
        let told = explain(&["r.json", file]);
        assert_told(&told, &[&heading("rules.v4"), UNDERLINED]);
    }
    assert_told(
        &explain(&["r.json"]),
        &["line 9 is not shown: a report does not have the rules; name their file"],
    );
    std::fs::copy(
        folder.path().join("rules.v4"),
        folder.path().join("other.v4"),
    )
    .expect("it can be copied");
    assert_told(
        &explain(&["r.json", "rules.v4", "other.v4"]),
        &["rules.v4, other.v4 all have such a line, and the record does not say which it is"],
    );
    // What `check` was given is called by its path, and is there.
    let mut command = fwlab();
    command.current_dir(folder.path());
    command.args([
        "check", "rules.v4", "--at", "server", "--server", "libunftp",
    ]);
    command.args([
        "--data",
        "pasv",
        "--protection",
        "plain",
        "--backend",
        "nft",
    ]);
    command.args(["--report", "json=c.json", "--evidence", "all"]);
    end_of(&mut command).with(0);
    assert_told(&explain(&["c.json"]), &[&heading("rules.v4"), UNDERLINED]);
}

/// Of two files that both have such a line, the record says which is meant.
#[test]
fn the_file_that_is_meant_is_the_one_that_decided() {
    let Some(_lab) = lab() else { return };
    let v4 = "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.0.2.9/32 -j DROP\nCOMMIT\n";
    let v6 = "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 2001:db8::9/128 -j ACCEPT\nCOMMIT\n";
    let files = [("rules.v4", v4.as_bytes()), ("rules.v6", v6.as_bytes())];
    let folder = folder(&files);
    let of = [
        "--at",
        "server",
        "--server",
        "libunftp",
        "--data",
        "epsv",
        "--protection",
        "plain",
        "--backend",
        "nft",
        "--family",
        "ipv6",
    ];
    let told = explain(
        folder.path(),
        &[&["rules.v4", "rules.v6"], &of[..]].concat(),
    )
    .with(0);
    let line = "  ▶     2 │ :INPUT DROP [0:0]\n          │ ^^^^^^^^^^^^^^^^^\n";
    assert_told(&told.stdout, &["line 2 of rules.v6", "  rules.v6:\n", line]);
}

#[test]
fn the_way_to_the_rule_that_decided_is_told_as_the_kernel_traces_it() {
    let Some(_lab) = lab() else { return };
    let script = "table inet t {
    chain early {
        type filter hook prerouting priority -50; policy accept;
        tcp dport 1024-65535 counter
    }
    chain i {
        type filter hook input priority 0; policy drop;
        ct state established accept
        tcp dport 21 accept
        jump ftp
    }
    chain ftp {
        udp dport 7 drop
    }
}
";
    let files = [
        ("rules.v4", RULES.as_bytes()),
        ("rules.nft", script.as_bytes()),
    ];
    let folder = folder(&files);
    for (file, backend, way) in [
        (
            "rules.v4",
            "nft",
            "walked, by the rules that it matched: ipv4/filter/INPUT: rule 4 (line 7), rule 5 (line 8) → FTP; \
             ipv4/filter/FTP: rule 1 (line 9) DROP",
        ),
        (
            "rules.v4",
            "legacy",
            "walked, by the rules that it matched (the trace of iptables-legacy does not say what these told it): \
             ipv4/filter/INPUT: rule 4 (line 7), rule 5 (line 8); ipv4/filter/FTP: rule 1 (line 9)",
        ),
        (
            "rules.nft",
            "native",
            "walked, by the rules that it matched: inet/t/early: rule 1 (line 4), policy (line 3) ACCEPT; \
             inet/t/i: rule 3 (line 10) → ftp, policy (line 7) DROP",
        ),
    ] {
        let of = ["--at", "server", "--server", "libunftp", "--data", "pasv"];
        let more = ["--protection", "plain", "--backend", backend];
        let told = explain(folder.path(), &[&[file], &of[..], &more].concat()).with(0);
        let words: Vec<&str> = told.stdout.split_whitespace().collect();
        assert_told(&words.join(" "), &[way]);
    }
}

/// Commands and answers are there, and nothing of what they say.
#[test]
fn what_tls_hides_is_told_by_its_length() {
    let Some(_lab) = lab() else { return };
    let folder = folder(&[("rules.v4", RULES.as_bytes())]);
    let of = [
        "--at",
        "server",
        "--backend",
        "nft",
        "--data",
        "pasv",
        "--server",
        "libunftp",
    ];
    let told = explain(
        folder.path(),
        &[&["rules.v4", "--protection", "explicit"], &of[..]].concat(),
    );
    let told = told.with(0).stdout;
    let secured = told.find("the rest is TLS").expect("it is told");
    for sign in ["› encrypted, ", "‹ encrypted, "] {
        let lengths = told[secured..].split(sign).skip(1).map(|rest| {
            let (bytes, _) = rest.split_once(" bytes\n").expect("a length");
            bytes.parse::<u64>().expect("a number")
        });
        let lengths: Vec<u64> = lengths.collect();
        assert!(
            lengths.len() > 3 && !lengths.contains(&0),
            "{lengths:?}: {told}"
        );
        assert!(!told[..secured].contains(sign), "{told}");
    }
    assert!(!told.contains("› USER"), "{told}");
}

/// TLS from the first byte: what it hides is not taken for lines, nor for what a helper could have read.
#[test]
fn implicit_tls_hides_all_of_the_dialogue() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") || !has_program("curl") {
        skipped(Need::Programs, "vsftpd or curl is not on this machine");
        return;
    }
    let folder = folder(&[("rules.v4", RULES.as_bytes())]);
    let of = ["--at", "server", "--backend", "nft", "--data", "pasv"];
    let peers = ["--server", "vsftpd", "--client", "curl"];
    let told = explain(
        folder.path(),
        &[&["rules.v4", "--protection", "implicit"], &of[..], &peers].concat(),
    );
    let told = told.with(0).stdout;
    assert_told(
        &told,
        &[
            "the rest is TLS",
            "› encrypted, ",
            "‹ encrypted, ",
            "TLS hides the announcement, so no helper can read it.",
            "no helper can see into TLS. (event ",
        ],
    );
    assert!(!told.contains("no reply"), "{told}");
    let said = told.matches(['›', '‹']).count();
    assert_eq!(said, told.matches("encrypted, ").count(), "{told}");
}
