use std::path::Path;

use fwlab_scenario::Scenario;

use crate::repeated::takes_no_longer_than_it_is_long;
use crate::spans::{assert_labels_within, assert_within};

/// A scenario file. Files that it names are not read.
///
/// It is read, or there is a mistake; mistakes are in order and point into the text.
pub fn scenario(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    read(&text);
    takes_no_longer_than_it_is_long(text.as_bytes(), |repeated| {
        read(std::str::from_utf8(repeated).expect("whole texts"));
    });
}

fn read(text: &str) {
    let scenario = match Scenario::parse("input", Path::new("input.toml"), text) {
        Ok(scenario) => scenario,
        Err(error) => {
            assert!(!error.problems.is_empty(), "refused for nothing");
            let mut last = 0;
            for problem in &error.problems {
                assert_labels_within(problem, text);
                let start = problem.span().expect("it has a place").start;
                assert!(last <= start, "{:?}", error.problems);
                last = start;
            }
            return;
        }
    };
    for requirement in &scenario.requirements {
        assert_within(requirement.span.clone(), text, &requirement.to_string());
    }
    for axis in [
        scenario.matrix.servers.len(),
        scenario.matrix.clients.len(),
        scenario.matrix.data.len(),
    ] {
        assert!(axis > 0, "an axis without a value");
    }
}
