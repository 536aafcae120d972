use serde::{Deserialize, Deserializer, Serialize};

/// The run record's version. It changes when a reader of the old one would go wrong.
pub const SCHEMA_VERSION: u32 = 2;

/// A record's claim to be of [`SCHEMA_VERSION`]: one of another version is not read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SchemaVersion;

impl Serialize for SchemaVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(SCHEMA_VERSION)
    }
}

impl<'de> Deserialize<'de> for SchemaVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SchemaVersion, D::Error> {
        match u32::deserialize(deserializer)? {
            SCHEMA_VERSION => Ok(SchemaVersion),
            other => Err(serde::de::Error::custom(format_args!(
                "a record of version {other}, and this reads version {SCHEMA_VERSION}"
            ))),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for SchemaVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SchemaVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": SCHEMA_VERSION })
    }
}

/// The JSON Schema of a record: of a line of the JSON report.
#[cfg(feature = "schema")]
pub fn record_schema() -> schemars::Schema {
    schemars::schema_for!(crate::CellRecord)
}
