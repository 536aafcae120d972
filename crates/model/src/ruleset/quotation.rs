//! Marks of a quotation: the `> ` that mail programs and Markdown put before every line that is quoted.

use std::ops::Range;

use super::pasted::only_prints;
use super::prompt::{Prompt, prompt};

/// The marks before the lines of a text, where each of its lines has one. Markdown may have it at the first line alone: then a prompt
/// and a command that prints rules have to stand there, and no rule does.
pub(super) fn marks(text: &str) -> Vec<Range<usize>> {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let Some(first) = first.filter(|line| line.starts_with('>')) else {
        return Vec::new();
    };
    let mut at = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let start = at;
        at += line.len();
        (start, line)
    });
    let lines: Vec<(usize, &str)> = lines.filter(|(_, line)| !line.trim().is_empty()).collect();
    let marked = |line: &str| mark(line).map(|mark| mark.len());
    let quoted = match lines.iter().all(|(_, line)| marked(line).is_some()) {
        true => lines.len(),
        false => usize::from(marked(first).is_some_and(|mark| prints(&first[mark..]))),
    };
    let quoted = lines.iter().take(quoted);
    quoted
        .filter_map(|(start, line)| Some(*start..*start + marked(line)?))
        .collect()
}

/// The marks that a line begins with: `> `, `> > `, or `>` alone.
fn mark(line: &str) -> Option<&str> {
    let line = line.trim_end_matches(['\n', '\r']);
    let rest = line.trim_start_matches(['>', ' ']);
    let mark = &line[..line.len() - rest.len()];
    let is_mark = mark.starts_with('>') && (mark.ends_with(' ') || rest.is_empty());
    is_mark.then(|| {
        // What is indented in the quotation stays so.
        let last = mark.rfind('>').map_or(0, |at| at + 1);
        &mark[..(last + 1).min(mark.len())]
    })
}

fn prints(line: &str) -> bool {
    let (found, behind) = prompt(line);
    found == Prompt::Sure && only_prints(line[behind..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str) -> String {
        let mut text = text.to_owned();
        for mark in marks(&text).into_iter().rev() {
            text.replace_range(mark, "");
        }
        text
    }

    #[test]
    fn marks_before_every_line_are_found() {
        for (text, expected) in [
            ("> *filter\n>\n> COMMIT\n", "*filter\n\nCOMMIT\n"),
            ("> > a\n> >   b\n\n", "a\n  b\n\n"),
            (
                "> me@h:~$ iptables-save\n*filter\n",
                "me@h:~$ iptables-save\n*filter\n",
            ),
        ] {
            assert_eq!(without(text), expected);
        }
        for text in [
            "> iptables -A INPUT -j DROP\niptables -P INPUT DROP\n",
            "> me@h:~$ iptables -F\niptables -P INPUT DROP\n",
            "iptables -A INPUT \\\n> -j DROP\n",
            ">a\n>b\n",
            "\n\n",
        ] {
            assert_eq!(without(text), text);
        }
    }
}
