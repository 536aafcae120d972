//! The last line of a file, which fits the others.

use crate::cksum::cksum;
use crate::frame::{Edits, Frame};
use crate::mistake::CaptureMistakes;

/// The text of a file that was edited on purpose, whole again: its last line fits the others.
///
/// # Errors
/// Where it is no longer in its form, as [`Host::read`](crate::Host::read) tells it.
pub fn seal(name: &str, bytes: &[u8]) -> Result<Vec<u8>, CaptureMistakes> {
    let frame = Frame::read(name, bytes, Edits::Accepted)?;
    let mut text = before_end(bytes).to_vec();
    push_end(&mut text, frame.sections.len());
    Ok(text)
}

/// All lines but the last, of a file that is whole.
pub(crate) fn before_end(bytes: &[u8]) -> &[u8] {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let end = whole.iter().rposition(|byte| *byte == b'\n');
    &bytes[..end.map_or(0, |end| end + 1)]
}

/// Adds the last line.
pub(crate) fn push_end(text: &mut Vec<u8>, sections: usize) {
    let (bytes, sum) = (text.len(), cksum(text));
    let end = format!("end sections={sections} bytes={bytes} cksum={sum}\n");
    text.extend_from_slice(end.as_bytes());
}
