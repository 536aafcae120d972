//! The library as its users have it: on this machine's kernel.

#[cfg(feature = "hosts")]
mod host;
mod library;
mod support;
