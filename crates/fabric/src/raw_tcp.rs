//! Sending a TCP segment as it stands.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::libc;
use socket2::{Domain, Protocol, Socket, Type};

const TCP: u8 = 6;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const TCP_HEADER: usize = 20;
const CHECKSUM_AT: usize = 16;

/// Sends a packet from its IP header on, in the namespace of the calling thread.
pub(crate) fn send(packet: &[u8]) -> io::Result<()> {
    let Segment { from, to, header } = Segment::read(packet).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "this is not a TCP segment after a plain IP header",
        )
    })?;
    let mut bytes = packet.to_vec();
    fill_in_checksum(&mut bytes[header..], from, to);
    // `IPPROTO_RAW`: the IP header is the sender's.
    let domain = if to.is_ipv4() {
        Domain::IPV4
    } else {
        Domain::IPV6
    };
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(libc::IPPROTO_RAW)))?;
    match socket.send_to(&bytes, &SocketAddr::new(to, 0).into()) {
        // A rule of this node dropped it, as it may.
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(()),
        sent => sent.map(drop),
    }
}

/// What is read of a packet.
struct Segment {
    from: IpAddr,
    to: IpAddr,
    /// The length of its IP header.
    header: usize,
}

impl Segment {
    fn read(packet: &[u8]) -> Option<Segment> {
        let segment = match packet.first()? {
            0x45 => {
                let octets =
                    |at: usize| Some(Ipv4Addr::from(*packet.get(at..)?.first_chunk::<4>()?));
                let protocol = *packet.get(9)?;
                (protocol == TCP).then_some(Segment {
                    from: octets(12)?.into(),
                    to: octets(16)?.into(),
                    header: IPV4_HEADER,
                })?
            }
            first if first >> 4 == 6 => {
                let octets =
                    |at: usize| Some(Ipv6Addr::from(*packet.get(at..)?.first_chunk::<16>()?));
                let protocol = *packet.get(6)?;
                (protocol == TCP).then_some(Segment {
                    from: octets(8)?.into(),
                    to: octets(24)?.into(),
                    header: IPV6_HEADER,
                })?
            }
            _ => return None,
        };
        let whole = packet.len() >= segment.header + TCP_HEADER;
        whole.then_some(segment)
    }
}

/// The Internet checksum over the pseudo header and the segment (RFC 9293 section 3.1, RFC 8200 section 8.1).
fn fill_in_checksum(segment: &mut [u8], from: IpAddr, to: IpAddr) {
    segment[CHECKSUM_AT..CHECKSUM_AT + 2].fill(0);
    let mut sum = u64::from(TCP) + segment.len() as u64;
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            sum += words(&from.octets()) + words(&to.octets());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            sum += words(&from.octets()) + words(&to.octets());
        }
        _ => {}
    }
    sum += words(segment);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let checksum = !(sum as u16);
    segment[CHECKSUM_AT..CHECKSUM_AT + 2].copy_from_slice(&checksum.to_be_bytes());
}

/// The sum of the 16-bit words, an odd byte padded with a zero.
fn words(bytes: &[u8]) -> u64 {
    let of = |pair: &[u8]| u64::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u64::from);
    bytes.chunks(2).map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A SYN from 192.0.2.1:1 to 192.0.2.2:21 with an MSS of 1460.

    #[test]
    fn a_filled_in_segment_sums_up_to_ones() {
        let from = IpAddr::from([192, 0, 2, 1]);
        let to = IpAddr::from([192, 0, 2, 2]);
        let mut segment = vec![
            0, 1, 0, 21, 1, 2, 3, 4, 0, 0, 0, 0, 0x60, 2, 0xff, 0xff, 9, 9, 0, 0,
        ];
        segment.extend([2, 4, 5, 180]);
        fill_in_checksum(&mut segment, from, to);
        let mut sum = words(&[192, 0, 2, 1]) + words(&[192, 0, 2, 2]) + 6 + 24 + words(&segment);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        assert_eq!(sum, 0xffff, "RFC 1071: a receiver finds all ones");
    }

    #[test]
    fn what_is_no_whole_segment_is_refused() {
        let mut udp = vec![0x45; 40];
        udp[9] = 17;
        let mut short = vec![0x45; 39];
        short[9] = TCP;
        for packet in [&[][..], &[0x60], &udp, &short, &[0x46; 60]] {
            let error = send(packet).expect_err("no segment");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
