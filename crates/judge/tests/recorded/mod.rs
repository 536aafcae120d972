//! What the judge was told in the cells of the scenario tree, as it is kept.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use fwlab_judge::Stream;

/// Where it is kept.
pub(crate) const STREAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/streams");

/// The streams of a scenario, by its name, `regressions/nofw`.
pub(crate) fn streams(name: &str) -> Vec<Stream> {
    let file = Path::new(STREAMS).join(format!("{name}.jsonl.gz"));
    let opened = File::open(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    let lines = BufReader::new(GzDecoder::new(opened)).lines();
    lines
        .map(|line| {
            let line = line.expect("it is text");
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{file:?}: {error}"))
        })
        .collect()
}
