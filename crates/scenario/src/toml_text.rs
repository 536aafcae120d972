//! TOML as it is written by hand: lines, lists and strings.

use std::fmt::Write as _;

/// A key and its value.
pub(crate) fn line(text: &mut String, key: &str, value: &str) {
    writeln!(text, "{key} = {value}").expect("text takes all that is written");
}

/// A list of strings.
pub(crate) fn list<T: std::fmt::Display>(items: &[T]) -> String {
    let items = items.iter().map(|item| quoted(&item.to_string()));
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A text as TOML's basic string, in which nothing is invisible.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ if character.is_alphanumeric() => quoted.push(character),
            _ => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(character));
            }
        }
    }
    quoted + "\""
}
