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

/// Puts a line, and those that continue it with a backslash, before another one.
///
/// # Errors
/// When the text does not have both, or the other one continues a line.
pub fn put_before(source: &Source, line: u32, other: u32) -> Result<Source, NoPlace> {
    let mut moved = Text::of(&take_away(source, line)?);
    let original = Text::of(source);
    let place = moved.place(other)?;
    let continues = |line: &String| line.trim_end().ends_with('\\');
    let above = place
        .checked_sub(1)
        .and_then(|above| original.lines.get(above));
    if above.is_some_and(continues) {
        return Err(NoPlace {
            why: format!("line {other} continues another one"),
        });
    }
    let pairs = original.lines.iter().zip(&moved.lines);
    let taken = pairs.filter(|(was, is)| was != is);
    let taken: Vec<String> = taken.map(|(was, _)| was.clone()).collect();
    moved.lines.splice(place..place, taken);
    Ok(moved.into_source(source))
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
    fn a_line_is_put_before_another() {
        let put = |text: &str, line, other| {
            let put = put_before(&Source::new("rules", text), line, other)?;
            Ok(String::from_utf8(put.text).expect("text"))
        };
        assert_eq!(put("a\nb\nc\n", 3, 1), Ok("c\na\nb\n\n".to_owned()));
        assert_eq!(
            put("a\nb \\\n  c\n", 2, 1),
            Ok("b \\\n  c\na\n\n\n".to_owned())
        );
        let inside: Result<String, NoPlace> = put("a \\\n  b\nc\n", 3, 2);
        assert_eq!(
            inside.expect_err("it is one").why,
            "line 2 continues another one"
        );
    }

    #[test]
    fn what_continues_it_goes_with_it() {
        let text = "a\nb \\\n  c \\\n  d\ne\n";
        for line in 2..=4 {
            assert_eq!(without(text, line), Ok("a\n\n\n\ne\n".to_owned()));
        }
    }
}
