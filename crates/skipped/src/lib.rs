//! How a test says that it cannot run here: this is printed, counted, and a failure if asked for.
//!
//! - `FWLAB_REQUIRE=lab,containers,programs` names what this machine must have: a test that lacks it fails.
//! - `FWLAB_SKIPPED=FILE` is where each such test adds a line, to be counted at the end (`scripts/test` does).

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write;

/// What a test needs, and this machine lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The right to make network namespaces, and a loader of rulesets.
    Lab,
    /// A container engine, and the images.
    Containers,
    /// A program: a peer, a loader, a tool.
    Programs,
    /// Root, or something that only some kernels and machines have. It cannot be required.
    Machine,
}

impl Need {
    fn word(self) -> &'static str {
        match self {
            Need::Lab => "lab",
            Need::Containers => "containers",
            Need::Programs => "programs",
            Need::Machine => "machine",
        }
    }

    /// Whether a list of words names it.
    fn is_among(self, required: &str) -> bool {
        required.split(',').any(|word| word.trim() == self.word())
    }
}

/// Tells that the test of this thread, or a part of it, does not run, and why.
///
/// # Panics
/// Where `FWLAB_REQUIRE` names what it needs.
#[expect(
    clippy::print_stderr,
    reason = "it is what a test says to whoever runs it"
)]
pub fn skipped(need: Need, why: impl Display) {
    let required = std::env::var("FWLAB_REQUIRE").unwrap_or_default();
    let word = need.word();
    assert!(
        !need.is_among(&required),
        "FWLAB_REQUIRE={required} asks for {word}, and {why}"
    );
    eprintln!("skipped ({word}): {why}");
    let Some(file) = std::env::var_os("FWLAB_SKIPPED") else {
        return;
    };
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("{test} ({word}): {why}\n");
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&file)
        .and_then(|mut file| file.write_all(line.as_bytes()));
    if let Err(error) = written {
        panic!("FWLAB_SKIPPED={}: {error}", file.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_is_a_list_of_words() {
        for (required, need, is) in [
            ("", Need::Lab, false),
            ("lab", Need::Lab, true),
            ("containers, lab", Need::Lab, true),
            ("labs", Need::Lab, false),
            ("lab,containers,programs", Need::Programs, true),
            ("lab,containers,programs", Need::Machine, false),
        ] {
            assert_eq!(need.is_among(required), is, "{required} {need:?}");
        }
    }
}
