use std::ops::RangeInclusive;

use fwlab_ftp::port_choice;
use fwlab_judge::Finding;
use fwlab_model::NodeSpec;
use fwlab_model::ruleset::PortEnd;
use fwlab_record::{Cause, Chance, PeerName, Phase};
use fwlab_scenario::plan::Cell;

use super::cutting::{Opening, cutting, in_words};
use super::{ByChance, IS_CHANCE, ephemeral_ports, opens};
use crate::cell::session::Session;
use crate::rules::PreparedRuleset;

/// What a note of this is about.
pub(super) const DATA_PORT: &str = "the data connection's port";

/// How a note says which passive ports would leave nothing to chance.
const OF_CHECK: &str = "of `fwlab check`: `--passive-ports ";

/// The range of passive ports that would leave nothing to chance, as a note of a cell says it; nothing where the rules only
/// tell single ports from the rest.
pub fn settling_ports(note: &str) -> Option<(u16, u16)> {
    let (_, ports) = note.split_once(OF_CHECK)?;
    let (first, last) = ports.split('`').next()?.split_once('-')?;
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    (first < last).then_some((first, last))
}

/// The ranges of the rules that cut those ports in two from which a peer picked the data connection's by chance,
/// and the setting that leaves nothing to chance.
pub(super) fn port(
    cell: &Cell,
    rules: &PreparedRuleset,
    finding: &Finding,
    session: &Session<'_>,
) -> Option<ByChance> {
    let Finding::Outcome(outcome) = finding else {
        return None;
    };
    if outcome.cause != Cause::None && outcome.phase < Phase::DataConnect {
        return None;
    }
    let Picking {
        peer,
        setting,
        choice,
    } = picking(cell)?;
    let openings = Opening::both_ways(true, opens(cell), PortEnd::Destination);
    let cutting = cutting(cell, rules, session, &choice, &openings);
    // A single port is of another service, where there is a range.
    let widest = cutting
        .iter()
        .rev()
        .max_by_key(|rule| rule.ports.1 - rule.ports.0);
    let (first, last) = widest?.ports;
    let from = format!(
        "{DATA_PORT}{IS_CHANCE}{peer} picks one of {} to {}, and the rules tell {} from the rest",
        choice.start(),
        choice.end(),
        in_words(&cutting),
    );
    let note = match setting {
        Some(setting) => {
            let of_check = match setting {
                "passive-ports" => format!(" ({OF_CHECK}{first}-{last}`)"),
                _ => String::new(),
            };
            format!(
                "{from}; if those ports are meant, `{setting} = \"{first}-{last}\"`{of_check} settles it"
            )
        }
        None => format!("{from}; the same transfer may end another way the next time"),
    };
    Some(ByChance {
        chance: Chance::DataPort,
        note,
    })
}

/// A peer that picks the data connection's port by chance.
struct Picking {
    peer: PeerName,
    /// The setting by which it would pick from others; nothing where it was used.
    setting: Option<&'static str>,
    /// From which.
    choice: RangeInclusive<u16>,
}

fn picking(cell: &Cell) -> Option<Picking> {
    let scenario = &cell.scenario;
    let is_active = cell.axes.data.is_active();
    let (peer, node, kept) = if is_active {
        let terms = &scenario.client;
        if terms.script.is_some() {
            return None;
        }
        (
            cell.axes.client,
            &scenario.deployment.client,
            terms.active_ports.clone(),
        )
    } else {
        let terms = &scenario.server;
        let sets_its_own = terms.options.keys().any(|name| sets_ports(name));
        if terms.script.is_some() || terms.own.is_some() || sets_its_own {
            return None;
        }
        let kept = terms.passive_ports.map(|(first, last)| first..=last);
        (cell.axes.server, &scenario.deployment.server, kept)
    };
    let setting = match is_active {
        true => "active-ports",
        false => "passive-ports",
    };
    let setting = kept.is_none().then_some(setting);
    let choice = kept.unwrap_or_else(|| match port_choice(peer) {
        choice if choice == NodeSpec::EPHEMERAL_PORTS => ephemeral_ports(cell, node),
        choice => choice,
    });
    Some(Picking {
        peer,
        setting,
        choice,
    })
}

/// Whether a server's own option may set the ports of passive data connections: vsftpd's `pasv_min_port`, ProFTPD's
/// `PassivePorts`, Pure-FTPd's `--passiveportrange`, pyftpdlib's `passive_ports`.
fn sets_ports(option: &str) -> bool {
    let name = option.to_ascii_lowercase();
    (name.contains("pasv") || name.contains("passive")) && name.contains("port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_a_note_are_read_back() {
        let note = |ports: &str| format!("it is chance ({OF_CHECK}{ports}`) settles it");
        assert_eq!(settling_ports(&note("40000-40100")), Some((40000, 40100)));
        assert_eq!(settling_ports(&note("8080-8080")), None);
        assert_eq!(settling_ports("it is chance"), None);
    }
}
