//! Variables of a script whose values the text itself gives.

use std::collections::BTreeMap;

/// Variables with a value that nothing but the text itself can give.
pub(super) type Constants = BTreeMap<String, String>;

/// The constant that a word sets, `NAME=value`: a value that a shell would leave as it is, in one word.
pub(super) fn constant(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    is_constant(name, value).then_some((name, value))
}

/// Whether a word is a name, and another a value that a shell would leave as it is.
pub(super) fn is_constant(name: &str, value: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:,+-@%".contains(&byte);
    let named =
        name.bytes().all(is_name) && !name.starts_with(|first: char| first.is_ascii_digit());
    !name.is_empty() && named && !value.is_empty() && value.bytes().all(is_plain)
}
