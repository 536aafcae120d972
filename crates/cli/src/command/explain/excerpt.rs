//! The line that decided, underlined, among its neighbours.

use console::measure_text_width;
use fwlab_text::line;

/// The lines before and after the one that decided.
const AROUND: u32 = 2;

/// The columns before the text of a line.
const MARGIN: usize = 12;

/// The narrowest that a text is cut to.
const NARROWEST: usize = 8;

/// A line of a text that begins with its line `first`, and what stands around it, in at most so many columns: the line itself goes
/// on below where it is longer, its neighbours are cut.
pub(super) fn excerpt(text: &str, first: u32, number: u32, columns: usize) -> Vec<String> {
    let room = columns.saturating_sub(MARGIN).max(NARROWEST);
    let mut lines = Vec::new();
    for (text, at) in text.lines().zip(first.max(1)..) {
        if at.abs_diff(number) > AROUND {
            continue;
        }
        let text = text.replace('\t', "    ");
        let text = line(text.trim_end());
        if at != number {
            let whole = format!("    {at:5} │ {}", cut(&text, room));
            lines.push(whole.trim_end().to_owned());
            continue;
        }
        for (index, part) in parts(&text, room).into_iter().enumerate() {
            let written = part.trim_start();
            let before = measure_text_width(part) - measure_text_width(written);
            let under = "^".repeat(measure_text_width(written.trim_end()));
            lines.push(match index {
                0 => format!("  ▶ {at:5} │ {part}"),
                _ => format!("{:MARGIN$}{part}", "          │ "),
            });
            lines.push(format!("          │ {:before$}{under}", ""));
        }
    }
    lines
}

/// As much of a text as there is room for, with a sign where that is not all.
fn cut(text: &str, room: usize) -> String {
    if measure_text_width(text) <= room {
        return text.to_owned();
    }
    let (shown, _) = text.split_at(end_within(text, room - 1));
    format!("{shown}…")
}

/// A text in parts that there is room for, broken between words where it can be. Nothing is left out of it but the blanks between.
fn parts(mut text: &str, room: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    loop {
        if measure_text_width(text) <= room {
            parts.push(text);
            return parts;
        }
        let end = end_within(text, room);
        let written = text.len() - text.trim_start().len();
        let blank = text[written..end.max(written)].rfind(' ');
        let is_between = text[end..].starts_with(' ');
        let end = match blank {
            Some(blank) if !is_between => written + blank,
            _ => end,
        };
        let (part, rest) = text.split_at(end);
        parts.push(part.trim_end());
        text = rest.trim_start();
    }
}

/// The byte behind the last character that ends within so many columns; at least one character.
fn end_within(text: &str, columns: usize) -> usize {
    let mut ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let first = ends.next().unwrap_or(0);
    let fits = ends.take_while(|end| measure_text_width(&text[..*end]) <= columns);
    fits.last().unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "*filter\n:INPUT DROP [0:0]\n\
        -A INPUT -p tcp -m tcp --dport 21 -m comment --comment \"the control port\" -j ACCEPT\n\
        \t-A INPUT -p tcp -m tcp --dport 1024:65535 -m conntrack --ctstate NEW,INVALID -m comment --comment \"große Fenster 窓\" -j REJECT\n\
        COMMIT\n";

    /// The excerpt, of which no line is wider.
    #[track_caller]
    fn drawn(text: &str, first: u32, number: u32, columns: usize) -> String {
        let lines = excerpt(text, first, number, columns);
        for line in &lines {
            assert!(measure_text_width(line) <= columns, "{columns}: {line}");
        }
        lines.join("\n")
    }

    #[test]
    fn in_40_columns_the_line_goes_on_below() {
        insta::assert_snapshot!(drawn(RULES, 1, 4, 40));
    }

    #[test]
    fn in_80_columns_each_part_is_underlined() {
        insta::assert_snapshot!(drawn(RULES, 1, 4, 80));
    }

    #[test]
    fn in_120_columns_neighbours_are_whole() {
        insta::assert_snapshot!(drawn(RULES, 1, 4, 120));
    }

    #[test]
    fn a_part_of_a_file_has_the_lines_of_the_file() {
        let drawn = drawn("-P INPUT DROP\n-A INPUT -j ACCEPT\n", 41, 41, 80);
        assert_eq!(
            drawn,
            "  ▶    41 │ -P INPUT DROP\n          │ ^^^^^^^^^^^^^\n       42 │ -A INPUT -j ACCEPT"
        );
        assert_eq!(excerpt("a\n", 1, 9, 80), Vec::<String>::new());
    }

    #[test]
    fn what_has_no_blank_is_broken_anywhere_and_nothing_is_lost() {
        let word = "x".repeat(100);
        let text = format!("  -A {word} -j DROP");
        for columns in [1, 20, 33, 40] {
            let lines = excerpt(&text, 1, 1, columns);
            let written: String = lines
                .iter()
                .step_by(2)
                .map(|one| &one[one.find('│').unwrap_or(0) + 3..])
                .collect();
            let letters = |text: &str| text.replace(' ', "");
            assert_eq!(letters(&written), letters(&text), "{columns}");
        }
    }
}
