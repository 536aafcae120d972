//! Processes in a node's namespace: trusted tools, and untrusted programs.

mod capture;
mod child;
mod end;
mod program;
mod tool;

pub use end::ProcessEnd;
pub use program::{Overlay, Program, ProgramError, ProgramLost, ProgramSpec};
pub use tool::{ToolCall, ToolError, ToolErrorCause, ToolOutput};
