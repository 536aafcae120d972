//! Text that is no rule. Sentences around the rules, as people write them who ask for help, are left out with a note; anything else
//! may be a rule that is written wrong.

use std::ops::Range;

use super::mistake::{MistakeBuilder, MistakeKind, Report, quote};

/// Gathers lines of prose that follow one another into one mistake, and tells
/// lines that are lost in the same way once.
pub(super) struct Prose {
    /// What may stand outside of a table.
    elsewhere: &'static str,
    run: Option<Run>,
    told_outside: bool,
}

struct Run {
    span: Range<usize>,
    first: String,
    in_table: bool,
    /// Whether each of its lines is a sentence.
    is_sentence: bool,
    lines: usize,
    last: u32,
}

impl Prose {
    pub(super) fn new(elsewhere: &'static str) -> Prose {
        Prose {
            elsewhere,
            run: None,
            told_outside: false,
        }
    }

    /// A line that is no rule.
    pub(super) fn line(
        &mut self,
        span: Range<usize>,
        line: &str,
        in_table: bool,
        report: &mut Report,
    ) {
        let number = report.source().line_of(span.start);
        if let Some(run) = &mut self.run
            && run.last + 1 == number
            && run.in_table == in_table
        {
            run.last = number;
            run.lines += 1;
            run.is_sentence &= is_prose(line);
            return;
        }
        self.finish(report);
        self.run = Some(Run {
            span,
            first: quote(line),
            in_table,
            is_sentence: is_prose(line),
            lines: 1,
            last: number,
        });
    }

    /// A rule where none can stand: told for the first of them.
    pub(super) fn rule_outside(
        &mut self,
        draft: impl FnOnce() -> MistakeBuilder,
        report: &mut Report,
    ) {
        if !std::mem::replace(&mut self.told_outside, true) {
            report.push(draft);
        }
    }

    pub(super) fn finish(&mut self, report: &mut Report) {
        let Some(run) = self.run.take() else {
            return;
        };
        let more = match run.lines {
            1 => String::new(),
            2 => ", and a line more".to_owned(),
            lines => format!(", and {} lines more", lines - 1),
        };
        if run.is_sentence && !run.in_table {
            let told = format!("`{}`{more} is not a rule: left out", run.first);
            report.note(run.span.start, run.span.end, told);
            return;
        }
        report.push(|| {
            let draft = MistakeBuilder::new(MistakeKind::Prose, run.span, format!("no rule: `{}`{more}", run.first)).label("text among the rules");
            if run.in_table && run.first.contains("tables ") {
                draft.help("a command in a dump: leave out `iptables`, or write the whole file as commands")
            } else if run.in_table {
                draft.help("in a table, a line starts with `-A`, `:` or `#`, or is COMMIT")
            } else {
                draft.help(self.elsewhere)
            }
        });
    }
}

fn is_prose(line: &str) -> bool {
    is_sentence(line) || is_foreign(line) || is_file_name(line)
}

/// Whether a line is the name of a file and nothing else, as it stands above what is in the file: in Markdown's signs of code, or with a
/// colon behind it.
pub(super) fn is_file_name(line: &str) -> bool {
    let line = line.trim();
    let name = line.strip_suffix(':').unwrap_or(line).trim();
    let code = name
        .strip_prefix('`')
        .and_then(|name| name.strip_suffix('`'));
    let named = code.unwrap_or(name);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./-+@".contains(&byte);
    named.len() < line.len()
        && named.contains(['/', '.'])
        && named.starts_with(|first: char| first.is_ascii_alphabetic() || "/.".contains(first))
        && named.bytes().all(plain)
}

/// Whether a line begins in another script than Latin, as no command and no rule does, and has no option.
fn is_foreign(line: &str) -> bool {
    let is_of_commands = |sign: char| "$=|;<>{}[]\\&`".contains(sign);
    let first = line.trim().chars().next();
    let is_latin = |char: char| char < '\u{250}' || ('\u{1e00}'..='\u{1eff}').contains(&char);
    first.is_some_and(|first| first.is_alphabetic() && !is_latin(first))
        && !line.contains(is_of_commands)
        && !line.contains("tables ")
        && !has_option(line)
}

fn has_option(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    words.any(|word| word.starts_with(['-', '–', '—']) && word.chars().nth(1).is_some())
}

/// Whether a line is one of a text that people wrote for people: it begins or ends as a sentence does, and has none of the signs that
/// commands and rules are made of.
fn is_sentence(line: &str) -> bool {
    let line = line.trim();
    let is_of_commands = |sign: char| "$=|;<>{}[]\\&*`/~#".contains(sign);
    let begins = line.chars().next().is_some_and(char::is_uppercase);
    let ends = line.ends_with(['.', ',', ':', '?', '!']);
    (begins || ends)
        && line.chars().any(char::is_lowercase)
        && !line.contains(is_of_commands)
        && !line.contains("tables ")
        && !has_option(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_and_other_scripts_are_told_from_commands() {
        for (line, expected) in [
            (" `/etc/iptables/rules.v4` ", true),
            ("`rules.v4`:", true),
            ("/etc/iptables/rules.v4:", true),
            ("/etc/firewall.sh", false),
            ("`hostname`", false),
            ("`rules.v4", false),
            ("FORWARD:", false),
            ("查看防火墙配置", true),
            ("в /etc/sysctl.conf", true),
            ("правило -A INPUT", false),
            ("іptables -F", false),
            ("été", false),
        ] {
            assert_eq!(is_file_name(line) || is_foreign(line), expected, "{line}");
        }
    }

    #[test]
    fn sentences_are_told_from_what_may_be_a_rule() {
        for (line, expected) in [
            ("Hi all,", true),
            (
                "I have the following rules on my server, and FTP does not work:",
                true,
            ),
            ("and then I load the module:", true),
            ("Joe", true),
            ("any ideas", false),
            ("COMMIT", false),
            ("service iptables save", false),
            ("iptabels -A INPUT -j DROP", false),
            ("Iptables -P INPUT DROP", false),
            ("source ./other.sh", false),
            ("IPT=iptables", false),
            ("Run ./fw.sh.", false),
            ("iptables off:", false),
            ("if true; then", false),
        ] {
            assert_eq!(is_sentence(line), expected, "{line}");
        }
    }
}
