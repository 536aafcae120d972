//! Rulesets and topologies: ruleset text, parsed, rendered and generated; nodes, links and routes.
//!
//! This crate does no I/O and knows no async runtime.

pub mod ruleset;
mod topology;

pub use ipnet::IpNet;
pub use topology::{
    BridgeSpec, Interface, LinkEnd, LinkSpec, NextHop, NodeSpec, Part, RouteSpec, Topology,
    TopologyMistake, TopologyProblem,
};
