//! The conntrack helpers of the kernel.

use super::check::is_of_protocol;
use super::mistake::{Draft, MistakeKind, Report, quote};
use super::statement::Statement;
use super::suggest::nearest;
use super::tables::listed;
use super::walk::{Piece, Walk};

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

/// Checks `-j CT --helper NAME`. A name that resembles none may be a helper in
/// user space (`nfct add helper`), which only the loader can tell.
pub(super) fn check(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    piece: &Piece<'_>,
    name: &str,
    report: &mut Report,
) {
    let known = HELPERS.iter().find(|(helper, _)| *helper == name);
    let Some((_, protocols)) = known else {
        if report.is_full() {
            return;
        }
        let names = HELPERS.iter().map(|(helper, _)| *helper);
        let near = nearest(name, names.clone());
        // `ftp-2121` was the name of a helper on another port, to `-m helper`.
        let stem = name
            .split('-')
            .next()
            .filter(|stem| *stem != name && names.clone().any(|helper| helper == *stem));
        let near = near.or(stem);
        if near.is_some() || name == "h323" || name.is_empty() {
            report.push(|| {
                let names: Vec<_> = names.collect();
                Draft::new(
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
        }
        return;
    };
    let numbered =
        |protocol: &&str| is_of_protocol(walk, protocol, if **protocol == *"tcp" { 6 } else { 17 });
    if !protocols.iter().any(numbered) {
        report.push(|| {
            let wanted: Vec<_> = protocols
                .iter()
                .map(|protocol| format!("`-p {protocol}`"))
                .collect();
            let wanted = wanted.join(" or ");
            Draft::new(
                MistakeKind::OptionOutOfPlace,
                statement.piece_span(piece),
                format!("the helper `{name}` needs {wanted}"),
            )
            .label(format!("no {wanted} in the rule"))
            .help("the kernel looks a helper up by name and protocol")
        });
    }
}
