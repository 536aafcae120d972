//! What stands beside the tables of a dump: what other commands printed, the shell's heredoc that the dump is written in, commands
//! that make no rule.

use std::collections::BTreeSet;
use std::ops::Range;

use super::heredoc::Heredoc;
use super::mistake::{MistakeBuilder, MistakeKind, Report, quote};
use super::pasted::{is_listing, only_prints};
use super::prompt::{Program, Prompt, privileged, program, prompt};
use super::rules_files;
use super::unrelated::unrelated;
use fwlab_record::Family;

/// The heredocs that are looked for in one text.
const HEREDOCS_MOST: usize = 16;

/// What was read beside the tables so far.
pub(super) struct Beside {
    family: Family,
    /// The chains that `iptables -L` printed, where each stands.
    listed: Vec<(String, Range<usize>)>,
    in_listing: bool,
    heredoc: Option<Heredoc>,
    heredocs: usize,
    /// The chains that the dump has.
    declared: BTreeSet<String>,
    has_table: bool,
}

impl Beside {
    pub(super) fn new(family: Family) -> Beside {
        Beside {
            family,
            listed: Vec::new(),
            in_listing: false,
            heredoc: None,
            heredocs: 0,
            declared: BTreeSet::new(),
            has_table: false,
        }
    }

    /// A line of blanks, where a chain ends that `iptables -L` printed.
    pub(super) fn blank(&mut self) {
        self.in_listing = false;
    }

    pub(super) fn table(&mut self) {
        self.has_table = true;
    }

    /// `:CHAIN` in a table.
    pub(super) fn declared(&mut self, chain: &str) {
        self.declared.insert(chain.to_owned());
    }

    /// Whether a line outside of every table is of something else. `line` begins where the span does.
    pub(super) fn takes(&mut self, line: &str, span: &Range<usize>, report: &mut Report) -> bool {
        if let Some(heredoc) = &self.heredoc
            && heredoc.ends_at(span.start)
        {
            return true;
        }
        if is_listing(line) {
            if self.listed.is_empty() {
                let note = "what `iptables -L` prints: left out, since the dump says more";
                report.note(span.start, span.end, note);
            }
            self.in_listing = true;
            let chain = line.split_ascii_whitespace().nth(1).unwrap_or_default();
            self.listed.push((chain.to_owned(), span.clone()));
            return true;
        }
        let (found, behind) = prompt(line);
        if found == Prompt::Sure {
            self.in_listing = false;
            self.at_prompt(&line[behind..], span, report);
            return true;
        }
        if self.in_listing {
            return true;
        }
        let heredoc = self.heredoc_at(report.source().text(), line, span);
        let note = if let Some(heredoc) = heredoc {
            let note = heredoc.note();
            self.heredoc = Some(heredoc);
            note
        } else if only_prints(line) || rules_files::saves(line).is_some() {
            "a command that only prints rules: left out".to_owned()
        } else if self.loads_heredoc(line) {
            "loads the text above: left out".to_owned()
        } else if let Some(why) = unrelated(line, false) {
            why.to_owned()
        } else {
            return false;
        };
        report.note(span.start, span.end, note);
        true
    }

    /// The heredoc that begins here. One after another is read, and no more than some: each is looked for to its end.
    fn heredoc_at(&mut self, text: &str, line: &str, span: &Range<usize>) -> Option<Heredoc> {
        if self.heredocs == HEREDOCS_MOST || !line.contains("<<") {
            return None;
        }
        self.heredocs += 1;
        Heredoc::read(text, span, self.family)
    }

    /// A command at a prompt. One that changes rules which the dump shows already would be missing from it.
    fn at_prompt(&self, command: &str, span: &Range<usize>, report: &mut Report) {
        let command = command.trim();
        let words = || command.split_ascii_whitespace();
        let name = words().nth(privileged(words())).unwrap_or_default();
        let changes = match program(name) {
            Some(Program::Iptables(_) | Program::Nft) => {
                let printing = command.split(['|', '>']).next().unwrap_or_default();
                !only_prints(printing)
            }
            Some(Program::Restore) => !self.loads_heredoc(command),
            _ => false,
        };
        if changes && self.has_table {
            report.push(|| {
                MistakeBuilder::new(
                    MistakeKind::Command,
                    span.clone(),
                    format!("`{}` after the dump", quote(command)),
                )
                .label("its changes are not in the dump")
                .help("give what `iptables-save` prints after it")
            });
            return;
        }
        let why = unrelated(command, true).filter(|_| !only_prints(command));
        report.note(span.start, span.end, why.unwrap_or("a prompt: left out"));
    }

    /// Whether a command loads the file that the heredoc around the dump is written into.
    fn loads_heredoc(&self, line: &str) -> bool {
        let words = || line.split_ascii_whitespace();
        let name = words().nth(privileged(words())).unwrap_or_default();
        let loads = rules_files::loads(line);
        let written = self
            .heredoc
            .as_ref()
            .and_then(|heredoc| heredoc.file.as_deref());
        program(name) == Some(Program::Restore)
            && rules_files::family(name) == self.family
            && loads.file.is_some()
            && loads.file == written
            && !loads.adds
    }

    /// Tells the first chain that was printed and is not in the dump.
    pub(super) fn finish(&mut self, report: &mut Report) {
        let listed = std::mem::take(&mut self.listed);
        let missing = listed
            .into_iter()
            .find(|(chain, _)| !self.declared.contains(chain));
        if let Some((chain, span)) = missing {
            report.push(|| {
                MistakeBuilder::new(
                    MistakeKind::NotARuleset,
                    span,
                    format!(
                        "the chain {} is listed here but is not in the dump",
                        quote(&chain)
                    ),
                )
                .label("what `iptables -L` prints, which lacks interfaces and more")
                .help("give all that `iptables-save` prints")
            });
        }
    }
}
