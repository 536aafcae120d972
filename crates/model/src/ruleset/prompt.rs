//! What stands before a command in a text that people paste: prompts, `sudo`.

use fwlab_record::Family;

/// What a command line starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// `iptables` or `ip6tables`, of either backend.
    Iptables(Family),
    /// Loads another file.
    Restore,
    /// nft, which has a language of its own.
    Nft,
    /// Makes the sets that rules match on.
    Ipset,
    /// Changes no rule; the words say why it is left out.
    Other(&'static str),
}

/// The program that a word names, with or without its folder.
pub(super) fn program(word: &str) -> Option<Program> {
    if word.contains('=') {
        return None;
    }
    if word.starts_with("/etc/init.d/") || word.starts_with("/etc/rc.d/") {
        return Some(Program::Other("starts or stops a service"));
    }
    Some(match word.rsplit('/').next().unwrap_or(word) {
        "iptables" | "iptables-nft" | "iptables-legacy" => Program::Iptables(Family::Ipv4),
        "ip6tables" | "ip6tables-nft" | "ip6tables-legacy" => Program::Iptables(Family::Ipv6),
        "iptables-restore"
        | "ip6tables-restore"
        | "iptables-nft-restore"
        | "ip6tables-nft-restore"
        | "iptables-legacy-restore"
        | "ip6tables-legacy-restore"
        | "iptables-apply" => Program::Restore,
        "iptables-save"
        | "ip6tables-save"
        | "iptables-nft-save"
        | "ip6tables-nft-save"
        | "iptables-legacy-save"
        | "ip6tables-legacy-save" => Program::Other("only shows the rules"),
        "modprobe" | "insmod" | "depmod" | "rmmod" | "lsmod" => {
            Program::Other("loads modules; the lab's kernel loads its own")
        }
        "service"
        | "systemctl"
        | "chkconfig"
        | "rc-service"
        | "rc-update"
        | "update-rc.d"
        | "netfilter-persistent"
        | "invoke-rc.d" => Program::Other("starts, stops or saves a service"),
        "sysctl" => {
            Program::Other("sets kernel parameters, not rules; a scenario has its own sysctls")
        }
        "ipset" => Program::Ipset,
        "nft" => Program::Nft,
        _ => return None,
    })
}

/// `echo 1 > /proc/sys/…`, which is left out like `sysctl`.
pub(super) fn writes_proc(line: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("sudo ").unwrap_or(line);
    (line.starts_with("echo ") || line.starts_with("printf ") || line.starts_with("cat "))
        && line.contains("/proc/")
}

/// How many words stand before the program: `sudo` or `doas` with its options.
pub(super) fn privileged<'w>(mut words: impl Iterator<Item = &'w str>) -> usize {
    match words.next() {
        Some("sudo" | "doas") => {}
        _ => return 0,
    }
    let mut skipped = 1;
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            break;
        }
        skipped += 1;
        if matches!(word, "-u" | "-g") && words.next().is_some() {
            skipped += 1;
        }
    }
    skipped
}

/// Whether a text starts with a command that is known here.
pub(super) fn starts_command(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    let words = || line.split([' ', '\t']).filter(|word| !word.is_empty());
    writes_proc(line)
        || words()
            .nth(privileged(words()))
            .is_some_and(|word| program(word).is_some())
}

/// What stands before a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    None,
    /// `# `, a prompt or a comment.
    Hash,
    /// What can only be a prompt.
    Sure,
}

/// The prompt that a line starts with, and its length.
pub(super) fn prompt(line: &str) -> (Prompt, usize) {
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    let text = &line[indent..];
    let behind = |at: usize| {
        let blanks = text[at..].len() - text[at..].trim_start_matches([' ', '\t']).len();
        indent + at + blanks
    };
    if let Some(rest) = text.strip_prefix('#') {
        return if rest.starts_with([' ', '\t']) && starts_command(rest) {
            (Prompt::Hash, behind(1))
        } else {
            (Prompt::None, indent)
        };
    }
    if text.starts_with("$ ") || text.starts_with("% ") {
        return (Prompt::Sure, behind(1));
    }
    // `[root@host ~]# `, `root@host:~# `, `bash-5.2# `
    let end = if text.starts_with('[') {
        text.find(']').map(|at| at + 1)
    } else {
        let name = |char: char| char.is_ascii_alphanumeric() || "@.-_:~/".contains(char);
        Some(text.find(|char: char| !name(char)).unwrap_or(text.len()))
    };
    if let Some(end) = end.filter(|end| *end > 0) {
        let rest = &text[end..];
        // Of one that nothing stands behind, an editor may have taken the blank away.
        let is_bare = matches!(rest, "#" | "$") && (text.starts_with('[') || text.contains('@'));
        if rest.starts_with("# ") || rest.starts_with("$ ") || is_bare {
            return (Prompt::Sure, behind(end + 1));
        }
    }
    if let Some(end) = of_words(text) {
        return (Prompt::Sure, behind(end));
    }
    (Prompt::None, indent)
}

/// Where a prompt of several words ends: some words, who is at which host, perhaps the folder, and the sign, as
/// `[Tue] 10:11 root@fw ~ # `.
fn of_words(text: &str) -> Option<usize> {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_user = |word: &str| {
        let named = |part: &str| !part.is_empty() && part.bytes().all(name);
        let at = word.trim_start_matches('[').split_once('@');
        at.is_some_and(|(user, host)| {
            named(user) && named(host.split(':').next().unwrap_or_default())
        })
    };
    let words = text.split([' ', '\t']).filter(|word| !word.is_empty());
    let mut words = words.take(7).skip_while(|word| !is_user(word));
    // What begins as a rule or a command does is none.
    if text.starts_with(['-', ':', '*']) || starts_command(text) {
        return None;
    }
    words.next()?;
    // `root@host ~]# ` has lost its first sign.
    let is_sign = |word: &&str| matches!(*word, "#" | "$" | "%") || word.ends_with("]#");
    let sign = words.take(2).find(is_sign)?;
    let end = sign.as_ptr() as usize - text.as_ptr() as usize + sign.len();
    let rest = text[end..].trim_start_matches([' ', '\t']);
    (rest.is_empty() || starts_command(rest)).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> (Prompt, &str) {
        let (found, at) = prompt(line);
        (found, &line[at..])
    }

    #[test]
    fn prompts_are_recognised() {
        assert_eq!(command("# iptables -L"), (Prompt::Hash, "iptables -L"));
        assert_eq!(
            command("#  sudo -n /sbin/iptables -L"),
            (Prompt::Hash, "sudo -n /sbin/iptables -L")
        );
        assert_eq!(command("# the rules"), (Prompt::None, "# the rules"));
        assert_eq!(command("#iptables -L"), (Prompt::None, "#iptables -L"));
        assert_eq!(command("  $ iptables -L"), (Prompt::Sure, "iptables -L"));
        assert_eq!(
            command("root@host:~# iptables -L"),
            (Prompt::Sure, "iptables -L")
        );
        assert_eq!(
            command("[root@host ~]# iptables -L"),
            (Prompt::Sure, "iptables -L")
        );
        assert_eq!(
            command("bash-5.2$ sudo iptables"),
            (Prompt::Sure, "sudo iptables")
        );
        assert_eq!(
            command("iptables -A INPUT # x"),
            (Prompt::None, "iptables -A INPUT # x")
        );
        assert_eq!(command("[root@host ~]#"), (Prompt::Sure, ""));
        assert_eq!(command("root@host:~$"), (Prompt::Sure, ""));
        for (line, rest) in [
            ("[Tue] 10:11 root@fw ~ # iptables -S", "iptables -S"),
            (
                "10:11 me@fw.example:/etc $ sudo iptables -S",
                "sudo iptables -S",
            ),
            ("[Tue] 10:11 root@fw ~ #", ""),
            ("root@fw ~]# iptables -S", "iptables -S"),
        ] {
            assert_eq!(command(line), (Prompt::Sure, rest));
        }
        for line in [
            "ask root@fw # about iptables",
            "-A INPUT -m comment --comment root@fw # iptables -S",
            "iptables -A INPUT -m comment --comment root@fw # iptables -S",
            "two @ fw # iptables -S",
        ] {
            assert_eq!(prompt(line).0, Prompt::None, "{line}");
        }
        assert_eq!(command("INPUT#"), (Prompt::None, "INPUT#"));
        assert_eq!(command("$IPT -A INPUT"), (Prompt::None, "$IPT -A INPUT"));
    }

    #[test]
    fn programs_are_known_by_name() {
        assert_eq!(
            program("/sbin/iptables"),
            Some(Program::Iptables(Family::Ipv4))
        );
        assert_eq!(
            program("ip6tables-nft"),
            Some(Program::Iptables(Family::Ipv6))
        );
        assert_eq!(program("iptables-restore"), Some(Program::Restore));
        assert_eq!(program("ls"), None);
        assert_eq!(program("IPT=/sbin/iptables"), None);
        assert!(starts_command("echo 1 > /proc/sys/net/ipv4/ip_forward"));
        assert!(starts_command("sudo -u root iptables -L"));
        assert!(!starts_command("echo hello"));
        assert_eq!(
            privileged(["sudo", "-E", "-u", "root", "iptables"].into_iter()),
            4
        );
    }
}
