//! What a test tells while images are built, which takes minutes the first time.

use crate::complaint::complain;
use fwlab_containers::Builds;

/// Builds that are told of on standard error, without what the tools say meanwhile.
pub(crate) fn builds() -> Builds {
    Builds::told(|event| {
        if let Some(words) = event.in_words() {
            complain(&words);
        }
    })
}
