//! Text of others in Markdown, as GitHub and GitLab read it.
//!
//! A backslash or an entity keeps text from being a link or HTML, but not from being a mention (`@name`), a reference (`#123`)
//! or a commit: those are looked for in what was rendered. In code they are not. So what others wrote is code, always.

use fwlab_text::{line, lines};

/// One line as code, anywhere but in a table.
pub(super) fn code(text: &str) -> String {
    let text = line(text);
    if text.trim().is_empty() {
        return "`␠`".to_owned();
    }
    // A longer run of backquotes than the text has (CommonMark 0.31 section 6.1).
    let fence = "`".repeat(longest_run(&text) + 1);
    let space = match text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        true => " ",
        false => "",
    };
    format!("{fence}{space}{text}{space}{fence}")
}

/// The same in a table, where nothing but a backslash keeps a bar from ending the field, and a backslash before that undoes it.
pub(super) fn code_in_table(text: &str) -> String {
    code(&text.replace('|', "<U+007C>"))
}

/// Several lines as a block of code, with the line end.
pub(super) fn block(text: &str) -> String {
    let text = lines(text);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

/// Words of fwlab's own, with nothing in it that would be markup.
pub(super) fn own(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in line(text).chars() {
        match c {
            '<' | '>' | '&' | '*' | '_' | '`' | '[' | ']' | '|' | '~' | '$' | '@' | '#' | '\\' => {
                shown.push_str(&format!("&#{};", u32::from(c)));
            }
            _ => shown.push(c),
        }
    }
    shown
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_does_not_end_before_its_end() {
        for (text, expected) in [
            ("a @b #1 <c>", "`a @b #1 <c>`"),
            ("a `b` ``c", "```a `b` ``c```"),
            ("`", "`` ` ``"),
            ("a\n\nb", "`a␊␊b`"),
            ("", "`␠`"),
            ("a\u{202e}", "`a<U+202E>`"),
        ] {
            assert_eq!(code(text), expected);
        }
        assert_eq!(code_in_table("a \\| b"), "`a \\<U+007C> b`");
        assert_eq!(block("a\n```\n"), "````text\na\n```\n````\n");
        assert_eq!(own("a <b>"), "a &#60;b&#62;");
    }
}
