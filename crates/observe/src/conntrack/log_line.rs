use std::sync::Arc;

use fwlab_record::{Family, Packet};

use crate::trace::PacketId;

/// A packet that a conntrack helper dropped: behind all rules, so that no rule shows it.
/// The FTP helper does so with half a PORT line, and where it finds no port to map.
#[derive(Debug, Clone, PartialEq)]
pub struct HelperDrop {
    /// The packet's family.
    pub family: Family,
    /// The helper.
    pub helper: Arc<str>,
    /// Why, in the kernel's words.
    pub reason: String,
    /// The packet.
    pub packet: Packet,
    /// Which packet of the trace it is, where it was traced.
    pub packet_id: Option<PacketId>,
}

/// A packet that conntrack could not place, so that it is INVALID to the rules. Said only where the node's
/// sysctl `net.netfilter.nf_conntrack_log_invalid` is set (255 for every protocol).
#[derive(Debug, Clone, PartialEq)]
pub struct InvalidPacket {
    /// The packet's family.
    pub family: Family,
    /// Why, in the kernel's words.
    pub reason: String,
    /// The packet.
    pub packet: Packet,
    /// Which packet of the trace it is, where it was traced.
    pub packet_id: Option<PacketId>,
}

/// What conntrack logs about a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConntrackLog<'a> {
    /// `nf_ct_helper_log` in `net/netfilter/nf_conntrack_helper.c`.
    HelperDrop { helper: &'a str, reason: &'a str },
    /// `nf_ct_l4proto_log_invalid` in `net/netfilter/nf_conntrack_proto.c`.
    Invalid { reason: &'a str },
}

impl<'a> ConntrackLog<'a> {
    /// Takes `nf_ct_ftp: dropping packet: REASON ` and `nf_ct_proto_6: REASON ` apart.
    pub(crate) fn read(prefix: &'a str) -> Option<ConntrackLog<'a>> {
        let (author, text) = prefix.strip_prefix("nf_ct_")?.trim_end().split_once(": ")?;
        if let Some(reason) = text.strip_prefix("dropping packet: ") {
            return Some(ConntrackLog::HelperDrop {
                helper: author,
                reason,
            });
        }
        author.strip_prefix("proto_")?;
        Some(ConntrackLog::Invalid { reason: text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_in_prefixes() {
        assert_eq!(
            ConntrackLog::read("nf_ct_ftp: dropping packet: partial matching of `PORT' "),
            Some(ConntrackLog::HelperDrop {
                helper: "ftp",
                reason: "partial matching of `PORT'"
            })
        );
        assert_eq!(
            ConntrackLog::read("nf_ct_proto_6: invalid rst "),
            Some(ConntrackLog::Invalid {
                reason: "invalid rst"
            })
        );
        for other in [
            "",
            "TRACE: filter:INPUT:rule:1 ",
            "nf_ct_ftp: hello",
            "nf_ct_proto_6",
        ] {
            assert_eq!(ConntrackLog::read(other), None, "{other}");
        }
    }
}
