//! The observer against a real kernel, as root and as an ordinary user.
#![expect(clippy::print_stderr, reason = "tests say what they skip")]

mod capture;
mod conntrack;
mod lab;
mod load;
mod stops;
mod table;
mod watch;
