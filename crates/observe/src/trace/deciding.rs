use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use fwlab_record::Family;

use super::{LegacyWord, PacketId, TracePlace, TraceStep, TraceVerdict};

/// A line of a legacy chain, as its trace names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacyLine<'a> {
    /// Whether `iptables-legacy` or `ip6tables-legacy` lists it.
    pub family: Family,
    /// The table.
    pub table: &'a str,
    /// The chain.
    pub chain: &'a str,
    /// The line, 1 for the first rule, the number of rules + 1 for the policy.
    pub number: u32,
    /// What the kernel calls it: *policy* for many a rule, see [`TracePlace::Line`].
    pub word: LegacyWord,
}

/// What stands in a line of a legacy chain: a rule's target, or the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegacyTarget {
    /// It ends every packet: DROP, REJECT, or the policy DROP.
    Stops,
    /// It ends no packet: ACCEPT, RETURN, a user chain, LOG, MARK, CT, and so on; the policy ACCEPT.
    Passes,
    /// It may end a packet or not, and the trace does not say: NFQUEUE,
    /// SYNPROXY, SNAT and its like without a free port, and whatever is not known.
    MayStop,
}

/// What the trace says of one packet's way through a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision<'a> {
    /// The packet.
    pub packet_id: PacketId,
    /// The step that stopped it, or that may have. In a packet's way this is always the last step.
    pub step: &'a TraceStep,
    /// Whether the step stopped it for sure. Otherwise the step is the last that was seen of the packet, at a
    /// [`LegacyTarget::MayStop`], an nft queue or a target that took it; whether the
    /// packet went on must be told from elsewhere: a capture behind it, a conntrack event.
    pub certain: bool,
}

/// Groups steps by packet and returns, in the order in which packets entered, each
/// packet that did not go on from its last step, with that step.
///
/// - *nft* says it itself: the verdict drop of a rule (REJECT shows as one, too) or of a policy. It is
///   final: no other chain sees the packet.
/// - *legacy* says only which line matched, so `target_of` is asked what stands there,
///   for the last step of a packet only: a line that drops has no successor, and an
///   ACCEPT ends its table, not the packet. Where nft tables are loaded too, the last
///   step may be of either backend, and is judged by its own.
///
/// A packet is one way through one node (see [`PacketId`]): a retransmission that
/// is dropped again is a second decision, and the reset or ICMP error that a REJECT
/// sends is a packet of its own. Steps of different nodes must not be mixed:
/// packets are numbered by node.
///
/// A packet that is absent from the answer was not stopped *by a rule that was traced*. It can
/// still be lost in the conntrack helper, in routing, or beyond this node.
///
/// Examples, each a packet's way in this node:
///
/// | steps | decision |
/// | --- | --- |
/// | nft `filter/INPUT` policy drop | that policy, certain |
/// | nft `raw/PREROUTING` policy accept; `filter/INPUT` rule handle 5 jump `ftp`; `filter/ftp` rule handle 9 drop | handle 9, certain |
/// | legacy `raw/PREROUTING` line 2 (policy ACCEPT); `filter/INPUT` line 3 (`-j REJECT`) | `filter/INPUT` line 3, certain |
/// | legacy `filter/INPUT` line 1 (`-j LOG`); line 2 (`-j ACCEPT`) | none |
/// | legacy `filter/INPUT` line 1 (`-j ACCEPT`); nft `filter/INPUT` policy drop | nft's policy, certain |
/// | legacy `filter/INPUT` line 1 (`-j NFQUEUE`) | line 1, not certain |
pub fn deciding_steps<'a>(
    steps: impl IntoIterator<Item = &'a TraceStep>,
    mut target_of: impl FnMut(LegacyLine<'_>) -> LegacyTarget,
) -> Vec<Decision<'a>> {
    let mut last: BTreeMap<PacketId, &TraceStep> = BTreeMap::new();
    for step in steps {
        match last.entry(step.packet_id) {
            Entry::Vacant(first) => {
                first.insert(step);
            }
            // What comes behind a drop is another packet that looks the same.
            Entry::Occupied(before) if before.get().is_drop() => {}
            Entry::Occupied(mut before) => {
                before.insert(step);
            }
        }
    }
    last.into_iter()
        .filter_map(|(packet_id, step)| {
            let certain = match (&step.verdict, step.at) {
                (TraceVerdict::Drop, _) => true,
                (TraceVerdict::Queue | TraceVerdict::Stolen | TraceVerdict::Other(_), _) => false,
                (TraceVerdict::Unsaid, TracePlace::Line { number, word }) => {
                    let line = LegacyLine {
                        family: step.family,
                        table: &step.table,
                        chain: &step.chain,
                        number,
                        word,
                    };
                    match target_of(line) {
                        LegacyTarget::Stops => true,
                        LegacyTarget::MayStop => false,
                        LegacyTarget::Passes => return None,
                    }
                }
                _ => return None,
            };
            Some(Decision {
                packet_id,
                step,
                certain,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::Headers;
    use crate::headers::tests::tcp4;
    use fwlab_record::{Backend, TableFamily, TcpFlags};

    fn step(
        packet: u64,
        table: &str,
        chain: &str,
        at: TracePlace,
        verdict: TraceVerdict,
    ) -> TraceStep {
        TraceStep {
            backend: match at {
                TracePlace::Line { .. } => Backend::Legacy,
                _ => Backend::Nft,
            },
            family: Family::Ipv4,
            table_family: TableFamily::Ip,
            table: table.into(),
            chain: chain.into(),
            at,
            verdict,
            packet_id: PacketId(packet),
            packet: Headers::read(&tcp4(1, TcpFlags::SYN, 1, b""))
                .expect("whole headers")
                .packet,
            input: None,
            output: None,
            conntrack: None,
        }
    }

    fn line(packet: u64, table: &str, chain: &str, number: u32) -> TraceStep {
        let at = TracePlace::Line {
            number,
            word: LegacyWord::Rule,
        };
        step(packet, table, chain, at, TraceVerdict::Unsaid)
    }

    fn rule(packet: u64, chain: &str, handle: u64, verdict: TraceVerdict) -> TraceStep {
        step(
            packet,
            "filter",
            chain,
            TracePlace::Rule { handle },
            verdict,
        )
    }

    fn policy(packet: u64, chain: &str, verdict: TraceVerdict) -> TraceStep {
        step(packet, "filter", chain, TracePlace::Policy, verdict)
    }

    fn unasked(line: LegacyLine<'_>) -> LegacyTarget {
        panic!("nft needs no listing, but was asked for {line:?}")
    }

    #[test]
    fn nft_says_it_itself() {
        let steps = [
            policy(1, "PREROUTING", TraceVerdict::Accept),
            policy(2, "INPUT", TraceVerdict::Drop),
            rule(1, "INPUT", 5, TraceVerdict::Jump("ftp".into())),
            rule(1, "ftp", 9, TraceVerdict::Drop),
            rule(3, "INPUT", 4, TraceVerdict::Accept),
        ];
        let decisions = deciding_steps(&steps, unasked);
        assert_eq!(decisions.len(), 2);
        assert_eq!((decisions[0].step, decisions[0].certain), (&steps[3], true));
        assert_eq!((decisions[1].step, decisions[1].certain), (&steps[1], true));
    }

    #[test]
    fn a_return_to_a_policy_is_the_policys_doing() {
        let steps = [
            rule(1, "INPUT", 5, TraceVerdict::Jump("ftp".into())),
            rule(1, "ftp", 9, TraceVerdict::Return),
            policy(1, "INPUT", TraceVerdict::Drop),
        ];
        assert_eq!(deciding_steps(&steps, unasked)[0].step, &steps[2]);
    }

    #[test]
    fn legacy_needs_the_listing_and_only_of_the_last_line() {
        let steps = [
            line(1, "raw", "PREROUTING", 2),
            line(1, "filter", "INPUT", 1),
            line(1, "filter", "INPUT", 3),
        ];
        let mut asked = Vec::new();
        let decisions = deciding_steps(&steps, |line| {
            asked.push((line.table.to_owned(), line.chain.to_owned(), line.number));
            LegacyTarget::Stops
        });
        assert_eq!(asked, [("filter".to_owned(), "INPUT".to_owned(), 3)]);
        assert_eq!((decisions[0].step, decisions[0].certain), (&steps[2], true));
    }

    #[test]
    fn targets_that_pass_and_targets_that_may_stop() {
        let steps = [line(1, "filter", "INPUT", 1), line(2, "filter", "INPUT", 2)];
        let decisions = deciding_steps(&steps, |line| match line.number {
            1 => LegacyTarget::Passes,
            _ => LegacyTarget::MayStop,
        });
        assert_eq!(decisions.len(), 1);
        assert_eq!(
            (decisions[0].packet_id, decisions[0].certain),
            (PacketId(2), false)
        );
    }

    #[test]
    fn with_both_backends_the_last_of_either_decides() {
        let steps = [
            line(1, "filter", "INPUT", 1),
            policy(1, "INPUT", TraceVerdict::Drop),
            policy(2, "INPUT", TraceVerdict::Accept),
            line(2, "filter", "INPUT", 1),
        ];
        let decisions = deciding_steps(&steps, |_| LegacyTarget::Stops);
        assert_eq!(decisions[0].step, &steps[1]);
        assert_eq!(decisions[1].step, &steps[3]);
    }

    #[test]
    fn a_queued_packet_is_uncertain() {
        let steps = [rule(1, "INPUT", 5, TraceVerdict::Queue)];
        assert!(!deciding_steps(&steps, unasked)[0].certain);
    }

    #[test]
    fn no_steps_no_decisions() {
        assert!(deciding_steps(&[], unasked).is_empty());
    }
}
