//! Scripts that only a shell can carry out: loops, conditions, functions, values that commands give.

use std::ops::Range;

use super::constants::{Constants, constant};
use super::mistake::{MistakeBuilder, MistakeKind};
use super::prompt::{Program, program};
use super::shell::read_command;
use super::text::SourceText;
use fwlab_record::Family;

/// Words that begin what a shell would do several times, perhaps, or elsewhere.
const KEYWORDS: [&str; 9] = [
    "if", "for", "while", "until", "case", "select", "function", "source", "eval",
];

/// What prints the rules that a script made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prints {
    /// `iptables-save` for IPv4 and `ip6tables-save` for IPv6, as far as the script has commands of them.
    Iptables,
    /// `nft list ruleset`
    Nft,
}

/// The one mistake of a script that needs a shell: what to run in its place.
pub(super) fn needs_shell(source: &SourceText, prints: Prints) -> Option<MistakeBuilder> {
    let text = source.text();
    let (span, what) = first(text)?;
    let save = match prints {
        Prints::Nft => "nft list ruleset",
        Prints::Iptables => match families(text)[..] {
            [Family::Ipv6] => "ip6tables-save",
            [_, _] => "iptables-save; ip6tables-save",
            _ => "iptables-save",
        },
    };
    let shell = shell(text);
    let name = match source.name() {
        name if is_plain(name) => name,
        _ => "FILE",
    };
    let draft = MistakeBuilder::new(MistakeKind::Shell, span, what)
        .label("only a shell can run this")
        .help(format!(
            "`unshare -rn sh -c '{shell} {name}; {save}'` runs it in its own network namespace and changes nothing here: give what that prints"
        ));
    Some(draft)
}

/// The same of a text in which no line begins with a command, as a loop that stands in one line.
pub(super) fn within_lines(source: &SourceText) -> Option<MistakeBuilder> {
    let mut programs = source.text().split_ascii_whitespace().filter_map(program);
    let prints = programs.find_map(|program| match program {
        Program::Iptables(_) => Some(Prints::Iptables),
        Program::Nft => Some(Prints::Nft),
        _ => None,
    })?;
    needs_shell(source, prints)
}

/// The first thing that only a shell can do, and what it is.
fn first(text: &str) -> Option<(Range<usize>, String)> {
    let mut constants = Constants::new();
    let mut at = 0;
    while at < text.len() {
        let start = at;
        let command = read_command(text, start, &constants, |_| false);
        at = command.next;
        let line = text[start..].lines().next().unwrap_or_default();
        let begins = start + line.len() - line.trim_start().len();
        let span = begins..start + line.trim_end().len();
        let line = line.trim();
        let Some(first) = line.split_ascii_whitespace().next() else {
            continue;
        };
        if first.starts_with('#') {
            continue;
        }
        if KEYWORDS.contains(&first) {
            return Some((span, format!("`{first}`: fwlab gives no file to a shell")));
        }
        if let Some((name, _)) = line.split_once("()")
            && is_name(name.trim())
        {
            let what = format!(
                "the function `{}`: fwlab gives no file to a shell",
                name.trim()
            );
            return Some((span, what));
        }
        let exported = ["export ", "readonly ", "local "];
        let mut exported = exported.iter().filter_map(|word| line.strip_prefix(word));
        let assigned = exported.next().unwrap_or(line).trim_start();
        let Some((name, value)) = assigned.split_once('=').filter(|(name, _)| is_name(name)) else {
            continue;
        };
        let whole = command.words.last().filter(|_| command.refused.is_none());
        match whole.and_then(|word| constant(&word.text)) {
            Some((name, value)) => {
                constants.insert(name.to_owned(), value.to_owned());
            }
            // `A=1 iptables …` is a command.
            None if command.words.len() > 1 && command.refused.is_none() => {}
            None if value.is_empty() => {}
            None => {
                let what = format!("the value of `{name}`: fwlab gives no file to a shell");
                return Some((span, what));
            }
        }
    }
    None
}

fn is_name(word: &str) -> bool {
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !word.is_empty() && word.bytes().all(of_name)
}

fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./-+".contains(&byte);
    !name.is_empty() && name.bytes().all(plain)
}

/// The shell that a script's first line names.
fn shell(text: &str) -> &'static str {
    let first = text.lines().next().unwrap_or_default();
    let named = |name: &str| first.starts_with("#!") && first.contains(name);
    ["bash", "ksh", "zsh"]
        .into_iter()
        .find(|name| named(name))
        .unwrap_or("sh")
}

/// The families that a script has commands of.
fn families(text: &str) -> Vec<Family> {
    let has = |family: &str| {
        let mut words = text.split(|char: char| !char.is_ascii_alphanumeric());
        words.any(|word| word == family)
    };
    let both = [("iptables", Family::Ipv4), ("ip6tables", Family::Ipv6)];
    let said = both.into_iter().filter(|(name, _)| has(name));
    said.map(|(_, family)| family).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruleset::{Source, parse};

    fn what(text: &str) -> Option<String> {
        Some(first(text)?.1)
    }

    #[test]
    fn what_only_a_shell_can_do_is_found() {
        for (text, found) in [
            ("for p in 20 21; do\n", "`for`"),
            ("A=1\nif [ -x /sbin/iptables ]; then\n", "`if`"),
            ("IP=$(hostname -I)\n", "the value of `IP`"),
            ("export IP=\"`hostname -I`\"\n", "the value of `IP`"),
            ("NETS=\"10.0.0.0/8 192.0.2.0/24\"\n", "the value of `NETS`"),
            ("open() {\n", "the function `open`"),
            ("open () {\n", "the function `open`"),
            ("function open {\n", "`function`"),
        ] {
            let what = what(text).unwrap_or_default();
            assert!(what.starts_with(found), "{text}: {what}");
        }
        for text in [
            "iptables -A INPUT -m comment --comment \"if\" -j ACCEPT\n",
            "# for p in 20 21; do\n",
            "IPT=/sbin/iptables\nIF=${IF:-eth0}\n$IPT -P INPUT DROP\n",
            "iptables -A INPUT -p tcp --dport $PORT -j ACCEPT\n",
        ] {
            assert_eq!(what(text), None, "{text}");
        }
    }

    #[test]
    fn a_loop_in_one_line_is_a_script_as_well() {
        for (text, prints) in [
            (
                "for p in 20 21; do iptables -A INPUT -p tcp --dport $p -j ACCEPT; done\n",
                "; iptables-save'",
            ),
            (
                "while read a; do nft add rule inet f i ip saddr $a accept; done < list\n",
                "; nft list ruleset'",
            ),
        ] {
            let parsed = parse(&Source::new("fw.sh", text), Family::Ipv4);
            let mistakes = parsed.mistakes.expect("no shell carries it out");
            let help = mistakes.told()[0].help().map(|help| help.to_string());
            assert!(help.is_some_and(|help| help.contains(prints)), "{text}");
        }
        let source = SourceText::new("fw.sh", "for a in list; do echo $a; done\n");
        assert!(within_lines(&source).is_none());
    }

    #[test]
    fn both_families_of_a_script_are_to_be_printed() {
        assert_eq!(families("ip6tables -P INPUT DROP"), [Family::Ipv6]);
        assert_eq!(families("/sbin/iptables -F; ip6tables -F").len(), 2);
        assert_eq!(shell("#!/bin/bash\n"), "bash");
        assert_eq!(shell("# bash\n"), "sh");
    }
}
