use std::ops::Range;

use miette::Diagnostic;

/// A span lies within its text, and cuts no character.
pub(crate) fn assert_within(span: Range<usize>, text: &str, what: &dyn std::fmt::Debug) {
    assert!(
        text.get(span.clone()).is_some(),
        "{span:?} is not in a text of {} bytes: {what:?}",
        text.len()
    );
}

/// Every place that a mistake points at is in the text.
pub(crate) fn assert_labels_within(mistake: &dyn Diagnostic, text: &str) {
    for label in mistake.labels().into_iter().flatten() {
        let end = label.offset() + label.len();
        assert_within(label.offset()..end, text, &mistake.to_string());
    }
}
