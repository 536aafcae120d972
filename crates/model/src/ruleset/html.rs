//! HTML around the lines of a text that was copied from the source of a page: `<pre>`, `<b>`.

use std::ops::Range;

/// The elements that only say how a text looks. What one of another kind says, as `<del>`, is not known to be a rule.
const PLAIN: [&str; 14] = [
    "pre",
    "code",
    "b",
    "strong",
    "i",
    "em",
    "tt",
    "kbd",
    "samp",
    "br",
    "p",
    "div",
    "span",
    "blockquote",
];

/// The tags that a line begins and ends with.
pub(super) fn of_line(line: &str) -> Vec<Range<usize>> {
    let mut tags = Vec::new();
    let mut rest = line.trim();
    while let Some(tag) = rest
        .starts_with('<')
        .then(|| rest.find('>'))
        .flatten()
        .filter(|end| is_plain(&rest[..=*end]))
    {
        tags.push(place(line, &rest[..=tag]));
        rest = rest[tag + 1..].trim_start();
    }
    while let Some(tag) = rest
        .ends_with('>')
        .then(|| rest.rfind('<'))
        .flatten()
        .filter(|begin| is_plain(&rest[*begin..]))
    {
        tags.push(place(line, &rest[tag..]));
        rest = rest[..tag].trim_end();
    }
    tags
}

fn place(line: &str, part: &str) -> Range<usize> {
    let at = part.as_ptr() as usize - line.as_ptr() as usize;
    at..at + part.len()
}

/// `<b>`, `</b>`, `<br/>`, `<pre class="x">`
fn is_plain(tag: &str) -> bool {
    let inside = tag.trim_start_matches('<').trim_end_matches('>');
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    let inside = inside.strip_suffix('/').unwrap_or(inside);
    let name = inside.split_ascii_whitespace().next().unwrap_or_default();
    let is_known = PLAIN.iter().any(|known| name.eq_ignore_ascii_case(known));
    let attributes = inside[name.len()..].trim();
    is_known && inside.starts_with(name) && (attributes.is_empty() || attributes.contains('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_at_the_ends_of_a_line_are_found() {
        for (line, expected) in [
            ("<pre>*filter", &["<pre>"][..]),
            (
                "<pre><code class=\"sh\"> a",
                &["<pre>", "<code class=\"sh\">"],
            ),
            ("<b># a</b>", &["<b>", "</b>"]),
            ("COMMIT<br />", &["<br />"]),
            ("  </PRE>  ", &["</PRE>"]),
            ("<del>-A INPUT -j DROP</del>", &[]),
            ("iptables-restore < /etc/x", &[]),
            ("cat <<EOF > x", &[]),
            ("a < b > c", &[]),
            ("<b", &[]),
            ("", &[]),
        ] {
            let found = of_line(line);
            let found: Vec<&str> = found.iter().map(|tag| &line[tag.clone()]).collect();
            assert_eq!(found, expected, "{line}");
        }
    }
}
