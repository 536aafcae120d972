//! The values of one option, held against what the loader takes.

use super::check::is_of_protocol;
use super::extension;
use super::mistake::{Draft, MistakeKind, Report, quote};
use super::statement::Statement;
use super::suggest::nearest;
use super::tables::listed;
use super::value::{self, AddressFault, Form, PortFault};
use super::walk::{Core, Opt, Piece, Walk};
use fwlab_record::Family;

pub(super) fn addresses(
    statement: &Statement<'_>,
    piece: &Piece<'_>,
    value: &str,
    report: &mut Report,
) {
    let option = statement.word(piece.at);
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

pub(super) fn protocol_name(
    statement: &Statement<'_>,
    piece: &Piece<'_>,
    value: &str,
    report: &mut Report,
) {
    let near = match value::protocol(value) {
        Some(true) => return,
        Some(false) => None,
        None if report.is_full() => return,
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

pub(super) fn match_name(
    statement: &Statement<'_>,
    piece: &Piece<'_>,
    name: &str,
    report: &mut Report,
) {
    let span = || statement.value_span(piece);
    if report.is_full() && extension::match_named(name).is_none() {
        return;
    }
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
        "icmp" => Some("write `-m icmpv6`"),
        "icmp6" | "icmpv6" | "ipv6-icmp" => Some("write `-m icmp`"),
        "ttl" | "TTL" => Some("for IPv6 it is `hl` and `HL`"),
        "hl" | "HL" => Some("for IPv4 it is `ttl` and `TTL`"),
        _ => None,
    };
    Draft::new(kind, span, format!("{family} has no {what} `{name}`"))
        .label(format!("not in {family}"))
        .help_if(instead.map(str::to_owned))
}

pub(super) fn takes_ports(piece: &Piece<'_>) -> bool {
    match piece.option {
        Opt::Extension { takes, of, .. } => takes == extension::Takes::Ports || of == "multiport",
        _ => false,
    }
}

pub(super) fn ports(statement: &Statement<'_>, piece: &Piece<'_>, report: &mut Report) {
    let Some(value) = piece.first.filter(|value| value.text != "!") else {
        return;
    };
    match value::port_range(value.text) {
        Ok(()) => {}
        Err(PortFault::Reversed(first, last)) if is_of(piece, "udp") => {
            let span = statement.value_span(piece);
            let note =
                format!("the range {first}:{last} runs backwards: it loads, and matches nothing");
            report.note(span.start, span.end, note);
        }
        Err(fault) => report.push(|| port_fault(statement, piece, &fault)),
    }
}

/// Whether an option is one of that match.
fn is_of(piece: &Piece<'_>, of: &str) -> bool {
    matches!(&piece.option, Opt::Extension { of: found, .. } if *found == of)
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

pub(super) fn extension_value(
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
