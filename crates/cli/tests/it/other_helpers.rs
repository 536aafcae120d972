//! Rules that assign helpers of other protocols, on a kernel that has none of that name: rtsp is no kernel's own.

use crate::bad_input::{folder, told};
use crate::native::lab_with_nft;
use crate::support::{Ended, end_of, fwlab, lab};

const RULES: &str = "*raw
-A PREROUTING -p tcp -m tcp --dport 554 -j CT --helper rtsp
-A PREROUTING -p tcp -m multiport --dports 8554,7070 -j CT --helper rtsp
-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp
COMMIT
*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
COMMIT
";

const SCRIPT: &str = "table inet t {
    ct helper stream { type \"rtsp\" protocol tcp; }
    ct helper f { type \"ftp\" protocol tcp; }
    chain h {
        type filter hook prerouting priority 0
        tcp dport 554 counter ct helper set \"stream\"
        ct helper set tcp dport map { 21 : \"f\", 8554 : \"stream\" }
    }
    chain i {
        type filter hook input priority 10; policy drop
        meta l4proto ipv6-icmp accept
        ct state established,related accept
        tcp dport 21 accept
    }
}
";

fn check(name: &str, text: &str, data: &str) -> Ended {
    let folder = folder(&[(name, text.as_bytes())]);
    let mut command = fwlab();
    command.current_dir(folder.path()).args(["check", name]);
    command.args(["--at", "server", "--server", "libunftp", "--data", data]);
    end_of(command.args(["--protection", "plain", "--family", "ipv4"]))
}

#[track_caller]
fn says(ended: &Ended, words: &[&str]) {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = format!("{} {}", flat(&ended.stdout), flat(&ended.stderr));
    for words in words {
        assert!(
            said.contains(words),
            "{words}\n{}{}",
            ended.stdout,
            ended.stderr
        );
    }
}

#[test]
fn rules_of_iptables_are_tried_without_them() {
    let Some(_lab) = lab() else { return };
    let ended = check("rules.v4", RULES, "pasv,epsv").with(0);
    let why = "left out: the kernel of this machine has no helper `rtsp`. It is another protocol's, and no packet of FTP comes to it";
    says(
        &ended,
        &[
            // On both backends, and FTP's own helper is assigned.
            "legacy,nft libunftp ← suppaftp passes passes",
            &format!("rules.v4: line 2: {why}"),
            &format!("rules.v4: line 3: {why}"),
        ],
    );
    // A cause behind them has its own line still.
    let blocked = RULES.replace("RELATED,ESTABLISHED", "ESTABLISHED");
    let ended = check("rules.v4", &blocked, "pasv").with(0);
    says(&ended, &["timeout", "line 7 `-P INPUT DROP`"]);
}

#[test]
fn a_script_of_nft_is_tried_without_them() {
    let Some(_lab) = lab_with_nft() else { return };
    let ended = check("rules.nft", SCRIPT, "pasv,epsv").with(0);
    says(
        &ended,
        &[
            "native libunftp ← suppaftp passes passes",
            "rules.nft: line 2: left out: the kernel of this machine has no helper `rtsp`",
            "nor does any rule assign it",
        ],
    );
    let blocked = SCRIPT.replace("established,related", "established");
    let ended = check("rules.nft", &blocked, "pasv").with(0);
    says(&ended, &["timeout", "line 10 `type filter hook input"]);
}

#[test]
fn another_mistake_beside_them_is_told_alone() {
    let Some(_lab) = lab_with_nft() else { return };
    let wrong = SCRIPT.replace("        tcp dport 21 accept\n", "        jump nosuch\n");
    let ended = check("rules.nft", &wrong, "pasv").with(2);
    says(&ended, &["[rules.nft:13:"]);
    assert!(!ended.stderr.contains("rules.nft:2:"), "{}", ended.stderr);
    let wrong = RULES.replace("-m tcp --dport 21 -j ACCEPT", "-m tpc --dport 21 -j ACCEPT");
    let ended = check("rules.v4", &wrong, "pasv").with(2);
    says(&ended, &["a mistake in rules.v4", "rules.v4:9:"]);
}

#[test]
fn a_slip_in_ftp_s_name_stays_a_mistake() {
    let Some(_lab) = lab_with_nft() else { return };
    let rules = RULES.replace("--helper ftp", "--helper fpt");
    let script = SCRIPT.replace("type \"ftp\"", "type \"fpt\"");
    for (name, text, words) in [
        (
            "rules.v4",
            &rules,
            &["the kernel has no helper `fpt`", "`ftp`?", "rules.v4:4:"][..],
        ),
        (
            "rules.nft",
            &script,
            &[
                "nft refuses ruleset `rules.nft`",
                "[rules.nft:3:",
                "FTP's is `type \"ftp\" protocol tcp`",
            ],
        ),
    ] {
        let ended = check(name, text, "pasv").with(2);
        says(&ended, words);
        assert_eq!(ended.stdout, "", "{name}");
    }
}

/// It takes FTP's own control connection, too: that is for its author to decide.
#[test]
fn a_rule_for_all_ports_is_not_left_out() {
    let Some(_lab) = lab_with_nft() else { return };
    let rules = "iptables -t raw -A PREROUTING -p tcp -j CT --helper rtsp\n";
    let folder = folder(&[("rules.sh", rules.as_bytes())]);
    insta::assert_snapshot!(told(folder.path(), &["check", "rules.sh", "--at", "server"]), @r"
    exit 2
      × a mistake in rules.sh
      × the kernel of this machine has no helper `rtsp`
       ╭─[rules.sh:1:53]
     1 │ iptables -t raw -A PREROUTING -p tcp -j CT --helper rtsp
       ·                                                     ──┬─
       ·                                                       ╰── not here
       ╰────
      help: FTP does not need it, but this rule may take FTP's own connections: say in it which ports
            it is for, as with `--dport 5060`, and fwlab leaves it out; or remove it
    ");
    let script = SCRIPT.replace("tcp dport 554 counter", "counter");
    let ended = check("rules.nft", &script, "pasv").with(2);
    says(
        &ended,
        &["[rules.nft:2:", "has no helper of this type and protocol"],
    );
}
