//! The requests that make links, addresses and routes (`rtnetlink(7)`).

use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use fwlab_model::IpNet;
use fwlab_record::InterfaceName;

use super::attributes::Attributes;
use super::batch::Batch;
use super::body::Body;
use super::flags;
use super::messages::Received;

const CREATE: u16 = flags::CREATE | flags::EXCLUSIVE;
const IFINFO: usize = 16;
/// The next hop is on the link, whatever addresses say (`linux/rtnetlink.h`).
const RTNH_F_ONLINK: u32 = 4;
const FAMILY_UNSPECIFIED: u8 = libc::AF_UNSPEC as u8;

/// A hardware address that no interface has: locally administered, and the kernel
/// draws those of veths at random.
const NOBODY: [u8; 6] = [2, 0, 0, 0, 0, 1];

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
        mtu: Option<u32>,
    ) {
        const VETH_INFO_PEER: u16 = 1;
        let purpose = format!("make the link {} to {}", near.name, far.name);
        self.push(libc::RTM_NEWLINK, CREATE, purpose, |message| {
            message.raw(&ifinfo(near.index, 0));
            end(message, near, mtu);
            message.nested(libc::IFLA_LINKINFO, |info| {
                info.bytes(libc::IFLA_INFO_KIND, b"veth");
                info.nested(libc::IFLA_INFO_DATA, |data| {
                    data.nested(VETH_INFO_PEER, |peer| {
                        peer.raw(&ifinfo(far.index, 0));
                        end(peer, far, mtu);
                        peer.u32(libc::IFLA_NET_NS_FD, there.as_raw_fd().cast_unsigned());
                    });
                });
            });
        });

        fn end(message: &mut Body, end: &VethEnd<'_>, mtu: Option<u32>) {
            message.text(libc::IFLA_IFNAME, end.name.as_str());
            if let Some(mtu) = mtu {
                message.u32(libc::IFLA_MTU, mtu);
            }
            // The driver's default is one queue for each processor that there may be.
            message.u32(libc::IFLA_NUM_TX_QUEUES, 1);
            message.u32(libc::IFLA_NUM_RX_QUEUES, 1);
        }
    }

    /// Makes a bridge, down, that speaks no spanning tree and floods multicasts.
    pub(crate) fn add_bridge(&mut self, name: &InterfaceName, index: u32) {
        const IFLA_BR_MCAST_SNOOPING: u16 = 23;
        let purpose = format!("make the bridge {name}");
        self.push(libc::RTM_NEWLINK, CREATE, purpose, |message| {
            message.raw(&ifinfo(index, 0));
            message.text(libc::IFLA_IFNAME, name.as_str());
            // Of its own: it would take that of a port, and a frame to it would come
            // in twice to whoever listens, at the port and at the bridge.
            let [_, high, middle, low] = index.to_be_bytes();
            message.bytes(libc::IFLA_ADDRESS, &[2, 0, 1, high, middle, low]);
            message.nested(libc::IFLA_LINKINFO, |info| {
                info.bytes(libc::IFLA_INFO_KIND, b"bridge");
                info.nested(libc::IFLA_INFO_DATA, |data| {
                    data.bytes(IFLA_BR_MCAST_SNOOPING, &[0]);
                });
            });
        });
    }

    /// Makes an interface the port of a bridge.
    pub(crate) fn add_port(&mut self, name: &InterfaceName, index: u32, bridge: u32) {
        let purpose = format!("make {name} the port of a bridge");
        self.push(libc::RTM_NEWLINK, 0, purpose, |message| {
            message.raw(&ifinfo(index, 0));
            message.u32(libc::IFLA_MASTER, bridge);
        });
    }

    pub(crate) fn set_up(&mut self, index: u32, name: &str) {
        let purpose = format!("set {name} up");
        self.push(libc::RTM_NEWLINK, 0, purpose, |message| {
            message.raw(&ifinfo(index, libc::IFF_UP.cast_unsigned()));
        });
    }

    /// Takes a link down and away, with its other end.
    pub(crate) fn delete_link(&mut self, index: u32) {
        self.push(libc::RTM_DELLINK, 0, "delete a link", |message| {
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
                message.bytes(libc::IFA_LOCAL, octets);
                message.bytes(libc::IFA_ADDRESS, octets);
            });
            message.u32(libc::IFA_FLAGS, libc::IFA_F_NODAD);
        });
    }

    /// Makes a route to a prefix through a neighbour.
    pub(crate) fn add_route(&mut self, to: IpNet, via: IpAddr) {
        let purpose = format!("add the route to {to} via {via}");
        self.route(purpose, to, Some(via), 0, |_| {});
    }

    /// Makes a route to a prefix out of an interface, to whoever has the address there.
    pub(crate) fn add_link_route(&mut self, to: IpNet, index: u32, name: &InterfaceName) {
        let purpose = format!("add the route to {to} out of {name}");
        self.route(purpose, to, None, 0, |message| {
            message.u32(libc::RTA_OIF, index);
        });
    }

    /// Makes a route to a prefix that leads out of an interface to nobody: its next hop
    /// has a hardware address that no interface has, so that whoever is at the other
    /// end ignores the frame. The packet has then really left, through every hook
    /// and over the right interface, and nothing answers.
    pub(crate) fn add_sink(&mut self, to: IpNet, index: u32, name: &InterfaceName) {
        // Addresses that nobody can have: the dummy address of RFC 7600 (section 4.8)
        // and one of the discard prefix (RFC 6666).
        let nobody = match to {
            IpNet::V4(_) => IpAddr::from([192, 0, 0, 8]),
            IpNet::V6(_) => IpAddr::from([0x100, 0, 0, 0, 0, 0, 0, 1]),
        };
        let purpose = format!("add a neighbour to {name} that is nobody");
        let replace = flags::CREATE | flags::REPLACE;
        self.push(libc::RTM_NEWNEIGH, replace, purpose, |message| {
            let mut header = [0; 12];
            header[0] = family(nobody);
            header[4..8].copy_from_slice(&index.to_ne_bytes());
            header[8..10].copy_from_slice(&libc::NUD_PERMANENT.to_ne_bytes());
            message.raw(&header);
            with_octets(nobody, |octets| {
                message.bytes(libc::NDA_DST, octets);
            });
            message.bytes(libc::NDA_LLADDR, &NOBODY);
        });
        let purpose = format!("add the route to {to} out of {name} to nobody");
        self.route(purpose, to, Some(nobody), RTNH_F_ONLINK, |message| {
            message.u32(libc::RTA_OIF, index);
        });
    }

    fn route(
        &mut self,
        purpose: String,
        to: IpNet,
        via: Option<IpAddr>,
        flags: u32,
        more: impl FnOnce(&mut Body),
    ) {
        self.push(libc::RTM_NEWROUTE, CREATE, purpose, |message| {
            let mut header = [0; 12];
            let scope = match via {
                Some(_) => libc::RT_SCOPE_UNIVERSE,
                None => libc::RT_SCOPE_LINK,
            };
            header[..8].copy_from_slice(&[
                family(to.addr()),
                to.prefix_len(),
                0,
                0,
                libc::RT_TABLE_MAIN,
                libc::RTPROT_STATIC,
                scope,
                libc::RTN_UNICAST,
            ]);
            header[8..].copy_from_slice(&flags.to_ne_bytes());
            message.raw(&header);
            with_octets(to.network(), |octets| {
                message.bytes(libc::RTA_DST, octets);
            });
            if let Some(via) = via {
                with_octets(via, |octets| {
                    message.bytes(libc::RTA_GATEWAY, octets);
                });
            }
            more(message);
        });
    }

    /// Asks for a link's state, which makes newer kernels settle it first.
    pub(crate) fn query_link(&mut self, index: u32, name: &str) {
        const RTEXT_FILTER_SKIP_STATS: u32 = 1 << 3;
        let purpose = format!("tell the state of {name}");
        self.push(libc::RTM_GETLINK, 0, purpose, |message| {
            message.raw(&ifinfo(index, 0));
            message.u32(libc::IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        });
    }

    /// Asks how packets to an address of one of the namespace's own interfaces go.
    pub(crate) fn query_route(&mut self, to: IpAddr, index: u32) {
        let purpose = format!("tell the route to {to}");
        self.push(libc::RTM_GETROUTE, 0, purpose, |message| {
            let mut header = [0; 12];
            header[0] = family(to);
            header[1] = if to.is_ipv4() { 32 } else { 128 };
            message.raw(&header);
            with_octets(to, |octets| {
                message.bytes(libc::RTA_DST, octets);
            });
            // A link-local address is looked up on its link alone.
            message.u32(libc::RTA_OIF, index);
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

/// Whether a reply to [`Batch::query_link`] is of a bridge's port that forwards.
pub(crate) fn port_forwards(reply: &Received<'_>) -> bool {
    const IFLA_INFO_SLAVE_DATA: u16 = 5;
    const IFLA_BRPORT_STATE: u16 = 1;
    const BR_STATE_FORWARDING: u8 = 3;
    let info = Attributes::after(reply.body, IFINFO).find(libc::IFLA_LINKINFO);
    let port = info.and_then(|info| Attributes::new(info).find(IFLA_INFO_SLAVE_DATA));
    let state = port.and_then(|port| Attributes::new(port).find(IFLA_BRPORT_STATE));
    state == Some(&[BR_STATE_FORWARDING])
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
