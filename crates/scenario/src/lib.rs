//! The scenario file: its contents, and the cells that it asks for.
//!
//! The map: [`collect`] finds the files below a folder, and [`input`] reads a file that somebody names;
//! [`Scenario::parse`] makes an [`Outline`] of a text, or reports every mistake at its place, and reads nothing else;
//! [`Scenario::prepare`] reads the files that the text names, too, and makes a [`Scenario`] that can be run;
//! `format` and `read` declare its tables, and [`describe`] prints them; [`plan`] multiplies the axes into cells, and
//! [`filter`] chooses among them; [`observed`] writes requirements from their outcomes.
//!
//! This crate runs nothing, makes no namespace and writes nothing.
//!
//! ```
//! use std::path::Path;
//!
//! let text = "descripton = \"A gateway without rules.\"\ntopology = { shape = \"gateway\" }\n\
//!             ruleset = [{ name = \"open\", none = true }]\n";
//! let error = fwlab_scenario::Scenario::parse("open", Path::new("open.toml"), text).unwrap_err();
//! assert_eq!(error.problems[0].remedy(), Some("did you mean `description`?"));
//! ```

mod client;
pub mod collect;
mod deployment;
pub mod filter;
mod format;
mod hosts;
pub mod input;
mod matrix;
pub mod observed;
pub mod plan;
mod problem;
mod read;
mod requirement;
mod rules;
mod scenario;
mod server;
mod steps;
mod sysctls;
#[cfg(test)]
mod tests;
mod toml_text;
mod written;

pub use client::ClientTerms;
pub use deployment::{Addressing, Deployment, Layout, Port, Shape};
pub use format::{SCHEMA_VERSION, describe, json_schema};
pub use matrix::Matrix;
pub use problem::ScenarioError;
pub use requirement::{CauseDemand, Requirement, Selector, SymptomDemand};
pub use rules::{ImageRules, RulesAt, RulesOrigin, RulesetEntry};
pub use scenario::{NamedFile, Outline, Scenario};
pub use server::ServerTerms;
pub use steps::{Action, Step};
pub use sysctls::Sysctl;
pub use written::WrittenScenario;
