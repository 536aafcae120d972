//! What the loader surely refuses in one rule, or takes and misdoes.

use super::extension;
use super::lookalike::{self, Role};
use super::mistake::{Draft, MistakeKind, Report, quote};
use super::statement::Statement;
use super::suggest::nearest;
use super::tables::listed;
use super::value::{self, AddressFault, Form, PortFault};
use super::walk::{Core, Opt, Piece, Value, Walk};
use crate::Family;

/// The most words and the longest word and line that `iptables-restore` takes
/// (`MAX_ARGC`, `PARAM_BUFFER` and the line buffer in iptables/xshared.h and
/// iptables-restore.c), less what it adds itself.
const WORDS_MOST: usize = 250;
const WORD_LONGEST: usize = 1023;
pub(super) const LINE_LONGEST: usize = 10_200;

/// Tells what is wrong with the options and values of a rule, wherever it stands.
pub(super) fn rule(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) {
    for (at, piece) in walk.pieces.iter().enumerate() {
        if !lookalikes(statement, piece, report) {
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
    missing_options(statement, walk, report);
    protocol_needed(statement, walk, report);
    too_long(statement, report);
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

/// Tells a character that only looks right; `false` when there was one, and
/// the value is not worth a further look.
fn lookalikes(statement: &Statement<'_>, piece: &Piece<'_>, report: &mut Report) -> bool {
    for value in [piece.first, piece.second].into_iter().flatten() {
        let mut found = value.text.chars().filter_map(lookalike::lookalike);
        let free = is_free_text(piece);
        let Some(found) = found.find(|found| !free || found.role == Role::Damage) else {
            continue;
        };
        let span = statement.word_span(value.word);
        report.push(|| {
            let plain = lookalike::plain(statement.word(value.word));
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
    let quoted = |value: &Value<'_>| statement.words.get(value.word).is_some_and(|word| word.quoted);
    piece.first.is_some_and(|value| value.text == "!" && !quoted(&value)) && !is_free_text(piece)
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

fn addresses(statement: &Statement<'_>, piece: &Piece<'_>, value: &str, report: &mut Report) {
    let option = statement.word(piece.at);
    if piece.negation.is_some() && value.contains(',') {
        report.push(|| {
            Draft::new(
                MistakeKind::Negation,
                statement.piece_span(piece),
                "`!` before a list of addresses",
            )
            .label("iptables does not negate a list")
            .help("a chain of its own that returns for each address, or `-m set`")
        });
    }
    for item in value.split(',').map(str::trim_start) {
        let Err(fault) = value::address(item, statement.family) else {
            continue;
        };
        report.push(|| {
            let shown = quote(item);
            let draft = |message: String| {
                Draft::new(
                    MistakeKind::BadAddress,
                    statement.value_span(piece),
                    message,
                )
            };
            match fault {
                AddressFault::Mask(mask) => {
                    draft(format!("`{shown}` has no mask `{}`", quote(&mask))).label(
                        match statement.family {
                            Family::Ipv4 => "0 to 32, or four numbers",
                            Family::Ipv6 => "0 to 128",
                        },
                    )
                }
                AddressFault::OtherFamily => {
                    let (this, other) = match statement.family {
                        Family::Ipv4 => ("IPv4", "IPv6 address: that is `ip6tables`"),
                        Family::Ipv6 => ("IPv6", "IPv4 address: that is `iptables`"),
                    };
                    draft(format!("`{shown}` in an {this} rule")).label(format!("an {other}"))
                }
                AddressFault::Range => draft(format!("`{option}` takes no range"))
                    .label("an address or a prefix")
                    .help(format!(
                        "write `-m iprange {} {item}`",
                        if piece.core() == Some(Core::Source) {
                            "--src-range"
                        } else {
                            "--dst-range"
                        },
                    )),
                AddressFault::HostName => draft(format!("the host name `{shown}`"))
                    .label("means what a resolver says when the rules are loaded")
                    .help("write the address: the lab has no resolver"),
                AddressFault::NoAddress if item.is_empty() => draft("an empty address".to_owned())
                    .label("a comma too many, or a blank behind it"),
                AddressFault::NoAddress => {
                    draft(format!("`{shown}` is no address")).label("no address")
                }
            }
        });
        return;
    }
}

fn protocol_name(statement: &Statement<'_>, piece: &Piece<'_>, value: &str, report: &mut Report) {
    let near = match value::protocol(value) {
        Some(true) => return,
        Some(false) => None,
        None => match nearest(value, value::PROTOCOLS.iter().copied()) {
            Some(near) => Some(near),
            None => return,
        },
    };
    report.push(|| {
        let draft = Draft::new(
            MistakeKind::BadProtocol,
            statement.value_span(piece),
            format!("`{}` is no protocol", quote(value)),
        );
        match near {
            Some(near) => draft.label(format!("`{near}`?")),
            None if value.contains([',', '/']) => draft
                .label("`-p` takes one protocol")
                .help("write a rule for each"),
            None => draft.label("a name, or a number up to 255"),
        }
    });
}

fn match_name(statement: &Statement<'_>, piece: &Piece<'_>, name: &str, report: &mut Report) {
    let span = || statement.value_span(piece);
    match extension::match_named(name) {
        Some(found) if found.is_of(statement.family) => {}
        Some(_) => report
            .push(|| other_family(MistakeKind::UnknownMatch, "match", name, statement, span())),
        None if extension::is_elsewhere(name) => {}
        None => {
            let matches = extension::matches().iter().map(|known| known.name);
            if name.starts_with('-') {
                report.push(|| {
                    Draft::new(
                        MistakeKind::UnknownMatch,
                        span(),
                        format!("`{}` is no match", quote(name)),
                    )
                    .label("the name of a match should stand here")
                });
            } else if extension::target_named(name).is_some() {
                report.push(|| {
                    Draft::new(
                        MistakeKind::UnknownMatch,
                        span(),
                        format!("`{name}` is a target, not a match"),
                    )
                    .label("no match")
                    .help(format!("write `-j {name}`"))
                });
            } else if let Some(near) = nearest(name, matches) {
                report.push(|| {
                    Draft::new(
                        MistakeKind::UnknownMatch,
                        span(),
                        format!("there is no match `{name}`"),
                    )
                    .label(format!("`{near}`?"))
                });
            }
        }
    }
}

pub(super) fn other_family(
    kind: MistakeKind,
    what: &str,
    name: &str,
    statement: &Statement<'_>,
    span: std::ops::Range<usize>,
) -> Draft {
    let family = match statement.family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    };
    let instead = match name {
        "icmp" => Some("write `-p icmpv6`"),
        "icmp6" | "icmpv6" | "ipv6-icmp" => Some("write `-p icmp`"),
        "ttl" | "TTL" => Some("for IPv6 it is `hl` and `HL`"),
        "hl" | "HL" => Some("for IPv4 it is `ttl` and `TTL`"),
        _ => None,
    };
    Draft::new(kind, span, format!("{family} has no {what} `{name}`"))
        .label(format!("not in {family}"))
        .help_if(instead.map(str::to_owned))
}

fn ports(statement: &Statement<'_>, piece: &Piece<'_>, report: &mut Report) {
    let Some(value) = piece.first.filter(|value| value.text != "!") else {
        return;
    };
    if let Err(fault) = value::port_range(value.text) {
        report.push(|| port_fault(statement, piece, &fault));
    }
}

fn port_fault(statement: &Statement<'_>, piece: &Piece<'_>, fault: &PortFault) -> Draft {
    let option = match piece.option {
        Opt::Extension { name, .. } => name,
        _ => "port",
    };
    let draft =
        |message: String| Draft::new(MistakeKind::BadPort, statement.value_span(piece), message);
    match fault {
        PortFault::NoPort(text) if text.is_empty() => {
            draft("an empty port".to_owned()).label("a number, or a service's name")
        }
        PortFault::NoPort(text) => {
            draft(format!("`{}` is no port", quote(text))).label("a number, or a service's name")
        }
        PortFault::OutOfRange(text) => {
            draft(format!("there is no port {}", quote(text))).label("0 to 65535")
        }
        PortFault::Reversed(first, last) => {
            draft(format!("the range {first}:{last} runs backwards"))
                .label("the lesser port first")
                .help(format!("write `{last}:{first}`"))
        }
        PortFault::Form(Form::List) => {
            let several = if option.starts_with('s') {
                "--sports"
            } else {
                "--dports"
            };
            draft(format!("`--{option}` takes one port or one range"))
                .label("a list")
                .help(format!("write `-m multiport {several} {}`", piece.value()))
        }
        PortFault::Form(Form::DashRange) => draft("a range of ports with `-`".to_owned())
            .label("takes `:`")
            .help(format!("write `{}`", piece.value().replace('-', ":"))),
    }
}

fn extension_value(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    piece: &Piece<'_>,
    of: &str,
    name: &str,
    report: &mut Report,
) {
    let Some(value) = piece
        .first
        .map(|value| value.text)
        .filter(|text| *text != "!")
    else {
        return;
    };
    match (of, name) {
        ("state", "state") => states(statement, piece, value, value::STATES, report),
        ("conntrack", "ctstate") => states(statement, piece, value, value::CTSTATES, report),
        ("multiport", _) => match value::port_list(value) {
            Ok(used) if used > value::MULTIPORT_MOST => report.push(|| {
                Draft::new(
                    MistakeKind::BadPort,
                    statement.value_span(piece),
                    format!("{used} ports in one list"),
                )
                .label("15 at most, a range counts as two")
                .help("write two rules")
            }),
            Ok(_) => {}
            Err(fault) => report.push(|| port_fault(statement, piece, &fault)),
        },
        ("CT", "helper") => super::helper::check(statement, walk, piece, value, report),
        ("REJECT", "reject-with") => reject(statement, walk, piece, value, report),
        _ => {}
    }
}

fn states(
    statement: &Statement<'_>,
    piece: &Piece<'_>,
    value: &str,
    states: &[&str],
    report: &mut Report,
) {
    let Some(bad) = value::bad_item(value, states) else {
        return;
    };
    report.push(|| {
        let draft = |message: String| {
            Draft::new(MistakeKind::BadState, statement.value_span(piece), message)
        };
        if bad.is_empty() {
            return draft("an empty state".to_owned())
                .label("a comma too many, or a blank behind it")
                .help("states stand without blanks: `ESTABLISHED,RELATED`");
        }
        let near = nearest(bad.trim(), states.iter().copied());
        draft(format!("there is no state `{}`", quote(bad)))
            .label(near.map_or_else(|| listed(states), |near| format!("`{near}`?")))
    });
}

fn reject(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    piece: &Piece<'_>,
    value: &str,
    report: &mut Report,
) {
    let types = value::reject_types(statement.family);
    if value::bad_item(value, types).is_some() {
        report.push(|| {
            let near = nearest(value, types.iter().copied());
            Draft::new(
                MistakeKind::BadReject,
                statement.value_span(piece),
                format!("REJECT cannot answer with `{}`", quote(value)),
            )
            .label(near.map_or_else(|| "unknown".to_owned(), |near| format!("`{near}`?")))
        });
    } else if value.to_ascii_lowercase().starts_with("tcp-r") && !is_of_protocol(walk, "tcp", 6) {
        report.push(|| {
            Draft::new(
                MistakeKind::BadReject,
                statement.piece_span(piece),
                "only TCP can be answered with a reset",
            )
            .label("without `-p tcp` in the rule")
            .help("add `-p tcp`")
        });
    }
}

fn missing_options(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) {
    for piece in &walk.pieces {
        let found = match piece.core() {
            Some(Core::Match) => extension::match_named(piece.value()),
            Some(Core::Jump) => extension::target_named(piece.value()),
            _ => None,
        };
        let Some(found) = found.filter(|found| found.is_of(statement.family)) else {
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

fn too_long(statement: &Statement<'_>, report: &mut Report) {
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
        return;
    };
    report.push(|| {
        Draft::new(
            MistakeKind::TooLong,
            span,
            format!("more than {most} {what}"),
        )
        .label("iptables-restore takes no more")
    });
}
