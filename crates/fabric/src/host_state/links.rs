//! Interfaces, addresses and routes, as netlink dumps them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use fwlab_model::IpNet;

use crate::netlink::{
    Attributes, Batch, NetlinkSocket, Protocol, Received, flags, text, u16_at, u32_at,
};

const RTM_F_CLONED: u32 = 0x200;
const RTPROT_RA: u8 = 9;

/// Name, index, type, size, hardware address and flags. Not: counters, queue lengths,
/// and whether the cable is plugged in.
pub(super) fn interfaces() -> BTreeSet<String> {
    const STEADY_FLAGS: u32 = (libc::IFF_UP | libc::IFF_LOOPBACK | libc::IFF_PROMISC) as u32;
    let mut found = BTreeSet::new();
    dump(libc::RTM_GETLINK, &[0; 16], |reply| {
        let attribute = |kind| Attributes::after(reply.body, 16).find(kind);
        let name = attribute(libc::IFLA_IFNAME)
            .and_then(text)
            .unwrap_or_default();
        let mtu = attribute(libc::IFLA_MTU).and_then(|value| u32_at(value, 0));
        let master = attribute(libc::IFLA_MASTER).and_then(|value| u32_at(value, 0));
        found.insert(format!(
            "{name} index {} type {} mtu {} master {} address {} flags {:#x}",
            u32_at(reply.body, 4).unwrap_or(0),
            u16_at(reply.body, 2).unwrap_or(0),
            mtu.unwrap_or(0),
            master.unwrap_or(0),
            hex(attribute(libc::IFLA_ADDRESS).unwrap_or_default()),
            u32_at(reply.body, 8).unwrap_or(0) & STEADY_FLAGS,
        ));
    });
    found
}

/// Addresses as text, and as the networks that they are in. Not: temporary IPv6
/// addresses (RFC 8981), which a host makes and drops by itself, and lifetimes.
pub(super) fn addresses() -> (BTreeSet<String>, Vec<IpNet>) {
    let mut found = BTreeSet::new();
    let mut networks = Vec::new();
    dump(libc::RTM_GETADDR, &[0; 8], |reply| {
        let attribute = |kind| Attributes::after(reply.body, 8).find(kind);
        let address = attribute(libc::IFA_LOCAL).or_else(|| attribute(libc::IFA_ADDRESS));
        let header = reply.body.get(..8).unwrap_or(&[0; 8]);
        let flags = attribute(libc::IFA_FLAGS).and_then(|value| u32_at(value, 0));
        let flags = flags.unwrap_or(u32::from(header[2]));
        let Some(address) = address.and_then(ip) else {
            return;
        };
        if let Ok(network) = IpNet::new(address, header[1]) {
            networks.push(network);
        }
        let temporary = address.is_ipv6() && flags & libc::IFA_F_TEMPORARY != 0;
        if !temporary {
            let index = u32_at(header, 4).unwrap_or(0);
            found.insert(format!("{address}/{} index {index}", header[1]));
        }
    });
    (found, networks)
}

/// Routes of all tables. Not: cached ones, those that routers announce, lifetimes.
pub(super) fn routes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    dump(libc::RTM_GETROUTE, &[0; 12], |reply| {
        let attribute = |kind| Attributes::after(reply.body, 12).find(kind);
        let number = |kind| {
            attribute(kind)
                .and_then(|value| u32_at(value, 0))
                .unwrap_or(0)
        };
        let header = reply.body.get(..12).unwrap_or(&[0; 12]);
        let cached = u32_at(header, 8).unwrap_or(0) & RTM_F_CLONED != 0;
        if cached || header[5] == RTPROT_RA {
            return;
        }
        let shown = |kind| {
            attribute(kind)
                .and_then(ip)
                .map(|address| address.to_string())
        };
        found.insert(format!(
            "{}/{} via {} index {} table {} type {} metric {}",
            shown(libc::RTA_DST).unwrap_or_else(|| "default".to_owned()),
            header[1],
            shown(libc::RTA_GATEWAY).unwrap_or_else(|| "none".to_owned()),
            number(libc::RTA_OIF),
            number(libc::RTA_TABLE),
            header[7],
            number(libc::RTA_PRIORITY),
        ));
    });
    found
}

/// Hands over what the kernel dumps; nothing where it refuses.
fn dump(kind: u16, header: &[u8], mut reply: impl FnMut(&Received<'_>)) {
    let Ok(socket) = NetlinkSocket::open(Protocol::Route) else {
        return;
    };
    let mut batch = Batch::default();
    batch.push(kind, flags::DUMP, "list", |message| {
        message.raw(header);
    });
    // A refusal shows as an empty list, the same before and after.
    drop(socket.exchange(batch, |message| reply(message)));
}

pub(super) fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
