//! Carries out one statement on the rules so far.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::builder::Builder;
use super::chains::no_built_in_chain;
use super::expand::expand;
use super::jumps::Jump;
use super::mistake::{Draft, MistakeKind, Report, quote};
use super::rule::Rule;
use super::statement::{Form, Statement};
use super::suggest::nearest;
use super::tables::{ChainPolicy, Hook, TableName};
use super::walk::{self, Core, Piece, Walk};
use super::{check, faults, misplaced, value};
use fwlab_record::Family;

/// Reads statements in order, and keeps what they make of the rules.
#[derive(Default)]
pub(super) struct Applier {
    pub(super) builder: Builder,
    /// Jumps to what was no chain when they were written.
    pub(super) jumps: Vec<Jump>,
    /// The line that first declared a chain.
    pub(super) declared: BTreeMap<(Family, TableName, String), u32>,
    /// The chains whose absence was told.
    pub(super) told: BTreeSet<(Family, TableName, String)>,
}

/// What `-A`, `-I` and their like do with a rule.
enum Change {
    Append,
    Insert(u64),
    Replace(u64),
    DeleteLike,
}

impl Applier {
    /// A statement of options: `-A INPUT …`, as it stands in a dump, or behind
    /// `iptables`. In a dump, `table` is the one that is open.
    pub(super) fn statement(
        &mut self,
        statement: &Statement<'_>,
        table: Option<TableName>,
        report: &mut Report,
    ) {
        if check::too_long(statement, report) {
            return;
        }
        let walk = walk::walk(&statement.words, statement.family);
        if faults::tell_blanks(statement, &walk, report) {
            return;
        }
        faults::tell(statement, &walk, report);
        if !self.is_of_family(statement, &walk, report) {
            return;
        }
        let Some(command) = command(statement, &walk, report) else {
            return;
        };
        let Some(table) = table_of(statement, &walk, table, report) else {
            return;
        };
        self.command(statement, &walk, command, table, report);
    }

    /// Whether the rule is for the family that is read; `-4` and `-6` say so.
    fn is_of_family(
        &self,
        statement: &Statement<'_>,
        walk: &Walk<'_>,
        report: &mut Report,
    ) -> bool {
        let other = match statement.family {
            Family::Ipv4 => Core::Ipv6,
            Family::Ipv6 => Core::Ipv4,
        };
        let Some(piece) = walk.pieces.iter().find(|piece| piece.core() == Some(other)) else {
            return true;
        };
        match statement.form {
            Form::Saved => report.note(
                statement.span.start,
                statement.span.end,
                format!(
                    "a rule for the other family (`{}`), left out",
                    other.written()
                ),
            ),
            Form::Command => report.push(|| {
                let (this, instead) = match statement.family {
                    Family::Ipv4 => ("iptables", "ip6tables"),
                    Family::Ipv6 => ("ip6tables", "iptables"),
                };
                let option = other.written();
                Draft::new(
                    MistakeKind::Command,
                    statement.piece_span(piece),
                    format!("`{this} {option}`"),
                )
                .label("the other family")
                .help(format!("write `{instead}`"))
            }),
        }
        false
    }

    fn command(
        &mut self,
        statement: &Statement<'_>,
        walk: &Walk<'_>,
        piece: &Piece<'_>,
        table: TableName,
        report: &mut Report,
    ) {
        let chain = piece.value();
        let number = |report: &mut Report| -> Option<u64> {
            let second = piece.second?;
            let number = value::integer(second.text).filter(|number| *number > 0);
            if number.is_none() {
                report.push(|| {
                    Draft::new(
                        MistakeKind::NoSuchRule,
                        statement.word_span(second.word),
                        format!("`{}` is no rule number", quote(second.text)),
                    )
                    .label("1 is the first rule")
                });
            }
            number
        };
        match piece.core().expect("a command is an option of iptables") {
            Core::Append => self.rule(statement, walk, table, chain, Change::Append, report),
            Core::Insert => {
                let at = if piece.second.is_none() {
                    Some(1)
                } else {
                    number(report)
                };
                if let Some(at) = at {
                    self.rule(statement, walk, table, chain, Change::Insert(at), report);
                }
            }
            Core::Replace => {
                if let Some(at) = number(report) {
                    self.rule(statement, walk, table, chain, Change::Replace(at), report);
                }
            }
            Core::Delete if piece.second.is_some() => {
                if let Some(at) = number(report)
                    && self.chain_is_there(statement, piece, table, report)
                {
                    let deleted = self
                        .builder
                        .table(statement.family, table)
                        .delete(chain, at);
                    self.tell(statement, piece, deleted, report);
                }
            }
            Core::Delete => self.rule(statement, walk, table, chain, Change::DeleteLike, report),
            Core::NewChain => self.new_chain(statement, piece, table, report),
            Core::Flush => {
                if piece.first.is_none() || self.chain_is_there(statement, piece, table, report) {
                    let chain = piece.first.map(|chain| chain.text);
                    self.builder.table(statement.family, table).flush(chain);
                }
            }
            Core::DeleteChain => self.delete_chains(statement, piece, table, report),
            Core::RenameChain => {
                let to = piece.second.map_or("", |to| to.text);
                if self.chain_name_is_good(
                    statement,
                    piece.second.map_or(piece.at, |to| to.word),
                    to,
                    report,
                ) {
                    let renamed = self
                        .builder
                        .table(statement.family, table)
                        .rename(chain, to);
                    self.tell(statement, piece, renamed, report);
                }
            }
            Core::Policy => {
                let policy = piece.second.map_or("", |policy| policy.text);
                let word = piece.second.map_or(piece.at, |policy| policy.word);
                let span = statement.word_span(word);
                self.policy(
                    statement,
                    table,
                    (chain, statement.value_span(piece)),
                    (policy, span),
                    report,
                );
            }
            _ => {
                let what = "changes no rule, left out".to_owned();
                report.note(statement.span.start, statement.span.end, what);
            }
        }
    }

    /// `:CHAIN POLICY` in a dump.
    pub(super) fn declare(
        &mut self,
        statement: &Statement<'_>,
        table: TableName,
        chain: (&str, Range<usize>),
        policy: (&str, Range<usize>),
        report: &mut Report,
    ) {
        let (name, span) = chain;
        if table.hook(name).is_none() && Hook::of_chain(name).is_none() {
            if self.chain_name_may_be(name, span, report) {
                self.declared_at(statement, table, name, report);
            }
        } else if policy.0 != "-" {
            self.policy(statement, table, (name, span), policy, report);
        }
    }

    /// `*table` in a dump.
    pub(super) fn start_table(&mut self, family: Family, table: TableName) {
        self.builder.table(family, table).restart(table);
    }

    fn policy(
        &mut self,
        statement: &Statement<'_>,
        table: TableName,
        chain: (&str, Range<usize>),
        policy: (&str, Range<usize>),
        report: &mut Report,
    ) {
        let (name, chain_span) = chain;
        if table.hook(name).is_none() {
            report.push(|| no_built_in_chain(name, table, chain_span));
            return;
        }
        let Some(read) = ChainPolicy::read(policy.0) else {
            report.push(|| {
                let draft = Draft::new(
                    MistakeKind::BadPolicy,
                    policy.1.clone(),
                    format!("`{}` is no policy", quote(policy.0)),
                );
                match nearest(policy.0, ["ACCEPT", "DROP"]) {
                    Some(near) => draft.label(format!("`{near}`?")),
                    None => draft
                        .label("ACCEPT or DROP")
                        .help_if((policy.0 == "REJECT").then(|| {
                            format!("policy DROP, and `-A {name} -j REJECT` as the last rule")
                        })),
                }
            });
            return;
        };
        let source = report
            .source()
            .source_line(statement.span.start, statement.span.end);
        let state = self
            .builder
            .table(statement.family, table)
            .chain_or_new(name);
        state.policy = Some(read);
        state.source = Some(source);
    }

    fn rule(
        &mut self,
        statement: &Statement<'_>,
        walk: &Walk<'_>,
        table: TableName,
        chain: &str,
        change: Change,
        report: &mut Report,
    ) {
        check::rule(statement, walk, report);
        misplaced::check(statement, walk, table, chain, report);
        let command = walk
            .pieces
            .iter()
            .find(|piece| is_command(piece))
            .expect("found before");
        if !self.chain_is_there(statement, command, table, report) {
            return;
        }
        self.jump(statement, walk, table, report);
        let source = report
            .source()
            .source_line(statement.span.start, statement.span.end);
        let rules = expand(statement, walk, source, report);
        let family = statement.family;
        let state = self.builder.table(family, table);
        let done = match change {
            Change::Append => state.insert(chain, None, rules),
            Change::Insert(at) => state.insert(chain, Some(at), rules),
            Change::Replace(at) => match <[Rule; 1]>::try_from(rules) {
                Ok([rule]) => state.replace(chain, at, rule),
                Err(rules) if rules.is_empty() => Ok(()),
                Err(_) => {
                    report.push(|| {
                        Draft::new(
                            MistakeKind::BadAddress,
                            statement.piece_span(command),
                            "`-R` with a list of addresses",
                        )
                        .label("one rule is replaced by one")
                    });
                    Ok(())
                }
            },
            Change::DeleteLike => rules
                .iter()
                .try_for_each(|rule| state.delete_like(chain, rule, family)),
        };
        self.tell(statement, command, done, report);
    }

    /// What can be told only when everything was read.
    pub(super) fn finish(mut self, report: &mut Report) -> super::Ruleset {
        self.unknown_targets(report);
        let source = std::sync::Arc::clone(report.source());
        let ruleset = self.builder.finish(&source);
        super::cycle::check(&ruleset, report);
        ruleset
    }
}

fn is_command(piece: &Piece<'_>) -> bool {
    piece
        .core()
        .is_some_and(|core| (core as u8) <= Core::Help as u8)
}

/// The one command of a statement.
fn command<'w>(
    statement: &Statement<'_>,
    walk: &'w Walk<'w>,
    report: &mut Report,
) -> Option<&'w Piece<'w>> {
    let mut commands = walk.pieces.iter().filter(|piece| is_command(piece));
    let Some(command) = commands.next() else {
        if walk.faults.is_empty() {
            report.push(|| {
                Draft::new(
                    MistakeKind::Command,
                    statement.span.clone(),
                    "a statement without a command",
                )
                .label("no `-A`, `-I`, `-P`, …")
            });
        }
        return None;
    };
    // `-L -Z` lists and zeroes; no other two go together.
    let second = commands.find(|second| {
        !matches!(
            (command.core(), second.core()),
            (
                Some(Core::List | Core::ListRules | Core::Zero),
                Some(Core::List | Core::ListRules | Core::Zero)
            )
        )
    });
    if let Some(second) = second {
        report.push(|| {
            Draft::new(
                MistakeKind::Command,
                statement.piece_span(second),
                "two commands in one statement",
            )
            .label("the second")
            .also(statement.piece_span(command), "the first")
        });
        return None;
    }
    let complete = command.first.is_some()
        || matches!(
            command.core(),
            Some(
                Core::Flush
                    | Core::DeleteChain
                    | Core::List
                    | Core::ListRules
                    | Core::Zero
                    | Core::Version
                    | Core::Help
            )
        );
    complete.then_some(command)
}

fn table_of(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    open: Option<TableName>,
    report: &mut Report,
) -> Option<TableName> {
    let named = walk
        .pieces
        .iter()
        .rev()
        .find(|piece| piece.core() == Some(Core::Table));
    let Some(piece) = named else {
        return Some(open.unwrap_or(TableName::Filter));
    };
    if statement.form == Form::Saved {
        report.push(|| {
            Draft::new(
                MistakeKind::Command,
                statement.piece_span(piece),
                "`-t` in a dump",
            )
            .label("iptables-restore takes no `-t`")
            .help(format!("the rule stands below `*{}`", piece.value()))
        });
        return open;
    }
    let name = piece.value();
    let table = name.parse().ok();
    if table.is_none() && piece.first.is_some() {
        report.push(|| unknown_table(name, statement.value_span(piece)));
    }
    table
}

pub(super) fn unknown_table(name: &str, span: Range<usize>) -> Draft {
    let near = nearest(name, TableName::ALL.iter().map(|table| table.word()));
    Draft::new(
        MistakeKind::UnknownTable,
        span,
        format!("there is no table `{}`", quote(name)),
    )
    .label(near.map_or_else(
        || "raw, mangle, nat, filter or security".to_owned(),
        |near| format!("`{near}`?"),
    ))
}
