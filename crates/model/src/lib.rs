//! The vocabulary of fwlab as types: families and backends, data setups and
//! operations, topologies, packets, rules, causes and outcomes; and ruleset text,
//! parsed, rendered and generated.
//!
//! This crate does no I/O and knows no async runtime. Words have one spelling,
//! the same in scenario files, filters and reports:
//!
//! ```
//! use fwlab_model::{DataSetup, Symptom};
//! assert_eq!(DataSetup::Epsv.to_string(), "epsv");
//! assert_eq!("data-timeout".parse::<Symptom>().unwrap(), Symptom::DataTimeout);
//! ```

mod backend;
mod data_setup;
mod family;
mod name;
mod operation;
mod outcome;
mod packet;
mod phase;
mod protection;
mod rule_id;
pub mod ruleset;
mod symptom;
mod topology;
mod word;

pub use backend::Backend;
pub use data_setup::DataSetup;
pub use family::Family;
pub use ipnet::IpNet;
pub use name::{InterfaceName, NameError, NodeName};
pub use operation::Operation;
pub use outcome::{Cause, Outcome};
pub use packet::{Flow, Packet, TcpFlags};
pub use phase::Phase;
pub use protection::Protection;
pub use rule_id::{ChainId, RuleId, RuleOrdinal, TableFamily};
pub use symptom::Symptom;
pub use topology::{
    BridgeSpec, Interface, LinkEnd, LinkSpec, NextHop, NodeSpec, Part, RouteSpec, Topology,
    TopologyMistake, TopologyProblem,
};
