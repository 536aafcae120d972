//! The requests that make links, addresses and routes (`rtnetlink(7)`).

use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use fwlab_model::{InterfaceName, IpNet, RouteSpec};

use super::attributes::{Attributes, Received};
use super::batch::{Batch, Message};

const REQUEST: i32 = libc::NLM_F_REQUEST;
const CREATE: i32 = REQUEST | libc::NLM_F_CREATE | libc::NLM_F_EXCL;
const IFINFO: usize = 16;
const FAMILY_UNSPECIFIED: u8 = libc::AF_UNSPEC as u8;

/// One end of a veth pair.
pub(crate) struct VethEnd<'a> {
    pub(crate) name: &'a InterfaceName,
    pub(crate) index: u32,
}

impl Batch {
    /// Makes a veth pair: one end here, the other in that namespace, both down.
    pub(crate) fn add_veth(
        &mut self,
        near: &VethEnd<'_>,
        far: &VethEnd<'_>,
        there: BorrowedFd<'_>,
    ) {
        const VETH_INFO_PEER: u16 = 1;
        let purpose = format!("make the link {} to {}", near.name, far.name);
        self.push(libc::RTM_NEWLINK, CREATE, purpose, |message| {
            message.raw(&ifinfo(near.index, 0));
            end(message, near);
            message.nest(libc::IFLA_LINKINFO, |info| {
                info.attribute(libc::IFLA_INFO_KIND, b"veth");
                info.nest(libc::IFLA_INFO_DATA, |data| {
                    data.nest(VETH_INFO_PEER, |peer| {
                        peer.raw(&ifinfo(far.index, 0));
                        end(peer, far);
                        peer.u32(libc::IFLA_NET_NS_FD, there.as_raw_fd().cast_unsigned());
                    });
                });
            });
        });

        fn end(message: &mut Message<'_>, end: &VethEnd<'_>) {
            message.text(libc::IFLA_IFNAME, end.name.as_str());
            // The driver's default is one queue for each processor that there may be.
            message.u32(libc::IFLA_NUM_TX_QUEUES, 1);
            message.u32(libc::IFLA_NUM_RX_QUEUES, 1);
        }
    }

    pub(crate) fn set_up(&mut self, index: u32, name: &str) {
        let purpose = format!("set {name} up");
        self.push(libc::RTM_NEWLINK, REQUEST, purpose, |message| {
            message.raw(&ifinfo(index, libc::IFF_UP.cast_unsigned()));
        });
    }

    /// Takes a link down and away, with its other end.
    pub(crate) fn delete_link(&mut self, index: u32, name: &str) {
        let purpose = format!("delete {name}");
        self.push(libc::RTM_DELLINK, REQUEST, purpose, |message| {
            message.raw(&ifinfo(index, 0));
        });
    }

    pub(crate) fn add_address(&mut self, index: u32, name: &InterfaceName, address: IpNet) {
        let purpose = format!("add {address} to {name}");
        self.push(libc::RTM_NEWADDR, CREATE, purpose, |message| {
            let mut header = [0; 8];
            header[0] = family(address.addr());
            header[1] = address.prefix_len();
            header[4..].copy_from_slice(&index.to_ne_bytes());
            message.raw(&header);
            with_octets(address.addr(), |octets| {
                message.attribute(libc::IFA_LOCAL, octets);
                message.attribute(libc::IFA_ADDRESS, octets);
            });
            message.u32(libc::IFA_FLAGS, libc::IFA_F_NODAD);
        });
    }

    pub(crate) fn add_route(&mut self, route: &RouteSpec) {
        let purpose = format!("add the route to {} via {}", route.to, route.via);
        self.push(libc::RTM_NEWROUTE, CREATE, purpose, |message| {
            message.raw(&[
                family(route.via),
                route.to.prefix_len(),
                0,
                0,
                libc::RT_TABLE_MAIN,
                libc::RTPROT_STATIC,
                libc::RT_SCOPE_UNIVERSE,
                libc::RTN_UNICAST,
                0,
                0,
                0,
                0,
            ]);
            with_octets(route.to.network(), |octets| {
                message.attribute(libc::RTA_DST, octets);
            });
            with_octets(route.via, |octets| {
                message.attribute(libc::RTA_GATEWAY, octets);
            });
        });
    }

    /// Asks for a link's state, which makes newer kernels settle it first.
    pub(crate) fn query_link(&mut self, index: u32, name: &str) {
        const RTEXT_FILTER_SKIP_STATS: u32 = 1 << 3;
        let purpose = format!("tell the state of {name}");
        self.push(libc::RTM_GETLINK, REQUEST, purpose, |message| {
            message.raw(&ifinfo(index, 0));
            message.u32(libc::IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        });
    }

    /// Asks how packets to one of the namespace's own addresses go.
    pub(crate) fn query_route(&mut self, to: IpAddr) {
        let purpose = format!("tell the route to {to}");
        self.push(libc::RTM_GETROUTE, REQUEST, purpose, |message| {
            let mut header = [0; 12];
            header[0] = family(to);
            header[1] = if to.is_ipv4() { 32 } else { 128 };
            message.raw(&header);
            with_octets(to, |octets| {
                message.attribute(libc::RTA_DST, octets);
            });
        });
    }
}

/// Whether a reply to [`Batch::query_route`] says that packets are delivered here.
pub(crate) fn route_is_local(reply: &Received<'_>) -> bool {
    reply.kind == libc::RTM_NEWROUTE && reply.body.get(7) == Some(&libc::RTN_LOCAL)
}

/// Whether a reply to [`Batch::query_link`] says that the link carries packets: its
/// operational state is *up*. Flags do not say it: `IFF_RUNNING` is set while the
/// state is still *unknown*.
pub(crate) fn link_is_up(reply: &Received<'_>) -> bool {
    reply.kind == libc::RTM_NEWLINK
        && Attributes::after(reply.body, IFINFO).find(libc::IFLA_OPERSTATE)
            == Some(&[libc::IF_OPER_UP as u8])
}

/// `struct ifinfomsg`.
fn ifinfo(index: u32, flags: u32) -> [u8; IFINFO] {
    let mut header = [0; IFINFO];
    header[0] = FAMILY_UNSPECIFIED;
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    header[12..].copy_from_slice(&flags.to_ne_bytes());
    header
}

pub(crate) fn family(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => libc::AF_INET as u8,
        IpAddr::V6(_) => libc::AF_INET6 as u8,
    }
}

fn with_octets(address: IpAddr, use_them: impl FnOnce(&[u8])) {
    match address {
        IpAddr::V4(address) => use_them(&address.octets()),
        IpAddr::V6(address) => use_them(&address.octets()),
    }
}
