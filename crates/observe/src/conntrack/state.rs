use std::fmt;

use crate::netlink::{Attributes, be32};

/// A conntrack entry's id: a hash over the entry that is the same in events and in traces
/// (`nf_ct_get_id` in `net/netfilter/nf_conntrack_core.c`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConntrackId(pub u32);

/// Which of a connection's two ways a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConntrackDirection {
    /// That of its first packet.
    Original,
    /// The other.
    Reply,
}

impl ConntrackDirection {
    /// `enum ip_conntrack_dir`.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(ConntrackDirection::Original),
            1 => Some(ConntrackDirection::Reply),
            _ => None,
        }
    }
}

/// What `-m conntrack --ctstate` would say of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConntrackState {
    /// It fits no connection and opens none.
    Invalid,
    /// It opens a connection.
    New,
    /// Its connection has seen packets both ways.
    Established,
    /// Its connection was expected, or it is an ICMP error about one.
    Related,
    /// It was taken out of conntrack (`-j CT --notrack`).
    Untracked,
}

impl ConntrackState {
    /// From the bit that nft's trace carries (`NF_CT_STATE_BIT` in `nf_conntrack_common.h`).
    pub(crate) fn from_bits(bits: u32) -> ConntrackState {
        match bits {
            0x02 => ConntrackState::Established,
            0x04 => ConntrackState::Related,
            0x08 => ConntrackState::New,
            0x40 => ConntrackState::Untracked,
            _ => ConntrackState::Invalid,
        }
    }

    /// From `enum ip_conntrack_info`, which nfnetlink_log carries; with the direction that it holds.
    fn from_info(info: u32) -> (ConntrackState, ConntrackDirection) {
        use ConntrackDirection::{Original, Reply};
        match info {
            0 => (ConntrackState::Established, Original),
            1 => (ConntrackState::Related, Original),
            2 => (ConntrackState::New, Original),
            3 => (ConntrackState::Established, Reply),
            4 => (ConntrackState::Related, Reply),
            7 => (ConntrackState::Untracked, Original),
            _ => (ConntrackState::Invalid, Original),
        }
    }
}

impl fmt::Display for ConntrackState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ConntrackState::Invalid => "INVALID",
            ConntrackState::New => "NEW",
            ConntrackState::Established => "ESTABLISHED",
            ConntrackState::Related => "RELATED",
            ConntrackState::Untracked => "UNTRACKED",
        })
    }
}

/// The status bits of a conntrack entry (`enum ip_conntrack_status` in `nf_conntrack_common.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConntrackStatus(pub u32);

impl ConntrackStatus {
    /// Whether an expectation announced the connection: its packets are RELATED at first.
    pub fn is_expected(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether a packet came back.
    pub fn is_answered(self) -> bool {
        self.0 & 1 << 1 != 0
    }

    /// Whether the entry is past its infancy and kept under pressure.
    pub fn is_assured(self) -> bool {
        self.0 & 1 << 2 != 0
    }

    /// Whether the first packet left netfilter: an entry that is not confirmed dies with its packet.
    pub fn is_confirmed(self) -> bool {
        self.0 & 1 << 3 != 0
    }

    /// Whether NAT changes its source.
    pub fn is_source_nat(self) -> bool {
        self.0 & 1 << 4 != 0
    }

    /// Whether NAT changes its destination.
    pub fn is_destination_nat(self) -> bool {
        self.0 & 1 << 5 != 0
    }
}

/// The state of a TCP connection in conntrack's view (`enum tcp_conntrack` in `nf_conntrack_tcp.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TcpState {
    /// Nothing was seen yet.
    None,
    /// A SYN was seen.
    SynSent,
    /// A SYN-ACK was seen.
    SynReceived,
    /// The handshake is complete.
    Established,
    /// The opener's FIN was seen.
    FinWait,
    /// The other end's FIN was seen.
    CloseWait,
    /// Both FINs were seen.
    LastAck,
    /// Everything is acknowledged.
    TimeWait,
    /// It was reset.
    Close,
    /// SYNs crossed.
    SynSentBoth,
    /// A number that this list does not know.
    Other(u8),
}

impl TcpState {
    pub(crate) fn from_number(number: u8) -> TcpState {
        match number {
            0 => TcpState::None,
            1 => TcpState::SynSent,
            2 => TcpState::SynReceived,
            3 => TcpState::Established,
            4 => TcpState::FinWait,
            5 => TcpState::CloseWait,
            6 => TcpState::LastAck,
            7 => TcpState::TimeWait,
            8 => TcpState::Close,
            9 => TcpState::SynSentBoth,
            other => TcpState::Other(other),
        }
    }
}

/// A packet's place in conntrack, as a trace message tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceConntrack {
    /// The entry; `None` for a packet that is invalid or untracked.
    pub id: Option<ConntrackId>,
    /// Which of the connection's ways.
    pub direction: Option<ConntrackDirection>,
    /// What the rules can match on.
    pub state: ConntrackState,
    /// The entry's status.
    pub status: Option<ConntrackStatus>,
}

impl TraceConntrack {
    /// From a message of nfnetlink_log: its `NFULA_CT_INFO`, and the entry in `NFULA_CT`.
    pub(crate) fn from_log(info: u32, entry: Option<Attributes<'_>>) -> TraceConntrack {
        let (state, direction) = ConntrackState::from_info(info);
        let (mut id, mut status) = (None, None);
        for (attribute, value) in entry.into_iter().flatten() {
            match attribute {
                super::decode::STATUS => status = be32(value).map(ConntrackStatus),
                super::decode::ID => id = be32(value).map(ConntrackId),
                _ => {}
            }
        }
        TraceConntrack {
            id,
            direction: id.map(|_| direction),
            state,
            status,
        }
    }
}
