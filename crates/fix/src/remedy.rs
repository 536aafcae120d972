use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use fwlab_model::IpNet;
use fwlab_model::ruleset::Side;
use fwlab_record::{Backend, ChainId, Family, InterfaceName};

use crate::only::Only;

/// One thing to change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// Assign conntrack's helper to control connections.
    Helper {
        /// For which family.
        family: Family,
        /// Where the firewall stands.
        side: HelperSide,
        /// The control port, as the firewall sees it first.
        port: u16,
        /// Which rules it belongs to.
        backend: Backend,
    },
    /// Keep control connections in conntrack, before a rule takes them out.
    Track {
        /// For which family.
        family: Family,
        /// Where these packets are seen first.
        side: HelperSide,
        /// Which of their packets.
        way: ControlWay,
        /// The control port, as the firewall sees it first.
        port: u16,
        /// Which rules it belongs to.
        backend: Backend,
    },
    /// Accept something before the rule that stops it.
    Accept {
        /// Where.
        spot: Spot,
        /// What.
        what: Accepts,
    },
    /// Lead a range of ports of a gateway's own address on to the server.
    Forward {
        /// Which rules it belongs to.
        backend: Backend,
        /// The address that clients connect to.
        from: IpAddr,
        /// The server's own.
        to: IpAddr,
        /// The first port.
        low: u16,
        /// The last.
        high: u16,
    },
    /// Give connections that a gateway passes on an address of the gateway's own.
    Masquerade {
        /// Which rules it belongs to.
        backend: Backend,
        /// For which family.
        family: Family,
        /// Which connections.
        which: PassedOn,
    },
    /// Have both ends of the connections that a gateway passes on send no more than fits on its links.
    ClampMss {
        /// Which rules it belongs to.
        backend: Backend,
        /// For which family.
        family: Family,
    },
    /// Have the server keep to a range of passive ports.
    PassivePorts {
        /// The first.
        low: u16,
        /// The last.
        high: u16,
    },
    /// Have the server announce another address.
    Advertise {
        /// The one that clients connect to.
        address: Ipv4Addr,
    },
}

/// Connections that a gateway passes on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PassedOn {
    /// All that leave by an interface.
    By(InterfaceName),
    /// Those from a network to a server in it.
    Within {
        /// The network.
        net: IpNet,
        /// The server.
        server: IpAddr,
    },
}

/// Where packets of control connections are seen first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HelperSide {
    /// As they come in: those of a client on a server, and all on a gateway.
    Incoming,
    /// As they are made: those of a client on the client.
    Outgoing,
}

impl HelperSide {
    /// The chain of that hook in a table of iptables.
    pub(crate) fn chain(self) -> &'static str {
        match self {
            HelperSide::Incoming => "PREROUTING",
            HelperSide::Outgoing => "OUTPUT",
        }
    }

    /// The hook, as nft calls it.
    pub(crate) fn hook(self) -> &'static str {
        match self {
            HelperSide::Incoming => "prerouting",
            HelperSide::Outgoing => "output",
        }
    }
}

impl From<Side> for HelperSide {
    fn from(side: Side) -> HelperSide {
        match side {
            Side::Client => HelperSide::Outgoing,
            Side::Server | Side::Gateway => HelperSide::Incoming,
        }
    }
}

/// Which packets of a control connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ControlWay {
    /// Those to the server.
    ToServer,
    /// Those from it.
    FromServer,
}

impl ControlWay {
    /// Where a host sees them first.
    pub(crate) fn seen(self, by: Side) -> HelperSide {
        match (self, by) {
            (ControlWay::ToServer, by) => by.into(),
            (ControlWay::FromServer, Side::Server) => HelperSide::Outgoing,
            (ControlWay::FromServer, Side::Client | Side::Gateway) => HelperSide::Incoming,
        }
    }
}

/// A place in a chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The chain.
    pub chain: ChainId,
    /// Which rules it is of.
    pub backend: Backend,
    /// The family of the packet.
    pub family: Family,
    /// The line of the rule that stops the packet, in its file; of a policy, the policy's own line, where it has one.
    pub line: Option<u32>,
    /// The rule's place in the chain; nothing for a policy.
    pub ordinal: Option<u32>,
    /// For whom alone, where somebody chose.
    pub only: Only,
}

/// What a rule accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accepts {
    /// Packets of connections that were let through.
    Established,
    /// Connections that the helper ftp expects.
    Related,
    /// New connections to these ports.
    Ports {
        /// The first.
        low: u16,
        /// The last.
        high: u16,
    },
    /// New connections from the port that a server's active data connections come from.
    FromPort20,
    /// ICMP without which there is no connection, or none that carries large packets.
    Icmp(Icmp),
}

/// A message of ICMP that connections need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Icmp {
    /// Hosts of one network ask for each other's link address, and tell it (IPv6).
    NeighbourDiscovery,
    /// Who tells a sender that a packet was too large for the path (IPv6).
    PacketTooBig,
    /// The same of IPv4.
    FragmentationNeeded,
}

impl Icmp {
    /// As iptables matches it: a rule each.
    pub(crate) fn of_iptables(self) -> &'static [&'static str] {
        match self {
            Icmp::NeighbourDiscovery => &[
                "-p ipv6-icmp -m icmp6 --icmpv6-type 135",
                "-p ipv6-icmp -m icmp6 --icmpv6-type 136",
            ],
            Icmp::PacketTooBig => &["-p ipv6-icmp -m icmp6 --icmpv6-type 2"],
            Icmp::FragmentationNeeded => &["-p icmp -m icmp --icmp-type 3/4"],
        }
    }

    /// As nft matches it.
    pub(crate) fn of_nft(self) -> &'static str {
        match self {
            Icmp::NeighbourDiscovery => "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }",
            Icmp::PacketTooBig => "icmpv6 type packet-too-big",
            Icmp::FragmentationNeeded => "icmp type destination-unreachable icmp code frag-needed",
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remedy::Helper { port, family, .. } => {
                write!(f, "assign the helper ftp to connections to port {port}")?;
                match family {
                    Family::Ipv4 => Ok(()),
                    Family::Ipv6 => f.write_str(" over IPv6"),
                }
            }
            Remedy::Track {
                way, port, backend, ..
            } => match way {
                ControlWay::FromServer => {
                    write!(f, "keep what comes from port {port} in conntrack")
                }
                // A rule of nft does one of the two.
                ControlWay::ToServer if *backend == Backend::Native => {
                    write!(f, "keep connections to port {port} in conntrack")
                }
                ControlWay::ToServer => write!(
                    f,
                    "keep connections to port {port} in conntrack, and assign the helper ftp to them"
                ),
            },
            Remedy::Accept { spot, what } => {
                let before = match (spot.ordinal, spot.line) {
                    (Some(_), Some(line)) => format!("before line {line}"),
                    (Some(ordinal), None) => format!("before its rule {ordinal}"),
                    (None, _) => "before its policy".to_owned(),
                };
                write!(f, "accept {what} in {}, {before}", spot.chain)
            }
            Remedy::Forward {
                from,
                to,
                low,
                high,
                ..
            } => write!(f, "forward TCP to ports {low}-{high} of {from} to {to}"),
            Remedy::Masquerade {
                which: PassedOn::By(out),
                ..
            } => write!(f, "give the gateway's own address to what leaves by {out}"),
            Remedy::Masquerade {
                which: PassedOn::Within { net, server },
                ..
            } => write!(
                f,
                "give the gateway's own address to what comes from {net} and is forwarded to {server} there"
            ),
            Remedy::ClampMss { .. } => {
                f.write_str("clamp the MSS of forwarded TCP to what the gateway's links carry")
            }
            Remedy::PassivePorts { low, high } => write!(
                f,
                "have the server keep to the passive ports {low}-{high} (vsftpd: pasv_min_port={low}, pasv_max_port={high})"
            ),
            Remedy::Advertise { address } => write!(
                f,
                "have the server announce {address} (vsftpd: pasv_address={address})"
            ),
        }
    }
}

impl fmt::Display for Accepts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Accepts::Established => f.write_str("what is ESTABLISHED"),
            Accepts::Related => f.write_str("what is RELATED by the helper ftp"),
            Accepts::Ports { low, high } if low == high => write!(f, "TCP to port {low}"),
            Accepts::Ports { low, high } => write!(f, "TCP to the ports {low}-{high}"),
            Accepts::FromPort20 => f.write_str("TCP from port 20"),
            Accepts::Icmp(Icmp::NeighbourDiscovery) => {
                f.write_str("ICMPv6 by which neighbours find each other")
            }
            Accepts::Icmp(Icmp::PacketTooBig | Icmp::FragmentationNeeded) => {
                f.write_str("ICMP that tells a sender to send smaller packets")
            }
        }
    }
}

impl Remedy {
    /// Whether it opens a range of ports in vain unless the server keeps to them, which is the other one.
    pub fn needs(&self, other: &Remedy) -> bool {
        let Remedy::PassivePorts { low, high } = other else {
            return false;
        };
        match self {
            Remedy::Accept {
                what:
                    Accepts::Ports {
                        low: from,
                        high: to,
                    },
                ..
            }
            | Remedy::Forward {
                low: from,
                high: to,
                ..
            } => (from, to) == (low, high),
            _ => false,
        }
    }

    /// Whether it changes the rules, and not the server.
    pub fn is_of_rules(&self) -> bool {
        matches!(
            self,
            Remedy::Helper { .. }
                | Remedy::Track { .. }
                | Remedy::Accept { .. }
                | Remedy::Forward { .. }
                | Remedy::Masquerade { .. }
                | Remedy::ClampMss { .. }
        )
    }
}
