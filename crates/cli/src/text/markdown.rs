use fwlab_text::line;

/// Text of others within a paragraph of Markdown: no markup but the backticks of code, no line of its own.
pub(crate) fn markdown(text: &str) -> String {
    let mut escaped = String::new();
    for (place, part) in line(text).split('`').enumerate() {
        if place > 0 {
            escaped.push('`');
        }
        // Every other part is code, where nothing is markup.
        if place % 2 == 1 {
            escaped += part;
        } else {
            escaped += &part.replace('<', "&lt;").replace("](", "]\\(");
        }
    }
    // A backtick without its fellow begins no code, and what is behind it is markup again.
    if line(text).matches('`').count() % 2 == 1 {
        return line(text)
            .replace('`', "\\`")
            .replace('<', "&lt;")
            .replace("](", "]\\(");
    }
    escaped
}

/// Text as code, whatever backticks stand in it.
pub(crate) fn code(text: &str) -> String {
    let text = line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    if longest == 0 {
        return format!("`{text}`");
    }
    let fence = "`".repeat(longest + 1);
    format!("{fence} {text} {fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_others_is_none() {
        assert_eq!(markdown("a <b> [c](d)\n# e"), "a &lt;b> [c]\\(d)␊# e");
        assert_eq!(markdown("`-p <port>` is <b>"), "`-p <port>` is &lt;b>");
        assert_eq!(markdown("a ` <b>"), "a \\` &lt;b>");
    }

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a `b`"), "`` a `b` ``");
        assert_eq!(code("a ``` b"), "```` a ``` b ````");
    }
}
