use std::fmt;
use std::sync::Arc;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A node name must be 1 to 32 characters of `a-z`, `0-9` and `-`, and start with a letter.
    #[error("`{0}` is not a node name: 1 to 32 of a-z, 0-9 and -, a letter first")]
    Node(String),
    /// An interface name must be what the kernel takes: 1 to 15 bytes, no `/`, no blank, not `.` or `..`.
    #[error("`{0}` is not an interface name: 1 to 15 bytes without / or blanks, and not . or ..")]
    Interface(String),
}

macro_rules! name {
    ($(#[$meta:meta])* $name:ident, $error:ident, $valid:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a name.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(text.into())) } else { Err(NameError::$error(text)) }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.as_str().to_owned()
            }
        }
    };
}

name!(
    /// The name of a node: `client`, `gateway`, `server`, `third`, or one of a scenario's own.
    NodeName, Node,
    |text| (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
);
name!(
    /// The name of a network interface as the kernel takes it.
    InterfaceName, Interface,
    |text| (1..=15).contains(&text.len())
        && text != "." && text != ".."
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b':')
);

impl NodeName {
    /// The node that the FTP client runs on.
    pub fn client() -> NodeName {
        NodeName("client".into())
    }

    /// The router between client and server.
    pub fn gateway() -> NodeName {
        NodeName("gateway".into())
    }

    /// The node that the FTP server runs on.
    pub fn server() -> NodeName {
        NodeName("server".into())
    }

    /// A host that is neither: a bounce's target, or an attacker.
    pub fn third() -> NodeName {
        NodeName("third".into())
    }
}
