//! Rulesets and topologies: ruleset text, parsed, rendered and generated; nodes, links and routes; and
//! [`Placed`], a mistake with its places in a text.
//!
//! This crate does no I/O and knows no async runtime.

mod placed;
pub mod ruleset;
mod topology;

pub use ipnet::IpNet;
pub use placed::Placed;
pub use topology::{
    BridgeSpec, Interface, LinkEnd, LinkSpec, NextHop, NodeSpec, Part, RouteSpec, Topology,
    TopologyMistake, TopologyProblem,
};
