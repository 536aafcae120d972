//! What the loader surely refuses in one rule, or takes and misdoes.

use super::check_value::{
    addresses, extension_value, match_name, ports, protocol_name, takes_ports,
};
use super::extension;
use super::lookalike::{self, Role};
use super::mistake::{Draft, MistakeKind, Report, quote};
use super::statement::Statement;
use super::value;
use super::walk::{Core, Fault, Opt, Piece, Value, Walk};

/// The most words and the longest word and line that `iptables-restore` takes
/// (`MAX_ARGC`, `PARAM_BUFFER` and the line buffer in iptables/xshared.h and
/// iptables-restore.c), less what it adds itself.
const WORDS_MOST: usize = 250;
const WORD_LONGEST: usize = 1023;
pub(super) const LINE_LONGEST: usize = 10_200;

/// Tells what is wrong with the options and values of a rule, wherever it stands.
pub(super) fn rule(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) {
    for (at, piece) in walk.pieces.iter().enumerate() {
        if !lookalikes(statement, piece, report) || falls_apart(walk, piece) {
            continue;
        }
        negation(statement, piece, report);
        if let Some(core) = piece.core() {
            repeated(statement, walk, at, core, report);
            core_value(statement, piece, core, report);
        } else if let Opt::Extension { name, takes, of } = piece.option {
            if takes == extension::Takes::Ports {
                ports(statement, piece, report);
            }
            extension_value(statement, walk, piece, of, name, report);
        }
    }
    negated_lists(statement, walk, report);
    missing_options(statement, walk, report);
    protocol_needed(statement, walk, report);
}

/// Whether the value is a list that goes on behind a blank: told already.
fn falls_apart(walk: &Walk<'_>, piece: &Piece<'_>) -> bool {
    piece.first.is_some_and(|value| {
        let next = Fault::Stray {
            word: value.word + 1,
        };
        value.text.ends_with(',') && walk.faults.contains(&next)
    })
}

/// The protocol that a rule is about, without and with its `!`.
pub(super) fn protocol<'w>(walk: &'w Walk<'w>) -> Option<(&'w str, bool)> {
    let piece = walk
        .pieces
        .iter()
        .find(|piece| piece.core() == Some(Core::Protocol))?;
    Some((piece.value(), piece.negation.is_some()))
}

pub(super) fn is_of_protocol(walk: &Walk<'_>, name: &str, number: u64) -> bool {
    protocol(walk)
        .is_some_and(|(written, negated)| !negated && value::is_protocol(written, name, number))
}

/// Whether the values of a piece are free text, in which any character may be meant.
pub(super) fn is_free_text(piece: &Piece<'_>) -> bool {
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

/// Tells a character that only looks right; `false` when there was one, and
/// the value is not worth a further look.
fn lookalikes(statement: &Statement<'_>, piece: &Piece<'_>, report: &mut Report) -> bool {
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
            Draft::new(kind, span.clone(), message)
                .label(found.to_string())
                .help_if(help)
        });
        return false;
    }
    true
}

/// Whether a `!` stands where the option's value should be, as iptables took
/// it once: `--dport ! 21`.
pub(super) fn is_bare_negation(statement: &Statement<'_>, piece: &Piece<'_>) -> bool {
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

fn negation(statement: &Statement<'_>, piece: &Piece<'_>, report: &mut Report) {
    let option = statement.word(piece.at);
    if is_bare_negation(statement, piece) {
        report.push(|| {
            let value = piece.first.map_or(piece.at, |value| value.word + 1);
            Draft::new(
                MistakeKind::Negation,
                statement.value_span(piece),
                format!("`!` behind `{option}`"),
            )
            .label("taken for its value")
            .help(format!(
                "`!` stands before the option: `! {option} {}`",
                statement.word(value)
            ))
        });
        return;
    }
    use Core::{Destination, Fragment, In, Out, Protocol, Source};
    let negatable = matches!(
        piece.core(),
        None | Some(Source | Destination | Protocol | In | Out | Fragment)
    );
    if let (Some(word), false) = (piece.negation, negatable) {
        report.push(|| {
            Draft::new(
                MistakeKind::Negation,
                statement.word_span(word),
                format!("`!` before `{option}`"),
            )
            .label("negates nothing here")
        });
    }
}

fn repeated(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    at: usize,
    core: Core,
    report: &mut Report,
) {
    let alike = |piece: &&Piece<'_>| match (piece.core(), core) {
        (Some(Core::Jump | Core::Goto), Core::Jump | Core::Goto) => true,
        (Some(other), _) => other == core,
        (None, _) => false,
    };
    use Core::{Destination, In, Out, Protocol, Source};
    if !matches!(
        core,
        Source | Destination | Protocol | In | Out | Core::Jump | Core::Goto
    ) {
        return;
    }
    let Some(first) = walk.pieces[..at].iter().find(alike) else {
        return;
    };
    report.push(|| {
        let piece = &walk.pieces[at];
        let option = core.written();
        Draft::new(
            MistakeKind::Repeated,
            statement.piece_span(piece),
            format!("a second `{option}` in one rule"),
        )
        .label("the second")
        .also(statement.piece_span(first), "the first")
        .help_if(match core {
            Source | Destination => Some(format!(
                "several addresses: `{option} {},{}`",
                first.value(),
                piece.value()
            )),
            Core::Jump | Core::Goto => Some("a rule has one target: write two rules".to_owned()),
            _ => Some("write two rules".to_owned()),
        })
    });
}

fn core_value(statement: &Statement<'_>, piece: &Piece<'_>, core: Core, report: &mut Report) {
    let Some(value) = piece
        .first
        .map(|value| value.text)
        .filter(|text| *text != "!")
    else {
        return;
    };
    match core {
        Core::Source | Core::Destination => addresses(statement, piece, value, report),
        Core::Protocol => protocol_name(statement, piece, value, report),
        Core::In | Core::Out if value.is_empty() || value.len() > 15 => report.push(|| {
            let message = if value.is_empty() {
                "an interface without a name".to_owned()
            } else {
                format!("no interface is named `{}`", quote(value))
            };
            Draft::new(
                MistakeKind::BadInterface,
                statement.value_span(piece),
                message,
            )
            .label("a name has 1 to 15 bytes")
        }),
        Core::Match => match_name(statement, piece, value, report),
        Core::Counters if piece.second.is_none() && !value.contains(',') => report.push(|| {
            Draft::new(
                MistakeKind::MissingValue,
                statement.piece_span(piece),
                "`-c` needs two counters",
            )
            .label("packets, and bytes?")
            .help("`-c 0 0`")
        }),
        _ => {}
    }
}

/// A list becomes rules, and a `!` before any address of them all would
/// negate but one (`xtables` refuses both sides together).
fn negated_lists(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) {
    let is_address =
        |piece: &&Piece<'_>| matches!(piece.core(), Some(Core::Source | Core::Destination));
    let addresses = || walk.pieces.iter().filter(is_address);
    let Some(list) = addresses().find(|piece| piece.value().contains(',')) else {
        return;
    };
    let Some(negated) = addresses().find(|piece| piece.negation.is_some()) else {
        return;
    };
    report.push(|| {
        let draft = Draft::new(
            MistakeKind::Negation,
            statement.piece_span(negated),
            "`!` together with a list of addresses",
        )
        .help("a chain of its own that returns for each address, or `-m set`");
        if std::ptr::eq(list, negated) {
            draft.label("iptables does not negate a list")
        } else {
            draft
                .label("negated")
                .also(statement.piece_span(list), "a list")
        }
    });
}

fn missing_options(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) {
    for piece in &walk.pieces {
        let found = match piece.core() {
            Some(Core::Match) => extension::match_named(piece.value()),
            Some(Core::Jump) => extension::target_named(piece.value()),
            _ => None,
        };
        let Some(found) =
            found.filter(|found| found.needs_options() && found.is_of(statement.family))
        else {
            continue;
        };
        for needed in found.options().filter(|option| option.needed) {
            if !walk.pieces.iter().any(|piece| piece.is(needed.name)) && walk.faults.is_empty() {
                report.push(|| {
                    let option = statement.word(piece.at);
                    Draft::new(
                        MistakeKind::MissingOption,
                        statement.piece_span(piece),
                        format!("`{option} {}` without `--{}`", found.name, needed.name),
                    )
                    .label(format!("needs `--{}`", needed.name))
                });
            }
        }
    }
}

/// Matches that the kernel takes only with the protocol that they look into.
fn protocol_needed(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) {
    const PORTS: &[(&str, u64)] = &[
        ("tcp", 6),
        ("udp", 17),
        ("udplite", 136),
        ("sctp", 132),
        ("dccp", 33),
    ];
    for piece in walk
        .pieces
        .iter()
        .filter(|piece| piece.core() == Some(Core::Match))
    {
        let name = piece.value();
        let missing = match name {
            "tcp" | "udp" => protocol(walk).is_none().then(|| format!("`-p {name}`")),
            "multiport" => {
                let named = protocol(walk).is_some_and(|(written, negated)| {
                    !negated
                        && PORTS
                            .iter()
                            .any(|(name, number)| value::is_protocol(written, name, *number))
                });
                (!named).then(|| "`-p tcp` or `-p udp`".to_owned())
            }
            _ => None,
        };
        if let Some(missing) = missing {
            report.push(|| {
                Draft::new(
                    MistakeKind::OptionOutOfPlace,
                    statement.piece_span(piece),
                    format!("`-m {name}` needs {missing}"),
                )
                .label(format!("no {missing} in the rule"))
                .help(format!("add {missing}"))
            });
        }
    }
}

/// Tells a statement that is longer than the loader takes; there is no sense
/// in reading on then.
pub(super) fn too_long(statement: &Statement<'_>, report: &mut Report) -> bool {
    let longest = statement
        .words
        .iter()
        .find(|word| word.text.len() > WORD_LONGEST);
    let (span, what, most) = if statement.words.len() > WORDS_MOST {
        (
            statement.word_span(WORDS_MOST),
            "words in one rule",
            WORDS_MOST,
        )
    } else if let Some(word) = longest {
        (word.span.clone(), "bytes in one word", WORD_LONGEST)
    } else if statement.span.len() > LINE_LONGEST {
        (statement.word_span(0), "bytes in one line", LINE_LONGEST)
    } else {
        return false;
    };
    report.push(|| {
        Draft::new(
            MistakeKind::TooLong,
            span,
            format!("more than {most} {what}"),
        )
        .label("iptables-restore takes no more")
    });
    true
}
