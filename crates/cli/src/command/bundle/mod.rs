//! A run in one file, for somebody else to see it: `fwlab run FILE --bundle OUT` writes it, `fwlab run OUT` runs it again,
//! and `fwlab explain OUT` explains it without running. It is never unpacked: what stands in it is read from memory.

mod again;
mod kept;
mod reading;
mod writing;

pub(super) use kept::Kept;
pub(super) use reading::{Bundled, is_bundle};
pub(super) use writing::BundleFile;

use again::versions;
use serde::{Deserialize, Serialize};

/// What a bundle says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    /// The version of fwlab that wrote it.
    fwlab: String,
    /// The scenario's name, which its cells have.
    scenario: String,
    /// What it ran on and with.
    with: Vec<String>,
}
