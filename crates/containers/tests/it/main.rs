//! Peers in containers beside the Docker of this machine, with a lab around them and no scenario.

mod fresh;
mod lab;
