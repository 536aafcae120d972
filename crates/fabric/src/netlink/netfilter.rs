//! Requests to netfilter's part of the kernel (`nfnetlink.h`).

use super::batch::Batch;
use super::body::Body;
use super::messages::Received;
use super::{Attributes, flags};

/// Subsystems of nfnetlink, the upper byte of a message's type
/// (`include/uapi/linux/netfilter/nfnetlink.h`).
pub mod subsystem {
    /// Connections.
    pub const CONNTRACK: u8 = 1;
    /// Expected connections.
    pub const EXPECTATION: u8 = 2;
    /// What is logged of packets.
    pub const LOG: u8 = 4;
    /// Rules of nf_tables.
    pub const NF_TABLES: u8 = 10;
}

/// Address families as nfnetlink writes them (`include/uapi/linux/netfilter.h`).
pub mod family {
    /// Of none, or of any.
    pub const UNSPECIFIED: u8 = 0;
    /// IPv4 and IPv6 together.
    pub const INET: u8 = 1;
    /// IPv4.
    pub const IPV4: u8 = 2;
    /// ARP.
    pub const ARP: u8 = 3;
    /// A device's own hooks.
    pub const NETDEV: u8 = 5;
    /// Bridges.
    pub const BRIDGE: u8 = 7;
    /// IPv6.
    pub const IPV6: u8 = 10;
}

const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;

/// Length of `struct nfgenmsg`.
const HEADER: usize = 4;

/// Below this number a message belongs to netlink itself (`NLMSG_MIN_TYPE`).
const FIRST_OWN: u16 = 0x10;

/// The type of a message of a subsystem.
pub const fn kind(subsystem: u8, message: u8) -> u16 {
    (subsystem as u16) << 8 | message as u16
}

/// A message of one of netfilter's subsystems.
#[derive(Debug)]
pub struct Netfilter<'a> {
    /// The subsystem.
    pub subsystem: u8,
    /// The subsystem's own message number.
    pub kind: u8,
    /// The netlink header's flags.
    pub flags: u16,
    /// The address family, of the table or of the flow.
    pub family: u8,
    /// What it says.
    pub attributes: Attributes<'a>,
}

impl<'a> Received<'a> {
    /// As a message of netfilter's; none where it is netlink's own, or too short.
    pub fn netfilter(&self) -> Option<Netfilter<'a>> {
        let (header, _) = self.body.split_first_chunk::<HEADER>()?;
        let [kind, subsystem] = self.kind.to_le_bytes();
        (self.kind >= FIRST_OWN).then(|| Netfilter {
            subsystem,
            kind,
            flags: self.flags,
            family: header[0],
            attributes: Attributes::after(self.body, HEADER),
        })
    }
}

impl Batch {
    /// Appends a request to a subsystem.
    pub fn netfilter(
        &mut self,
        kind: u16,
        flags: u16,
        family: u8,
        purpose: impl Into<String>,
        write: impl FnOnce(&mut Body),
    ) {
        self.push(kind, flags, purpose, |body| {
            body.raw(&[family, 0, 0, 0]);
            write(body);
        });
    }

    /// Requests to nf_tables that are taken as a whole, or not at all.
    pub fn of_nf_tables(write: impl FnOnce(&mut Batch)) -> Batch {
        let bracket = |body: &mut Body| {
            body.raw(&[family::UNSPECIFIED, 0, 0, subsystem::NF_TABLES]);
        };
        let mut batch = Batch::default();
        batch.push(BATCH_BEGIN, 0, "begin a transaction", bracket);
        write(&mut batch);
        batch.push_trailer(BATCH_END, bracket);
        batch
    }

    /// Appends a request to nf_tables, in a batch of [`Batch::of_nf_tables`].
    pub fn nf_tables(
        &mut self,
        message: u8,
        flags: u16,
        family: u8,
        purpose: impl Into<String>,
        write: impl FnOnce(&mut Body),
    ) {
        let kind = kind(subsystem::NF_TABLES, message);
        self.netfilter(kind, flags | flags::CREATE, family, purpose, write);
    }
}
