//! Peers in containers beside the Docker of this machine, with a lab around them and no scenario.
#![expect(clippy::print_stderr, reason = "tests say what they skip")]

mod fresh;
mod lab;
