/// The most bytes that wait behind a gap. When more arrive, the gap is given up:
/// what fills it was missed by the capture, since a TCP receiver would have
/// waited for it.
pub const MAX_HELD: usize = 64 * 1024;

/// The most segments that wait behind a gap; keeps every step short.
const MAX_SEGMENTS: usize = 64;

/// How far ahead a segment may lie, in bytes: more than any receive window of a
/// control connection. What claims to lie further is not of this stream.
const FARTHEST: i32 = 1 << 24;

/// What a segment made of a stream, in the stream's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes that follow those before.
    Bytes(&'a [u8]),
    /// Bytes are missing here, and will not come.
    Gap,
}

/// Puts one direction of a TCP connection back in order, from segments as they
/// were captured: retransmitted, overlapping, out of order (RFC 9293 section 3.4).
#[derive(Debug, Clone, Default)]
pub struct Reassembler {
    next: Option<u32>,
    held: Vec<(u32, Vec<u8>)>,
    bytes_held: usize,
}

impl Reassembler {
    /// A SYN with this sequence number opens the direction. Without one, the
    /// first segment does.
    pub fn syn(&mut self, sequence: u32) {
        if self.next.is_none() {
            self.next = Some(sequence.wrapping_add(1));
        }
    }

    /// Takes a segment's sequence number and payload; hands out what is now in
    /// order.
    pub fn segment(&mut self, sequence: u32, payload: &[u8], mut each: impl FnMut(Piece<'_>)) {
        if payload.is_empty() {
            return;
        }
        let next = *self.next.get_or_insert(sequence);
        if ahead(next, sequence) > FARTHEST {
            return;
        }
        if ahead(next, sequence) > 0 {
            self.hold(sequence, payload);
            if self.bytes_held > MAX_HELD || self.held.len() > MAX_SEGMENTS {
                self.give_up(&mut each);
            }
            return;
        }
        self.deliver(sequence, payload, &mut each);
        self.release(&mut each);
    }

    fn hold(&mut self, sequence: u32, payload: &[u8]) {
        // A retransmission of what waits already adds nothing.
        if self
            .held
            .iter()
            .any(|(held, bytes)| *held == sequence && bytes.len() >= payload.len())
        {
            return;
        }
        self.bytes_held += payload.len();
        self.held.push((sequence, payload.to_vec()));
    }

    /// Hands out what of a segment is new, when it does not lie ahead.
    fn deliver(&mut self, sequence: u32, payload: &[u8], each: &mut impl FnMut(Piece<'_>)) {
        let next = self.next.unwrap_or(sequence);
        let seen = ahead(sequence, next).max(0).unsigned_abs() as usize;
        if let Some(new) = payload.get(seen..).filter(|new| !new.is_empty()) {
            each(Piece::Bytes(new));
            // At most 4 GiB a segment: the length of a payload that fits a packet.
            self.next = Some(next.wrapping_add(new.len() as u32));
        }
    }

    /// Hands out what waited for the bytes that have come.
    fn release(&mut self, each: &mut impl FnMut(Piece<'_>)) {
        while let Some(next) = self.next
            && let Some(at) = self
                .held
                .iter()
                .position(|(sequence, _)| ahead(next, *sequence) <= 0)
        {
            let (sequence, bytes) = self.held.swap_remove(at);
            self.bytes_held -= bytes.len();
            self.deliver(sequence, &bytes, each);
        }
    }

    /// Goes on behind the gap.
    fn give_up(&mut self, each: &mut impl FnMut(Piece<'_>)) {
        let Some(next) = self.next else { return };
        if let Some(first) = self
            .held
            .iter()
            .map(|(sequence, _)| *sequence)
            .min_by_key(|sequence| ahead(next, *sequence))
        {
            each(Piece::Gap);
            self.next = Some(first);
            self.release(each);
        }
    }
}

/// How far `sequence` lies ahead of `next`, over the wrap at 2³².
fn ahead(next: u32, sequence: u32) -> i32 {
    sequence.wrapping_sub(next).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(
        reassembler: &mut Reassembler,
        sequence: u32,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        let mut gap = false;
        reassembler.segment(sequence, payload, |piece| match piece {
            Piece::Bytes(bytes) => out.extend_from_slice(bytes),
            Piece::Gap => gap = true,
        });
        gap
    }

    #[test]
    fn retransmissions_overlaps_and_the_wrap() {
        let mut reassembler = Reassembler::default();
        let mut out = Vec::new();
        reassembler.syn(u32::MAX - 2);
        feed(&mut reassembler, 1, b"defg", &mut out);
        feed(&mut reassembler, u32::MAX - 1, b"ab", &mut out);
        feed(&mut reassembler, u32::MAX - 1, b"ab", &mut out);
        feed(&mut reassembler, u32::MAX, b"bcd", &mut out);
        feed(&mut reassembler, 1, b"defgh", &mut out);
        assert_eq!(out, b"abcdefgh");
    }

    #[test]
    fn a_gap_is_given_up_before_memory_is() {
        let mut reassembler = Reassembler::default();
        let mut out = Vec::new();
        feed(&mut reassembler, 0, b"a", &mut out);
        let mut gaps = 0;
        for at in 0..1000_u32 {
            gaps += u32::from(feed(
                &mut reassembler,
                10 + at * 1000,
                &[b'x'; 1000],
                &mut out,
            ));
            assert!(reassembler.bytes_held <= MAX_HELD + 1000);
            assert!(reassembler.held.len() <= MAX_SEGMENTS + 1);
        }
        assert_eq!(gaps, 1);
        assert!(out.len() > 900_000);
    }

    #[test]
    fn segments_from_nowhere_do_not_end_the_stream() {
        let mut reassembler = Reassembler::default();
        let mut out = Vec::new();
        feed(&mut reassembler, 0, b"a", &mut out);
        for at in 0..1000 {
            assert!(!feed(
                &mut reassembler,
                (1 << 30) + at * 100,
                &[b'x'; 100],
                &mut out
            ));
        }
        feed(&mut reassembler, 1, b"b", &mut out);
        assert_eq!(out, b"ab");
    }

    proptest! {
        /// Whatever the order, the cuts and the repeats: the stream comes out.
        #[test]
        fn any_order_gives_the_stream(
            isn in any::<u32>(),
            stream in proptest::collection::vec(any::<u8>(), 1..200),
            cuts in proptest::collection::vec((0_usize..200, 1_usize..50), 0..30),
            seed in any::<u64>(),
        ) {
            let mut segments: Vec<(usize, usize)> = cuts
                .into_iter()
                .filter(|(start, _)| *start < stream.len())
                .map(|(start, length)| (start, (start + length).min(stream.len())))
                .collect();
            segments.extend((0..stream.len()).step_by(7).map(|start| (start, (start + 7).min(stream.len()))));
            let mut state = seed;
            for at in (1..segments.len()).rev() {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                segments.swap(at, (state >> 33) as usize % (at + 1));
            }
            let mut reassembler = Reassembler::default();
            reassembler.syn(isn);
            let mut out = Vec::new();
            for (start, end) in segments {
                let sequence = isn.wrapping_add(1).wrapping_add(start as u32);
                prop_assert!(!feed(&mut reassembler, sequence, &stream[start..end], &mut out));
            }
            prop_assert_eq!(out, stream);
            prop_assert_eq!(reassembler.bytes_held, 0);
        }
    }
}
