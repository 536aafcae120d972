use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Text of several lines in which every character can be seen and none is an order: the line
/// ends and tabs stay, other control characters become their pictures, and what has none stands
/// as its number, `<U+202E>`.
pub fn lines(text: &str) -> Cow<'_, str> {
    made_visible(text, |c| matches!(c, '\n' | '\t'))
}

/// The same for what is one line wherever it stands, so that nobody can write lines of ours.
pub fn line(text: &str) -> Cow<'_, str> {
    made_visible(text, |_| false)
}

/// [`line()`] of anything that can be displayed.
pub fn one_line(text: impl std::fmt::Display) -> String {
    line(&text.to_string()).into_owned()
}

fn made_visible(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_harmless = |c: char| stays(c) || !is_unseen(c);
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_harmless(c) {
            shown.push(c);
        } else {
            push_sign(&mut shown, c);
        }
    }
    Cow::Owned(shown)
}

/// Writes a character, or what stands for it; a tab stays.
pub(crate) fn push_visible(shown: &mut String, c: char) {
    if c == '\t' || !is_unseen(c) {
        shown.push(c);
    } else {
        push_sign(shown, c);
    }
}

/// Writes what stands for a character that is not printed.
fn push_sign(shown: &mut String, c: char) {
    match c {
        '\0'..=' ' => shown.extend(char::from_u32(0x2400 + u32::from(c))),
        '\x7f' => shown.push('\u{2421}'),
        _ => drop(write!(shown, "<U+{:04X}>", u32::from(c))),
    }
}

/// Whether a character is an order to a terminal, turns or hides what is beside it, or may be nothing
/// that can be seen.
fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    is_default_ignorable(c)
        || matches!(
            c.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::PrivateUse
                | GeneralCategory::Surrogate
                | GeneralCategory::Unassigned
        )
}

/// What Unicode has a renderer show as nothing (Default_Ignorable_Code_Point of DerivedCoreProperties.txt)
/// and is neither of the category Format nor unassigned.
fn is_default_ignorable(c: char) -> bool {
    matches!(c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_seen_stays_as_it_is() {
        for text in ["", "plain", "Größe → 日本語 e\u{301} ✓", "a\u{a0}b"] {
            assert!(
                matches!(lines(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
        assert_eq!(lines("a\tb\nc"), "a\tb\nc");
    }

    #[test]
    fn orders_and_what_is_unseen_become_visible() {
        assert_eq!(lines("\x1b[31m\x07\r\x7f"), "␛[31m␇␍␡");
        assert_eq!(lines("\u{9b}31m"), "<U+009B>31m");
        assert_eq!(lines("a\u{202e}b\u{2066}c"), "a<U+202E>b<U+2066>c");
        assert_eq!(
            lines("\u{200b}\u{2028}\u{feff}"),
            "<U+200B><U+2028><U+FEFF>"
        );
        assert_eq!(
            lines("\u{fffe}\u{3164}\u{fe0f}"),
            "<U+FFFE><U+3164><U+FE0F>"
        );
        assert_eq!(lines("\u{e0041}\u{e000}"), "<U+E0041><U+E000>");
        assert_eq!(line("a\nb\tc"), "a␊b␉c");
    }
}
