//! A duration as a number of milliseconds with three decimals, for `#[serde(with = "fwlab_record::ms")]`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// Writes a duration.
///
/// # Errors
/// The serialiser's own.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1e6).round() / 1e3)
}

/// Reads a duration.
///
/// # Errors
/// What is no number, or is negative.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let ms = f64::deserialize(deserializer)?;
    // In whole microseconds, as it was written.
    let seconds = (ms * 1e3).round() / 1e6;
    Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
}
