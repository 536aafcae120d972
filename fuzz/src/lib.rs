//! What the fuzz targets do with an input, one function a target: it reads the input as the lab would, and
//! asserts what must hold of whatever comes out. That nothing panics is the least of it.
//!
//! `fuzz_targets` hands them to libFuzzer; `tests` hands them the corpus, so that what was found once
//! stays a test. See `README.md` beside this crate.

mod dialogue;
mod evidence;
mod host;
mod native;
mod nft_listing;
mod reassembly;
mod record;
mod repeated;
mod ruleset;
mod scenario;
mod script;
mod server;
mod spans;

pub use dialogue::dialogue;
pub use evidence::{conntrack, headers, netlink, nflog, trace};
pub use host::host;
pub use native::native;
pub use nft_listing::nft_listing;
pub use reassembly::reassembly;
pub use record::record;
pub use ruleset::ruleset;
pub use scenario::scenario;
pub use script::script;
pub use server::server;

/// What a target does with an input. It panics where something does not hold.
pub type Target = fn(&[u8]);

/// Every target, by its name, which is that of its folder below `corpus`.
pub const TARGETS: &[(&str, Target)] = &[
    ("conntrack", conntrack),
    ("dialogue", dialogue),
    ("headers", headers),
    ("host", host),
    ("native", native),
    ("netlink", netlink),
    ("nflog", nflog),
    ("nft_listing", nft_listing),
    ("reassembly", reassembly),
    ("record", record),
    ("ruleset", ruleset),
    ("scenario", scenario),
    ("script", script),
    ("server", server),
    ("trace", trace),
];
