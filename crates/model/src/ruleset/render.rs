use std::fmt::Write as _;

use super::quoting::write_word;
use super::rule::Ruleset;
use super::tables::TableName;
use super::text::SourceLine;
use fwlab_record::Family;

/// A family's rules as input for `iptables-restore`, with the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub(super) text: String,
    pub(super) lines: Vec<Line>,
}

/// What one rendered line came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) source: Option<SourceLine>,
    pub(super) table: TableName,
    pub(super) is_rule: bool,
    pub(super) target: Option<String>,
}

impl Rendered {
    /// The text; empty when the family has no rules.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of the source that a rendered line came from, 1 for the first.
    pub fn source_line(&self, line: u32) -> Option<SourceLine> {
        self.line(line)?.source
    }

    /// How many lines the text has.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn line(&self, line: u32) -> Option<&Line> {
        self.lines.get((line as usize).checked_sub(1)?)
    }
}

impl Ruleset {
    /// A family's rules as input for `iptables-restore` or `ip6tables-restore`:
    /// every table with its chains first, then its rules in order. The same
    /// ruleset is always rendered to the same bytes.
    ///
    /// A table that the ruleset does not have is not in the text, and so stays
    /// as it is when the text is loaded.
    pub fn render(&self, family: Family) -> Rendered {
        let mut rendered = Rendered {
            text: String::new(),
            lines: Vec::new(),
        };
        for (name, table) in self.tables(family) {
            let mut line =
                |text: std::fmt::Arguments<'_>, source, target: Option<&str>, is_rule| {
                    rendered
                        .text
                        .write_fmt(text)
                        .expect("a string takes any text");
                    rendered.text.push('\n');
                    rendered.lines.push(Line {
                        source,
                        table: name,
                        is_rule,
                        target: target.map(str::to_owned),
                    });
                };
            line(format_args!("*{name}"), None, None, false);
            for chain in table.chains() {
                match (name.hook(chain.name()), chain.policy()) {
                    (Some(_), None) => {}
                    (Some(_), Some(policy)) => {
                        line(
                            format_args!(":{} {policy} [0:0]", chain.name()),
                            chain.source(),
                            None,
                            false,
                        );
                    }
                    (None, _) => line(
                        format_args!(":{} - [0:0]", chain.name()),
                        chain.source(),
                        None,
                        false,
                    ),
                }
            }
            let mut quoted = String::new();
            for chain in table.chains() {
                quoted.clear();
                write_word(chain.name(), &mut quoted);
                for rule in chain.rules() {
                    let space = if rule.words().is_empty() { "" } else { " " };
                    line(
                        format_args!("-A {quoted}{space}{rule}"),
                        rule.source(),
                        rule.target(),
                        true,
                    );
                }
            }
            line(format_args!("COMMIT"), None, None, false);
        }
        rendered
    }
}
