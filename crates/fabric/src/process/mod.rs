//! Processes in a node's namespace: trusted tools, and untrusted programs.

mod capture;
mod child;
mod program;
mod tool;

pub use program::{Overlay, Program, ProgramError, ProgramLost, ProgramSpec};
pub use tool::{ToolCall, ToolError, ToolErrorCause, ToolOutput};
