use std::sync::Arc;

use fwlab_record::{Backend, ConntrackState, Family, Packet, TableFamily};

use crate::interface::Interface;

/// One step of one packet through the rules of a node: a rule that it
/// matched, the policy of a chain, or the end of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceStep {
    /// Who says so. `nft` for every table of nf_tables, native ones too.
    pub backend: Backend,
    /// The packet's family.
    pub family: Family,
    /// The table's family as nf_tables has it, where iptables-nft's own are `ip` and `ip6`, or legacy's.
    pub table_family: TableFamily,
    /// The table.
    pub table: Arc<str>,
    /// The chain.
    pub chain: Arc<str>,
    /// Where in the chain.
    pub at: TracePlace,
    /// What the packet was told to do.
    pub verdict: TraceVerdict,
    /// Which packet: the same through all chains of both backends in this node.
    pub packet_id: PacketId,
    /// The packet as it was when it entered this chain.
    pub packet: Packet,
    /// The interface that it came in by.
    pub input: Option<Interface>,
    /// The interface that it goes out by, once that is known.
    pub output: Option<Interface>,
    /// What conntrack calls it, behind conntrack's hook and where the kernel says it
    /// ([`Newer::TraceConntrack`](crate::Newer::TraceConntrack)).
    pub state: Option<ConntrackState>,
}

impl TraceStep {
    /// Whether the kernel itself says that this step ended the packet.
    /// Legacy never says it: what stands in a line, and whether it ends a packet, only its rules tell. There a line that ends
    /// one has no successor, and an ACCEPT ends its table alone.
    pub fn is_drop(&self) -> bool {
        self.verdict == TraceVerdict::Drop
    }
}

/// A packet's way through one node: from its arrival, or from the process that
/// sends it, until it is delivered, leaves, or is stopped. Numbered in the order in
/// which packets entered, unique for one [`Observer`](crate::Observer). A packet that a node sends
/// to itself over `lo` makes two ways, one out and one in. A retransmission is another packet.
///
/// This is not the kernel's trace id, which is a hash over the packet's place
/// in memory and comes again with the next packet in the same place
/// (`trace_fill_id` in `net/netfilter/nf_tables_trace.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(pub u64);

/// A place in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TracePlace {
    /// nft: a rule. The handle names it, and is no ordinal; see [`NftRules`](crate::NftRules).
    Rule {
        /// The rule's handle, unique in its table.
        handle: u64,
    },
    /// nft: the policy of a base chain.
    Policy,
    /// legacy: a line of the chain. The kernel counts the rules and, behind the last of them, the
    /// policy (or a user chain's end). So line *n* is rule *n* of the saved listing if there are as many, and
    /// the policy otherwise. The word that the kernel has for it cannot tell: it calls an unconditional rule with
    /// DROP, ACCEPT or RETURN a policy (or a return), too
    /// (`get_chainname_rulenum` in `net/ipv4/netfilter/ip_tables.c`).
    Line {
        /// The line, 1 for the first.
        number: u32,
    },
}

/// What a packet was told to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TraceVerdict {
    /// It ends here. Of REJECT too: that it also answers stands in the rule only.
    Drop,
    /// It goes on to the next chain of the hook, or on its way.
    Accept,
    /// It goes on to the next rule.
    Continue,
    /// It goes on in that chain, and may come back.
    Jump(Arc<str>),
    /// It goes on in that chain, and then in the caller's caller.
    Goto(Arc<str>),
    /// It goes back to the rule behind the jump, or to the policy.
    Return,
    /// It waits for a process to decide.
    Queue,
    /// A target took it (`SYNPROXY`).
    Stolen,
    /// A code that this list does not know.
    Other(i32),
    /// Not said: legacy's trace has no verdicts.
    Unsaid,
}

/// The family of a table of nf_tables, from the number that nfnetlink writes (`NFPROTO_*`).
pub(crate) fn table_family(number: u8) -> Option<TableFamily> {
    use fwlab_fabric::netlink::family;
    Some(match number {
        family::INET => TableFamily::Inet,
        family::IPV4 => TableFamily::Ip,
        family::IPV6 => TableFamily::Ip6,
        family::ARP => TableFamily::Arp,
        family::BRIDGE => TableFamily::Bridge,
        family::NETDEV => TableFamily::Netdev,
        _ => return None,
    })
}
