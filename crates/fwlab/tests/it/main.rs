//! The library as its users have it: on this machine's kernel.

mod library;
mod support;
