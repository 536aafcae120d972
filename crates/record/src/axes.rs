use std::fmt;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Backend, DataSetup, Family, Operation, PeerName, Protection};

/// The place of a cell in the matrix: everything that names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Axes {
    /// The scenario's name.
    pub scenario: String,
    /// The ruleset's name.
    pub ruleset: String,
    /// The backend that loads it.
    pub backend: Backend,
    /// The server.
    pub server: PeerName,
    /// The client.
    pub client: PeerName,
    /// The data setup that is asked for.
    pub data: DataSetup,
    /// What hides the dialogue.
    pub protection: Protection,
    /// The family that client and server speak.
    pub family: Family,
    /// What is done.
    pub operation: Operation,
}

impl Axes {
    /// The axes' names, in the order in which they make a cell's name.
    pub const NAMES: [&'static str; 9] = [
        "scenario",
        "ruleset",
        "backend",
        "server",
        "client",
        "data",
        "protection",
        "family",
        "operation",
    ];
}

/// The cell's name: stable, unique in a run, and what filters look at.
impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Axes {
            scenario,
            ruleset,
            backend,
            server,
            client,
            data,
            protection,
            family,
            operation,
        } = self;
        write!(
            f,
            "{scenario}::{ruleset}::{backend}::{server}::{client}::{data}::{protection}::{family}::{operation}"
        )
    }
}
