//! The rules that tell some of the ports that a side picks from, from the rest.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use fwlab_judge::SessionTracker;
use fwlab_model::ruleset::{Addresses, ByPort, Condition, PortEnd, Told};
use fwlab_record::{Flow, NodeName, Packet, Role, RuleId};
use fwlab_scenario::plan::Cell;

use super::{NAMED, comes_by};
use crate::cell::session::Session;
use crate::rules::PreparedRuleset;

/// The packets of connections of one kind that go one way: that of the first one or that of its answer. And the end at which
/// they have the port.
pub(super) struct Opening<'c> {
    pub(super) of_data: bool,
    pub(super) answers: bool,
    pub(super) way: [&'c NodeName; 2],
    pub(super) end: PortEnd,
}

impl<'c> Opening<'c> {
    /// Those of connections from one node to another, where the port in question stands at this end of the first packet.
    pub(super) fn both_ways(
        of_data: bool,
        [from, to]: [&'c NodeName; 2],
        end: PortEnd,
    ) -> [Opening<'c>; 2] {
        let of_answer = match end {
            PortEnd::Source => PortEnd::Destination,
            PortEnd::Destination => PortEnd::Source,
        };
        [(false, [from, to], end), (true, [to, from], of_answer)].map(|(answers, way, end)| {
            Opening {
                of_data,
                answers,
                way,
                end,
            }
        })
    }

    /// Whether a packet is one of them, and has a port there that was picked: a server may connect from port 20.
    fn is(&self, packet: &Packet, tracker: &SessionTracker, choice: &RangeInclusive<u16>) -> bool {
        let Packet::Tcp { flags, flow, .. } = packet else {
            return false;
        };
        let port = match self.end {
            PortEnd::Source => flow.from.port(),
            PortEnd::Destination => flow.to.port(),
        };
        // The first two tell by themselves. A later one may come to a rule that these left the chain before.
        let is_way = match (flags.is_syn(), flags.is_syn_ack()) {
            (false, false) => tracker.is_forward(flow) != self.answers,
            (_, is_answer) => is_answer == self.answers,
        };
        is_way
            && choice.contains(&port)
            && match tracker.role_of(packet) {
                Some(Role::Data(_)) => self.of_data,
                Some(Role::Control) => !self.of_data,
                _ => false,
            }
    }
}

/// The rules that came to look at one of these packets, and cut those ports in two.
pub(super) fn cutting<'r>(
    cell: &Cell,
    rules: &'r PreparedRuleset,
    session: &Session<'_>,
    choice: &RangeInclusive<u16>,
    openings: &[Opening<'_>],
) -> Vec<&'r ByPort> {
    let may_cut = |(node, rule): &&(NodeName, ByPort)| {
        let comes = |opening: &Opening<'_>| {
            opening.end == rule.end && comes_by(node, opening.way, &rule.hooks)
        };
        cuts(rule.ports, choice) && openings.iter().any(comes)
    };
    let told: Vec<Told> = match rules.by_port.iter().any(|rule| may_cut(&rule)) {
        true => rules.told(),
        false => Vec::new(),
    };
    let (tracker, resolver) = (session.tracker(), session.resolver());
    let met = |(node, rule): &&(NodeName, ByPort)| {
        openings.iter().any(|opening| {
            let is_one = |packet: &Packet| opening.is(packet, tracker, choice);
            // Where no such packet's way is known, one that goes to a port may have come there all the same: its address
            // and port may have been translated before.
            let asked = resolver.asked(node, &rule.rule, is_one);
            opening.end == rule.end
                && comes_by(node, opening.way, &rule.hooks)
                && asked.unwrap_or(!opening.answers && opening.end == PortEnd::Destination)
                && may_meet(
                    node,
                    cell,
                    opening.way,
                    &rule.rule,
                    &told,
                    &resolver.seen(node, is_one),
                )
        })
    };
    let cutting = rules.by_port.iter().filter(may_cut).filter(met);
    let mut cutting: Vec<&ByPort> = cutting.map(|(_, rule)| rule).collect();
    cutting.dedup_by_key(|rule| (rule.ports, rule.source_line));
    cutting
}

/// The ranges of rules and where these stand, as a note tells them.
pub(super) fn in_words(cutting: &[&ByPort]) -> String {
    let told: Vec<String> = cutting
        .iter()
        .take(NAMED)
        .map(|rule| {
            let (first, last) = rule.ports;
            let ports = match first == last {
                true => first.to_string(),
                false => format!("{first} to {last}"),
            };
            match rule.source_line {
                Some(line) => format!("{ports} ({line})"),
                None => ports,
            }
        })
        .collect();
    let more = match cutting.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    told.join(", ") + &more
}

/// Whether a rule may be about packets that go that way, as far as its interfaces and addresses say; `seen`: the packets in
/// the node, where they are known.
fn may_meet(
    node: &NodeName,
    cell: &Cell,
    [from, to]: [&NodeName; 2],
    rule: &RuleId,
    told: &[Told],
    seen: &[Packet],
) -> bool {
    let topology = &cell.scenario.deployment.topology;
    let holds = |names: &BTreeSet<String>, towards: &NodeName| {
        let Some(interface) = topology.directly(node, towards) else {
            return true;
        };
        names.iter().any(|name| match name.strip_suffix('+') {
            Some(begin) => interface.as_str().starts_with(begin),
            None => interface.as_str() == name,
        })
    };
    let is_of = |addresses: &Addresses, end: fn(&Flow) -> SocketAddr| {
        let mut flows = seen.iter().filter_map(|packet| match packet {
            Packet::Tcp { flow, .. } => Some(flow),
            _ => None,
        });
        seen.is_empty() || flows.any(|flow| addresses.contain(end(flow).ip()))
    };
    let meets = |told: &Told| {
        told.negated
            || told.conditions.iter().all(|condition| match condition {
                Condition::In(names) => holds(names, from),
                Condition::Out(names) => holds(names, to),
                Condition::Source(addresses) => is_of(addresses, |flow| flow.from),
                Condition::Destination(addresses) => is_of(addresses, |flow| flow.to),
                Condition::Unread(_) => true,
            })
    };
    let mut conditions = told.iter().filter(|told| told.rule == *rule).peekable();
    conditions.peek().is_none() || conditions.any(meets)
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
