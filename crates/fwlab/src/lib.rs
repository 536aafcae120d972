//! fwlab proves on a real kernel which FTP transfers a firewall ruleset lets through,
//! and names the rule that stops the rest.
//!
//! This crate is the library for tests: [`Lab`], [`assert_transferred!`], [`assert_blocked!`], [`assert_met`],
//! [`observe_in_place`] and [`scenario_tests!`]. The command is the crate `fwlab-cli`.
//! In a test, without root and without touching the host:
//!
//! ```
//! use fwlab::{DataSetup, Lab, assert_blocked, assert_transferred};
//!
//! # fn main() -> Result<(), fwlab::LabError> {
//! let rules = "
//!     iptables -P INPUT DROP
//!     iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT";
//! let lab = Lab::client_firewall().rules(rules);
//! # if let Err(error) = lab.transfer(DataSetup::Pasv) { eprintln!("not here: {error}"); return Ok(()); }
//! assert_transferred!(lab.transfer(DataSetup::Pasv)?);
//! // Without a conntrack helper nothing is ever RELATED.
//! assert_blocked!(lab.transfer(DataSetup::Port)?, by policy "filter/INPUT");
//! assert_transferred!(lab.with_helper().transfer(DataSetup::Port)?);
//! # Ok(())
//! # }
//! ```

mod builds;
mod complaint;
mod harness;
#[cfg(feature = "hosts")]
mod host;
mod in_place;
mod lab;
mod link_name;
mod observed;
mod peers;
mod scenario_tests;

#[cfg(feature = "hosts")]
pub use fwlab_check::At;
pub use fwlab_ftp::OwnServer;
pub use fwlab_model::IpNet;
pub use fwlab_model::ruleset::{DefaultPolicy, Passive, Policy, Side};
/// Everything that fwlab says, as types, including what causes and evidence are made of.
pub use fwlab_record as record;
pub use fwlab_record::{
    Backend, Cause, CauseKind, DataSetup, Evidence, Family, InterfaceName, Operation, Outcome,
    PeerName, Phase, Place, Protection, Symptom,
};
pub use fwlab_runner::Present;
#[cfg(feature = "hosts")]
pub use host::{Host, Row, Table};
pub use in_place::{assert_met, observe_in_place};
pub use lab::{Lab, LabError};
pub use observed::Observed;
pub use peers::*;
pub use scenario_tests::{harness_is_not_switched_off, run_scenario_tests};
