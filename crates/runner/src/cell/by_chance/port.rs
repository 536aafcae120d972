use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use fwlab_ftp::port_choice;
use fwlab_judge::Finding;
use fwlab_model::ruleset::{ByPort, Condition, Told};
use fwlab_record::{Cause, Chance, NodeName, PeerName, Phase, RuleId};
use fwlab_scenario::plan::Cell;

use super::{ByChance, NAMED, comes_by, opens};
use crate::rules::PreparedRuleset;

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
pub(super) fn port(cell: &Cell, rules: &PreparedRuleset, finding: &Finding) -> Option<ByChance> {
    let Finding::Outcome(outcome) = finding else {
        return None;
    };
    if outcome.cause != Cause::None && outcome.phase < Phase::DataConnect {
        return None;
    }
    let (peer, setting) = picking(cell)?;
    let choice = port_choice(peer);
    let may_cut = |(node, rule): &&(NodeName, ByPort)| {
        cuts(rule.ports, &choice) && comes_by(node, opens(cell), &rule.hooks)
    };
    let told: Vec<Told> = match rules.by_port.iter().any(|rule| may_cut(&rule)) {
        true => rules.told(),
        false => Vec::new(),
    };
    let cutting = rules.by_port.iter().filter(may_cut);
    let cutting = cutting.filter(|(node, rule)| may_meet(node, cell, &rule.rule, &told));
    let mut cutting: Vec<&ByPort> = cutting.map(|(_, rule)| rule).collect();
    cutting.dedup_by_key(|rule| (rule.ports, rule.source_line));
    // A single port is of another service, where there is a range.
    let widest = cutting
        .iter()
        .rev()
        .max_by_key(|rule| rule.ports.1 - rule.ports.0);
    let (first, last) = widest?.ports;
    let told: Vec<String> = cutting
        .iter()
        .take(NAMED)
        .map(|rule| {
            let (first, last) = rule.ports;
            match rule.source_line {
                Some(line) => format!("{first} to {last} ({line})"),
                None => format!("{first} to {last}"),
            }
        })
        .collect();
    let more = match cutting.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let of_check = match setting {
        "passive-ports" => format!(" ({OF_CHECK}{first}-{last}`)"),
        _ => String::new(),
    };
    let note = format!(
        "the data connection's port is chance: {peer} picks one of {} to {}, and the rules tell {}{more} from the rest; \
         where those ports are meant, `{setting} = \"{first}-{last}\"`{of_check} settles it",
        choice.start(),
        choice.end(),
        told.join(", "),
    );
    Some(ByChance {
        chance: Chance::DataPort,
        note,
    })
}

/// Whether the data connection may come to a rule, as far as its interfaces say.
fn may_meet(node: &NodeName, cell: &Cell, rule: &RuleId, told: &[Told]) -> bool {
    let [from, to] = opens(cell);
    let topology = &cell.scenario.stage.topology;
    let holds = |names: &BTreeSet<String>, towards: &NodeName| {
        let Some(interface) = topology.directly(node, towards) else {
            return true;
        };
        names.iter().any(|name| match name.strip_suffix('+') {
            Some(begin) => interface.as_str().starts_with(begin),
            None => interface.as_str() == name,
        })
    };
    let meets = |told: &Told| {
        told.negated
            || told.conditions.iter().all(|condition| match condition {
                Condition::In(names) => holds(names, from),
                Condition::Out(names) => holds(names, to),
                _ => true,
            })
    };
    let mut conditions = told.iter().filter(|told| told.rule == *rule).peekable();
    conditions.peek().is_none() || conditions.any(meets)
}

/// The peer that picks the data connection's port by chance, and the setting by which it would not.
fn picking(cell: &Cell) -> Option<(PeerName, &'static str)> {
    let scenario = &cell.scenario;
    if cell.axes.data.is_active() {
        let terms = &scenario.client;
        let free = terms.active_ports.is_none() && terms.script.is_none();
        free.then_some((cell.axes.client, "active-ports"))
    } else {
        let terms = &scenario.server;
        let free = terms.passive_ports.is_none()
            && terms.script.is_none()
            && terms.own.is_none()
            && !terms.options.keys().any(|name| sets_ports(name));
        free.then_some((cell.axes.server, "passive-ports"))
    }
}

/// Whether a server's own option may set the ports of passive data connections: vsftpd's `pasv_min_port`, ProFTPD's
/// `PassivePorts`, Pure-FTPd's `--passiveportrange`, pyftpdlib's `passive_ports`.
fn sets_ports(option: &str) -> bool {
    let name = option.to_ascii_lowercase();
    (name.contains("pasv") || name.contains("passive")) && name.contains("port")
}

/// Whether a range holds some of the ports, and not all.
fn cuts((first, last): (u16, u16), choice: &RangeInclusive<u16>) -> bool {
    let apart = last < *choice.start() || first > *choice.end();
    let all = first <= *choice.start() && last >= *choice.end();
    !apart && !all
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

    #[test]
    fn a_range_that_holds_some_of_the_ports_cuts_them() {
        let choice = 32768..=60999;
        for (ports, cut) in [
            ((40000, 40100), true),
            ((60000, 65535), true),
            ((1024, 32768), true),
            ((1024, 65535), false),
            ((32768, 60999), false),
            ((6000, 6010), false),
            ((61000, 65535), false),
        ] {
            assert_eq!(cuts(ports, &choice), cut, "{ports:?}");
        }
    }
}
