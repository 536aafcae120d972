//! What conntrack knows: connections, expectations, and their changes.

mod decode;
mod event;
mod remark;
mod state;

pub(crate) use decode::{connection, expectation};
pub use event::{Change, ConntrackEvent, ExpectationEvent};
pub(crate) use remark::Remark;
pub use remark::{HelperDrop, InvalidPacket};
pub use state::{
    ConntrackDirection, ConntrackId, ConntrackState, ConntrackStatus, TcpState, TraceConntrack,
};
