//! Reads lines of `iptables` commands as people paste them.

use std::ops::Range;

use super::constants::{Constants, constant};
use super::free_text::{Prose, is_file_name};
use super::lookalike::{self, Role};
use super::mistake::{MistakeBuilder, MistakeKind, Report, quote};
use super::over_lines;
use super::pasted;
use super::prompt::{self, Program, Prompt};
use super::quoting::Word;
use super::reading::Reading;
use super::root_prompt::{self, HashSign};
use super::rules_files::{self, Saves};
use super::script::{self, Prints};
use super::shell::{CommandLine, Refused, read_command};
use super::statement::{Form, Statement};
use super::tables::TableName;
use super::text::SourceText;
use super::unrelated::unrelated;
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
            "taken as what `{}tables -S` shows of the table filter",
            if family == Family::Ipv6 { "ip6" } else { "ip" }
        );
        report.note(0, 0, note);
    }
    let mut reader = Reader {
        text,
        shown,
        constants: Constants::new(),
        hash: root_prompt::means(text),
        hashed: None,
        saved: Vec::new(),
        passed_over: 0,
        free_text: Prose::new("a line is a command, or a comment that starts with `#`"),
        reading,
        report,
    };
    let mut at = 0;
    while at < text.len() {
        at = reader.line(at);
    }
    reader.finish();
}

struct Reader<'t, 'r> {
    text: &'t str,
    hash: HashSign,
    constants: Constants,
    /// Of which family and table the lines show rules that stand behind `iptables -S`.
    shown: Option<(Family, TableName)>,
    /// The first command behind `#`, and how many there are.
    hashed: Option<(Range<usize>, usize)>,
    /// The files that rules were saved in: of which family, and how many commands there were then.
    saved: Vec<(&'t str, Family, usize)>,
    /// Where lines end that a mistake was told of already.
    passed_over: usize,
    free_text: Prose,
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
        if found == Prompt::Hash {
            let span = start..start + line.len();
            self.hashed.get_or_insert((span, 0)).1 += 1;
            if matches!(self.hash, HashSign::Comment | HashSign::Unclear) {
                return start + end;
            }
        }
        if commands.starts_with('#') || start < self.passed_over {
            return start + end;
        }
        if prompt::writes_proc(commands) {
            let note =
                "sets kernel parameters, not rules: left out; a scenario has its own sysctls";
            self.report.note(start + behind, start + line.len(), note);
            return start + end;
        }
        if let Some(Saves {
            family,
            file: Some(file),
        }) = rules_files::saves(commands)
        {
            self.saved.push((file, family, self.reading.count()));
        }
        if let Some(why) = unrelated(commands, found == Prompt::Sure) {
            self.report.note(start + behind, start + line.len(), why);
            return start + end;
        }
        if is_file_name(commands) {
            let span = start + behind..start + behind + commands.len();
            self.free_text.line(span, commands, false, self.report);
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
                self.restore(name, span);
                return;
            }
            Some(Program::Nft) => {
                self.report.push(|| {
                    MistakeBuilder::new(
                        MistakeKind::NotARuleset,
                        span,
                        "an nft command among iptables commands",
                    )
                    .label("another language")
                    .help("a file has one of the two")
                });
                return;
            }
            None => {
                if let Some((family, table)) = self.shown.filter(|_| pasted::is_shown(name)) {
                    if let Some(opened) = command.unclosed {
                        self.unclosed(opened, command.end);
                        return;
                    }
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
            self.unclosed(opened, command.end);
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

    /// A quotation that its line does not close.
    fn unclosed(&mut self, opened: usize, end: usize) {
        if let Some(closed) = over_lines::tell(self.text, opened, self.report) {
            self.passed_over = closed;
            return;
        }
        self.report.push(|| {
            MistakeBuilder::new(
                MistakeKind::UnclosedQuote,
                opened..end,
                "an unmatched quotation mark",
            )
            .label("opened here and not closed on this line")
        });
    }

    /// `iptables-restore < FILE`: what was saved there, or rules that are not here.
    fn restore(&mut self, name: &str, span: Range<usize>) {
        let line = self.text[span.start..].lines().next().unwrap_or_default();
        let rules_files::Loads { file, adds } = rules_files::loads(line);
        let now = (rules_files::family(name), self.reading.count());
        let is_same = |saved: &&(&str, Family, usize)| Some(saved.0) == file;
        let saved = self.saved.iter().rfind(is_same);
        if saved.is_some_and(|saved| (saved.1, saved.2) == now && !adds) {
            let note = "loads what was saved above, with no rule changed since: left out";
            self.report.note(span.start, span.end, note);
            return;
        }
        self.report.push(|| {
            let becomes = match adds {
                true => "are added to these",
                false => "take the place of these",
            };
            let draft = MistakeBuilder::new(
                MistakeKind::Shell,
                span,
                format!("`{name}` reads rules from elsewhere"),
            );
            draft
                .label("not read here")
                .help(format!("give that file: its rules {becomes}"))
        });
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
            self.free_text.line(span, text, false, self.report);
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
                MistakeBuilder::new(
                    MistakeKind::Shell,
                    span,
                    format!("the shell variable `{name}`"),
                )
                .label("set here")
                .help("write the rules out; fwlab gives no file to a shell")
            });
        } else if KEYWORDS.contains(&first) || first.ends_with("()") {
            self.report.push(|| {
                MistakeBuilder::new(MistakeKind::Shell, span, format!("`{first}`, which only a shell can run"))
                    .label("a shell's script")
                    .help("run the script in its own namespace, then give what `iptables-save` prints there")
            });
        } else if let Some(found) = first
            .chars()
            .filter_map(lookalike::lookalike)
            .find(|found| found.role != Role::Damage)
        {
            self.report.push(|| {
                MistakeBuilder::new(
                    MistakeKind::Blank,
                    span,
                    format!("`{}` has {found} in it", quote(first)),
                )
                .label("no command")
            });
        } else if first.starts_with('-') || lookalike::option_meant(first).is_some() {
            self.report.push(|| {
                MistakeBuilder::new(MistakeKind::Command, span, "a rule without its command")
                    .label("`iptables` should stand before it")
            });
        } else {
            self.free_text.line(span, line, false, self.report);
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
        self.free_text.finish(self.report);
        root_prompt::tell(self.hash, self.hashed.take(), self.report);
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

fn refuse(refused: &Refused, at: Range<usize>) -> MistakeBuilder {
    let draft = MistakeBuilder::new(
        MistakeKind::Shell,
        at,
        format!("{refused}: fwlab gives no file to a shell"),
    );
    match refused {
        Refused::Variable(_) => draft.label("what is its value?").help("write the value"),
        Refused::Separator(_) => draft
            .label("one command ends here")
            .help("put each command on its own line"),
        Refused::Parenthesis | Refused::BraceExpansion | Refused::DollarQuote => draft
            .label("not read")
            .help("quote it if it is meant as text, or write it out"),
        Refused::Pipe | Refused::Background | Refused::Redirection(_) => {
            draft.label("not carried out").help("leave it out")
        }
        Refused::CommandSubstitution | Refused::Backtick => {
            draft.label("not carried out").help("write what it gives")
        }
    }
}
