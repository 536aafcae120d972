/// The most lines that a server says between two commands of a client. A reply has no limit in RFC 959;
/// the longest of the field, a greeting of many lines or an answer to HELP, has some hundred.
pub const MAX_LINES_SAID: usize = 1_000;

/// The most bytes that a server says between two commands of a client.
pub const MAX_BYTES_SAID: usize = 64 * 1024;

/// How much a server has said since the client's latest command: one reply, however it is made up, a line
/// without an end, replies that nobody asked for, or what is no reply at all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measure {
    lines: usize,
    bytes: usize,
}

impl Measure {
    /// Adds what was said; tells whether it is more than anybody reads.
    pub(super) fn add(&mut self, bytes: &[u8]) -> bool {
        self.bytes += bytes.len();
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count();
        self.lines > MAX_LINES_SAID || self.bytes > MAX_BYTES_SAID
    }

    /// The client sent a command.
    pub(super) fn begin(&mut self) {
        *self = Measure::default();
    }
}
