//! Netlink as the fabric needs it: requests built into one buffer, sent in one call
//! and answered before that call's replies are read.
//!
//! The kernel works through requests of `NETLINK_ROUTE`, `NETLINK_SOCK_DIAG` and
//! `NETLINK_NETFILTER` while `send` runs, so nothing here waits and nothing is async.

mod attributes;
mod batch;
mod conntrack;
mod requests;
mod sock_diag;
mod socket;

pub(crate) use attributes::{Attributes, Received, text, u16_at, u32_at};
pub(crate) use batch::{Batch, Message};
pub(crate) use conntrack::Conntrack;
pub(crate) use requests::{VethEnd, link_is_up, port_forwards, route_is_local};
pub(crate) use sock_diag::TcpSockets;
pub use socket::NetlinkError;
pub(crate) use socket::{NetlinkSocket, Protocol};
