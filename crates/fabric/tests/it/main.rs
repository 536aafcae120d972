//! The fabric on a real kernel, as root and as an ordinary user.

mod host;
mod lifetime;
mod links;
mod privilege;
mod processes;
mod scratch;
mod sockets;
mod support;
mod sysctls;
