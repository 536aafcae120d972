//! Reads lines of `iptables` commands as people paste them.

use std::ops::Range;

use super::constants::{Constants, constant};
use super::lookalike::{self, Role};
use super::mistake::{Draft, MistakeKind, Report, quote};
use super::pasted;
use super::prompt::{self, Program, Prompt};
use super::prose::Prose;
use super::quoting::Word;
use super::reading::Reading;
use super::script::{self, Prints};
use super::shell::{CommandLine, Refused, read_command};
use super::statement::{Form, Statement};
use super::tables::TableName;
use super::text::SourceText;
use fwlab_record::Family;

pub(super) fn read(
    source: &SourceText,
    family: Family,
    reading: &mut Reading,
    report: &mut Report,
) {
    let text = source.text();
    if let Some(mistake) = script::needs_shell(source, Prints::Iptables) {
        report.push(|| mistake);
        return;
    }
    let shown = pasted::is_shown_alone(text).then_some((family, TableName::Filter));
    if shown.is_some() {
        let note = format!(
            "taken for what `{}tables -S` shows of the table filter",
            if family == Family::Ipv6 { "ip6" } else { "ip" }
        );
        report.note(0, 0, note);
    }
    let mut reader = Reader {
        text,
        shown,
        constants: Constants::new(),
        hash_is_prompt: !has_bare_commands(text),
        commented_out: None,
        prose: Prose::new("a line is a command, or a comment that starts with `#`"),
        reading,
        report,
    };
    let mut at = 0;
    while at < text.len() {
        at = reader.line(at);
    }
    reader.finish();
}

/// Whether some command stands without a prompt: then `# iptables …` is a
/// comment in a script, not a command behind root's prompt.
fn has_bare_commands(text: &str) -> bool {
    let mut continued = false;
    text.lines().any(|line| {
        let start = !std::mem::replace(&mut continued, line.ends_with('\\'));
        start && prompt::prompt(line).0 == Prompt::None && prompt::starts_command(line)
    })
}

struct Reader<'t, 'r> {
    text: &'t str,
    hash_is_prompt: bool,
    constants: Constants,
    /// Of which family and table the lines show rules that stand behind `iptables -S`.
    shown: Option<(Family, TableName)>,
    /// The first command that was taken for a comment, and how many there are.
    commented_out: Option<(Range<usize>, usize)>,
    prose: Prose,
    reading: &'r mut Reading,
    report: &'r mut Report,
}

impl<'t> Reader<'t, '_> {
    /// Reads what stands at the start of a line; gives where to read on.
    fn line(&mut self, start: usize) -> usize {
        let rest = &self.text[start..];
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let line = rest[..end].trim_end_matches(['\n', '\r']);
        let (found, behind) = prompt::prompt(line);
        let commands = line[behind..].trim();
        if commands.is_empty() {
            return start + end;
        }
        if found == Prompt::Hash && !self.hash_is_prompt {
            let span = start..start + line.len();
            self.commented_out.get_or_insert((span, 0)).1 += 1;
            return start + end;
        }
        if commands.starts_with('#') {
            return start + end;
        }
        if prompt::writes_proc(commands) {
            let note =
                "sets the kernel, not its rules: left out; a scenario names sysctls of its own";
            self.report.note(start + behind, start + line.len(), note);
            return start + end;
        }
        // Behind a prompt, ` # iptables …` on the same line is the next command.
        let run_together = found != Prompt::None;
        let another = |rest: &str| {
            let next = rest
                .strip_prefix('#')
                .filter(|next| next.starts_with([' ', '\t']));
            run_together && next.is_some_and(prompt::starts_command)
        };
        let mut at = start + behind;
        loop {
            let command = read_command(self.text, at, &self.constants, another);
            let next = command.next;
            self.command(command, at);
            let run_on = self.text[next..].starts_with('#') && next > start;
            if !run_on || self.text[..next].ends_with('\n') {
                return next;
            }
            at = next
                + 1
                + (self.text[next + 1..].len()
                    - self.text[next + 1..].trim_start_matches([' ', '\t']).len());
        }
    }

    fn command(&mut self, mut command: CommandLine<'t>, start: usize) {
        let skipped = prompt::privileged(command.words.iter().map(|word| word.text.as_ref()));
        let Some(program) = command.words.get(skipped) else {
            self.no_program(&command, start);
            return;
        };
        let span = start..command.end.max(program.span.end);
        let name = program.text.as_ref();
        let family = match prompt::program(name) {
            Some(Program::Iptables(family)) => family,
            Some(Program::Other(why)) => {
                self.report
                    .note(span.start, span.end, format!("`{name}` {why}: left out"));
                return;
            }
            Some(Program::Ipset) => {
                self.ipset(&command, skipped, span);
                return;
            }
            Some(Program::Restore) => {
                self.report.push(|| {
                    Draft::new(
                        MistakeKind::Shell,
                        span,
                        format!("`{name}` reads rules from elsewhere"),
                    )
                    .label("not read here")
                    .help("give that file")
                });
                return;
            }
            Some(Program::Nft) => {
                self.report.push(|| {
                    Draft::new(
                        MistakeKind::NotARuleset,
                        span,
                        "a command of nft among commands of iptables",
                    )
                    .label("another language")
                    .help("a file has one of the two")
                });
                return;
            }
            None => {
                if let Some((family, table)) = self.shown.filter(|_| pasted::is_shown(name)) {
                    let statement = Statement {
                        family,
                        text: self.text,
                        span,
                        words: command.words,
                        form: Form::Command,
                    };
                    self.reading.statement(statement, Some(table), self.report);
                } else {
                    self.no_command(&command, span);
                }
                return;
            }
        };
        if let Some((refused, at)) = command.refused {
            self.report.push(|| refuse(&refused, at));
            return;
        }
        self.shown = shows(&command.words[skipped + 1..]).map(|table| (family, table));
        if let Some(opened) = command.unclosed {
            self.report.push(|| {
                Draft::new(
                    MistakeKind::UnclosedQuote,
                    opened..command.end,
                    "a quotation mark without its fellow",
                )
                .label("opened here, and not closed on this line")
            });
            return;
        }
        command.words.drain(..=skipped);
        let statement = Statement {
            family,
            text: self.text,
            span,
            words: command.words,
            form: Form::Command,
        };
        self.reading.statement(statement, None, self.report);
    }

    /// `ipset create …`, which is a line for `ipset restore`.
    fn ipset(&mut self, command: &CommandLine<'t>, skipped: usize, span: Range<usize>) {
        if let Some((refused, at)) = &command.refused {
            self.report.push(|| refuse(refused, at.clone()));
            return;
        }
        let words = command.words.iter().skip(skipped + 1);
        let quoted = |word: &str| match word.contains(char::is_whitespace) {
            true => format!("\"{word}\""),
            false => word.to_owned(),
        };
        let line: Vec<String> = words.map(|word| quoted(&word.text)).collect();
        if matches!(
            line.first().map(String::as_str),
            None | Some("list" | "save" | "test" | "-L" | "-S" | "-T" | "restore" | "-R")
        ) {
            let note = "`ipset` here makes no set: left out";
            self.report.note(span.start, span.end, note);
            return;
        }
        let place = self.report.source().source_line(span.start, span.end);
        self.reading.sets(self.report).push(line.join(" "), place);
    }

    /// A line on which nothing but a refused sign could be read.
    fn no_program(&mut self, command: &CommandLine<'t>, start: usize) {
        if let Some((refused, at)) = &command.refused {
            self.report.push(|| refuse(refused, at.clone()));
        } else {
            let span = start..command.end.max(start);
            let text = self.text.get(span.clone()).unwrap_or_default();
            self.prose.line(span, text, false, self.report);
        }
    }

    /// A line that starts with no known program.
    fn no_command(&mut self, command: &CommandLine<'t>, span: Range<usize>) {
        let line = self.text[span.start..].lines().next().unwrap_or_default();
        let span = span.start..span.start + line.trim_end().len();
        let first = command.words.first().map_or("", |word| word.text.as_ref());
        let assigned = first.split_once('=').map(|(name, _)| name).filter(|name| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        const KEYWORDS: &[&str] = &[
            "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case",
            "esac", "function", "return", "exit", "set", "export", "local", "source", ".", "eval",
            "exec", "unset", "trap", "test", "[", "[[", "{", "}",
        ];
        let set = match &command.words[..] {
            [only] => constant(&only.text),
            [export, only] if matches!(&*export.text, "export" | "readonly") => {
                constant(&only.text)
            }
            _ => None,
        };
        if let Some((name, value)) = set.filter(|_| command.refused.is_none()) {
            let note = format!("`{name}` is {}: put in where it is named", quote(value));
            self.report.note(span.start, span.end, note);
            self.constants.insert(name.to_owned(), value.to_owned());
        } else if let Some(why) = self.idle(command, first) {
            self.report.note(
                span.start,
                span.end,
                format!("`{}` {why}: left out", quote(first)),
            );
        } else if let Some(name) = assigned {
            self.report.push(|| {
                Draft::new(
                    MistakeKind::Shell,
                    span,
                    format!("the shell variable `{name}`"),
                )
                .label("set here")
                .help("write the rules out; no file is given to a shell")
            });
        } else if KEYWORDS.contains(&first) || first.ends_with("()") {
            self.report.push(|| {
                Draft::new(MistakeKind::Shell, span, format!("`{first}`, which only a shell could carry out"))
                    .label("a shell's script")
                    .help("run the script in a namespace of its own, and take what `iptables-save` says then")
            });
        } else if let Some(found) = first
            .chars()
            .filter_map(lookalike::lookalike)
            .find(|found| found.role != Role::Damage)
        {
            self.report.push(|| {
                Draft::new(
                    MistakeKind::Blank,
                    span,
                    format!("`{}` has {found} in it", quote(first)),
                )
                .label("no command")
            });
        } else if first.starts_with('-') || lookalike::option_meant(first).is_some() {
            self.report.push(|| {
                Draft::new(MistakeKind::Command, span, "a rule without its command")
                    .label("`iptables` should stand before it")
            });
        } else {
            self.prose.line(span, line, false, self.report);
        }
    }

    /// Why a command changes no rule, and nothing else that the rules depend on.
    fn idle(&self, command: &CommandLine<'_>, first: &str) -> Option<&'static str> {
        let rest = || self.text[command.next..].lines();
        let is_silent = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        // With a redirection or a pipe it does something else.
        if command.refused.is_some() || command.unclosed.is_some() {
            return None;
        }
        match first {
            "echo" | "printf" => Some("prints something"),
            "sleep" | "true" | ":" | "clear" => Some("does nothing to the rules"),
            "exit" if rest().all(is_silent) => Some("ends the script"),
            _ => None,
        }
    }

    fn finish(&mut self) {
        self.prose.finish(self.report);
        if let Some((span, count)) = self.commented_out.take() {
            let what = match count {
                1 => "a comment, not a command behind root's prompt".to_owned(),
                count => format!(
                    "a comment, not a command behind root's prompt, like {} lines more",
                    count - 1
                ),
            };
            self.report.note(
                span.start,
                span.end,
                format!("{what}: other commands stand without a prompt"),
            );
        }
    }
}

/// The table of which a command shows the rules as commands.
fn shows(words: &[Word<'_>]) -> Option<TableName> {
    let texts = || words.iter().map(|word| word.text.as_ref());
    if !texts().any(|word| matches!(word, "-S" | "--list-rules")) {
        return None;
    }
    let mut named = texts().skip_while(|word| !matches!(*word, "-t" | "--table"));
    match named.nth(1) {
        None => Some(TableName::Filter),
        Some(name) => name.parse().ok(),
    }
}

fn refuse(refused: &Refused, at: Range<usize>) -> Draft {
    let draft = Draft::new(
        MistakeKind::Shell,
        at,
        format!("{refused}: no file is given to a shell"),
    );
    match refused {
        Refused::Variable(_) => draft.label("what is its value?").help("write the value"),
        Refused::Separator(_) => draft
            .label("one command ends here")
            .help("each command on a line of its own"),
        Refused::Parenthesis | Refused::BraceExpansion | Refused::DollarQuote => draft
            .label("not read")
            .help("quote it if it is meant as text; or write it out"),
        Refused::Pipe | Refused::Background | Refused::Redirection(_) => {
            draft.label("not carried out").help("leave it out")
        }
        Refused::CommandSubstitution | Refused::Backtick => {
            draft.label("not carried out").help("write what it gives")
        }
    }
}
