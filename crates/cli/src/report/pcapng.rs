//! pcapng, the format that Wireshark reads: sections of blocks (draft-ietf-opsawg-pcapng).

use std::time::Duration;

/// Which way a packet went, as its interface saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
}

/// A file that is being made.
#[derive(Debug)]
pub(super) struct Pcapng(Vec<u8>);

const SECTION: u32 = 0x0a0d_0d0a;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const SECRETS: u32 = 10;
/// Packets begin with their IP header.
const LINK_RAW: u16 = 101;
/// `TLSK`: the format of `SSLKEYLOGFILE`.
const TLS_KEY_LOG: u32 = 0x544c_534b;

const COMMENT: u16 = 1;
const APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const TIME_RESOLUTION: u16 = 9;
const FLAGS: u16 = 2;

impl Pcapng {
    /// A file with what it is about.
    pub(super) fn begin(comment: &str) -> Pcapng {
        let mut file = Pcapng(Vec::new());
        let mut body = Vec::new();
        body.extend(BYTE_ORDER.to_le_bytes());
        body.extend(1_u16.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        // How long the section is, is not said.
        body.extend(u64::MAX.to_le_bytes());
        let application = concat!("fwlab ", env!("CARGO_PKG_VERSION"));
        option(&mut body, COMMENT, comment.as_bytes());
        option(&mut body, APPLICATION, application.as_bytes());
        file.block(SECTION, body);
        file
    }

    /// Adds an interface; packets name it by its place.
    pub(super) fn interface(&mut self, name: &str) {
        let mut body = Vec::new();
        body.extend(LINK_RAW.to_le_bytes());
        body.extend([0; 2]);
        // No bound of a packet's length.
        body.extend(0_u32.to_le_bytes());
        option(&mut body, INTERFACE_NAME, name.as_bytes());
        // Nanoseconds.
        option(&mut body, TIME_RESOLUTION, &[9]);
        self.block(INTERFACE, body);
    }

    /// Adds secrets, for the packets behind them.
    pub(super) fn tls_secrets(&mut self, lines: &str) {
        let mut body = Vec::new();
        body.extend(TLS_KEY_LOG.to_le_bytes());
        body.extend(length(lines.as_bytes()).to_le_bytes());
        padded(&mut body, lines.as_bytes());
        self.block(SECRETS, body);
    }

    /// Adds a packet.
    pub(super) fn packet(
        &mut self,
        interface: usize,
        at: Duration,
        bytes: &[u8],
        way: Way,
        comment: Option<&str>,
    ) {
        let time = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let mut body = Vec::with_capacity(bytes.len() + 64);
        body.extend(u32::try_from(interface).unwrap_or(u32::MAX).to_le_bytes());
        body.extend(((time >> 32) as u32).to_le_bytes());
        body.extend((time as u32).to_le_bytes());
        body.extend(length(bytes).to_le_bytes());
        body.extend(length(bytes).to_le_bytes());
        padded(&mut body, bytes);
        let flags: u32 = match way {
            Way::In => 1,
            Way::Out => 2,
        };
        option(&mut body, FLAGS, &flags.to_le_bytes());
        if let Some(comment) = comment {
            option(&mut body, COMMENT, comment.as_bytes());
        }
        self.block(ENHANCED_PACKET, body);
    }

    /// The file's bytes.
    pub(super) fn end(self) -> Vec<u8> {
        self.0
    }

    /// A block: its type, its length, the body, and its length again.
    fn block(&mut self, kind: u32, body: Vec<u8>) {
        let whole = length(&body) + 12;
        self.0.extend(kind.to_le_bytes());
        self.0.extend(whole.to_le_bytes());
        self.0.extend(body);
        self.0.extend(whole.to_le_bytes());
    }
}

/// An option: its code, its length, and the value; a long text is cut.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX) - 3)];
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    padded(body, value);
}

/// Bytes up to a multiple of four.
fn padded(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend(bytes);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The blocks of a file: kind and body. Every length is checked.
    fn blocks(bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let word =
            |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let mut found = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let whole = word(at + 4) as usize;
            assert_eq!(whole % 4, 0);
            assert_eq!(word(at + whole - 4) as usize, whole);
            found.push((word(at), bytes[at + 8..at + whole - 4].to_vec()));
            at += whole;
        }
        assert_eq!(at, bytes.len());
        found
    }

    #[test]
    fn blocks_are_whole() {
        let mut file = Pcapng::begin("one");
        file.interface("client");
        file.tls_secrets("CLIENT_RANDOM 01 02\n");
        file.packet(0, Duration::new(1, 5), b"12345", Way::Out, Some("why"));
        let blocks = blocks(&file.end());
        let kinds: Vec<u32> = blocks.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [SECTION, INTERFACE, SECRETS, ENHANCED_PACKET]);
        let packet = &blocks[3].1;
        let word =
            |at: usize| u32::from_le_bytes(packet[at..at + 4].try_into().expect("four bytes"));
        assert_eq!(u64::from(word(4)) << 32 | u64::from(word(8)), 1_000_000_005);
        assert_eq!((word(12), word(16)), (5, 5));
        assert_eq!(&packet[20..28], b"12345\0\0\0");
        assert_eq!(&packet[28..36], [2, 0, 4, 0, 2, 0, 0, 0]);
        assert_eq!(&packet[36..44], b"\x01\0\x03\0why\0");
    }

    #[test]
    fn a_long_comment_is_cut() {
        let file = Pcapng::begin(&"x".repeat(100_000));
        assert_eq!(blocks(&file.end()).len(), 1);
    }
}
