//! Rules as people paste them from pages and shells: code fences, the shell's quoting, prompts, scripts.

use fwlab_skipped::{Need, skipped};

use crate::bad_input::{folder, told};
use crate::native::lab_with_nft;
use crate::support::{Ended, lab};
use crate::translated::on;

fn check(name: &str, text: &str) -> Ended {
    const ASKED: [&str; 8] = [
        "--at",
        "server",
        "--data",
        "pasv",
        "--protection",
        "plain",
        "--passive-ports",
        "40000-40100",
    ];
    on(name, text, "check", &ASKED)
}

const DUMP: &str = "*filter\n:INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
                    -A INPUT -p tcp --dport 21 -j ACCEPT\nCOMMIT\n";

#[test]
fn code_fences_are_left_out_and_lines_stay_those_of_the_file() {
    let Some(_lab) = lab() else { return };
    for (text, fences, line) in [
        (format!("```\n{DUMP}```\n"), [1, 7], "line 3"),
        (
            format!("```console\n[root@h ~]# iptables-save\n{DUMP}[root@h ~]# \n~~~\n"),
            [1, 9],
            "line 4",
        ),
        (
            "```bash\n$ sudo iptables -S\n-P INPUT DROP\n-A INPUT -p tcp --dport 21 -j ACCEPT\n```"
                .to_owned(),
            [1, 5],
            "line 3",
        ),
    ] {
        let ended = check("rules.txt", &text).with(0);
        for fence in fences {
            let note = format!("rules.txt:{fence}: a code fence: left out");
            assert!(ended.stderr.contains(&note), "{note}\n{}", ended.stderr);
        }
        assert!(!ended.stderr.contains("blanks"), "{}", ended.stderr);
        let cause = format!("{line} `-P INPUT DROP` stopped SYN");
        assert!(ended.stdout.contains(&cause), "{cause}\n{}", ended.stdout);
    }
}

#[test]
fn several_fenced_blocks_are_one_text_and_prose_between_them_is_told() {
    let Some(_lab) = lab() else { return };
    let commands = "```\niptables -P INPUT DROP\n```\n```sh\niptables -A INPUT -p tcp --dport 21 -j ACCEPT\n```\n";
    check("rules.sh", commands).with(0);
    let prose = commands.replace("```\n```sh\n", "```\nand then\n```sh\n");
    let ended = check("rules.sh", &prose).with(2);
    assert!(
        ended.stderr.contains("no rule: `and then`") && !ended.stderr.contains("no rule: ``"),
        "{}",
        ended.stderr
    );
}

#[test]
fn commands_of_nft_are_read_without_the_shell_s_quoting() {
    let Some(_lab) = lab_with_nft() else { return };
    for chain in [
        "nft add chain inet f in '{ type filter hook input priority 0 ; policy drop ; }'",
        "nft add chain inet f in { type filter hook input priority 0 \\; policy drop \\; }",
        "sudo nft add chain inet f in \"{ type filter hook input priority 0; policy drop; }\"",
        "nft 'add chain inet f in { type filter hook input priority 0; policy drop; }'",
        "nft add chain inet f in \\\n  '{ type filter hook input priority 0; policy drop; }'",
    ] {
        let rules = "nft add rule inet f in ct state established accept comment '\"that\"'\n\
                     nft add rule inet f in tcp dport '{ 21, 22 }' accept";
        let script = format!("nft add table inet f\n{chain}\n{rules}\n");
        let ended = check("rules.sh", &script).with(0);
        let line = 1 + chain.lines().count();
        let cause = format!(
            "server: inet/f/in, line {line} `type filter hook input priority filter; policy drop;` stopped SYN"
        );
        assert!(ended.stdout.contains(&cause), "{chain}\n{}", ended.stdout);
    }
}

#[test]
fn what_a_fenced_listing_of_nft_says_is_loaded() {
    let Some(_lab) = lab_with_nft() else { return };
    let script = "```\nroot@gw:~# nft list ruleset\ntable inet t {\n\tchain i {\n\t\ttype filter hook input priority filter; policy drop;\n\t\ttcp dport 21 accept\n\t}\n}\n```\n";
    let ended = check("rules.txt", script).with(0);
    let cause = "server: inet/t/i, line 5 `type filter hook input priority filter; policy drop;` stopped SYN";
    assert!(ended.stdout.contains(cause), "{}", ended.stdout);
}

#[test]
fn a_prompt_of_several_words_is_left_out() {
    let Some(_lab) = lab() else { return };
    let text = "[Tue] 10:11 root@fw ~ # iptables -S\n-P INPUT DROP\n-A INPUT -p tcp --dport 21 -j ACCEPT\n[Tue] 10:11 root@fw ~ #\n";
    let ended = check("rules.txt", text).with(0);
    assert!(
        ended.stdout.contains("line 2 `-P INPUT DROP` stopped SYN"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_value_for_what_is_not_set_is_read() {
    let Some(_lab) = lab() else { return };
    let text = "IPT=/sbin/iptables\nPORT=${PORT:-21}\n$IPT -P INPUT DROP\n$IPT -A INPUT -p tcp --dport $PORT -j ACCEPT\n";
    let ended = check("fw.sh", text).with(0);
    assert!(
        ended.stderr.contains("fw.sh:2: `PORT` is 21"),
        "{}",
        ended.stderr
    );
}

/// One mistake, whatever else a shell would have to do in it.
#[test]
fn a_script_that_needs_a_shell_is_told_once_with_what_to_run() {
    for (text, run) in [
        (
            "#!/bin/bash\nfor p in 20 21; do\n  iptables -A INPUT -p tcp --dport $p -j ACCEPT\ndone\n",
            "`unshare -rn sh -c 'bash fw.sh; iptables-save'`",
        ),
        (
            "if [ -x /sbin/ip6tables ]; then\nip6tables -P INPUT DROP\nfi\nIP=$(hostname -I)\nip6tables -A INPUT -s $IP -j ACCEPT\n",
            "`unshare -rn sh -c 'sh fw.sh; ip6tables-save'`",
        ),
        (
            "for p in 20 21; do\n  nft add rule ip t c tcp dport $p accept\ndone\n",
            "`unshare -rn sh -c 'sh fw.sh; nft list ruleset'`",
        ),
        (
            "NETS=\"192.0.2.0/24 198.51.100.0/24\"\niptables -P INPUT DROP\niptables -A INPUT -s $NETS -j ACCEPT\n",
            "`unshare -rn sh -c 'sh fw.sh; iptables-save'`",
        ),
    ] {
        let folder = folder(&[("fw.sh", text.as_bytes())]);
        let told = told(folder.path(), &["check", "fw.sh", "--at", "server"]);
        let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in ["exit 2", "a mistake in fw.sh", run] {
            assert!(flat.contains(part), "{part} is not in\n{told}");
        }
    }
}

/// What people write around their rules is left out, and told.
#[test]
fn sentences_around_rules_are_left_out() {
    let Some(_lab) = lab() else { return };
    let dump = format!(
        "Hi all,\n\nI have the following rules, and passive FTP does not work:\n\n{DUMP}\nAny ideas? Thanks,\nJoe\n"
    );
    let commands = "My firewall is this:\n\niptables -P INPUT DROP\niptables -A INPUT -p tcp --dport 21 -j ACCEPT\n\nWhat is wrong?\n";
    for (text, told) in [
        (
            &dump[..],
            "rules.txt:11: `Any ideas? Thanks,`, and a line more is not a rule: left out",
        ),
        (
            commands,
            "rules.txt:6: `What is wrong?` is not a rule: left out",
        ),
    ] {
        let ended = check("rules.txt", text).with(0);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
    // A rule that is out of its place is none of these.
    let misplaced = dump.replace(
        "Any ideas? Thanks,",
        "-A INPUT -p tcp --dport 990 -j ACCEPT",
    );
    check("rules.txt", &misplaced).with(2);
}

/// Notes of what somebody did: what makes no rule is left out, and what `#` was taken for is said.
#[test]
fn a_session_is_read_with_what_was_done_besides() {
    let Some(_lab) = lab() else { return };
    let text = "$ sudo -s\n# iptables -A INPUT -p tcp --dport 22 -j ACCEPT\n# iptables -P INPUT DROP\n# exit\nsudo apt-get install iptables-persistent\nsudo iptables-save > a\n";
    let ended = check("notes.txt", text).with(0);
    for told in [
        "notes.txt:1: opens a shell: left out",
        "notes.txt:2: 2 lines like this, a command after `#`: taken for commands at root's prompt",
        "notes.txt:5: installs or removes programs: left out",
    ] {
        assert!(ended.stderr.contains(told), "{told}\n{}", ended.stderr);
    }
    let cause = "line 3 `-P INPUT DROP` stopped SYN";
    assert!(ended.stdout.contains(cause), "{}", ended.stdout);
}

#[test]
fn a_dump_of_a_page_is_read_with_its_lines() {
    let Some(_lab) = lab() else { return };
    let listing = "Chain INPUT (policy DROP)\ntarget prot opt source destination\nACCEPT tcp -- 0.0.0.0/0 0.0.0.0/0 tcp dpt:21\n\n";
    let dump = DUMP.trim_end();
    for (text, line) in [
        (format!("```{dump}```\n"), 2),
        (format!("<pre>\n<b>{dump}</b>\n</pre>\n"), 3),
        (format!("> root@h:~# iptables-save\n{DUMP}"), 3),
        (
            format!("root@h:~# iptables -L\n{listing}root@h:~# iptables-save\n{DUMP}"),
            8,
        ),
        (format!("cat > a <<'EOF'\n{DUMP}EOF\n"), 3),
    ] {
        let ended = check("page.txt", &text).with(0);
        let cause = format!("line {line} `-P INPUT DROP` stopped SYN");
        assert!(ended.stdout.contains(&cause), "{text}\n{}", ended.stdout);
    }
}

/// No packet of FTP is of a user that only the host has.
#[test]
fn users_of_the_host_have_a_made_up_number() {
    let Some(_lab) = lab_with_nft() else { return };
    if !fwlab_fabric::has_ordinary_user() {
        skipped(
            Need::Machine,
            "here everybody is root, and iptables takes no other number",
        );
        return;
    }
    let script = "table inet t {\n chain o {\n  type filter hook output priority 0; policy accept;\n  meta skuid \"debian-tor\" drop\n }\n}\n";
    let rules = "*filter\n-A OUTPUT -m owner --uid-owner debian-tor -j DROP\nCOMMIT\n";
    for (name, text) in [("rules.nft", script), ("rules.v4", rules)] {
        let ended = check(name, text).with(0);
        let told = "`debian-tor` is a user of the host whose number is not known here: 64999";
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
        assert!(ended.stdout.contains("passes"), "{}", ended.stdout);
        let ftp = check(name, &text.replace("debian-tor", "ftp")).with(2);
        assert!(ftp.stderr.contains("`id -u NAME`"), "{}", ftp.stderr);
    }
}
