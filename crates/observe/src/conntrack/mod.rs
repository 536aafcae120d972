//! What conntrack knows: connections, expectations, and their changes.

mod decode;
mod event;
mod remark;
mod state;

pub(crate) use decode::{connection, expectation};
pub use event::{Change, ConntrackEvent, ExpectationEvent};
pub(crate) use remark::Remark;
pub use remark::{HelperDrop, InvalidPacket};
pub(crate) use state::{state_from_bits, state_from_info};
