//! Templates that rules are yet to be made of: Jinja, ERB and the like.

use std::ops::Range;

use super::mistake::{MistakeBuilder, MistakeKind, Report, quote};

/// Marks of a template language, and whether what begins so is one only where it ends on the same line.
const MARKS: [(&str, &str, bool); 3] =
    [("{{", "}}", true), ("{%", "%}", false), ("<%", "%>", false)];

/// Tells that a text is a template, where it is one; `instead` prints what was made of it on a host.
pub(super) fn tell(text: &str, instead: &str, report: &mut Report) -> bool {
    let mut found = places(text);
    let Some(first) = found.next() else {
        return false;
    };
    let more = found.count();
    report.push(|| {
        let what = quote(&text[first.clone()]);
        let more = match more {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        MistakeBuilder::new(
            MistakeKind::NotARuleset,
            first,
            format!("a template, not rules yet: `{what}`{more}"),
        )
        .label("to be filled in")
        .help(format!(
            "render it first; or give what `{instead}` prints on a host that has the rules"
        ))
    });
    true
}

/// Where a template has something to fill in, the first of each line.
fn places(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.split_inclusive('\n').filter_map(move |line| {
        let start = line.as_ptr() as usize - text.as_ptr() as usize;
        let at = place(line.trim_end())?;
        Some(start + at.start..start + at.end)
    })
}

/// In a comment, and between quotation marks, anything can stand.
fn place(line: &str) -> Option<Range<usize>> {
    let mut quoted = None;
    // An end that is not behind one mark is behind no later one either.
    let mut has_end = true;
    for (at, char) in line.char_indices() {
        match (quoted, char) {
            (Some(open), char) if open == char => quoted = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quoted = Some(char),
            (None, '#') => return None,
            (None, _) => {
                let rest = &line[at..];
                let mut marks = MARKS.iter();
                let begun = marks.find(|(begin, _, on_one_line)| {
                    rest.starts_with(begin) && (has_end || !on_one_line)
                });
                if let Some((_, end, on_one_line)) = begun {
                    match rest.find(end) {
                        Some(length) => return Some(at..at + length + end.len()),
                        None if *on_one_line => has_end = false,
                        None => return Some(at..line.len()),
                    }
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_filled_in_is_found() {
        for (line, found) in [
            ("-A INPUT -i {{ lan }} -j ACCEPT", Some("{{ lan }}")),
            ("-A INPUT -s {{lan}},{{wan}}", Some("{{lan}}")),
            ("{% for host in hosts %}", Some("{% for host in hosts %}")),
            ("{%- if x", Some("{%- if x")),
            ("-s <%= @lan %> -j ACCEPT", Some("<%= @lan %>")),
            ("  # {{ ansible_managed }}", None),
            ("-m comment --comment \"{{ x }}\" -j ACCEPT", None),
            ("tcp dport { 21, { 22 } } accept", None),
            ("iptables -A {{a,b},c", None),
            ("it's {{ x }}", None),
        ] {
            assert_eq!(place(line).map(|at| &line[at]), found, "{line}");
        }
        assert_eq!(
            places("a\n{{ b }} {{ c }}\n{{ d }}\n").collect::<Vec<_>>(),
            [2..9, 18..25]
        );
    }
}
