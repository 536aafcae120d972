//! Netlink as bytes: attributes, messages, and the sockets that carry them.

mod attributes;
mod builder;
mod message;
mod socket;

pub(crate) use attributes::{Attributes, be16, be32, be64, byte, signed_be32, text};
pub(crate) use builder::{Body, Builder};
pub(crate) use message::{Message, Messages};
pub(crate) use socket::NetfilterSocket;

/// Subsystems of nfnetlink, the upper byte of a message's type
/// (`include/uapi/linux/netfilter/nfnetlink.h`).
pub(crate) mod subsystem {
    pub(crate) const CONNTRACK: u8 = 1;
    pub(crate) const EXPECTATION: u8 = 2;
    pub(crate) const LOG: u8 = 4;
    pub(crate) const NF_TABLES: u8 = 10;
}

/// Address families as nfnetlink writes them (`include/uapi/linux/netfilter.h`).
pub(crate) mod family {
    pub(crate) const UNSPECIFIED: u8 = 0;
    pub(crate) const INET: u8 = 1;
    pub(crate) const IPV4: u8 = 2;
    pub(crate) const ARP: u8 = 3;
    pub(crate) const NETDEV: u8 = 5;
    pub(crate) const BRIDGE: u8 = 7;
    pub(crate) const IPV6: u8 = 10;
}

/// Flags of a request (`include/uapi/linux/netlink.h`).
pub(crate) mod flags {
    pub(crate) const REQUEST: u16 = 0x001;
    pub(crate) const DUMP_INTERRUPTED: u16 = 0x010;
    pub(crate) const DUMP: u16 = 0x300;
    pub(crate) const CREATE: u16 = 0x400;
    pub(crate) const APPEND: u16 = 0x800;
}

/// The type of an nfnetlink message.
pub(crate) const fn kind(subsystem: u8, message: u8) -> u16 {
    (subsystem as u16) << 8 | message as u16
}
