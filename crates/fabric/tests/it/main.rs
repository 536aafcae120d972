//! The fabric on a real kernel, as root and as an ordinary user.
#![expect(clippy::print_stdout, reason = "a test asks a copy of itself")]

mod bridges;
mod containers;
mod enclosed;
mod host;
mod hostile;
mod lifetime;
mod links;
mod privilege;
mod processes;
mod scratch;
mod sinks;
mod sockets;
mod support;
mod sysctls;
