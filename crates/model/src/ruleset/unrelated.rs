//! Commands that stand among rules and make none: what people did to their machine besides.

use super::prompt::{privileged, program};
use super::rules_files;
use super::suggest::nearest;

/// What a note says of a command of no further interest.
const MAKES_NO_RULE: &str = "a command that makes no rules: left out";
/// The same of one that is not known.
const MAY_BE_NONE: &str = "a command that is not known to make rules: left out";
const INSTALLS: &str = "installs or removes programs: left out, with any rules that these may make";
const OPENS_SHELL: &str = "opens a shell: left out";
const SETS_NETWORK: &str = "sets interfaces or routes: left out; the lab has its own";
const SETS_KERNEL: &str =
    "sets kernel parameters, not rules: left out; a scenario has its own sysctls";
const WRITES: &str = "writes to a file and makes no rules: left out";

#[rustfmt::skip]
const PACKAGES: &[&str] = &[
    "apk", "apt", "apt-get", "aptitude", "brew", "dnf", "dpkg", "emerge", "guix", "nix", "nix-env", "nix-shell", "opkg", "pacman", "pip",
    "pip3", "rpm", "snap", "yum", "zypper",
];
#[rustfmt::skip]
const KNOWN: &[&str] = &[
    "adduser", "cat", "cd", "chgrp", "chmod", "chown", "clear", "cp", "crontab", "curl", "date", "df", "dig", "dmesg", "git", "grep",
    "head", "history", "hostname", "journalctl", "less", "ll", "ln", "logout", "ls", "lsof", "man", "mkdir", "more", "mv", "nano", "nc", "netstat",
    "nmap", "nslookup", "passwd", "ping", "ping6", "ps", "pwd", "rm", "rmdir", "sed", "ss", "tail", "tar", "tcpdump", "telnet", "touch",
    "traceroute", "uname", "uptime", "useradd", "usermod", "vi", "vim", "wget", "which", "whoami",
];
const NETWORK: &[&str] = &["brctl", "ethtool", "ifconfig", "ifdown", "ifup", "route"];
const SHELLS: &[&str] = &["bash", "dash", "ksh", "sh", "zsh"];

/// Why a command makes no rule, in a note's words; nothing where it may make one, or where that cannot be told. Behind a prompt every
/// program is a command that was run; without, it has to be one of those that are known.
pub(super) fn unrelated(line: &str, behind_prompt: bool) -> Option<&'static str> {
    let line = line.trim();
    let words = || line.split_ascii_whitespace();
    let first = words().nth(privileged(words()));
    if first.is_some_and(|first| first.starts_with(['-', '$']) || program(first).is_some()) {
        return None;
    }
    if is_setting(line) {
        return Some(SETS_KERNEL);
    }
    if line.contains(['\\', '`']) || line.contains("$(") {
        return None;
    }
    if writes_text(line) {
        return Some(WRITES);
    }
    if let Some(inside) = rules_files::in_shell(line) {
        return rules_files::saves(inside).map(|_| MAKES_NO_RULE);
    }
    let line = quiet(line);
    let parts = line.split("&&").flat_map(|part| part.split(';'));
    let mut why = None;
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let told = command(part, behind_prompt)?;
        let is_other = why.is_some_and(|why| why != told);
        why = Some(if is_other { MAKES_NO_RULE } else { told });
    }
    why
}

/// Whether a line is a command that opens a shell, of root where `sudo` or `su` does: the lines after it are of that shell.
pub(super) fn opens_root_shell(line: &str) -> bool {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let is_root = |rest: &[&str]| matches!(rest, [] | ["-" | "-l" | "root"] | ["-", "root"]);
    let of_other = |pair: &[&str]| pair[0] == "-u" && pair[1] != "root";
    match &words[privileged(words.iter().copied())..] {
        _ if words.windows(2).any(of_other) => false,
        [] => words.iter().any(|word| {
            let letters = word.strip_prefix('-').unwrap_or_default();
            *word == "--login" || (!word.starts_with("--") && letters.contains(['s', 'i']))
        }),
        ["su", rest @ ..] => is_root(rest),
        [shell] => words.len() > 1 && SHELLS.contains(shell),
        _ => false,
    }
}

/// `net.ipv4.ip_forward=1`, a line of `sysctl.conf`
fn is_setting(line: &str) -> bool {
    const BEGIN: [&str; 4] = ["net.", "kernel.", "fs.", "vm."];
    let name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    line.split_once('=').is_some_and(|(key, value)| {
        let key = key.trim_end();
        BEGIN.iter().any(|begin| key.starts_with(begin))
            && key.bytes().all(name)
            && !value.contains(['$', '`', ';', '|', '&'])
    })
}

/// The line without what only keeps a command quiet.
fn quiet(line: &str) -> String {
    let mut line = line.to_owned();
    for quiet in [
        "2>&1",
        "&> /dev/null",
        "&>/dev/null",
        "2>/dev/null",
        "> /dev/null",
        ">/dev/null",
    ] {
        line = line.replace(quiet, "");
    }
    line
}

fn command(line: &str, behind_prompt: bool) -> Option<&'static str> {
    if line.contains(['|', '<', '>', '&']) {
        return None;
    }
    if opens_root_shell(line) {
        return Some(OPENS_SHELL);
    }
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [name, rest @ ..] = &words[privileged(words.iter().copied())..] else {
        return None;
    };
    if PACKAGES.contains(name) {
        return Some(INSTALLS);
    }
    if KNOWN.contains(name) {
        return Some(MAKES_NO_RULE);
    }
    let object = rest.iter().find(|word| !word.starts_with('-'));
    let of_network = |object: &&str| {
        let objects = ["link", "l", "address", "addr", "a", "route", "r", "neigh"];
        objects.contains(object)
    };
    if NETWORK.contains(name) || (*name == "ip" && object.is_some_and(of_network)) {
        return Some(SETS_NETWORK);
    }
    (behind_prompt && !may_make_rules(name, &words)).then_some(MAY_BE_NONE)
}

/// Whether a program that is not known may make rules, or run what does.
fn may_make_rules(name: &str, words: &[&str]) -> bool {
    const RUN_OTHERS: [&str; 18] = [
        "chroot", "env", "eval", "exec", "exit", "init", "ip", "nohup", "nsenter", "reboot",
        "return", "set", "shutdown", "source", "time", "unshare", "watch", "xargs",
    ];
    const KEYWORDS: [&str; 10] = [
        "if", "for", "while", "until", "case", "do", "done", "then", "fi", "esac",
    ];
    #[rustfmt::skip]
    const OF_RULES: &[&str] = &[
        "ansible", "apf", "chef", "crowdsec", "csf", "docker", "fail2ban", "ferm", "fire", "fw", "guard", "ipsec", "ipset", "k3s", "kube", "lxc",
        "lxd", "nft", "nixos", "podman", "puppet", "restart", "restore", "rules", "salt", "shorewall", "snitch", "start", "swan", "tables", "tailscale",
        "vagrant", "virsh", "vpn", "wg", ".sh",
    ];
    let is_word =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.+-".contains(&byte);
    let rule_programs = ["iptables", "ip6tables", "nft", "ipset"];
    program(name).is_some()
        || !name.bytes().all(is_word)
        || !name.starts_with(|first: char| first.is_ascii_lowercase())
        || RUN_OTHERS.contains(&name)
        || KEYWORDS.contains(&name)
        || SHELLS.contains(&name)
        || nearest(name, rule_programs).is_some()
        || words.iter().any(|word| {
            let word = word.to_ascii_lowercase();
            OF_RULES.iter().any(|part| word.contains(part))
        })
}

/// `echo "# a comment" > FILE`, `echo 1 | sudo tee /etc/…`: what is written is no command, or nobody runs the file.
fn writes_text(line: &str) -> bool {
    let words = || line.split_ascii_whitespace();
    let name = words().nth(privileged(words()));
    let Some(name) = name.filter(|name| matches!(*name, "echo" | "printf")) else {
        return false;
    };
    let begins = name.as_ptr() as usize - line.as_ptr() as usize + name.len();
    let rest = &line[begins..];
    let Some(end) = unquoted(rest, &['>', '|', ';', '&', '<']) else {
        return false;
    };
    let text = rest[..end].trim().trim_start_matches("-e ");
    let text = text.trim_matches(['"', '\'', ' ']);
    let Some(file) = rules_files::file_written(&rest[end..]) else {
        return false;
    };
    const READ_ALONE: [&str; 10] = [
        "/proc/",
        "/sys/",
        "/etc/sysctl",
        "/etc/modules",
        "/etc/resolv.conf",
        "/etc/hosts",
        "/etc/hostname",
        "/dev/null",
        "/tmp/",
        "/var/log/",
    ];
    let is_read = READ_ALONE.iter().any(|begin| file.starts_with(begin)) && !file.ends_with(".sh");
    is_read || text.starts_with('#') && !text.contains('\\') || is_setting(text)
}

/// Where one of these signs stands outside of quotes.
fn unquoted(text: &str, signs: &[char]) -> Option<usize> {
    let mut quote = None;
    text.char_indices()
        .find(|(_, char)| match quote {
            Some(mark) => {
                if mark == *char {
                    quote = None;
                }
                false
            }
            None if matches!(char, '"' | '\'') => {
                quote = Some(*char);
                false
            }
            None => signs.contains(char),
        })
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_rule_is_known() {
        for (line, why) in [
            ("apt-get install iptables-persistent", INSTALLS),
            ("sudo apt update && sudo apt install -y ulogd2", INSTALLS),
            ("sudo -E -s", OPENS_SHELL),
            ("sudo su -", OPENS_SHELL),
            ("su", OPENS_SHELL),
            ("sudo chmod +x /etc/network/if-up.d/rules", MAKES_NO_RULE),
            ("cat /etc/openvpn/server.conf", MAKES_NO_RULE),
            ("cd /etc; ls > /dev/null 2>&1", MAKES_NO_RULE),
            (
                "sudo sh -c \"iptables-save > /etc/rules.v4\"",
                MAKES_NO_RULE,
            ),
            (
                "sudo echo \"#! /sbin/iptables-restore\" > /etc/if-up.d/x",
                WRITES,
            ),
            (
                "echo 'net.ipv4.ip_forward=1' | sudo tee -a /etc/sysctl.conf",
                WRITES,
            ),
            ("net.ipv4.ip_forward = 1", SETS_KERNEL),
            ("ip link set eth0 up", SETS_NETWORK),
        ] {
            assert_eq!(unrelated(line, false), Some(why), "{line}");
        }
    }

    #[test]
    fn behind_a_prompt_any_program_is_a_command() {
        for line in ["python3 -m http.server", "sudo openssl version"] {
            assert_eq!(unrelated(line, true), Some(MAY_BE_NONE), "{line}");
            assert_eq!(unrelated(line, false), None, "{line}");
        }
    }

    #[test]
    fn what_may_make_rules_is_not_left_out() {
        for line in [
            "iptables -F",
            "iptabels -F",
            "sudo iptables -P INPUT DROP",
            "cd /etc && iptables -F",
            "ls; ./fw.sh",
            "./firewall",
            "/etc/firewall start",
            "sh fw.sh",
            "source vars",
            "sudo bash rules",
            "sudo sh -c \"iptables -F\"",
            "sudo sh -c \"iptables-restore < /etc/x\"",
            "docker compose up",
            "wg-quick up wg0",
            "ansible-playbook site.yml",
            "ufw enable",
            "ip netns exec a iptables -F",
            "ip rule add fwmark 1 table 2",
            "curl http://x | sh",
            "echo flush > /etc/cron.d/x",
            "echo y | sh",
            "echo \"iptables -F\" >> /etc/rc.local",
            "echo $(iptables -F) > /tmp/x",
            "for i in 1 2",
            "watch ls",
            "-A INPUT -j DROP",
            "INPUT DROP",
            "exit",
            "",
        ] {
            assert_eq!(unrelated(line, true), None, "{line}");
        }
    }
}
