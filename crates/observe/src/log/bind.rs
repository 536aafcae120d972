use std::os::fd::AsFd;

use fwlab_fabric::netlink::{Batch, Body, NetlinkSocket, family, kind, subsystem};
use nix::errno::Errno;

use crate::request::request;

/// Legacy's trace and conntrack's remarks go to whoever has bound himself to the family, as group 0
/// (`nf_log_trace` and `nf_log_packet` in `net/netfilter/nf_log.c`).
pub(crate) const GROUP: u16 = 0;

// `include/uapi/linux/netfilter/nfnetlink_log.h`.
const CONFIG: u16 = kind(subsystem::LOG, 1);
const COMMAND: u16 = 1;
const MODE: u16 = 2;
const THRESHOLD: u16 = 5;
const FLAGS: u16 = 6;
const BIND: u8 = 1;
const UNBIND: u8 = 2;
const BIND_FAMILY: u8 = 3;
const COPY_PACKET: u8 = 2;
const FLAG_CONNTRACK: u16 = 4;

/// Bytes of a packet that are copied: enough for the headers that an ICMPv6 error quotes.
const SNAP: u32 = 128;

/// Sends what the kernel logs to the socket: each message at once, with the packet's conntrack entry where the kernel can.
pub(crate) fn bind(socket: &NetlinkSocket) -> Result<(), Errno> {
    let mut requests = Batch::default();
    for family in [family::IPV4, family::IPV6] {
        requests.netfilter(CONFIG, 0, family, "bind to a log's family", |body| {
            body.byte(COMMAND, BIND_FAMILY);
        });
    }
    of_group(&mut requests, "bind to a log's group", |body| {
        let [a, b, c, d] = SNAP.to_be_bytes();
        body.byte(COMMAND, BIND)
            .bytes(MODE, &[a, b, c, d, COPY_PACKET, 0])
            .be32(THRESHOLD, 1);
    });
    request(socket, requests)?;
    let mut with_conntrack = Batch::default();
    of_group(&mut with_conntrack, "log conntrack's entries", |body| {
        body.be16(FLAGS, FLAG_CONNTRACK);
    });
    match request(socket, with_conntrack) {
        // Built without CONFIG_NETFILTER_NETLINK_GLUE_CT, or without conntrack's netlink module.
        Err(Errno::EOPNOTSUPP | Errno::EAGAIN) => Ok(()),
        outcome => outcome,
    }
}

/// Leaves the group to others.
pub(crate) fn unbind(socket: &NetlinkSocket<impl AsFd>) -> Result<(), Errno> {
    let mut leave = Batch::default();
    of_group(&mut leave, "leave a log's group", |body| {
        body.byte(COMMAND, UNBIND);
    });
    request(socket, leave)
}

/// A request about the group [`GROUP`].
fn of_group(batch: &mut Batch, purpose: &str, write: impl FnOnce(&mut Body)) {
    const { assert!(GROUP == 0, "the header of a request names the group") };
    batch.netfilter(CONFIG, 0, family::UNSPECIFIED, purpose, write);
}
