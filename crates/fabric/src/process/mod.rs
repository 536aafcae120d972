//! Processes in a node's namespace: tools that load rules, and programs that are peers.

mod capture;
mod child;
mod confined;
mod enclosed;
mod end;
mod program;
mod script;
mod told;
mod tool;

pub use enclosed::{EnclosedError, EnclosedTool};
pub use end::ProcessEnd;
pub use program::{Program, ProgramError, ProgramLost, ProgramSpec};
pub use tool::{ToolCall, ToolError, ToolErrorCause, ToolOutput};
