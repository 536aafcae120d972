use super::check;
use super::directive;
use super::mistake::{Mistake, Mistakes};
use super::parsed::Script;
use super::step::{Answer, Step, StepKind};
use super::template::{Sent, Template};
use super::words::{Expected, VERBS, known_verb};
use crate::wire::Side;

/// A line of a script that says something, and where.
struct Line<'a> {
    number: usize,
    at: usize,
    text: &'a str,
}

impl Line<'_> {
    fn span(&self) -> std::ops::Range<usize> {
        self.at..self.at + self.text.len()
    }

    fn step(&self, does: StepKind) -> Step {
        Step {
            line: self.number,
            span: self.span(),
            written: self.text.into(),
            does,
        }
    }
}

/// The lines that are neither blank nor a comment.
fn lines(script: &str, first_line: usize) -> impl Iterator<Item = Line<'_>> {
    let mut at = 0;
    script
        .split_inclusive('\n')
        .zip(first_line..)
        .filter_map(move |(whole, number)| {
            let begin = at + whole.len() - whole.trim_start().len();
            at += whole.len();
            let text = whole.trim();
            (!text.is_empty() && !text.starts_with('#')).then_some(Line {
                number,
                at: begin,
                text,
            })
        })
}

pub(super) fn parse(side: Side, text: &str, first_line: usize) -> Result<Script, Vec<Mistake>> {
    let mut mistakes = Mistakes::default();
    let mut script = Script {
        side,
        opening: Vec::new(),
        answers: Vec::new(),
    };
    for line in lines(text, first_line) {
        match side {
            Side::Client => {
                let does = client_line(&line, &mut mistakes);
                script.opening.push(line.step(does));
            }
            Side::Server => server_line(&line, &mut script, &mut mistakes),
        }
    }
    if script.opening.is_empty() && script.answers.is_empty() {
        let example = match side {
            Side::Client => "a client's shortest is `@login`, `@setup`, `@transfer` and `QUIT`",
            Side::Server => "a server's shortest is its greeting, `220 ready`",
        };
        mistakes.add(0..text.len(), "the script says nothing", example);
    }
    check::check(&script, &mut mistakes);
    let mut mistakes = mistakes.0;
    if mistakes.is_empty() {
        return Ok(script);
    }
    mistakes.sort_by_key(|mistake| (mistake.span.start, mistake.span.end));
    Err(mistakes)
}

/// A client's line is a directive, a reply that it waits for, or a command that it sends.
fn client_line(line: &Line<'_>, mistakes: &mut Mistakes) -> StepKind {
    if line.text.starts_with('@') {
        return directive::parse(line.text, line.at, Side::Client, mistakes);
    }
    if line.text.starts_with(|first: char| first.is_ascii_digit()) {
        return expected(line, mistakes);
    }
    let text = Template::parse(line.text, line.at, Side::Client, mistakes);
    for command in text.commands() {
        if let Sent::Command { verb, .. } = command
            && known_verb(&verb).is_none()
        {
            mistakes.add_unknown(
                line.span(),
                format!("`{verb}` is not an FTP command, and only `@say` sends anything else"),
                verb,
                VERBS.to_vec(),
            );
        }
    }
    StepKind::Say(text)
}

fn expected(line: &Line<'_>, mistakes: &mut Mistakes) -> StepKind {
    let (code, rest) = line
        .text
        .split_once(char::is_whitespace)
        .unwrap_or((line.text, ""));
    match code.parse::<Expected>() {
        Ok(expected) if rest.is_empty() => StepKind::Expect(expected),
        Ok(expected) => {
            mistakes.add(
                line.span(),
                "a client waits for a reply's code, whatever its text",
                format!("write `{expected}` alone"),
            );
            StepKind::Unread
        }
        Err(why) => {
            mistakes.add(
                line.span(),
                why,
                "write the code that the server must answer with, `227`, or its class, `2yz`",
            );
            StepKind::Unread
        }
    }
}

/// A server's line is a directive, a reply that it sends, or a verb that it answers.
fn server_line(line: &Line<'_>, script: &mut Script, mistakes: &mut Mistakes) {
    let first = line.text.chars().next().unwrap_or_default();
    let does = if first == '@' {
        directive::parse(line.text, line.at, Side::Server, mistakes)
    } else if first.is_ascii_digit() {
        let (code, rest) = line.text.split_at_checked(3).unwrap_or((line.text, ""));
        let separated = rest.is_empty() || rest.starts_with([' ', '-', '{']);
        if !separated || !matches!(code.parse(), Ok(Expected::Code(_))) {
            mistakes.add(
                line.span(),
                "a reply begins with a code, 100 to 699, and a blank or `-`",
                "`@say` sends a line that is not a reply",
            );
        }
        StepKind::Say(Template::parse(line.text, line.at, Side::Server, mistakes))
    } else if first.is_ascii_alphabetic() {
        return verb(line, script, mistakes);
    } else {
        mistakes.add(
            line.span(),
            "this is not a verb, a reply or a directive",
            "`@say` sends a line that is not a reply",
        );
        StepKind::Unread
    };
    let steps = match script.answers.last_mut() {
        Some(answer) => &mut answer.steps,
        None => &mut script.opening,
    };
    steps.push(line.step(does));
}

fn verb(line: &Line<'_>, script: &mut Script, mistakes: &mut Mistakes) {
    let (word, argument) = line
        .text
        .split_once(char::is_whitespace)
        .unwrap_or((line.text, ""));
    let Some(verb) = known_verb(word) else {
        mistakes.add_unknown(
            line.at..line.at + word.len(),
            format!("no client sends `{word}`"),
            word,
            VERBS.to_vec(),
        );
        // What follows is still an answer, to something.
        script.answers.push(answer(line, "?"));
        return;
    };
    if !argument.is_empty() {
        mistakes.add(
            line.span(),
            format!("a server answers {verb} whatever follows it"),
            format!("write `{verb}` alone"),
        );
    }
    script.answers.push(answer(line, verb));
}

fn answer(line: &Line<'_>, verb: &'static str) -> Answer {
    Answer {
        verb,
        span: line.span(),
        steps: Vec::new(),
    }
}
