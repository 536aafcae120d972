use std::sync::Arc;

use super::apply::Applier;
use super::mistake::{Draft, MistakeKind, Mistakes, Note, Report, quote};
use super::prompt;
use super::rule::Ruleset;
use super::text::{Source, SourceText};
use super::{commands, saved};
use crate::Family;
use crate::word::words;

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
        /// Nothing but blanks and comments: no rules, which is a ruleset too.
        Empty,
        /// None of these.
        Unknown,
    }
}

/// A ruleset as it was read.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The rules.
    pub ruleset: Ruleset,
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
/// Nothing is ever given to a shell. What the loader would surely refuse, or
/// take and misdo, is a mistake; what it may know better is left to it.
///
/// # Errors
/// Every mistake at once, up to [`MISTAKES_TOLD`](super::MISTAKES_TOLD).
pub fn parse(source: &Source, family: Family) -> Result<Parsed, Mistakes> {
    let text = SourceText::decode(source);
    let mut report = Report::new(Arc::clone(&text));
    let format = if source.text.len() > BYTES_MOST {
        report.push(|| {
            Draft::new(
                MistakeKind::TooLong,
                0..0,
                format!("more than {} MiB", BYTES_MOST >> 20),
            )
            .label("starts here")
        });
        Format::Unknown
    } else {
        format_of(text.text())
    };
    let mut applier = Applier::default();
    signs(&text, &mut report);
    match format {
        Format::Saved => saved::read(&text, family, &mut applier, &mut report),
        Format::Commands => commands::read(&text, &mut applier, &mut report),
        Format::Empty => {}
        Format::Nft => report.push(|| {
            Draft::new(
                MistakeKind::NotARuleset,
                first_line(&text),
                "a script of nft",
            )
            .label("no rules of iptables")
        }),
        Format::Unknown => report.push(|| unknown(&text)),
    }
    let ruleset = applier.finish(&mut report);
    let notes = report.finish()?;
    Ok(Parsed {
        ruleset,
        notes,
        format,
        source: text,
    })
}

fn signs(text: &SourceText, report: &mut Report) {
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

fn unknown(text: &SourceText) -> Draft {
    let span = first_line(text);
    let draft = |kind, message: String| Draft::new(kind, span.clone(), message);
    if text.signs().nul || text.signs().replaced {
        return draft(MistakeKind::NotText, "these bytes are no text".to_owned())
            .label("starts so");
    }
    let line = quote(&text.text()[span.clone()]);
    draft(MistakeKind::NotARuleset, format!("no ruleset: `{line}`"))
        .label("neither a dump nor a command")
        .help("what `iptables-save` writes, or lines that start with `iptables`")
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
    let mut silent = true;
    let mut listed = false;
    let mut commands = false;
    for line in text.lines() {
        let trimmed = line.trim();
        let is_table = trimmed.strip_prefix('*').is_some_and(|name| {
            name.starts_with(|char: char| char.is_ascii_alphabetic())
                && !name.trim_end().contains(' ')
        });
        if is_table || trimmed == "COMMIT" {
            return Format::Saved;
        }
        let (found, behind) = prompt::prompt(line);
        commands |= prompt::starts_command(&line[behind..])
            || (found == prompt::Prompt::Sure && line[behind..].contains("tables "));
        if is_silent(line) {
            continue;
        }
        if std::mem::take(&mut silent) && is_nft(trimmed) {
            return Format::Nft;
        }
        listed |= [":", "-A ", "-I ", "-P ", "-N "]
            .iter()
            .any(|start| trimmed.starts_with(start))
            || super::saved::counters(line) > 0;
    }
    if commands {
        Format::Commands
    } else if listed {
        Format::Saved
    } else if silent {
        Format::Empty
    } else {
        Format::Unknown
    }
}

fn is_nft(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    match words.next() {
        Some("flush") => words.next() == Some("ruleset"),
        Some("table") => {
            line.contains('{')
                || matches!(
                    words.next(),
                    Some("ip" | "ip6" | "inet" | "arp" | "bridge" | "netdev")
                )
        }
        Some("add" | "create" | "delete" | "destroy" | "insert") => {
            matches!(
                words.next(),
                Some("table" | "chain" | "rule" | "set" | "map" | "element")
            )
        }
        Some("include" | "define") => true,
        _ => false,
    }
}
