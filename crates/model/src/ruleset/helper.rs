//! The conntrack helpers of the kernel.

use super::mistake::{MistakeBuilder, MistakeKind, Report, quote};
use super::number::integer;
use super::statement::Statement;
use super::suggest::nearest;
use super::tables::listed;
use super::walk::{Core, Opt, Walk};

/// A helper's name and the protocols that the kernel has it for
/// (`nf_conntrack_helper_register` in net/netfilter/nf_conntrack_*.c).
const HELPERS: &[(&str, &[&str])] = &[
    ("ftp", &["tcp"]),
    ("tftp", &["udp"]),
    ("sip", &["udp", "tcp"]),
    ("irc", &["tcp"]),
    ("RAS", &["udp"]),
    ("Q.931", &["tcp"]),
    ("H.245", &["tcp"]),
    ("amanda", &["udp"]),
    ("netbios-ns", &["udp"]),
    ("pptp", &["tcp"]),
    ("sane", &["tcp"]),
    ("snmp", &["udp"]),
    ("snmp_trap", &["udp"]),
];

/// Tells what is wrong with `-j CT --helper NAME`; `false` where that is not it.
pub(super) fn tell(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) -> bool {
    let named = walk.pieces.iter().find(|piece| {
        matches!(
            piece.option,
            Opt::Extension {
                of: "CT",
                name: "helper",
                ..
            }
        )
    });
    let Some(piece) = named else {
        return false;
    };
    let name = piece.value();
    let known = HELPERS.iter().find(|(helper, _)| *helper == name);
    let Some((_, protocols)) = known else {
        let names = HELPERS.iter().map(|(helper, _)| *helper);
        let near = nearest(name, names.clone());
        // `ftp-2121` was the name of a helper on another port, to `-m helper`.
        let stem = name
            .split('-')
            .next()
            .filter(|stem| *stem != name && names.clone().any(|helper| helper == *stem));
        let near = near.or(stem);
        report.push(|| {
            let names: Vec<_> = names.collect();
            MistakeBuilder::new(
                MistakeKind::UnknownHelper,
                statement.value_span(piece),
                format!("the kernel has no helper `{}`", quote(name)),
            )
            .label(near.map_or_else(|| "unknown".to_owned(), |near| format!("`{near}`?")))
            .help(match name {
                "h323" => "H.323 has two helpers: `Q.931` for tcp and `RAS` for udp".to_owned(),
                _ => format!("its helpers are {}", listed(&names)),
            })
        });
        return true;
    };
    let protocol = walk
        .pieces
        .iter()
        .find(|piece| piece.core() == Some(Core::Protocol) && piece.negation.is_none());
    let protocol = protocol.map_or("", |piece| piece.value());
    let number = integer(protocol);
    let is_it = |of: &&str| {
        protocol.eq_ignore_ascii_case(of) || number == Some(if **of == *"tcp" { 6 } else { 17 })
    };
    if protocols.iter().any(is_it) {
        return false;
    }
    report.push(|| {
        let wanted: Vec<_> = protocols
            .iter()
            .map(|protocol| format!("`-p {protocol}`"))
            .collect();
        let wanted = wanted.join(" or ");
        MistakeBuilder::new(
            MistakeKind::OptionOutOfPlace,
            statement.piece_span(piece),
            format!("the helper `{name}` needs {wanted}"),
        )
        .label(format!("no {wanted} in the rule"))
        .help("the kernel looks up a helper by name and protocol")
    });
    true
}
