use std::sync::Arc;

use super::constants::constant;
use super::front_end::front_end;
use super::mistake::{MistakeBuilder, MistakeKind, Mistakes, Note, Report, quote};
use super::pasted::{self, NftLine};
use super::prompt;
use super::reading::Reading;
use super::rules::Ruleset;
use super::sets::{Sets, is_saved};
use super::text::{Source, SourceText};
use super::{around, commands, saved, script, template};
use fwlab_record::{Family, words};

/// The most bytes that a source may have.
const BYTES_MOST: usize = 64 << 20;

words! {
    /// What a source is written in.
    pub enum Format {
        /// What `iptables-save` writes and `iptables-restore` reads.
        Saved,
        /// Commands, `iptables -A INPUT …`.
        Commands,
        /// A script of nft, which is loaded as it is.
        Nft,
        /// What `ipset save` writes: sets, and no rules.
        Sets,
        /// What `iptables -L` prints for people, which cannot be loaded.
        Listing,
        /// Nothing but blanks and comments: no rules, which is a ruleset too.
        Empty,
        /// None of these.
        Unknown,
    }
}

/// A ruleset as it was read.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The rules, without those lines that are no command.
    pub ruleset: Ruleset,
    /// The sets that a script makes for its rules.
    pub sets: Option<Sets>,
    /// What is no command, or none that can be read.
    pub mistakes: Option<Mistakes>,
    /// What was set aside or read with leniency, in order of line.
    pub notes: Vec<Note>,
    /// What the source was written in.
    pub format: Format,
    /// The text that offsets count in.
    pub source: Arc<SourceText>,
}

/// What a source is written in, by its content.
pub fn recognise(source: &Source) -> Format {
    format_of(SourceText::decode(source).text())
}

/// Reads a ruleset: a dump as `iptables-save` writes it, or commands as people
/// paste them. `family` is that of a dump, which does not say it; commands do.
///
/// Nothing is ever given to a shell. Only what is no command is a mistake here; whether iptables takes the commands
/// is for it to say: [`Attempt`](super::Attempt).
pub fn parse(source: &Source, family: Family) -> Parsed {
    let text = SourceText::decode(source);
    let mut report = Report::new(Arc::clone(&text));
    let format = if too_long(source, &mut report) {
        Format::Unknown
    } else {
        format_of(text.text())
    };
    let mut reading = Reading::default();
    signs(&text, &mut report);
    let may_be_template =
        matches!(format, Format::Saved | Format::Commands | Format::Unknown) && report.count() == 0;
    match format {
        _ if may_be_template && template::tell(text.text(), "iptables-save", &mut report) => {}
        Format::Saved => saved::read(&text, family, &mut reading, &mut report),
        Format::Commands => commands::read(&text, family, &mut reading, &mut report),
        Format::Empty => {}
        Format::Nft => report.push(|| {
            MistakeBuilder::new(MistakeKind::NotARuleset, first_line(&text), "an nft script")
                .label("not iptables rules")
        }),
        Format::Sets => report.push(|| {
            MistakeBuilder::new(
                MistakeKind::NotARuleset,
                first_line(&text),
                "sets of ipset, not rules",
            )
            .label("what `ipset save` writes")
            .help("give it with the rules that match on them")
        }),
        Format::Listing => report.push(|| listing(&text)),
        Format::Unknown => report.push(|| unknown(&text)),
    }
    let (ruleset, sets) = reading.finish(&report);
    let (notes, mistakes) = report.finish();
    Parsed {
        ruleset,
        sets,
        mistakes,
        notes,
        format,
        source: text,
    }
}

/// Tells that a source is longer than any loader takes, where it is.
pub(super) fn too_long(source: &Source, report: &mut Report) -> bool {
    let long = source.text.len() > BYTES_MOST;
    if long {
        report.push(|| {
            MistakeBuilder::new(
                MistakeKind::TooLong,
                0..0,
                format!("more than {} MiB", BYTES_MOST >> 20),
            )
            .label("starts here")
        });
    }
    long
}

fn signs(text: &SourceText, report: &mut Report) {
    around::tell(report);
    let signs = text.signs();
    if signs.byte_order_mark {
        report.note(
            0,
            0,
            "starts with a byte order mark: left out; iptables-restore itself refuses it",
        );
    }
    if signs.crlf {
        report.note(0, 0, "lines end as on Windows (CR LF): taken as line ends; iptables-restore itself refuses them");
    }
}

fn listing(text: &SourceText) -> MistakeBuilder {
    MistakeBuilder::new(
        MistakeKind::NotARuleset,
        first_line(text),
        "what `iptables -L` prints, which lacks interfaces and more",
    )
    .label("for people, not for a loader")
    .help("give what `iptables-save` prints, or `iptables -S`")
}

fn unknown(text: &SourceText) -> MistakeBuilder {
    let span = first_line(text);
    let draft = |kind, message: String| MistakeBuilder::new(kind, span.clone(), message);
    if text.signs().nul || text.signs().replaced {
        return draft(MistakeKind::NotText, "these bytes are not text".to_owned())
            .label("starts so");
    }
    let first = &text.text()[span.clone()];
    let line = quote(first);
    if let Some((name, instead)) = front_end(first) {
        return draft(
            MistakeKind::NotARuleset,
            format!("{name}'s own commands are not rules"),
        )
        .label("its commands make rules that are not in this file")
        .help(format!(
            "run them on that host, and give what {instead} prints there"
        ));
    }
    if is_part_of_nft(text.text()) {
        return draft(
            MistakeKind::NotARuleset,
            "a part of an nft script, without its table".to_owned(),
        )
        .label("in which table?")
        .help("give what `nft list ruleset` prints on the host; or write `table inet filter {` before it and `}` after it");
    }
    if let Some(draft) = script::within_lines(text) {
        return draft;
    }
    draft(MistakeKind::NotARuleset, format!("not a ruleset: `{line}`"))
        .label("neither a dump, nor a command, nor an nft script")
        .help("what `iptables-save` or `nft list ruleset` writes, or lines that start with `iptables` or `nft`")
}

/// Whether a text has what stands in a table of nft, and no table around it.
fn is_part_of_nft(text: &str) -> bool {
    const IN_TABLES: [&str; 7] = ["chain", "set", "map", "counter", "ct", "flowtable", "limit"];
    let lines = text.lines().map(str::trim);
    let mut lines = lines.filter(|line| !is_silent(line));
    lines.any(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words[..] {
            [object, name, ..] if IN_TABLES.contains(&object) && line.contains('{') => {
                name.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '_')
            }
            ["type", _, "hook", ..] => true,
            _ => false,
        }
    })
}

/// Why a text without rules has none, and what to give instead.
pub fn why_empty(source: &Source) -> (&'static str, &'static str) {
    const EVERYTHING_PASSES: &str =
        "with no rules at all, everything passes; write that as `iptables -P INPUT ACCEPT`";
    let text = SourceText::decode(source);
    let comments = || text.text().lines().map(str::trim);
    let comments = || comments().filter_map(|line| line.strip_prefix('#'));
    let name = source.name.rsplit('/').next().unwrap_or_default();
    let is_of_nft = |comment: &str| {
        let of_nft = |word: &str| word.trim_matches('"').contains("nft");
        comment.split_ascii_whitespace().any(of_nft) || is_nft(comment.trim())
    };
    // What `iptables-save` itself writes around tables is no comment of anybody's.
    let said = |comment: &str| {
        let comment = comment.trim();
        !comment.is_empty()
            && !comment.starts_with("Generated by ")
            && !comment.starts_with("Completed on ")
    };
    if name.ends_with(".nft") || name == "nftables.conf" || comments().any(is_of_nft) {
        return (
            "it has no rules, nor anything else for nft to do",
            "give what `nft list ruleset` prints on the host, as root; to have no rules, write `flush ruleset`: then everything passes",
        );
    }
    if comments().any(prompt::starts_command) {
        return (
            "it has no rules: every command is a comment",
            EVERYTHING_PASSES,
        );
    }
    if comments().any(said) {
        return (
            "it has no rules, only comments",
            "give what `iptables-save` prints on the host, as root; with no rules at all everything passes",
        );
    }
    (
        "it has no rules: was iptables-save run as root?",
        EVERYTHING_PASSES,
    )
}

/// The bytes of the first line that says something.
fn first_line(text: &SourceText) -> std::ops::Range<usize> {
    let mut at = 0;
    for line in text.text().split_inclusive('\n') {
        if !is_silent(line) {
            let indent = line.len() - line.trim_start().len();
            return at + indent..at + indent + line.trim().len();
        }
        at += line.len();
    }
    0..0
}

fn is_silent(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

fn format_of(text: &str) -> Format {
    if text.lines().next().is_some_and(is_nft_program) {
        return Format::Nft;
    }
    let mut silent = true;
    let mut listed = false;
    let mut commands = false;
    let mut nft = false;
    let mut for_people = false;
    for line in text.lines() {
        let trimmed = line.trim();
        for_people |= pasted::is_listing(trimmed);
        let is_table = trimmed.strip_prefix('*').is_some_and(|name| {
            name.starts_with(|char: char| char.is_ascii_alphabetic())
                && !name.trim_end().contains(' ')
        });
        if is_table || trimmed == "COMMIT" {
            return Format::Saved;
        }
        let (found, behind) = prompt::prompt(line);
        match pasted::nft_line(line) {
            None => {}
            Some(NftLine::Unrelated(_)) => continue,
            Some(_) => {
                nft = true;
                continue;
            }
        }
        // `IPT=/sbin/iptables`, `IPT="sudo iptables"`
        let program = constant(&trimmed.replace(['"', '\''], ""))
            .is_some_and(|(_, value)| prompt::starts_command(value));
        commands |= program
            || prompt::starts_command(&line[behind..])
            || (found == prompt::Prompt::Sure && line[behind..].contains("tables "));
        if is_silent(line) {
            continue;
        }
        if std::mem::take(&mut silent) {
            if is_saved(trimmed) {
                return Format::Sets;
            }
            if is_nft(trimmed) {
                return Format::Nft;
            }
        }
        listed |= [":", "-A ", "-I ", "-P ", "-N "]
            .iter()
            .any(|start| trimmed.starts_with(start))
            || super::saved::counters(line) > 0;
    }
    if for_people {
        Format::Listing
    } else if commands {
        Format::Commands
    } else if nft {
        Format::Nft
    } else if listed && pasted::is_shown_alone(text) {
        Format::Commands
    } else if listed {
        Format::Saved
    } else if silent {
        Format::Empty
    } else {
        Format::Unknown
    }
}

/// Whether a script of nft begins so.
fn is_nft(line: &str) -> bool {
    const FAMILIES: [&str; 6] = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];
    const OBJECTS: [&str; 13] = [
        "chain",
        "counter",
        "ct",
        "element",
        "flowtable",
        "limit",
        "map",
        "quota",
        "rule",
        "secmark",
        "set",
        "synproxy",
        "table",
    ];
    let mut words = line.split_ascii_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    let of_family = |word: Option<&str>| word.is_some_and(|word| FAMILIES.contains(&word));
    match first {
        "flush" | "list" => matches!(
            second,
            Some("ruleset" | "table" | "chain" | "set" | "map" | "tables")
        ),
        "table" => line.contains('{') || of_family(second) || words.next().is_none(),
        "add" | "create" | "delete" | "destroy" | "insert" | "replace" | "rename" => {
            of_family(second) || second.is_some_and(|object| OBJECTS.contains(&object))
        }
        "include" | "define" => true,
        object => OBJECTS.contains(&object) && of_family(second),
    }
}

/// `#!/usr/sbin/nft -f`
fn is_nft_program(line: &str) -> bool {
    let program = line.strip_prefix("#!").unwrap_or_default();
    program
        .split_ascii_whitespace()
        .any(|word| word.rsplit('/').next() == Some("nft"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_of_nft_is_known_by_its_beginning() {
        for (text, format) in [
            ("#!/usr/sbin/nft -f\n\nlist ruleset\n", Format::Nft),
            ("#!/usr/bin/env -S nft -f\n", Format::Nft),
            ("# rules\n\nflush ruleset\n", Format::Nft),
            ("table inet t {\n}\n", Format::Nft),
            ("\n  table t\n", Format::Nft),
            ("add table inet t\n", Format::Nft),
            ("chain ip t c { }\n", Format::Nft),
            ("add ip filter input drop\n", Format::Nft),
            ("define x = 21\n", Format::Nft),
            ("table of contents\n", Format::Unknown),
            ("set x\n", Format::Unknown),
            ("#!/bin/sh\niptables -A INPUT -j DROP\n", Format::Commands),
            ("#!/bin/sh\nnft flush ruleset\n", Format::Nft),
            (
                "nft flush ruleset\niptables -A INPUT -j DROP\n",
                Format::Commands,
            ),
            (
                "root@gw:~# nft list ruleset\ntable inet t {\n}\n",
                Format::Nft,
            ),
            (
                "# iptables -L\nChain INPUT (policy ACCEPT)\ntarget prot\n",
                Format::Listing,
            ),
            (
                "create banned hash:ip family inet\nadd banned 1.2.3.4\n",
                Format::Sets,
            ),
            ("create table inet t\n", Format::Nft),
            ("*filter\nCOMMIT\n", Format::Saved),
            ("# nothing\n", Format::Empty),
        ] {
            assert_eq!(recognise(&Source::new("test", text)), format, "{text}");
        }
    }

    #[test]
    fn a_text_without_rules_is_told_by_its_form() {
        for (name, text, why) in [
            ("rules.v4", "", "was iptables-save run as root?"),
            (
                "rules.v4",
                "# Generated by iptables-save v1.8.9 on Mon\n# Completed on Mon\n",
                "was iptables-save run as root?",
            ),
            ("rules.nft", "\n", "for nft to do"),
            ("nftables.conf", "# x\n", "for nft to do"),
            (
                "x.conf",
                "#\n# This will contain your nftables rules\n",
                "for nft to do",
            ),
            ("x.conf", "# include \"/etc/nft.d/a\"\n", "for nft to do"),
            (
                "x",
                "#sudo ip6tables -A INPUT -j DROP\n",
                "every command is a comment",
            ),
            (
                "x",
                "# iptables -A INPUT -j DROP\n",
                "every command is a comment",
            ),
            ("x", "# to be written\n", "only comments"),
        ] {
            let (told, _) = why_empty(&Source::new(name, text));
            assert!(told.ends_with(why), "{text}: {told}");
        }
    }

    #[test]
    fn a_part_of_a_script_of_nft_is_told_as_one() {
        let told = |text: &str| {
            let parsed = parse(&Source::new("test", text), Family::Ipv4);
            let mistakes = parsed.mistakes.expect("it is no ruleset");
            let mistake = &mistakes.told()[0];
            (
                mistake.message().to_owned(),
                mistake.help().unwrap_or_default().to_owned(),
            )
        };
        for part in [
            "# in\nchain input {\n  type filter hook input priority 0;\n}\n",
            "set s {\n type ipv4_addr\n}\n",
            "  type filter hook input priority 0; policy drop;\n",
        ] {
            let (message, help) = told(part);
            assert_eq!(message, "a part of an nft script, without its table");
            assert!(help.contains("`nft list ruleset`"), "{help}");
        }
        let (message, help) = told("chain of thought\n");
        assert_eq!(message, "not a ruleset: `chain of thought`");
        assert!(help.contains("`nft list ruleset`"), "{help}");
    }

    #[test]
    fn a_template_is_one_mistake() {
        for text in [
            "*filter\n-A INPUT -i {{ lan }} -j ACCEPT\n-A INPUT -s {{lan}} -j ACCEPT\nCOMMIT\n",
            "*filter\n{% for host in hosts %}\n-A INPUT -s {{ host }} -j ACCEPT\n{% endfor %}\nCOMMIT\n",
            "iptables -A INPUT -s <%= @lan %> -j ACCEPT\n",
            "{% for host in hosts %}\n{{ host }}\n",
        ] {
            let parsed = parse(&Source::new("test", text), Family::Ipv4);
            let mistakes = parsed.mistakes.expect("it is no ruleset");
            let told = mistakes.told();
            assert_eq!((told.len(), mistakes.more()), (1, 0), "{text}");
            assert!(told[0].message().starts_with("a template"), "{text}");
        }
        let text =
            "# {{ x }}\n*filter\n-A INPUT -m comment --comment \"{{ x }}\" -j ACCEPT\nCOMMIT\n";
        let parsed = parse(&Source::new("test", text), Family::Ipv4);
        assert!(parsed.mistakes.is_none());
    }
}
