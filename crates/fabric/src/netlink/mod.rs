//! Netlink as the lab needs it: requests built into one buffer, sent in one call
//! and answered before that call's replies are read; and messages that come unasked, as bytes.
//!
//! The kernel works through requests of `NETLINK_ROUTE`, `NETLINK_SOCK_DIAG` and
//! `NETLINK_NETFILTER` while `send` runs, so no request waits and none is async.

mod attributes;
mod batch;
mod body;
mod conntrack;
mod messages;
mod netfilter;
mod requests;
mod sock_diag;
mod socket;

pub use attributes::{Attributes, be16, be32, be64, byte, signed_be32, text, u16_at, u32_at};
pub use batch::Batch;
pub use body::Body;
pub(crate) use conntrack::Conntrack;
pub use messages::{Messages, Received};
pub use netfilter::{Netfilter, family, kind, subsystem};
pub(crate) use requests::{VethEnd, link_is_up, port_forwards, route_is_local};
pub(crate) use sock_diag::TcpSockets;
pub use socket::{NetlinkError, NetlinkSocket, Protocol};

/// Flags of a message (`include/uapi/linux/netlink.h`).
pub mod flags {
    /// It is a request; every one in a [`Batch`](super::Batch) has it.
    pub const REQUEST: u16 = 0x001;
    /// An acknowledgement is asked for.
    pub(super) const ACKNOWLEDGED: u16 = 0x004;
    /// What was listed changed meanwhile.
    pub const DUMP_INTERRUPTED: u16 = 0x010;
    /// Asks for everything that there is.
    pub const DUMP: u16 = 0x300;
    /// Replaces what there is.
    pub const REPLACE: u16 = 0x100;
    /// Not where there is one.
    pub const EXCLUSIVE: u16 = 0x200;
    /// Makes it.
    pub const CREATE: u16 = 0x400;
    /// Behind what there is.
    pub const APPEND: u16 = 0x800;
}
