use std::fmt;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DataSetup;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The session's control connection.
    Control,
    /// A data connection that one side announced.
    Data(DataSetup),
    /// Nothing that the session announced.
    Other,
}

impl Role {
    /// Whether the session depends on the connection.
    pub fn is_watched(self) -> bool {
        self != Role::Other
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Control => f.write_str("control"),
            Role::Data(setup) => write!(f, "data ({setup})"),
            Role::Other => f.write_str("other"),
        }
    }
}
