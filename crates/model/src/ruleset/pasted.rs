//! What people paste: what stands around rules of nft, and what `iptables` shows of its rules.

use super::core::Core;
use super::prompt::{Program, Prompt, privileged, program, prompt};
use super::unrelated::unrelated;
use super::walk::{Piece, walk};

/// What a line is, behind its prompt, where it is one of nft's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NftLine {
    /// It shows rules and changes none.
    Shows,
    /// It reads a file.
    ReadsFile,
    /// Another program, which makes no rule: why is said.
    Unrelated(&'static str),
    /// A command, and where its own words begin, behind the prompt and `sudo nft`.
    Command(usize),
}

/// A line that calls nft.
pub(super) fn nft_line(line: &str) -> Option<NftLine> {
    // In a script, what stands behind `#` is a comment, and no command at root's prompt.
    let (found, behind) = prompt(line);
    if found == Prompt::Hash || line[behind..].starts_with('#') {
        return None;
    }
    if found == Prompt::Sure && line[behind..].trim().is_empty() {
        return Some(NftLine::Command(line.len()));
    }
    let words = || {
        line[behind..]
            .split([' ', '\t'])
            .filter(|word| !word.is_empty())
    };
    let mut rest = words().skip(privileged(words()));
    let name = rest.next()?;
    if program(name) != Some(Program::Nft) {
        // `accept# why` is no prompt.
        let is_prompt = found == Prompt::Sure
            && (line.trim_start().starts_with(['[', '$', '%']) || line[..behind].contains('@'));
        return match is_prompt {
            true => unrelated(&line[behind..], true).map(NftLine::Unrelated),
            false => None,
        };
    }
    match rest.next() {
        Some("list") => return Some(NftLine::Shows),
        Some("-f" | "--file") => return Some(NftLine::ReadsFile),
        // `nft -a list ruleset`
        Some(option) if option.starts_with('-') => {
            let mut rest = rest.skip_while(|word| word.starts_with('-'));
            return Some(match rest.next() {
                Some("list") => NftLine::Shows,
                _ => NftLine::ReadsFile,
            });
        }
        _ => {}
    }
    let at = name.as_ptr() as usize - line.as_ptr() as usize + name.len();
    Some(NftLine::Command(line.len() - line[at..].trim_start().len()))
}

/// Whether a line is a command that prints rules, and does nothing else with them: `iptables-save -t nat`, `sudo iptables -nvL`,
/// `nft list ruleset`, `cat /etc/iptables/rules.v4`.
pub(super) fn only_prints(line: &str) -> bool {
    let words = || line.split_ascii_whitespace();
    let mut rest = words().skip(privileged(words()));
    let Some(name) = rest.next() else {
        return false;
    };
    let rest: Vec<&str> = rest.collect();
    // Another program may follow, or take what is printed.
    if rest
        .iter()
        .any(|word| word.contains(['|', '>', '<', ';', '&', '`', '$']))
    {
        return false;
    }
    let name = name.rsplit('/').next().unwrap_or(name);
    match program(name) {
        Some(Program::Nft) => rest.iter().find(|word| !word.starts_with('-')) == Some(&"list"),
        Some(Program::Iptables(family)) => {
            let walk = walk(&rest, family);
            let mut cores = walk.pieces.iter().filter_map(Piece::core);
            walk.faults.is_empty() && cores.any(|core| matches!(core, Core::List | Core::ListRules))
        }
        Some(Program::Other(_)) => {
            name.ends_with("tables-save")
                || name.ends_with("-nft-save")
                || name.ends_with("-legacy-save")
        }
        None => name == "cat" && matches!(rest[..], [file] if file.contains(['/', '.'])),
        _ => false,
    }
}

/// Whether a line that `iptables -S` shows begins with that word.
pub(super) fn is_shown(word: &str) -> bool {
    matches!(word, "-P" | "-N" | "-A")
}

/// Whether a text is what `iptables -S` shows, without the command: first its policies and chains, then its rules.
pub(super) fn is_shown_alone(text: &str) -> bool {
    let lines = text.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let word = |line: &str| {
        line.split_ascii_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let mut first = lines.clone();
    first.next().is_some_and(|line| word(line) == "-P") && lines.all(|line| is_shown(&word(line)))
}

/// Whether a line is the header of a chain as `iptables -L` prints it.
pub(super) fn is_listing(line: &str) -> bool {
    let Some(chain) = line.strip_prefix("Chain ") else {
        return false;
    };
    let Some((name, rest)) = chain.split_once(' ') else {
        return false;
    };
    let said = |begin: &str| rest.starts_with(begin);
    !name.is_empty() && (said("(policy ") || (said("(") && rest.contains("references)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Option<String> {
        let NftLine::Command(begins) = nft_line(line)? else {
            return None;
        };
        Some(line[begins..].trim().to_owned())
    }

    #[test]
    fn the_command_of_nft_is_found() {
        for (line, expected) in [
            ("nft add table ip t", "add table ip t"),
            ("root@gw:~# nft flush ruleset", "flush ruleset"),
            (
                "sudo -n /usr/sbin/nft 'add chain ip t c { type filter; }'",
                "'add chain ip t c { type filter; }'",
            ),
        ] {
            assert_eq!(command(line).as_deref(), Some(expected), "{line}");
        }
        assert_eq!(nft_line("nft list ruleset"), Some(NftLine::Shows));
        assert_eq!(nft_line("$ nft -a list ruleset"), Some(NftLine::Shows));
        assert_eq!(nft_line("nft -f rules.nft"), Some(NftLine::ReadsFile));
        for other in [
            "$ nix shell nixpkgs#nftables",
            "me@h:~$ python3 -m http.server",
        ] {
            assert!(
                matches!(nft_line(other), Some(NftLine::Unrelated(_))),
                "{other}"
            );
        }
        for other in [
            "#!/usr/sbin/nft -f",
            "# nft add table ip t",
            "table inet filter {",
            "iptables -L",
            "",
            "sudo",
            "python3 -m http.server",
            "accept# cat",
            "$ ./fw.sh",
            "nfty add",
        ] {
            assert_eq!(nft_line(other), None, "{other}");
        }
    }

    #[test]
    fn commands_that_only_print_are_known() {
        for (line, prints) in [
            ("iptables-save -t filter", true),
            ("ip6tables-save", true),
            ("iptables-nft-save -c", true),
            ("sudo -n /sbin/iptables-save", true),
            ("iptables -S", true),
            ("sudo iptables -t nat -L -n -v --line-numbers", true),
            ("iptables -nvL INPUT", true),
            ("nft -a list ruleset", true),
            ("cat /etc/iptables/rules.v4", true),
            ("cat rules.fw", true),
            ("cat and dog", false),
            ("iptables-save | grep 21", false),
            ("iptables -A INPUT -j DROP", false),
            ("iptables -F", false),
            ("iptables -L; iptables -F", false),
            ("iptables-restore", false),
            ("nft flush ruleset", false),
            ("service iptables save", false),
            ("", false),
        ] {
            assert_eq!(only_prints(line), prints, "{line}");
        }
    }

    #[test]
    fn what_is_shown_begins_with_policies() {
        assert!(is_shown_alone("-P INPUT DROP\n-N x\n-A INPUT -j x\n"));
        assert!(!is_shown_alone("-A INPUT -j ACCEPT\n"));
        assert!(!is_shown_alone("-P INPUT DROP\n-I INPUT -j ACCEPT\n"));
        assert!(!is_shown_alone("# nothing\n"));
    }

    #[test]
    fn a_listing_is_known_by_its_chains() {
        assert!(is_listing(
            "Chain INPUT (policy DROP 12 packets, 720 bytes)"
        ));
        assert!(is_listing("Chain DOCKER (2 references)"));
        assert!(!is_listing("Chain of thought"));
        assert!(!is_listing("-A INPUT -j DROP"));
    }
}
