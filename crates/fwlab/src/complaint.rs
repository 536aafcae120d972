#![expect(
    clippy::print_stderr,
    reason = "what a test's user has to know before there is a result"
)]

use fwlab_text::message;

/// Says something on standard error.
pub(crate) fn complain(what: &str) {
    eprintln!("{}", message(&format!("fwlab: {what}")));
}
