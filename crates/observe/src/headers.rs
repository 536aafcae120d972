use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use fwlab_record::{Flow, Packet, TcpFlags};

/// The headers of one packet, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Headers {
    pub(crate) packet: Packet,
    pub(crate) mark: PacketMark,
    /// Where a TCP segment's payload starts, in bytes from the IP header. 0 for anything else.
    pub(crate) payload_at: usize,
}

/// What stays the same in a packet on its way through one node, whatever NAT
/// and mangling do to its addresses, ports, TTL and checksums: joins the
/// traces of the two backends, of which legacy's bears no packet id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PacketMark {
    protocol: u8,
    /// IPv4's identification; 0 in IPv6.
    identification: u16,
    /// TCP: sequence, acknowledgement, and flags with the window; else the first bytes.
    transport: [u32; 3],
}

const TCP: u8 = 6;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
/// ECE and CWR may be taken off by a rule (`-j ECN`).
const STEADY_TCP_FLAGS: u8 = 0x3f;

impl Headers {
    /// Reads a packet that starts with its IP header and may be cut off anywhere.
    pub(crate) fn read(bytes: &[u8]) -> Option<Headers> {
        let network = Network::read(bytes)?;
        let transport = bytes.get(network.header_length..).unwrap_or_default();
        Some(network.with(transport))
    }

    /// Reads the two headers that a trace message of nf_tables carries, each cut to a fixed length
    /// (`net/netfilter/nf_tables_trace.c`: 40 and 20 bytes).
    pub(crate) fn read_apart(network: &[u8], transport: &[u8]) -> Option<Headers> {
        Some(Network::read(network)?.with(transport))
    }
}

/// What an IP header says.
struct Network {
    from: IpAddr,
    to: IpAddr,
    protocol: u8,
    identification: u16,
    header_length: usize,
    /// Bytes after the header, as it says.
    length: usize,
    /// Whether the transport header is in an earlier fragment.
    later_fragment: bool,
}

impl Network {
    fn read(bytes: &[u8]) -> Option<Network> {
        match bytes.first()? >> 4 {
            4 => {
                let header = bytes.first_chunk::<20>()?;
                let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
                let address = |at: usize| {
                    Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3])
                };
                let header_length = usize::from(header[0] & 0xf) * 4;
                Some(Network {
                    from: address(12).into(),
                    to: address(16).into(),
                    protocol: header[9],
                    identification: word(4),
                    header_length: header_length.max(20),
                    length: usize::from(word(2)).saturating_sub(header_length),
                    later_fragment: word(6) & 0x1fff != 0,
                })
            }
            6 => {
                let header = bytes.first_chunk::<40>()?;
                let address = |at: usize| {
                    let mut octets = [0; 16];
                    octets.copy_from_slice(&header[at..at + 16]);
                    Ipv6Addr::from(octets)
                };
                Some(Network {
                    from: address(8).into(),
                    to: address(24).into(),
                    protocol: header[6],
                    identification: 0,
                    header_length: 40,
                    length: usize::from(u16::from_be_bytes([header[4], header[5]])),
                    later_fragment: false,
                })
            }
            _ => None,
        }
    }

    fn with(&self, transport: &[u8]) -> Headers {
        let word = |at: usize| {
            let bytes = transport.get(at..at + 4)?;
            Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        let word_or_zero = |at| word(at).unwrap_or_default();
        let mark = |transport| PacketMark {
            protocol: self.protocol,
            identification: self.identification,
            transport,
        };
        match self.protocol {
            TCP if !self.later_fragment => {
                if let (Some(sequence), Some(rest), Some(flow)) =
                    (word(4), word(12), self.flow(transport))
                {
                    let [offset, flags, ..] = rest.to_be_bytes();
                    // No header is shorter, whatever one says of itself (RFC 9293 section 3.1).
                    let header_length = (usize::from(offset >> 4) * 4).max(20);
                    let payload = self.length.saturating_sub(header_length);
                    let steady = rest & (u32::from(STEADY_TCP_FLAGS) << 16 | 0xffff);
                    return Headers {
                        packet: Packet::Tcp {
                            flow,
                            flags: TcpFlags(flags),
                            sequence,
                            acknowledgement: word_or_zero(8),
                            payload: u32::try_from(payload).unwrap_or(u32::MAX),
                        },
                        mark: mark([sequence, word_or_zero(8), steady]),
                        payload_at: self.header_length + header_length,
                    };
                }
            }
            ICMP | ICMPV6 if !self.later_fragment => {
                if let [kind, code, ..] = *transport {
                    return Headers {
                        packet: Packet::Icmp {
                            from: self.from,
                            to: self.to,
                            kind,
                            code,
                            about: self.about(kind, transport),
                        },
                        mark: mark([u32::from_be_bytes([kind, code, 0, 0]), word_or_zero(4), 0]),
                        payload_at: 0,
                    };
                }
            }
            _ => {}
        }
        Headers {
            packet: Packet::Other {
                from: self.from,
                to: self.to,
                number: self.protocol,
            },
            mark: mark([word_or_zero(0), word_or_zero(4), 0]),
            payload_at: 0,
        }
    }

    fn flow(&self, transport: &[u8]) -> Option<Flow> {
        let ports = transport.first_chunk::<4>()?;
        let port = |at: usize| u16::from_be_bytes([ports[at], ports[at + 1]]);
        Some(Flow {
            from: SocketAddr::new(self.from, port(0)),
            to: SocketAddr::new(self.to, port(2)),
        })
    }

    /// The TCP flow that an ICMP error quotes (RFC 792; RFC 4443 section 3).
    fn about(&self, kind: u8, transport: &[u8]) -> Option<Flow> {
        let is_error = match self.protocol {
            ICMP => matches!(kind, 3 | 4 | 5 | 11 | 12),
            _ => kind < 128,
        };
        if !is_error {
            return None;
        }
        let quoted = transport.get(8..)?;
        let network = Network::read(quoted)?;
        if network.protocol != TCP || network.later_fragment {
            return None;
        }
        network.flow(quoted.get(network.header_length..)?)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An IPv4 TCP packet with the fields that the lab reads.
    pub(crate) fn tcp4(identification: u16, flags: u8, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x45, 0];
        bytes.extend((40 + payload.len() as u16).to_be_bytes());
        bytes.extend(identification.to_be_bytes());
        bytes.extend([0x40, 0, 64, TCP, 0, 0, 192, 168, 0, 211, 192, 168, 0, 201]);
        bytes.extend(40000u16.to_be_bytes());
        bytes.extend(21u16.to_be_bytes());
        bytes.extend(sequence.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn a_syn_over_ipv4() {
        let headers = Headers::read(&tcp4(7, TcpFlags::SYN, 99, b"")).expect("whole headers");
        assert_eq!(
            headers.packet.to_string(),
            "SYN 192.168.0.211:40000 → 192.168.0.201:21"
        );
    }

    #[test]
    fn payload_counts_what_the_header_says_not_what_was_captured() {
        let bytes = tcp4(7, TcpFlags::ACK, 99, b"USER anonymous\r\n");
        let whole = Headers::read(&bytes).expect("whole headers");
        let cut = Headers::read(&bytes[..45]).expect("whole headers");
        assert_eq!(whole, cut);
        assert_eq!(&bytes[whole.payload_at..], b"USER anonymous\r\n");
        assert!(matches!(whole.packet, Packet::Tcp { payload: 16, .. }));
    }

    #[test]
    fn a_header_that_says_it_is_too_short_is_no_payload() {
        let mut bytes = tcp4(7, TcpFlags::ACK, 99, b"QUIT\r\n");
        bytes[32] = 0;
        let headers = Headers::read(&bytes).expect("whole headers");
        assert_eq!(&bytes[headers.payload_at..], b"QUIT\r\n");
        assert!(matches!(headers.packet, Packet::Tcp { payload: 6, .. }));
    }

    #[test]
    fn together_and_apart_are_the_same() {
        let bytes = tcp4(7, TcpFlags::SYN, 99, b"");
        assert_eq!(
            Headers::read(&bytes),
            Headers::read_apart(&bytes[..20], &bytes[20..])
        );
    }

    #[test]
    fn nat_and_a_hop_leave_the_mark_as_it_was() {
        let before = tcp4(7, TcpFlags::SYN, 99, b"");
        let mut after = before.clone();
        after[8] -= 1;
        after[12..16].copy_from_slice(&[10, 0, 0, 1]);
        after[20..22].copy_from_slice(&50000u16.to_be_bytes());
        let mark = |bytes: &[u8]| Headers::read(bytes).expect("whole headers").mark;
        assert_eq!(mark(&before), mark(&after));
        assert_ne!(mark(&before), mark(&tcp4(8, TcpFlags::SYN, 99, b"")));
    }

    #[test]
    fn an_icmp_error_names_the_flow_that_it_is_about() {
        let quoted = tcp4(7, TcpFlags::SYN, 99, b"");
        let mut bytes = vec![0x45, 0, 0, 68, 0, 0, 0, 0, 64, ICMP, 0, 0];
        bytes.extend([192, 168, 0, 201, 192, 168, 0, 211, 3, 13, 0, 0, 0, 0, 0, 0]);
        bytes.extend(quoted);
        let headers = Headers::read(&bytes).expect("whole headers");
        assert_eq!(
            headers.packet.to_string(),
            "ICMP type 3 code 13 192.168.0.201 → 192.168.0.211 \
             about 192.168.0.211:40000 → 192.168.0.201:21"
        );
    }

    #[test]
    fn a_later_fragment_has_no_ports() {
        let mut bytes = tcp4(7, TcpFlags::SYN, 99, b"");
        bytes[7] = 8;
        let headers = Headers::read(&bytes).expect("whole headers");
        assert!(matches!(headers.packet, Packet::Other { number: TCP, .. }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            version in prop_oneof![Just(0x45u8), Just(0x4f), Just(0x60), any::<u8>()],
            protocol in prop_oneof![Just(TCP), Just(ICMP), Just(ICMPV6), any::<u8>()],
            mut bytes in proptest::collection::vec(any::<u8>(), 0..160),
        ) {
            if let Some(first) = bytes.first_mut() { *first = version; }
            let at = if version >> 4 == 6 { 6 } else { 9 };
            if let Some(byte) = bytes.get_mut(at) { *byte = protocol; }
            let _ = Headers::read(&bytes);
            let _ = Headers::read_apart(&bytes, &bytes);
        }
    }
}
