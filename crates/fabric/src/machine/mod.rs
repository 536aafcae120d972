//! What this machine can do, and what to do about the rest.

mod ability;
mod examination;
mod modules;
mod neighbours;
mod packages;
mod peers;
mod probes;
mod tools;

pub use ability::Ability;
pub use examination::{Machine, Missing, kernel_release};
pub use modules::need_xtables;
pub use neighbours::neighbour_overflows;
pub(crate) use neighbours::{most_neighbours, room_for_neighbours};
pub use packages::install_package;
pub use peers::{PeerProgram, Peers};
pub use tools::{ToolProgram, find_tool, tool_version, version_said};
