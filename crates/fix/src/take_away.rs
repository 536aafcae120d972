//! A line of a ruleset's own text, taken away.

use fwlab_model::ruleset::Source;

use crate::edit::{NoPlace, Text};

/// Takes a line away, and those that continue it with a backslash. It is left empty, so that all others keep their numbers. What
/// else stands on it goes with it: whoever uses it has to see whether it was a rule alone.
///
/// # Errors
/// When the text has no such line.
pub fn take_away(source: &Source, line: u32) -> Result<Source, NoPlace> {
    let mut text = Text::of(source);
    let place = text.place(line)?;
    let continues = |line: &String| line.trim_end().ends_with('\\');
    let before = text.lines[..place].iter().rev();
    let begin = place - before.take_while(|line| continues(line)).count();
    let after = text.lines[place..].iter();
    let end = place + after.take_while(|line| continues(line)).count();
    for line in text.lines.iter_mut().take(end + 1).skip(begin) {
        line.clear();
    }
    Ok(text.into_source(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str, line: u32) -> Result<String, NoPlace> {
        let taken = take_away(&Source::new("rules", text), line)?;
        Ok(String::from_utf8(taken.text).expect("text"))
    }

    #[test]
    fn a_line_is_left_empty() {
        assert_eq!(without("a\nb\nc\n", 2), Ok("a\n\nc\n".to_owned()));
        let beyond = without("a\n", 2).expect_err("there is no line 2");
        assert_eq!(beyond.why, "line 2 is not one of the ruleset's");
    }

    #[test]
    fn what_continues_it_goes_with_it() {
        let text = "a\nb \\\n  c \\\n  d\ne\n";
        for line in 2..=4 {
            assert_eq!(without(text, line), Ok("a\n\n\n\ne\n".to_owned()));
        }
    }
}
