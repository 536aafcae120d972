//! Address translation by a gateway, in rules that are made.

use std::net::IpAddr;

use fwlab_record::{Family, InterfaceName};

use super::policy::{Passive, Policy};

/// What a gateway does to addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nat {
    /// What leaves by this interface has the gateway's own address (`MASQUERADE`): only towards there are connections opened.
    Masquerade {
        /// The interface.
        out: InterfaceName,
    },
    /// Connections to the gateway's own addresses go to this server (`DNAT`): to the control port, and to the range of passive ports
    /// where there is one.
    Forward {
        /// The server's address.
        to: IpAddr,
    },
}

impl Nat {
    /// Whether it is of a family: an address is of its own alone.
    pub fn speaks(&self, family: Family) -> bool {
        match self {
            Nat::Masquerade { .. } => true,
            Nat::Forward { to } => Family::of(*to) == family,
        }
    }

    /// What iptables looks at in a packet that opens a connection.
    pub(super) fn scope(&self) -> String {
        match self {
            Nat::Masquerade { out } => format!("-o {out} "),
            Nat::Forward { to } => format!("-d {to} "),
        }
    }

    /// The rules of iptables' table nat, each with its chain.
    pub(super) fn rules(&self, policy: &Policy) -> Vec<(&'static str, String)> {
        match self {
            Nat::Masquerade { out } => vec![("POSTROUTING", format!("-o {out} -j MASQUERADE"))],
            Nat::Forward { to } => ports(policy)
                .map(|(low, high)| {
                    let ports = if low == high { low.to_string() } else { format!("{low}:{high}") };
                    let rule = format!(
                        "-p tcp --dport {ports} -m addrtype --dst-type LOCAL -j DNAT --to-destination {to}"
                    );
                    ("PREROUTING", rule)
                })
                .collect(),
        }
    }

    /// What nft looks at in a packet that opens a connection.
    pub(super) fn nft_scope(&self) -> String {
        match self {
            Nat::Masquerade { out } => format!("oifname \"{out}\" "),
            Nat::Forward { to } => format!("{} daddr {to} ", nft_family(*to)),
        }
    }

    /// A chain of nft that does it.
    pub(super) fn nft_chain(&self, policy: &Policy) -> String {
        let (hook, priority, rules) = match self {
            Nat::Masquerade { out } => (
                "postrouting",
                "srcnat",
                format!("\t\tmeta nfproto ipv4 oifname \"{out}\" masquerade\n"),
            ),
            Nat::Forward { to } => {
                let rules = ports(policy).map(|(low, high)| {
                    let ports = if low == high {
                        low.to_string()
                    } else {
                        format!("{low}-{high}")
                    };
                    format!(
                        "\t\tfib daddr type local tcp dport {ports} dnat {} to {to}\n",
                        nft_family(*to)
                    )
                });
                ("prerouting", "dstnat", rules.collect())
            }
        };
        format!(
            "\tchain {hook} {{\n\t\ttype nat hook {hook} priority {priority}; policy accept;\n{rules}\t}}\n"
        )
    }
}

/// The ports that connections are opened to, and no rule says when.
fn ports(policy: &Policy) -> impl Iterator<Item = (u16, u16)> {
    let range = match &policy.passive {
        Passive::StaticRange(range) if policy.passive() && !range.is_empty() => {
            Some((*range.start(), *range.end()))
        }
        _ => None,
    };
    [(policy.control_port, policy.control_port)]
        .into_iter()
        .chain(range)
}

fn nft_family(address: IpAddr) -> &'static str {
    match Family::of(address) {
        Family::Ipv4 => "ip",
        Family::Ipv6 => "ip6",
    }
}
