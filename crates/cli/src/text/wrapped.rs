//! Lines that fit a terminal, broken between words.

use console::{Term, measure_text_width};

use super::Page;

/// How many columns the terminal has that a stream is; nothing where it is none.
pub(crate) fn columns(of: &Term) -> Option<usize> {
    let (_, columns) = of.size_checked()?;
    Some(usize::from(columns)).filter(|columns| *columns > 0)
}

impl Page {
    /// The same in so many columns: what is longer goes on below, further in. A word that is longer than a line stays whole.
    pub(crate) fn within(&self, columns: usize) -> Page {
        let text = self.to_string();
        let mut within = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let (line, end) = match line.strip_suffix('\n') {
                Some(line) => (line, "\n"),
                None => (line, ""),
            };
            match measure_text_width(line) > columns {
                true => broken(line, columns, &mut within),
                false => within += line,
            }
            within += end;
        }
        Page::of_safe(within)
    }
}

fn broken(line: &str, columns: usize, within: &mut String) {
    let words = line.trim_start_matches(' ');
    let indent = line.len() - words.len();
    let further = (indent + 2).min(columns / 2);
    *within += &line[..indent];
    let mut at = indent;
    let mut begins = true;
    let mut blanks = 0;
    for word in words.split(' ') {
        if word.is_empty() {
            blanks += 1;
            continue;
        }
        let width = measure_text_width(word);
        if !begins && at + 1 + blanks + width > columns {
            within.push('\n');
            *within += &" ".repeat(further);
            at = further;
        } else if !begins {
            *within += &" ".repeat(1 + blanks);
            at += 1 + blanks;
        }
        *within += word;
        at += width;
        begins = false;
        blanks = 0;
    }
}

#[cfg(test)]
mod tests {
    use console::Style;

    use super::*;

    #[test]
    fn a_long_line_goes_on_further_in() {
        let page = Page::from("  it would pass if a rule before that one accepted it\nshort\n");
        for columns in [20, 40, 80] {
            let within = page.within(columns).to_string();
            let lines: Vec<&str> = within.lines().collect();
            assert!(
                lines.iter().all(|line| line.chars().count() <= columns),
                "{within}"
            );
            let words = |text: &str| {
                text.split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert_eq!(words(&within), words(&page.to_string()));
            assert_eq!(lines.last(), Some(&"short"));
        }
        assert_eq!(page.within(80).to_string(), page.to_string());
        assert_eq!(
            page.within(30).to_string(),
            "  it would pass if a rule\n    before that one accepted\n    it\nshort\n"
        );
    }

    #[test]
    fn styles_take_no_columns_and_long_words_stay_whole() {
        let mut page = Page::from("a ");
        page.styled(&Style::new().force_styling(true).red(), "bcd");
        page.text(" efg");
        assert_eq!(page.within(9).to_string(), page.to_string());
        let broken = page.within(8).to_string();
        assert_eq!(broken, "a \x1b[31mbcd\x1b[0m\n  efg");
        let word = Page::from("see /etc/iptables/rules.v4 there");
        assert_eq!(
            word.within(10).to_string(),
            "see\n  /etc/iptables/rules.v4\n  there"
        );
    }
}
