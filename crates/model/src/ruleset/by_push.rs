use std::collections::BTreeSet;

use super::native::NativeListing;
use super::only::Only;
use super::purity::looked_at;
use super::walk::{Walk, walk};
use super::{Correspondence, Hook, Listing, SourceLine};
use fwlab_record::{RuleId, TcpFlags};

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

impl Listing {
    /// The rules that decide by PSH on segments of data.
    pub fn by_push(&self, lines: &Correspondence) -> Vec<ByPush> {
        let hooks = self.reached();
        let mut found = Vec::new();
        for (id, rule) in self.rules() {
            let words = rule.words();
            let walk = walk(&words, self.family());
            if looks_at_push(&walk) && self.decides(&id, rule) {
                found.push(ByPush {
                    source_line: lines.source_of(&id),
                    hooks: hooks.of(&id.chain),
                    only: looked_at(&walk),
                    rule: id,
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
fn looks_at_push(walk: &Walk<'_>) -> bool {
    walk.pieces.iter().any(|piece| {
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
    use fwlab_record::Family;

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
            ("--tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT", false),
            // It decides nothing.
            ("--tcp-flags PSH PSH -j LOG", false),
            ("--tcp-flags PSH PSH -j logs", false),
        ] {
            let text = format!(
                "*filter\n:INPUT ACCEPT [0:0]\n:logs - [0:0]\n-A INPUT -p tcp -m tcp {rule}\n-A logs -j LOG\nCOMMIT\n"
            );
            let listing = Listing::parse(&text, Family::Ipv4).expect("a listing");
            let found = listing.by_push(&Correspondence::default());
            assert_eq!(!found.is_empty(), told, "{rule}");
            for one in found {
                assert_eq!(one.rule.to_string(), "ipv4/filter/INPUT/1");
                assert!(one.hooks.into_iter().eq([Hook::Input]));
            }
        }
    }
}
