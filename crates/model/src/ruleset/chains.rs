//! What commands do with chains, and why they cannot.

use std::ops::Range;

use super::apply::Applier;
use super::builder::{Impossible, RULES_MOST};
use super::extension;
use super::mistake::{Draft, MistakeKind, Report, quote};
use super::statement::{Form, Statement};
use super::suggest::nearest;
use super::tables::{Hook, TableName, listed};
use super::walk::{self, Piece};

impl Applier {
    pub(super) fn new_chain(
        &mut self,
        statement: &Statement<'_>,
        piece: &Piece<'_>,
        table: TableName,
        report: &mut Report,
    ) {
        let (name, span) = (piece.value(), statement.value_span(piece));
        if piece.first.is_none() {
            return;
        }
        if extension::target_named(name).is_some() {
            report.push(|| {
                Draft::new(
                    MistakeKind::BadChain,
                    span,
                    format!("no chain can be named `{name}`"),
                )
                .label("that is a target")
            });
            return;
        }
        if !self.chain_name_may_be(name, span.clone(), report) {
            return;
        }
        let built_in = table.hook(name).is_some();
        if built_in
            || self
                .builder
                .table(statement.family, table)
                .chain(name)
                .is_some()
        {
            report.push(|| {
                let label = if built_in {
                    "is built in"
                } else {
                    "is there already"
                };
                Draft::new(
                    MistakeKind::BadChain,
                    span,
                    format!("the chain `{}` cannot be made", quote(name)),
                )
                .label(label)
            });
            return;
        }
        self.declared_at(statement, table, name, report);
    }

    pub(super) fn declared_at(
        &mut self,
        statement: &Statement<'_>,
        table: TableName,
        name: &str,
        report: &Report,
    ) {
        let source = report
            .source()
            .source_line(statement.span.start, statement.span.end);
        let key = (statement.family, table, name.to_owned());
        self.declared.entry(key).or_insert(source.line);
        self.builder
            .table(statement.family, table)
            .chain_or_new(name)
            .source = Some(source);
    }

    /// `-X`. A built-in chain is refused, as legacy does; nft 1.8 removes one that
    /// is empty, and its policy with it, which nobody means.
    pub(super) fn delete_chains(
        &mut self,
        statement: &Statement<'_>,
        piece: &Piece<'_>,
        table: TableName,
        report: &mut Report,
    ) {
        let state = self.builder.table(statement.family, table);
        let names: Vec<String> = match piece.first {
            Some(chain) => vec![chain.text.to_owned()],
            None => {
                let mut names: Vec<_> = state
                    .chain_names()
                    .filter(|name| table.hook(name).is_none())
                    .map(str::to_owned)
                    .collect();
                names.sort_unstable();
                names
            }
        };
        for name in names {
            let deleted = if table.hook(&name).is_some() {
                Err(Impossible::NoChain)
            } else {
                self.builder
                    .table(statement.family, table)
                    .delete_chain(&name)
            };
            if deleted.is_err() {
                self.tell(statement, piece, deleted, report);
                return;
            }
        }
    }

    pub(super) fn chain_name_is_good(
        &self,
        statement: &Statement<'_>,
        word: usize,
        name: &str,
        report: &mut Report,
    ) -> bool {
        self.chain_name_may_be(name, statement.word_span(word), report)
    }

    pub(super) fn chain_name_may_be(
        &self,
        name: &str,
        span: Range<usize>,
        report: &mut Report,
    ) -> bool {
        const LONGEST: usize = 28;
        let wrong = if name.len() > LONGEST {
            "28 bytes at most"
        } else if walk::is_verdict(name) {
            "that is a verdict"
        } else if name.is_empty() || name.contains([' ', '\t']) {
            "a name without blanks"
        } else {
            return true;
        };
        report.push(|| {
            Draft::new(
                MistakeKind::BadChain,
                span,
                format!("no chain can be named `{}`", quote(name)),
            )
            .label(wrong)
        });
        false
    }

    /// Whether the chain that a command names is there; told once for each name.
    pub(super) fn chain_is_there(
        &mut self,
        statement: &Statement<'_>,
        piece: &Piece<'_>,
        table: TableName,
        report: &mut Report,
    ) -> bool {
        let Some(name) = piece.first.map(|name| name.text) else {
            return false;
        };
        let family = statement.family;
        if table.hook(name).is_some() || self.builder.table(family, table).chain(name).is_some() {
            return true;
        }
        if !self.told.insert((family, table, name.to_owned())) {
            return false;
        }
        let elsewhere = self.builder.tables_with(family, name);
        let state = self.builder.table(family, table);
        report.push(|| {
            let span = statement.value_span(piece);
            if Hook::of_chain(name).is_some() {
                return no_built_in_chain(name, table, span);
            }
            let chains = state
                .chain_names()
                .chain(table.hooks().iter().map(|hook| hook.chain()));
            let near = nearest(name, chains);
            let draft = Draft::new(
                MistakeKind::UnknownChain,
                span,
                format!("the table {table} has no chain `{}`", quote(name)),
            );
            match (near, elsewhere.first()) {
                (Some(near), _) => draft.label(format!("`{near}`?")),
                (None, Some(other)) => draft.label(format!("stands in the table {other}")),
                (None, None) => draft
                    .label("not declared before")
                    .help(match statement.form {
                        Form::Saved => {
                            format!("declare it at the head of the table: `:{name} - [0:0]`")
                        }
                        Form::Command => format!("make it first: `-N {name}`"),
                    }),
            }
        });
        false
    }

    pub(super) fn tell(
        &self,
        statement: &Statement<'_>,
        piece: &Piece<'_>,
        done: Result<(), Impossible>,
        report: &mut Report,
    ) {
        let Err(why) = done else {
            return;
        };
        report.push(|| {
            let (chain, span) = (quote(piece.value()), statement.piece_span(piece));
            let draft = |kind, message: String| Draft::new(kind, span.clone(), message);
            match why {
                Impossible::NoNumber(rules) => draft(
                    MistakeKind::NoSuchRule,
                    format!(
                        "{chain} has no place {}",
                        piece.second.map_or("1", |number| number.text)
                    ),
                )
                .label(match rules {
                    0 => "the chain is empty here".to_owned(),
                    1 => "the chain has one rule here".to_owned(),
                    rules => format!("the chain has {rules} rules here"),
                }),
                Impossible::NoSuchRule => draft(
                    MistakeKind::NoSuchRule,
                    format!("no rule of {chain} says this"),
                )
                .label("nothing to remove here")
                .help("rules are compared as written; a number removes any"),
                Impossible::NoChain => draft(
                    MistakeKind::UnknownChain,
                    format!("there is no chain `{chain}` to change"),
                )
                .label("not there, or built in"),
                Impossible::Exists => draft(
                    MistakeKind::BadChain,
                    format!(
                        "a chain cannot become `{}`",
                        quote(piece.second.map_or("", |to| to.text))
                    ),
                )
                .label("a chain of that name is there already"),
                Impossible::NotEmpty(name) => draft(
                    MistakeKind::BadChain,
                    format!("the chain `{}` has rules", quote(&name)),
                )
                .label("cannot be removed")
                .help(format!("empty it first: `-F {name}`")),
                Impossible::Referenced(name) => draft(
                    MistakeKind::BadChain,
                    format!("a rule jumps to the chain `{}`", quote(&name)),
                )
                .label("cannot be removed"),
                Impossible::TooMany => draft(
                    MistakeKind::TooLong,
                    format!("more than {RULES_MOST} rules"),
                )
                .label("this one is too many"),
            }
        });
    }
}

pub(super) fn no_built_in_chain(name: &str, table: TableName, span: Range<usize>) -> Draft {
    let draft = Draft::new(
        MistakeKind::UnknownChain,
        span,
        format!("the table {table} has no built-in chain `{}`", quote(name)),
    );
    let draft = draft.label(format!("{table} has {}", table.chains_listed()));
    match Hook::of_chain(name) {
        Some(hook) => {
            let tables: Vec<_> = TableName::ALL
                .iter()
                .filter(|table| table.hooks().contains(&hook))
                .map(|table| table.word())
                .collect();
            draft.help(format!("{name} stands in {}", listed(&tables)))
        }
        None => match nearest(name, table.hooks().iter().map(|hook| hook.chain())) {
            Some(near) => draft.help(format!("`{near}`?")),
            None => draft.help("only a built-in chain has a policy"),
        },
    }
}
