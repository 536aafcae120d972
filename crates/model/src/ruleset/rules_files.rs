//! Files that a text saves its rules in, and loads them from.

use super::prompt::{Program, privileged, program};
use fwlab_record::Family;

/// What `iptables-restore` is told to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loads<'l> {
    pub(super) file: Option<&'l str>,
    /// Whether the rules that are there stay: `--noflush`.
    pub(super) adds: bool,
}

/// What a command that prints rules does with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Saves<'l> {
    pub(super) family: Family,
    /// The file that it puts them into.
    pub(super) file: Option<&'l str>,
}

/// The family of a program's name.
pub(super) fn family(name: &str) -> Family {
    let name = name.rsplit('/').next().unwrap_or(name);
    match name.starts_with("ip6") {
        true => Family::Ipv6,
        false => Family::Ipv4,
    }
}

/// Of a command that prints rules and does nothing else with them but put them into a file: that file, where it names one.
/// `iptables-save > FILE`, `sudo iptables-save | sudo tee FILE`, `nft list ruleset > FILE`
pub(super) fn saves(line: &str) -> Option<Saves<'_>> {
    if let Some(inside) = in_shell(line) {
        return saves(inside);
    }
    let end = line.find(['>', '|']).unwrap_or(line.len());
    let (command, rest) = line.split_at(end);
    let words: Vec<&str> = command.split_ascii_whitespace().collect();
    let [name, options @ ..] = &words[privileged(words.iter().copied())..] else {
        return None;
    };
    let prints = match program(name) {
        Some(Program::Other(_)) => name.ends_with("-save"),
        Some(Program::Nft) => options.iter().find(|word| !word.starts_with('-')) == Some(&"list"),
        _ => false,
    };
    if !prints || command.contains(['<', ';', '&', '`', '$']) {
        return None;
    }
    let file = match rest.trim().is_empty() {
        true => None,
        false => Some(file_written(rest)?),
    };
    let family = family(name);
    Some(Saves { family, file })
}

/// The file of `> FILE`, `>> FILE` and `| sudo tee FILE`, where nothing else stands behind a command.
pub(super) fn file_written(rest: &str) -> Option<&str> {
    let rest = rest.trim();
    let file = if let Some(file) = rest.strip_prefix('>') {
        file.strip_prefix('>').unwrap_or(file).trim()
    } else {
        let words: Vec<&str> = rest.strip_prefix('|')?.split_ascii_whitespace().collect();
        match &words[privileged(words.iter().copied())..] {
            ["tee", file] | ["tee", "-a", file] => *file,
            _ => return None,
        }
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_./-+~@%$".contains(&byte);
    (!file.is_empty() && file.bytes().all(is_name)).then_some(file)
}

/// What stands between the quotes of `sh -c "…"`.
pub(super) fn in_shell(line: &str) -> Option<&str> {
    let line = line.trim();
    let words = || line.split_ascii_whitespace();
    let mut rest = words().skip(privileged(words()));
    let shell = rest.next()?.rsplit('/').next();
    if !matches!(shell, Some("sh" | "bash" | "dash")) || rest.next() != Some("-c") {
        return None;
    }
    let (_, inside) = line.split_once(" -c")?;
    let inside = inside.trim();
    ['"', '\''].into_iter().find_map(|mark| {
        let inside = inside.strip_prefix(mark)?.strip_suffix(mark)?;
        (!inside.contains(mark)).then_some(inside)
    })
}

/// What a command of `iptables-restore` loads.
pub(super) fn loads(line: &str) -> Loads<'_> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let rest = words.iter().skip(privileged(words.iter().copied()) + 1);
    let rest: Vec<&str> = rest.copied().collect();
    let (options, names): (Vec<&str>, Vec<&str>) =
        rest.iter().partition(|word| word.starts_with('-'));
    let is_short = |word: &str| !word.starts_with("--") && word.contains('n');
    let adds = (options.iter()).any(|word| is_short(word) || *word == "--noflush");
    let file = match names[..] {
        ["<", file] => Some(file),
        [file] => Some(file.strip_prefix('<').unwrap_or(file)),
        _ => None,
    };
    let plain = |file: &&str| !file.contains(['<', '>', '|', ';', '&', '`', '$', '(']);
    Loads {
        file: file.filter(plain),
        adds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_known_with_its_file() {
        for (line, file) in [
            ("iptables-save > ./a", Some(Some("./a"))),
            ("sudo iptables-save >> /etc/a.v4", Some(Some("/etc/a.v4"))),
            ("sudo iptables-save | sudo tee /etc/a", Some(Some("/etc/a"))),
            ("nft list ruleset > /etc/a.nft", Some(Some("/etc/a.nft"))),
            (
                "sudo sh -c \"iptables-save > /etc/a\"",
                Some(Some("/etc/a")),
            ),
            ("ip6tables-save", Some(None)),
            ("iptables-save | grep 21", None),
            ("iptables-save > a; iptables -F", None),
            ("iptables -F > a", None),
            ("sudo sh -c 'iptables -F'", None),
            ("sh x -c 'iptables-save'", None),
        ] {
            assert_eq!(saves(line).map(|saves| saves.file), file, "{line}");
        }
    }

    #[test]
    fn what_is_loaded_is_known() {
        for (line, file, adds) in [
            ("sudo iptables-restore < /etc/a", Some("/etc/a"), false),
            ("iptables-restore </etc/a", Some("/etc/a"), false),
            ("iptables-restore -n /etc/a", Some("/etc/a"), true),
            ("iptables-restore --noflush < a", Some("a"), true),
            ("iptables-restore < $A", None, false),
            ("iptables-restore", None, false),
        ] {
            assert_eq!(loads(line), Loads { file, adds }, "{line}");
        }
    }
}
