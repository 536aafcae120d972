//! Tells what kept the words of a statement from being read.

use super::extension::{self, Extension, Takes};
use super::lookalike::{self, Role};
use super::mistake::{MistakeBuilder, MistakeKind, Report, quote};
use super::quoting::Word;
use super::split_option;
use super::statement::{Form, Statement};
use super::suggest::nearest;
use super::tables::listed;
use super::walk::{Fault, Opt, Piece, Value, Walk, core_names};
use fwlab_record::Family;

/// Tells what is written otherwise than it was meant; `false` where nothing is.
pub(super) fn tell(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) -> bool {
    if blanks(statement, walk, report) || split_option::tell(statement, report) {
        return true;
    }
    let before = report.count();
    dashes(statement, walk, report);
    // What follows a stray word mostly strays with it.
    let mut stray_words = walk.faults.iter().filter_map(|fault| match fault {
        Fault::Stray { word } => Some(*word),
        _ => None,
    });
    if let Some(word) = stray_words.next() {
        stray(statement, walk, word, report);
    }
    for fault in &walk.faults {
        if let Fault::Unknown { word } = *fault {
            unknown(statement, walk, word, report);
        }
    }
    for piece in &walk.pieces {
        lookalikes(statement, piece, report);
        negation(statement, piece, report);
    }
    report.count() > before
}

/// Whether the values of a piece are free text, in which any character may be meant.
fn is_free_text(piece: &Piece<'_>) -> bool {
    const FREE: &[&str] = &[
        "comment",
        "log-prefix",
        "nflog-prefix",
        "ulog-prefix",
        "string",
        "hex-string",
        "name",
        "label",
        "hashlimit-name",
        "u32",
        "bytecode",
        "path",
        "led-trigger-id",
        "selctx",
    ];
    match piece.option {
        Opt::Extension { name, .. } => FREE.contains(&name),
        _ => false,
    }
}

fn takes_ports(piece: &Piece<'_>) -> bool {
    match piece.option {
        Opt::Extension { takes, of, .. } => takes == Takes::Ports || of == "multiport",
        _ => false,
    }
}

/// Tells a character that only looks right.
fn lookalikes(statement: &Statement<'_>, piece: &Piece<'_>, report: &mut Report) {
    let values = [piece.first, piece.second].into_iter().flatten();
    for value in values.filter(|value| !value.text.is_ascii()) {
        let mut found = value.text.chars().filter_map(lookalike::lookalike);
        let free = is_free_text(piece);
        let Some(found) = found.find(|found| !free || found.role == Role::Damage) else {
            continue;
        };
        let span = statement.word_span(value.word);
        report.push(|| {
            let mut plain = lookalike::plain(statement.word(value.word));
            if takes_ports(piece) {
                plain = plain.replace('-', ":");
            }
            let fix = statement.write_instead(&[(span.clone(), plain.trim().to_owned())]);
            let quoted = quote(value.text);
            let (kind, message, help) = match found.role {
                Role::Dash => (
                    MistakeKind::Dash,
                    format!("`{quoted}` has {found} in it"),
                    Some(fix),
                ),
                Role::Quote(_) => (
                    MistakeKind::Quote,
                    format!("{found} does not quote: it becomes part of `{quoted}`"),
                    Some(fix),
                ),
                Role::Blank => (
                    MistakeKind::Blank,
                    format!("{found} does not separate words: it becomes part of `{quoted}`"),
                    Some(fix),
                ),
                Role::Nothing => (
                    MistakeKind::Blank,
                    format!("`{quoted}` holds {found}, which cannot be seen"),
                    Some(fix),
                ),
                Role::Damage => (
                    MistakeKind::NotText,
                    format!("`{quoted}` holds {found}"),
                    None,
                ),
            };
            MistakeBuilder::new(kind, span.clone(), message)
                .label(found.to_string())
                .help_if(help)
        });
        return;
    }
}

/// Whether a `!` stands where the option's value should be, as iptables took
/// it once: `--dport ! 21`.
fn is_bare_negation(statement: &Statement<'_>, piece: &Piece<'_>) -> bool {
    let quoted = |value: &Value<'_>| {
        statement
            .words
            .get(value.word)
            .is_some_and(|word| word.quoted)
    };
    piece
        .first
        .is_some_and(|value| value.text == "!" && !quoted(&value))
        && !is_free_text(piece)
}

/// Tells a `!` behind its option, where iptables took it once.
fn negation(statement: &Statement<'_>, piece: &Piece<'_>, report: &mut Report) {
    if !is_bare_negation(statement, piece) {
        return;
    }
    report.push(|| {
        let option = statement.word(piece.at);
        let value = piece.first.map_or(piece.at, |value| value.word + 1);
        MistakeBuilder::new(
            MistakeKind::Negation,
            statement.value_span(piece),
            format!("`!` behind `{option}`"),
        )
        .label("taken for its value")
        .help(format!(
            "write `!` before the option: `! {option} {}`",
            statement.word(value)
        ))
    });
}

/// Tells blanks that separate nothing. Where there are some, the words are not
/// those that were meant, and what else is wrong with them is not worth telling.
fn blanks(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) -> bool {
    if statement.words.iter().all(|word| word.text.is_ascii()) {
        return false;
    }
    let free: Vec<usize> = walk
        .pieces
        .iter()
        .filter(|piece| is_free_text(piece))
        .flat_map(|piece| [piece.first, piece.second].into_iter().flatten())
        .map(|value| value.word)
        .collect();
    let blank = |word: &str| {
        let mut found = word.chars().filter_map(lookalike::lookalike);
        found.find(|found| matches!(found.role, Role::Blank | Role::Nothing))
    };
    let found = statement
        .words
        .iter()
        .enumerate()
        .filter(|(at, word)| !word.quoted && !free.contains(at));
    let found: Vec<_> = found
        .filter_map(|(at, word)| Some((at, blank(&word.text)?)))
        .collect();
    let Some(((at, first), rest)) = found.split_first() else {
        return false;
    };
    report.push(|| {
        let fixes = found.iter().map(|(at, _)| {
            (
                statement.word_span(*at),
                lookalike::plain(statement.word(*at)).trim().to_owned(),
            )
        });
        let word = quote(statement.word(*at));
        let message = match first.role {
            Role::Nothing => format!("`{word}` holds {first}, which cannot be seen"),
            _ => format!("{first} does not separate words: `{word}` is one"),
        };
        let mut draft = MistakeBuilder::new(MistakeKind::Blank, statement.word_span(*at), message)
            .label(first.to_string());
        for (at, found) in rest {
            draft = draft.also(statement.word_span(*at), found.to_string());
        }
        draft.help(statement.write_instead(&fixes.collect::<Vec<_>>()))
    });
    true
}

fn dashes(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) {
    let fixes: Vec<_> = walk
        .faults
        .iter()
        .filter_map(|fault| match fault {
            Fault::Dash { word, meant } => Some((*word, meant.clone())),
            _ => None,
        })
        .collect();
    let Some((first, rest)) = fixes.split_first() else {
        return;
    };
    report.push(|| {
        let label = |word: usize| match lookalike::option_meant(statement.word(word)) {
            Some((found, _)) => found.to_string(),
            None => "one dash".to_owned(),
        };
        let words: Vec<_> = fixes
            .iter()
            .map(|(word, _)| format!("`{}`", statement.word(*word)))
            .collect();
        let meant: Vec<_> = fixes
            .iter()
            .map(|(_, meant)| format!("`{meant}`"))
            .collect();
        let mut found: Vec<_> = fixes.iter().map(|(word, _)| label(*word)).collect();
        found.dedup();
        let (words, meant, found) = (listed(&words), listed(&meant), listed(&found));
        let (has, is) = if rest.is_empty() {
            ("has", "is")
        } else {
            ("have", "are")
        };
        let message = format!("{words} {has} {found}: {meant} {is} meant");
        let words = fixes
            .iter()
            .map(|(word, meant)| (statement.word_span(*word), meant.clone()));
        let mut draft =
            MistakeBuilder::new(MistakeKind::Dash, statement.word_span(first.0), message)
                .label(label(first.0));
        for (word, _) in rest {
            draft = draft.also(statement.word_span(*word), label(*word));
        }
        draft.help(statement.write_instead(&words.collect::<Vec<_>>()))
    });
}

fn stray(statement: &Statement<'_>, walk: &Walk<'_>, word: usize, report: &mut Report) {
    let text = statement.word(word);
    // The `!` behind an option is told with that option.
    let behind_negation = walk.pieces.iter().any(|piece| {
        piece.first.is_some_and(|value| value.word + 1 == word)
            && is_bare_negation(statement, piece)
    });
    if behind_negation {
        return;
    }
    report.push(|| {
        let span = statement.word_span(word);
        let before = &statement.words[..=word];
        let quoted = before.iter().find_map(|word| {
            let mut found = word.text.chars().filter_map(lookalike::lookalike);
            let found = found.find(|found| matches!(found.role, Role::Quote(_)))?;
            Some((word, found))
        });
        if let Some((word, found)) = quoted {
            let odd = |word: &&Word<'_>| {
                word.text
                    .chars()
                    .any(|char| lookalike::lookalike(char).is_some())
            };
            let fixes = before
                .iter()
                .filter(odd)
                .map(|word| (word.span.clone(), lookalike::plain(&word.text)));
            let help = statement.write_instead(&fixes.collect::<Vec<_>>());
            let message = format!("{found} does not quote");
            let draft =
                MistakeBuilder::new(MistakeKind::Quote, word.span.clone(), message).help(help);
            return match word.span == span {
                true => draft.label("the text is split at its blanks"),
                false => draft
                    .label("the text is split at its blanks")
                    .also(span, "is left over"),
            };
        }
        let draft =
            |message: String| MistakeBuilder::new(MistakeKind::StrayWord, span.clone(), message);
        let last = word.checked_sub(1).map_or("", |last| statement.word(last));
        if text.starts_with('#') && statement.form == Form::Saved {
            return draft("a comment after a rule".to_owned())
                .label("iptables-restore takes it for an argument")
                .help("put a comment on its own line, starting with `#`");
        }
        if statement.form == Form::Saved && (last.starts_with('\'') || text.starts_with('\'')) {
            return draft("`'` does not quote in the format of iptables-restore".to_owned())
                .label("the text is split at its blanks")
                .help("quote with `\"`");
        }
        if last.ends_with(',') || text.starts_with(',') {
            return draft(format!("the list `{last} {text}` has a blank in it"))
                .label("is not part of the list")
                .help(format!(
                    "write `{}`",
                    format!("{last}{text}").replace(' ', "")
                ));
        }
        if let Some(option) = text
            .strip_prefix('!')
            .filter(|option| option.starts_with('-'))
        {
            return draft(format!("no blank between `!` and `{option}`"))
                .label("read as one word")
                .help(format!("write `! {option}`"));
        }
        draft(format!("`{}` does not belong to an option", quote(text)))
            .label("iptables: Bad argument")
            .help_if(stray_help(text, last))
    });
}

fn stray_help(text: &str, last: &str) -> Option<String> {
    let name = nearest(text, core_names()).filter(|_| text.len() > 3);
    let name = name.or_else(|| any_option(text).map(|_| text))?;
    Some(format!("`--{name}`? It comes after `{}`", quote(last)))
}

fn unknown(statement: &Statement<'_>, walk: &Walk<'_>, word: usize, report: &mut Report) {
    if report.is_full() {
        // To look for what was meant costs more than all else.
        return;
    }
    let text = statement.word(word);
    let Some(name) = text
        .trim_start_matches('-')
        .split('=')
        .next()
        .filter(|_| text.len() > 2)
    else {
        report.push(|| {
            MistakeBuilder::new(
                MistakeKind::UnknownOption,
                statement.word_span(word),
                format!("iptables has no option `{text}`"),
            )
            .label("unknown")
        });
        return;
    };
    if !text.starts_with("--") {
        report.push(|| {
            MistakeBuilder::new(
                MistakeKind::UnknownOption,
                statement.word_span(word),
                format!("iptables has no option `{text}`"),
            )
            .label("unknown")
            .help_if(nearest(name, core_names()).map(|name| format!("`--{name}`?")))
        });
        return;
    }
    if any_option(name).is_some() {
        report.push(|| out_of_place(statement, walk, word, name));
        return;
    }
    let loaded = walk
        .extensions
        .iter()
        .flat_map(|extension| extension.options());
    let names = core_names().chain(loaded.map(|option| option.name));
    let near = nearest(name, names).or_else(|| nearest(name, every_option()));
    // What resembles nothing may be an option of a later iptables: the loader knows.
    if let Some(near) = near {
        report.push(|| {
            let fix = (statement.word_span(word), text.replacen(name, near, 1));
            MistakeBuilder::new(
                MistakeKind::UnknownOption,
                statement.word_span(word),
                format!("there is no option `--{name}`"),
            )
            .label(format!("`--{near}`?"))
            .help(statement.write_instead(&[fix]))
        });
    }
}

/// An option that exists, but not without what brings it.
fn out_of_place(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    word: usize,
    name: &str,
) -> MistakeBuilder {
    let has = |extension: &&Extension| {
        extension.is_of(statement.family) && extension.options().any(|option| option.name == name)
    };
    let protocols: Vec<_> = extension::matches()
        .iter()
        .filter(has)
        .filter(|extension| ["tcp", "udp", "icmp", "icmp6"].contains(&extension.name))
        .map(|extension| match extension.name {
            "icmp6" => "`-p icmpv6`".to_owned(),
            name => format!("`-p {name}`"),
        })
        .collect();
    let matches = extension::matches()
        .iter()
        .filter(has)
        .map(|extension| format!("`-m {}`", extension.name));
    let targets = extension::targets()
        .iter()
        .filter(has)
        .map(|extension| format!("`-j {}`", extension.name));
    let brought: Vec<_> = if protocols.is_empty() {
        matches.chain(targets).collect()
    } else {
        protocols
    };
    if brought.is_empty() {
        let family = match statement.family {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        };
        return MistakeBuilder::new(
            MistakeKind::UnknownOption,
            statement.word_span(word),
            format!("{family} has no option `--{name}`"),
        )
        .label("of the other family");
    }
    let later = walk
        .pieces
        .iter()
        .skip_while(|piece| piece.at <= word)
        .find(|piece| {
            let written = format!("{} {}", statement.word(piece.at), piece.value());
            brought
                .iter()
                .any(|brings| brings.trim_matches('`') == written)
        });
    let brought = brought.join(" or ");
    let draft = MistakeBuilder::new(
        MistakeKind::OptionOutOfPlace,
        statement.word_span(word),
        format!("`--{name}` needs {brought} before it"),
    );
    match later {
        Some(piece) => draft
            .label("comes too early")
            .also(statement.piece_span(piece), "only here")
            .help("options are read from left to right"),
        None => draft.label(format!("without {brought}, this option does not exist")),
    }
}

fn any_option(name: &str) -> Option<&'static str> {
    every_option().find(|option| *option == name)
}

fn every_option() -> impl Iterator<Item = &'static str> {
    let extensions = extension::matches().iter().chain(extension::targets());
    extensions.flat_map(|extension| extension.options().map(|option| option.name))
}
