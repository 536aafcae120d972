use fwlab_record::Packet;

use crate::headers::Headers;
use crate::interface::Interface;

/// A packet that went over an interface: before netfilter where it comes in, behind netfilter where it goes out.
/// So a packet that is captured going out was let through by this node's rules.
///
/// Segments may be larger than the link carries: the kernel cuts and joins them elsewhere (GSO, GRO).
/// Checksums are often still to be filled in. On `lo` each packet shows twice, out and in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedPacket {
    /// Which way.
    pub direction: Direction,
    /// Over which interface.
    pub interface: Interface,
    /// Its headers.
    pub packet: Packet,
    /// Of a segment from or to a control port, its payload: the bytes from the
    /// packet's sequence number on. Empty for all others. The kernel repeats what was
    /// lost, so put a stream together by sequence number.
    pub payload: Vec<u8>,
}

/// Which way a packet went, as the node sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// It came in.
    In,
    /// It went out.
    Out,
}

/// Reads a packet's headers and, from or to a control port, its payload.
/// `None` for what the lab does not look at: the filter has let a little more through.
pub(crate) fn read(bytes: &[u8], control_ports: &[u16]) -> Option<(Packet, Vec<u8>)> {
    let headers = Headers::read(bytes)?;
    let mut payload = Vec::new();
    match headers.packet {
        Packet::Tcp {
            flow,
            flags,
            payload: length,
            ..
        } => {
            let is_control = [flow.from.port(), flow.to.port()]
                .iter()
                .any(|port| control_ports.contains(port));
            if is_control {
                let rest = bytes.get(headers.payload_at..).unwrap_or_default();
                // Short frames are padded: the header's length counts.
                payload.extend_from_slice(&rest[..rest.len().min(length as usize)]);
            } else if flags.0 & 0x07 == 0 {
                return None;
            }
        }
        Packet::Icmp { .. } => {}
        Packet::Other { .. } => return None,
    }
    Some((headers.packet, payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::tests::tcp4;
    use fwlab_record::TcpFlags;
    use proptest::prelude::*;

    #[test]
    fn padding_is_no_payload() {
        let mut bytes = tcp4(1, TcpFlags::ACK, 1, b"QUIT\r\n");
        bytes.extend([0; 14]);
        let (_, payload) = read(&bytes, &[21]).expect("a control packet");
        assert_eq!(payload, b"QUIT\r\n");
    }

    #[test]
    fn other_ports_are_headers_only() {
        let syn = tcp4(1, TcpFlags::SYN, 1, b"data");
        assert_eq!(read(&syn, &[]).expect("a SYN").1, b"");
        assert_eq!(read(&tcp4(1, TcpFlags::ACK, 1, b"data"), &[]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = read(&bytes, &[21]);
        }
    }
}
