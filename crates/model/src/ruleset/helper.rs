//! Rules that assign a conntrack helper, `-j CT --helper NAME`.

use super::attempt::Refusal;
use super::command::{Command, Verb};
use super::helpers;
use super::mistake::{MistakeBuilder, MistakeKind, Report, quote};
use super::number::integer;
use super::statement::Statement;
use super::suggest::nearest;
use super::tables::{TableName, listed};
use super::walk::{Core, Opt, Piece, Walk};
use fwlab_record::Family;

/// A helper that a rule assigns, and the protocol that the rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) name: String,
    pub(super) protocol: &'static str,
}

/// The helper of a rule that was refused for its sake, where FTP does without both: the helper is another protocol's, and no packet
/// of FTP's control connection comes to the rule.
pub(super) fn unneeded(command: &Command, family: Family, refusal: &Refusal) -> Option<Assigned> {
    is_lacking(&command.walk(family), refusal).then(|| assigned(command, family))?
}

/// Whether a rule was refused for want of its helper. iptables-legacy does not say why the kernel refuses a rule: then there must
/// be nothing else in it that the kernel could lack.
fn is_lacking(walk: &Walk<'_>, refusal: &Refusal) -> bool {
    const HAD: [&str; 5] = ["CT", "tcp", "udp", "multiport", "comment"];
    let mut extensions = walk.extensions.iter();
    match refusal.words.as_str() {
        "" => !walk.lenient && extensions.all(|extension| HAD.contains(&extension.name)),
        words => words.contains("No such file or directory"),
    }
}

/// The helper of another protocol that a rule assigns to connections of which none is FTP's.
pub(super) fn assigned(command: &Command, family: Family) -> Option<Assigned> {
    if command.table != TableName::Raw || command.verb != Verb::Add {
        return None;
    }
    let walk = command.walk(family);
    let name = piece(&walk)?.value();
    let is_more = |piece: &Piece<'_>| {
        let options = ["timeout", "zone", "zone-orig", "zone-reply", "notrack"];
        matches!(piece.option, Opt::Extension { of: "CT", name, .. } if options.contains(&name))
    };
    let protocol = protocol(&walk)?;
    let is_other = helpers::is_of_another(name, protocol) && !walk.pieces.iter().any(is_more);
    // Its first packet counts, and that goes to the control port.
    let spares = |piece: &Piece<'_>| {
        let options = ["dport", "dports", "destination-port", "destination-ports"];
        matches!(piece.option, Opt::Extension { name, .. } if options.contains(&name))
            && piece.negation.is_none()
            && helpers::spares_control(piece.value())
    };
    let spared = protocol != "tcp" || walk.pieces.iter().any(spares);
    (is_other && spared).then(|| Assigned {
        name: name.to_owned(),
        protocol,
    })
}

/// Whether a command goes by the number of a rule that may be left out, `-I PREROUTING 3`: others would have that number then.
pub(super) fn are_counted(commands: &[Command], family: Family) -> bool {
    let mut raw = commands
        .iter()
        .filter(|command| command.table == TableName::Raw);
    raw.any(|command| {
        let walk = command.walk(family);
        let mut pieces = walk.pieces.iter();
        pieces.any(|piece| {
            matches!(
                piece.core(),
                Some(Core::Insert | Core::Delete | Core::Replace)
            ) && (piece.second).is_some_and(|value| integer(value.text).is_some())
        })
    })
}

/// `--helper NAME` of CT.
fn piece<'a, 'w>(walk: &'a Walk<'w>) -> Option<&'a Piece<'w>> {
    let mut pieces = walk.pieces.iter();
    pieces.find(|piece| {
        matches!(
            piece.option,
            Opt::Extension {
                of: "CT",
                name: "helper",
                ..
            }
        )
    })
}

/// The protocol of a rule, of the two that helpers are for.
fn protocol(walk: &Walk<'_>) -> Option<&'static str> {
    let mut pieces = walk.pieces.iter();
    let protocol = pieces
        .find(|piece| piece.core() == Some(Core::Protocol) && piece.negation.is_none())?
        .value();
    let number = integer(protocol);
    [("tcp", 6), ("udp", 17)]
        .into_iter()
        .find(|(name, own)| protocol.eq_ignore_ascii_case(name) || number == Some(*own))
        .map(|(name, _)| name)
}

/// Tells what is wrong with `-j CT --helper NAME`; `false` where that is not it.
pub(super) fn tell(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    refusal: &Refusal,
    report: &mut Report,
) -> bool {
    let Some(piece) = piece(walk) else {
        return false;
    };
    let name = piece.value();
    let protocol = protocol(walk);
    let from_elsewhere = protocol.is_some_and(|protocol| helpers::is_of_another(name, protocol));
    let Some(protocols) = helpers::protocols(name) else {
        if from_elsewhere {
            report.push(|| lacking(name, statement, piece));
            return true;
        }
        let names = helpers::names();
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
    if protocol.is_some_and(|protocol| protocols.contains(&protocol)) {
        let is_lacking = is_lacking(walk, refusal);
        if is_lacking {
            report.push(|| lacking(name, statement, piece));
        }
        return is_lacking;
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

/// A helper that there is, but not on this machine.
fn lacking(name: &str, statement: &Statement<'_>, piece: &Piece<'_>) -> MistakeBuilder {
    let help = match name {
        helpers::FTP => helpers::LOAD_FTP,
        _ => {
            "FTP does not need it, but this rule may take FTP's own connections: say in it which ports it is for, as with \
             `--dport 5060`, and fwlab leaves it out; or remove it"
        }
    };
    MistakeBuilder::new(
        MistakeKind::UnknownHelper,
        statement.value_span(piece),
        format!("the kernel of this machine has no helper `{}`", quote(name)),
    )
    .label("not here")
    .help(help)
}
