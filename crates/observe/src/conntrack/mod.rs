//! What conntrack knows: connections, expectations, and their changes.

mod decode;
mod event;
mod log_line;
mod state;

pub(crate) use decode::{connection, expectation};
pub use event::{Change, ConntrackEvent, ExpectationEvent};
pub(crate) use log_line::ConntrackLog;
pub use log_line::{HelperDrop, InvalidPacket};
pub(crate) use state::{state_from_bits, state_from_info};
