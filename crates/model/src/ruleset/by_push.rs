use std::collections::BTreeSet;

use super::native::NativeListing;
use super::only::Only;
use super::purity::{decides, looked_at};
use super::rule::{Rule, Ruleset};
use super::{Correspondence, Hook, SourceLine};
use fwlab_record::{ChainId, Family, RuleId, RuleOrdinal, TcpFlags};

/// A rule that decides otherwise on a segment of data with PSH than on the same segment without. TCP sets PSH where it
/// has nothing more to send at that moment: which segments have it is chance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByPush {
    /// The rule.
    pub rule: RuleId,
    /// The line that it came from.
    pub source_line: Option<SourceLine>,
    /// The hooks from which its chain is known to be reached.
    pub hooks: BTreeSet<Hook>,
    /// The packets that it looks at.
    pub only: Only,
}

/// The flags of a segment in mid-stream, and of the last one, each without PSH.
pub(super) const SEGMENTS: [u8; 2] = [TcpFlags::ACK, TcpFlags::ACK | TcpFlags::FIN];

impl Ruleset {
    /// The rules that decide by PSH on segments of data.
    pub fn by_push(&self) -> Vec<ByPush> {
        let hooks = self.reached();
        let mut found = Vec::new();
        for (family, table, chain, at, rule) in self.placed() {
            let decides = |table| decides(table, chain, rule, &mut Vec::new());
            if looks_at_push(rule, family) && self.table(family, table).is_some_and(decides) {
                found.push(ByPush {
                    rule: RuleId {
                        chain: ChainId {
                            family: family.into(),
                            table: table.word().to_owned(),
                            chain: chain.name().to_owned(),
                        },
                        ordinal: RuleOrdinal(at as u32 + 1),
                    },
                    source_line: rule.source(),
                    hooks: hooks.of(&(family, table, chain.name().to_owned())),
                    only: looked_at(rule, family),
                });
            }
        }
        found
    }
}

impl NativeListing {
    /// The rules that decide by PSH on segments of data.
    pub fn by_push(&self, lines: &Correspondence) -> Vec<ByPush> {
        let hooks = self.reached();
        let rules = self.deciding_by_push();
        rules
            .map(|(rule, only)| ByPush {
                source_line: lines.source_of(&rule),
                hooks: hooks.of(&rule.chain),
                only: only.clone(),
                rule,
            })
            .collect()
    }
}

/// Whether `--tcp-flags` of a rule tells segments of data apart by PSH.
fn looks_at_push(rule: &Rule, family: Family) -> bool {
    rule.walk(family).pieces.iter().any(|piece| {
        let (Some(mask), Some(set)) = (piece.first, piece.second) else {
            return false;
        };
        piece.is("tcp-flags") && tells_apart(flags(mask.text), flags(set.text))
    })
}

/// Whether some segment of data has these flags of the mask, if PSH is left out of both.
fn tells_apart(mask: u8, set: u8) -> bool {
    let others = mask & !TcpFlags::PSH;
    mask & TcpFlags::PSH != 0
        && SEGMENTS
            .iter()
            .any(|segment| segment & others == set & !TcpFlags::PSH)
}

/// Flags as iptables writes them.
fn flags(written: &str) -> u8 {
    let names = written.split(',');
    names.fold(0, |flags, name| flags | flag(name))
}

/// A flag, or `ALL` of them.
pub(super) fn flag(name: &str) -> u8 {
    match name.to_ascii_lowercase().as_str() {
        "fin" => TcpFlags::FIN,
        "syn" => TcpFlags::SYN,
        "rst" => TcpFlags::RST,
        "psh" => TcpFlags::PSH,
        "ack" => TcpFlags::ACK,
        "urg" => 0x20,
        "ecn" => 0x40,
        "cwr" => 0x80,
        "all" => 0x3f,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruleset::{Source, parse};

    #[test]
    fn a_segment_of_data_may_have_psh_or_not() {
        for (rule, told) in [
            ("--tcp-flags FIN,SYN,PSH NONE -j REJECT", true),
            ("--tcp-flags PSH PSH -j DROP", true),
            ("! --tcp-flags PSH PSH -j DROP", true),
            ("--tcp-flags ALL PSH,ACK -j ACCEPT", true),
            ("--tcp-flags ALL ACK -j ACCEPT", true),
            ("--tcp-flags FIN,PSH FIN -j DROP", true),
            // What scanners send.
            ("--tcp-flags ALL NONE -j DROP", false),
            ("--tcp-flags ALL ALL -j DROP", false),
            ("--tcp-flags ALL FIN,URG,PSH -j DROP", false),
            ("--tcp-flags ACK,PSH PSH -j DROP", false),
            ("--tcp-flags SYN,RST,PSH SYN,PSH -j DROP", false),
            ("--tcp-flags FIN FIN -j DROP", false),
            ("--syn -j ACCEPT", false),
            // It decides nothing.
            ("--tcp-flags PSH PSH -j LOG", false),
            ("--tcp-flags PSH PSH -j logs", false),
        ] {
            let text = format!(
                "iptables -N logs\niptables -A logs -j LOG\niptables -A INPUT -p tcp {rule}\n"
            );
            let parsed = parse(&Source::new("rules", text), Family::Ipv4).expect("a ruleset");
            let found = parsed.ruleset.by_push();
            assert_eq!(!found.is_empty(), told, "{rule}");
            for one in found {
                assert_eq!(one.rule.to_string(), "ipv4/filter/INPUT/1");
                assert_eq!(one.source_line.map(|line| line.line), Some(3));
                assert!(one.hooks.into_iter().eq([Hook::Input]));
            }
        }
    }
}
