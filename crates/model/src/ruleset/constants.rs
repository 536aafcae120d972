//! Variables of a script whose values the text itself gives.

use std::collections::BTreeMap;

use super::prompt::{Program, privileged, program};

/// Variables with a value that nothing but the text itself can give.
pub(super) type Constants = BTreeMap<String, String>;

/// The constant that a word sets, `NAME=value`: a value that a shell would leave as it is, in one word, or the words that begin a command.
pub(super) fn constant(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    (is_constant(name, value) || is_command(name, value)).then_some((name, value))
}

/// Whether a value is how a command begins: `sudo iptables`, `/sbin/iptables -w`. It stands for these words where nothing quotes it.
fn is_command(name: &str, value: &str) -> bool {
    let words = || value.split_ascii_whitespace();
    let begins = words().nth(privileged(words())).and_then(program);
    matches!(begins, Some(Program::Iptables(_) | Program::Ipset))
        && words().all(|word| is_constant(name, word))
}

/// Whether a word is a name, and another a value that a shell would leave as it is.
pub(super) fn is_constant(name: &str, value: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:,+-@%".contains(&byte);
    let named =
        name.bytes().all(is_name) && !name.starts_with(|first: char| first.is_ascii_digit());
    !name.is_empty() && named && !value.is_empty() && value.bytes().all(is_plain)
}
