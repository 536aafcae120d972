use arbitrary::Unstructured;
use fwlab_ftp::wire::{Dialogue, MAX_HELD, Piece, Reassembler, Side};

/// The longest stream that is put together again.
const STREAM: usize = 600;

/// A direction of a TCP connection as it is captured: first the pieces of one stream in any order, cut and
/// repeated in any way, then segments that belong to nothing.
///
/// The stream comes out as it was, whatever its cuts, and means what it means in order. What does not belong together
/// makes gaps, and nothing comes out that was not put in.
pub fn reassembly(input: &[u8]) {
    let mut unread = Unstructured::new(input);
    let _ = stream(&mut unread);
    let _ = stray(&mut unread);
}

fn stream(unread: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let first: u32 = unread.arbitrary()?;
    let length = usize::from(unread.arbitrary::<u16>()?) % STREAM;
    let stream = unread.bytes(length.min(unread.len()))?;
    let mut reassembler = Reassembler::default();
    let mut by_segments = Dialogue::default();
    reassembler.syn(first.wrapping_sub(1));
    by_segments.syn(Side::Server, first.wrapping_sub(1));
    let mut out = Vec::new();
    let mut events = Vec::new();
    let mut segment = |start: usize, end: usize| {
        let sequence = first.wrapping_add(start as u32);
        reassembler.segment(sequence, &stream[start..end], |piece| match piece {
            Piece::Bytes(bytes) => out.extend_from_slice(bytes),
            Piece::Gap => panic!("fewer bytes than are held before a gap is given up"),
        });
        events.extend(by_segments.segment(Side::Server, sequence, &stream[start..end]));
        assert!(stream.starts_with(&out), "not the stream's bytes");
    };
    // Fewer than are held behind a gap.
    for _ in 0..unread.arbitrary::<u8>()? % 48 {
        let start = usize::from(unread.arbitrary::<u16>()?) % (stream.len() + 1);
        let length = usize::from(unread.arbitrary::<u8>()?);
        segment(start, (start + length).min(stream.len()));
    }
    for start in (0..stream.len()).step_by(50) {
        segment(start, (start + 50).min(stream.len()));
    }
    assert_eq!(out, stream);
    let in_order = Dialogue::default().bytes(Side::Server, stream);
    assert_eq!(events, in_order);
    Ok(())
}

fn stray(unread: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let mut reassembler = Reassembler::default();
    let mut dialogue = Dialogue::default();
    let (mut put_in, mut came_out) = (0, 0);
    // Much is held only where much comes: each segment stands for `times` its bytes.
    let times = usize::from(unread.arbitrary::<u8>()? % 64) + 1;
    while !unread.is_empty() {
        let sequence: u32 = unread.arbitrary()?;
        let length = usize::from(unread.arbitrary::<u8>()?).min(unread.len());
        let payload = unread.bytes(length)?.repeat(times);
        put_in += payload.len();
        let mut at_once = 0;
        reassembler.segment(sequence, &payload, |piece| {
            if let Piece::Bytes(bytes) = piece {
                assert!(!bytes.is_empty());
                at_once += bytes.len();
            }
        });
        assert!(
            at_once <= payload.len() + MAX_HELD,
            "{at_once} bytes at once"
        );
        came_out += at_once;
        dialogue.segment(Side::Client, sequence, &payload);
    }
    assert!(came_out <= put_in, "{came_out} of {put_in} bytes came out");
    Ok(())
}
