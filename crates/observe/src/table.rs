//! The lab's own table: marks the packets whose way through the rules the kernel shall report.
//!
//! ```text
//! table inet fwlab-observe {
//!     flags owner
//!     chain mark {
//!         tcp flags & (fin | syn | rst) != 0    meta nftrace set 1 accept
//!         tcp sport PORT                        meta nftrace set 1 accept   # for each control port
//!         tcp dport PORT                        meta nftrace set 1 accept
//!         meta l4proto icmp                     log prefix TOKEN group 0 meta nftrace set 1 accept
//!         meta l4proto ipv6-icmp                log prefix TOKEN group 0 meta nftrace set 1 accept
//!         limit rate 1/day burst 256 packets    meta nftrace set 1 accept
//!     }
//!     chain prerouting { type filter hook prerouting priority -350; jump mark; }
//!     chain output {
//!         type filter hook output priority -350;
//!         tcp flags & syn != 0    log prefix TOKEN group 0    # what opens a connection, as it was sent
//!         jump mark
//!     }
//! }
//! ```
//!
//! Of an ICMP error the log has the packet that it is about, which the trace cuts off.
//! The last rule counts packets, not bytes: what a trace costs goes by packets.
//! `accept` ends the packet's way through this table only, and saves the kernel a message about the policy.

use fwlab_record::TcpFlags;

use fwlab_fabric::netlink::{Batch, Body, family, flags};

/// The name of the lab's own table, of family `inet`. Whoever lists a node's rules sees it, too.
pub const TABLE: &str = fwlab_model::ruleset::native::LAB_TABLE;

const MARK: &str = "mark";

/// `NF_INET_PRE_ROUTING`
const PREROUTING: u32 = 0;
/// `NF_INET_LOCAL_OUT`
const OUTPUT: u32 = 3;

/// Base chains and their hooks.
const BASE_CHAINS: [(&str, u32); 2] = [("prerouting", PREROUTING), ("output", OUTPUT)];

const PRIORITY: i32 = fwlab_model::ruleset::native::LAB_PRIORITY;

/// Packets that are traced without being SYN, FIN, RST, ICMP or control. Enough for the handshake's
/// last step and the start of several transfers, and some thousand messages at most.
const BUDGET: u32 = 256;

const SECONDS_OF_A_DAY: u64 = 86_400;

// Messages of nf_tables (`enum nf_tables_msg_types`).
const NEW_TABLE: u8 = 0;
const DELETE_TABLE: u8 = 2;
const NEW_CHAIN: u8 = 3;
const NEW_RULE: u8 = 6;

const TABLE_NAME: u16 = 1;
const TABLE_FLAGS: u16 = 2;
const FLAG_OWNER: u32 = 2;

const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_TYPE: u16 = 7;
const HOOK_NUMBER: u16 = 1;
const HOOK_PRIORITY: u16 = 2;

const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;

/// The batch that makes the table. What opens a connection is logged as it was sent, and ICMP
/// messages in whole, with `sent` as their prefix.
pub(crate) fn load(control_ports: &[u16], sent: &str, owned: bool) -> Batch {
    Batch::of_nf_tables(|batch| {
        batch.nf_tables(
            NEW_TABLE,
            flags::CREATE,
            family::INET,
            "make the lab's table",
            |table| {
                table.text(TABLE_NAME, TABLE);
                if owned {
                    table.be32(TABLE_FLAGS, FLAG_OWNER);
                }
            },
        );
        chain(batch, MARK, |_| {});
        for (name, hook) in BASE_CHAINS {
            chain(batch, name, |chain| {
                chain
                    .nested(CHAIN_HOOK, |hooked| {
                        hooked
                            .be32(HOOK_NUMBER, hook)
                            .signed_be32(HOOK_PRIORITY, PRIORITY);
                    })
                    .text(CHAIN_TYPE, "filter");
            });
            if hook == OUTPUT {
                rule(batch, name, |list| {
                    expression::protocol(list, TCP);
                    expression::tcp_flags(list, TcpFlags::SYN);
                    expression::log(list, sent);
                });
            }
            rule(batch, name, |list| expression::jump(list, MARK));
        }
        rule(batch, MARK, |list| {
            expression::protocol(list, TCP);
            expression::tcp_flags(list, 0x07);
            expression::trace(list);
        });
        for port in control_ports {
            for at in [SOURCE_PORT, DESTINATION_PORT] {
                rule(batch, MARK, |list| {
                    expression::protocol(list, TCP);
                    expression::port(list, at, *port);
                    expression::trace(list);
                });
            }
        }
        for protocol in [ICMP, ICMPV6] {
            rule(batch, MARK, |list| {
                expression::protocol(list, protocol);
                expression::log(list, sent);
                expression::trace(list);
            });
        }
        rule(batch, MARK, |list| {
            expression::limit(list, BUDGET);
            expression::trace(list);
        });
    })
}

/// The batch that adds the rule for every packet.
pub(crate) fn trace_everything() -> Batch {
    Batch::of_nf_tables(|batch| rule(batch, MARK, expression::trace))
}

/// The batch that takes the table away.
pub(crate) fn remove() -> Batch {
    Batch::of_nf_tables(|batch| {
        let purpose = "take the lab's table away";
        batch.nf_tables(DELETE_TABLE, 0, family::INET, purpose, |table| {
            table.text(TABLE_NAME, TABLE);
        });
    })
}

fn chain(batch: &mut Batch, name: &str, write: impl FnOnce(&mut Body)) {
    let purpose = "make a chain of the lab's table";
    batch.nf_tables(NEW_CHAIN, flags::CREATE, family::INET, purpose, |chain| {
        chain.text(CHAIN_TABLE, TABLE).text(CHAIN_NAME, name);
        write(chain);
    });
}

fn rule(batch: &mut Batch, chain: &str, expressions: impl FnOnce(&mut Body)) {
    let create = flags::CREATE | flags::APPEND;
    let purpose = "add a rule to the lab's table";
    batch.nf_tables(NEW_RULE, create, family::INET, purpose, |rule| {
        rule.text(RULE_TABLE, TABLE)
            .text(RULE_CHAIN, chain)
            .nested(RULE_EXPRESSIONS, expressions);
    });
}

const TCP: u8 = 6;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
const SOURCE_PORT: u32 = 0;
const DESTINATION_PORT: u32 = 2;

/// Expressions of nf_tables, as far as this table needs them
/// (`include/uapi/linux/netfilter/nf_tables.h`). Values travel in register 1, verdicts in register 0.
mod expression {
    use fwlab_fabric::netlink::Body;

    const ELEMENT: u16 = 1;
    const NAME: u16 = 1;
    const DATA: u16 = 2;
    const DATA_VALUE: u16 = 1;
    const DATA_VERDICT: u16 = 2;
    const VERDICT_CODE: u16 = 1;
    const VERDICT_CHAIN: u16 = 2;
    const REGISTER_VERDICT: u32 = 0;
    const REGISTER: u32 = 1;
    const ACCEPT: i32 = 1;
    const JUMP: i32 = -3;
    const EQUAL: u32 = 0;
    const NOT_EQUAL: u32 = 1;
    const META_NFTRACE: u32 = 12;
    const META_L4PROTO: u32 = 16;
    const TRANSPORT_HEADER: u32 = 2;
    const TCP_FLAGS_AT: u32 = 13;

    fn put(list: &mut Body, name: &str, data: impl FnOnce(&mut Body)) {
        list.nested(ELEMENT, |element| {
            element.text(NAME, name).nested(DATA, data);
        });
    }

    fn compare(list: &mut Body, operation: u32, value: &[u8]) {
        put(list, "cmp", |cmp| {
            cmp.be32(1, REGISTER).be32(2, operation).nested(3, |data| {
                data.bytes(DATA_VALUE, value);
            });
        });
    }

    fn transport(list: &mut Body, offset: u32, length: u32) {
        put(list, "payload", |payload| {
            payload
                .be32(1, REGISTER)
                .be32(2, TRANSPORT_HEADER)
                .be32(3, offset)
                .be32(4, length);
        });
    }

    fn verdict(list: &mut Body, code: i32, chain: Option<&str>) {
        put(list, "immediate", |immediate| {
            immediate.be32(1, REGISTER_VERDICT).nested(2, |data| {
                data.nested(DATA_VERDICT, |verdict| {
                    verdict.signed_be32(VERDICT_CODE, code);
                    if let Some(chain) = chain {
                        verdict.text(VERDICT_CHAIN, chain);
                    }
                });
            });
        });
    }

    /// `log prefix TEXT group 0`
    pub(super) fn log(list: &mut Body, prefix: &str) {
        put(list, "log", |log| {
            log.be16(1, crate::log::GROUP).text(2, prefix);
        });
    }

    /// `jump CHAIN`
    pub(super) fn jump(list: &mut Body, chain: &str) {
        verdict(list, JUMP, Some(chain));
    }

    /// `meta l4proto NUMBER`
    pub(super) fn protocol(list: &mut Body, number: u8) {
        put(list, "meta", |meta| {
            meta.be32(1, REGISTER).be32(2, META_L4PROTO);
        });
        compare(list, EQUAL, &[number]);
    }

    /// `tcp flags & MASK != 0`
    pub(super) fn tcp_flags(list: &mut Body, mask: u8) {
        transport(list, TCP_FLAGS_AT, 1);
        put(list, "bitwise", |bitwise| {
            bitwise.be32(1, REGISTER).be32(2, REGISTER).be32(3, 1);
            bitwise.nested(4, |data| {
                data.byte(DATA_VALUE, mask);
            });
            bitwise.nested(5, |data| {
                data.byte(DATA_VALUE, 0);
            });
        });
        compare(list, NOT_EQUAL, &[0]);
    }

    /// `tcp sport PORT` or `tcp dport PORT`
    pub(super) fn port(list: &mut Body, at: u32, port: u16) {
        transport(list, at, 2);
        compare(list, EQUAL, &port.to_be_bytes());
    }

    /// `limit rate 1/day burst PACKETS packets`: as good as so many packets in all.
    pub(super) fn limit(list: &mut Body, packets: u32) {
        put(list, "limit", |limit| {
            limit
                .be64(1, 1)
                .be64(2, super::SECONDS_OF_A_DAY)
                .be32(3, packets)
                .be32(4, 0);
        });
    }

    /// `meta nftrace set 1 accept`
    pub(super) fn trace(list: &mut Body) {
        put(list, "immediate", |immediate| {
            immediate.be32(1, REGISTER).nested(2, |data| {
                data.byte(DATA_VALUE, 1);
            });
        });
        put(list, "meta", |meta| {
            meta.be32(2, META_NFTRACE).be32(3, REGISTER);
        });
        verdict(list, ACCEPT, None);
    }
}
