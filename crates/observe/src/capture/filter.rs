/// An instruction of classic BPF: code, jumps if true and if false, operand
/// (`struct sock_filter` in `include/uapi/linux/filter.h`).
pub(super) type Instruction = (u16, u8, u8, u32);

const LOAD_WORD: u16 = 0x20;
const LOAD_BYTE: u16 = 0x30; // A = packet[k]
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE_AT_X: u16 = 0x50; // A = packet[x + k]
const LOAD_HALF_AT_X: u16 = 0x48;
const X_IMMEDIATE: u16 = 0x01;
const X_IPV4_HEADER_LENGTH: u16 = 0xb1; // X = 4 * (packet[k] & 15)
const SHIFT_RIGHT: u16 = 0x74;
const IF_EQUAL: u16 = 0x15;
const IF_ANY_BIT: u16 = 0x45;
const JUMP: u16 = 0x05;
const RETURN: u16 = 0x06;

const TCP: u32 = 6;
const ICMP: u32 = 1;
const ICMPV6: u32 = 58;

/// Enough for an IPv6 header, an ICMPv6 header, and the IP and TCP headers that an error quotes.
const HEADERS: u32 = 160;
/// More than any packet.
const WHOLE: u32 = 0x4_0000;
const NOTHING: u32 = 0;

/// Where the kernel answers with the packet's type (`SKF_AD_OFF + SKF_AD_PKTTYPE` in
/// `include/uapi/linux/filter.h`).
const PACKET_TYPE: u32 = 0xffff_f004;
/// `PACKET_OTHERHOST`: its hardware address is that of somebody else.
const OTHER_HOST: u32 = 3;

/// The filter for packets that start with their IP header: control ports in whole; of other TCP
/// segments with SYN, FIN or RST, and of ICMP, the headers; nothing else. A frame for
/// somebody else has not come in: the node ignores it.
pub(super) fn program(control_ports: &[u16]) -> Vec<Instruction> {
    let mut program = vec![
        (LOAD_WORD, 0, 0, PACKET_TYPE),
        (IF_EQUAL, 0, 1, OTHER_HOST),
        (RETURN, 0, 0, NOTHING),
        (LOAD_BYTE, 0, 0, 0),
        (SHIFT_RIGHT, 0, 0, 4),
        (IF_EQUAL, 0, 7, 4), // else to the IPv6 part
        (LOAD_BYTE, 0, 0, 9),
        (IF_EQUAL, 9, 0, ICMP), // to return headers
        (IF_EQUAL, 0, 9, TCP),  // else to return nothing
        (LOAD_HALF, 0, 0, 6),
        (IF_ANY_BIT, 7, 0, 0x1fff), // a later fragment: to return nothing
        (X_IPV4_HEADER_LENGTH, 0, 0, 0),
        (JUMP, 0, 0, 7),     // to the ports
        (IF_EQUAL, 0, 4, 6), // the IPv6 part; else to return nothing
        (LOAD_BYTE, 0, 0, 6),
        (IF_EQUAL, 1, 0, ICMPV6), // to return headers
        (IF_EQUAL, 2, 1, TCP),    // to X; else to return nothing
        (RETURN, 0, 0, HEADERS),
        (RETURN, 0, 0, NOTHING),
        (X_IMMEDIATE, 0, 0, 40),
    ];
    for port_at in [0, 2] {
        program.push((LOAD_HALF_AT_X, 0, 0, port_at));
        for port in control_ports {
            program.push((IF_EQUAL, 0, 1, u32::from(*port)));
            program.push((RETURN, 0, 0, WHOLE));
        }
    }
    program.extend([
        (LOAD_BYTE_AT_X, 0, 0, 13),
        (IF_ANY_BIT, 0, 1, 0x07),
        (RETURN, 0, 0, HEADERS),
        (RETURN, 0, 0, NOTHING),
    ]);
    program
}

/// The filter for every IP packet of the node, in whole.
pub(super) fn everything() -> Vec<Instruction> {
    vec![
        (LOAD_WORD, 0, 0, PACKET_TYPE),
        (IF_EQUAL, 4, 0, OTHER_HOST), // to return nothing
        (LOAD_BYTE, 0, 0, 0),
        (SHIFT_RIGHT, 0, 0, 4),
        (IF_EQUAL, 2, 0, 4), // to return the whole
        (IF_EQUAL, 1, 0, 6), // to return the whole
        (RETURN, 0, 0, NOTHING),
        (RETURN, 0, 0, WHOLE),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::tests::tcp4;
    use fwlab_record::TcpFlags;
    use proptest::prelude::*;

    /// Runs a program as the kernel would: how many bytes of the packet to keep. Reading past the end keeps none.
    fn run(program: &[Instruction], kind: u32, packet: &[u8]) -> u32 {
        let byte = |at: u32| packet.get(at as usize).copied().map(u32::from);
        let half = |at: u32| Some(byte(at)? << 8 | byte(at + 1)?);
        let (mut a, mut x, mut at) = (0, 0, 0);
        loop {
            let (code, if_true, if_false, k) = program[at];
            at += 1;
            let loaded = match code {
                LOAD_WORD if k == PACKET_TYPE => Some(kind),
                LOAD_BYTE => byte(k),
                LOAD_HALF => half(k),
                LOAD_BYTE_AT_X => byte(x + k),
                LOAD_HALF_AT_X => half(x + k),
                _ => Some(a),
            };
            let Some(loaded) = loaded else { return 0 };
            a = loaded;
            match code {
                X_IMMEDIATE => x = k,
                X_IPV4_HEADER_LENGTH => x = 4 * (byte(k).unwrap_or_default() & 15),
                SHIFT_RIGHT => a >>= k,
                IF_EQUAL => at += usize::from(if a == k { if_true } else { if_false }),
                IF_ANY_BIT => at += usize::from(if a & k != 0 { if_true } else { if_false }),
                JUMP => at += k as usize,
                RETURN => return k,
                _ => {}
            }
        }
    }

    fn ipv6(next: u8, transport: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x60, 0, 0, 0];
        bytes.extend((transport.len() as u16).to_be_bytes());
        bytes.extend([next, 64]);
        bytes.extend([0xfd; 32]);
        bytes.extend(transport);
        bytes
    }

    #[test]
    fn what_is_kept() {
        let control = program(&[2121, 21]);
        let other = program(&[]);
        let syn = tcp4(1, TcpFlags::SYN, 1, b"");
        let line = tcp4(1, TcpFlags::ACK, 1, b"NOOP\r\n");
        let mut back = line.clone();
        back[20..24].rotate_left(2);
        let mut icmp = line.clone();
        icmp[9] = 1;
        let mut udp = line.clone();
        udp[9] = 17;
        let mut fragment = line.clone();
        fragment[7] = 1;
        for (packet, with, without) in [
            (&syn, WHOLE, HEADERS),
            (&line, WHOLE, NOTHING),
            (&back, WHOLE, NOTHING),
            (&icmp, HEADERS, HEADERS),
            (&udp, NOTHING, NOTHING),
            (&fragment, NOTHING, NOTHING),
            (&ipv6(6, &syn[20..]), WHOLE, HEADERS),
            (&ipv6(6, &line[20..]), WHOLE, NOTHING),
            (&ipv6(58, &[135, 0, 0, 0]), HEADERS, HEADERS),
            (&ipv6(17, &line[20..]), NOTHING, NOTHING),
            (&vec![0; 40], NOTHING, NOTHING),
        ] {
            for kind in [0, 4] {
                assert_eq!(run(&control, kind, packet), with, "{packet:x?}");
                assert_eq!(run(&other, kind, packet), without, "{packet:x?}");
            }
            assert_eq!(run(&control, OTHER_HOST, packet), NOTHING, "{packet:x?}");
        }
    }

    #[test]
    fn everything_is_every_ip_packet() {
        let program = everything();
        let line = tcp4(1, TcpFlags::ACK, 1, b"data");
        let arp = [0, 1, 8, 0, 6, 4, 0, 1];
        for kind in [0, 4] {
            assert_eq!(run(&program, kind, &line), WHOLE);
            assert_eq!(run(&program, kind, &ipv6(17, &line[20..])), WHOLE);
            assert_eq!(run(&program, kind, &arp), NOTHING);
        }
        assert_eq!(run(&program, OTHER_HOST, &line), NOTHING);
    }

    proptest! {
        #[test]
        fn any_packet_is_kept_or_not(
            ports in proptest::collection::vec(any::<u16>(), 0..300),
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            prop_assert!([NOTHING, HEADERS, WHOLE].contains(&run(&program(&ports), 0, &bytes)));
        }
    }
}
