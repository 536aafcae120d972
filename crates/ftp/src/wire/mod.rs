//! FTP on the wire, without any I/O: lines, commands, replies, the addresses
//! that they announce, and the dialogue that they make.
//!
//! Everything here reads bytes that came from a network. It never panics, holds
//! a bounded amount of memory however long a line, reply or gap is, and takes
//! time in proportion to the bytes it is given.

mod announcement;
mod command;
mod dialogue;
mod extended;
mod facts;
mod host_port;
mod line;
mod measure;
mod progress;
mod reassembler;
mod record_bounds;
mod records;
mod reply;

pub use command::{Command, NoCommand};
pub use dialogue::{Dialogue, Event, MAX_PENDING, Side};
pub use extended::{ExtendedPort, ExtendedPortError, extended_passive_port};
pub use facts::{FactLine, FactLineError};
pub use host_port::{HostPort, HostPortError};
pub use line::MAX_LINE;
pub use measure::{MAX_BYTES_SAID, MAX_LINES_SAID};
pub use progress::{Exchange, Progress, SetupExchange};
pub use reassembler::{MAX_HELD, Piece, Reassembler};
pub(crate) use record_bounds::RecordBounds;
pub use reply::{MAX_REPLY_TEXT, Reply, ReplyCode};
