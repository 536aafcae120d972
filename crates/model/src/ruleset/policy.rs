use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use fwlab_record::{DataSetup, words};

words! {
    /// Where the firewall stands.
    pub enum Side {
        /// On the client's own host.
        Client,
        /// On the server's own host.
        Server,
        /// Between the two.
        Gateway,
    }
}

impl Side {
    /// The chain of the table raw in which control connections start.
    pub(super) fn helper_chain(self) -> &'static str {
        match self {
            Side::Client => "OUTPUT",
            Side::Server | Side::Gateway => "PREROUTING",
        }
    }
}

words! {
    /// What a refused packet is answered with.
    pub enum RejectWith {
        /// A TCP reset; what is not TCP is dropped.
        TcpReset,
        /// ICMP: port unreachable.
        PortUnreachable,
        /// ICMP: administratively prohibited.
        AdminProhibited,
    }
}

/// How passive data connections are told from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passive {
    /// By what the conntrack helper reads in 227 and 229.
    Stateful,
    /// By the server's range of ports, which needs no helper: the one way when
    /// TLS hides the replies. No port of an empty range passes.
    StaticRange(RangeInclusive<u16>),
}

/// How active data connections are told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Active {
    /// By what the conntrack helper reads in PORT and EPRT.
    Stateful,
    /// By the port that the server connects from, which needs no helper: the one way when TLS hides the commands. Whoever
    /// connects from that port passes, so it is for the server's own firewall, which knows who does.
    StaticPort,
}

/// What happens to everything else.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum DefaultPolicy {
    /// It is dropped.
    Drop,
    /// TCP is answered with a reset, the rest with port unreachable: what a
    /// host without a firewall would answer.
    Reject,
    /// It passes. Then nothing is blocked, whatever is allowed.
    Accept,
    /// It is answered so, and dropped where the answer does not fit.
    #[strum(disabled)]
    RejectWith(RejectWith),
}

/// What a firewall should let through of FTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Where the firewall stands.
    pub firewall: Side,
    /// The data setups that should pass. Rules cannot tell PORT from EPRT, nor
    /// PASV from EPSV: see [`Policy::passing`].
    pub allow: Vec<DataSetup>,
    /// How passive data connections are known.
    pub passive: Passive,
    /// How active data connections are known.
    pub active: Active,
    /// Whether the conntrack helper is attached. Without it nothing is RELATED,
    /// and only a static range or port passes data.
    pub helper: bool,
    /// What happens to everything else.
    pub default: DefaultPolicy,
    /// The server's control port, mostly 21.
    pub control_port: u16,
    /// The port that the server's active connections come from, mostly 20;
    /// nothing when it may be any.
    pub data_source_port: Option<u16>,
    /// Whether the host may talk to itself.
    pub loopback: bool,
}

impl Policy {
    /// A policy that drops everything but FTP with these data setups, with the
    /// helper, on the usual ports.
    pub fn new(firewall: Side, allow: impl IntoIterator<Item = DataSetup>) -> Policy {
        Policy {
            firewall,
            allow: allow.into_iter().collect(),
            passive: Passive::Stateful,
            active: Active::Stateful,
            helper: true,
            default: DefaultPolicy::Drop,
            control_port: 21,
            data_source_port: Some(20),
            loopback: true,
        }
    }

    pub(super) fn active(&self) -> bool {
        self.allow.iter().any(|setup| setup.is_active())
    }

    pub(super) fn passive(&self) -> bool {
        self.allow.iter().any(|setup| !setup.is_active())
    }

    /// The data setups that the generated rules let through, as far as rules
    /// decide, from a server whose active connections come from
    /// `data_source_port`: both active ones when one is allowed, both passive
    /// ones alike.
    ///
    /// A gateway sees both directions alike. Without a low source port, its
    /// rules for one kind pass the other too.
    pub fn passing(&self) -> Vec<DataSetup> {
        let active = match self.active {
            Active::Stateful => self.helper && self.active(),
            Active::StaticPort => self.active(),
        };
        let (passive, stateful) = match &self.passive {
            Passive::Stateful => (self.helper && self.passive(), true),
            Passive::StaticRange(range) => (self.passive() && !range.is_empty(), false),
        };
        let gateway = self.firewall == Side::Gateway;
        let comes_high = self.data_source_port.is_none_or(|port| port >= 1024);
        let like_passive = gateway && comes_high && passive && stateful;
        let like_active = gateway && self.data_source_port.is_none() && active;
        let passes = |setup: &DataSetup| {
            let own = if setup.is_active() {
                active || like_passive
            } else {
                passive || like_active
            };
            self.default == DefaultPolicy::Accept || own
        };
        DataSetup::ALL.iter().copied().filter(passes).collect()
    }
}
