//! Where a script writes the rules of each chain.

use std::collections::{BTreeMap, BTreeSet};

use super::token::{Piece, Token, block, statements};
use crate::ruleset::text::{SourceLine, SourceText};
use fwlab_record::{ChainId, TableFamily};

/// Where the rules of each chain are written, in the order of the script.
#[derive(Debug, Default)]
pub(super) struct Written {
    chains: BTreeMap<ChainId, Chain>,
    /// A rule of which the chain cannot be told, or a chain that changes its name.
    lost: bool,
    /// Whether the script takes rules away.
    pub(super) removes: bool,
    /// The chains that it makes itself.
    made: BTreeSet<ChainId>,
}

/// A chain as the script writes it.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) rules: Vec<SourceLine>,
    /// The statement that sets its policy, the last one.
    pub(super) policy: Option<SourceLine>,
}

impl Written {
    /// Reads a script's structure. What is no statement of nft is passed over: nft will say so.
    pub(super) fn of(source: &SourceText, pieces: &[Piece]) -> Written {
        let mut written = Written::default();
        for statement in statements(pieces) {
            written.take(source, statement);
        }
        written
    }

    /// The chains of which the script writes something; none where that cannot be told.
    pub(super) fn chains(&self) -> impl Iterator<Item = (&ChainId, &Chain)> {
        self.chains.iter().filter(|_| !self.lost)
    }

    /// The chains that it adds rules to and does not make.
    pub(super) fn not_made(&self) -> impl Iterator<Item = &ChainId> {
        let chains = self
            .chains
            .iter()
            .filter(|(_, chain)| !chain.rules.is_empty());
        chains
            .map(|(id, _)| id)
            .filter(|id| !self.made.contains(id))
    }

    fn take(&mut self, source: &SourceText, statement: &[Piece]) {
        let (head, body) = block(statement);
        let mut words = Words::new(source, head);
        match words.next().unwrap_or_default() {
            "table" => self.table(source, &mut words, body),
            "chain" => self.chain_block(source, &mut words, body),
            "rule" => self.rule(source, statement, 1),
            "add" | "create" => match words.next().unwrap_or_default() {
                "table" => self.table(source, &mut words, body),
                "chain" => self.chain_block(source, &mut words, body),
                "rule" => self.rule(source, statement, 2),
                word if is_object(word) => {}
                _ => self.rule(source, statement, 1),
            },
            "insert" => self.rule(source, statement, 2),
            "replace" => {
                self.removes = true;
                self.rule(source, statement, 2);
            }
            "delete" | "destroy" | "flush" => self.removes = true,
            "rename" => self.lost = true,
            word if is_object(word) || is_silent(word) => {}
            // `ip filter input drop` is a rule, too.
            _ => self.rule(source, statement, 0),
        }
    }

    fn table(&mut self, source: &SourceText, words: &mut Words<'_>, body: Option<&[Piece]>) {
        let (Some((family, table)), Some(body)) = (words.table(), body) else {
            return;
        };
        for statement in statements(body) {
            let (head, body) = block(statement);
            let mut words = Words::new(source, head);
            if words.next() == Some("chain")
                && let Some(chain) = words.next()
            {
                let id = ChainId {
                    family,
                    table: table.to_owned(),
                    chain: chain.to_owned(),
                };
                self.body(source, id, body);
            }
        }
    }

    fn chain_block(&mut self, source: &SourceText, words: &mut Words<'_>, body: Option<&[Piece]>) {
        if let Some(id) = words.chain() {
            self.body(source, id, body);
        }
    }

    fn body(&mut self, source: &SourceText, id: ChainId, body: Option<&[Piece]>) {
        self.made.insert(id.clone());
        let chain = self.chains.entry(id).or_default();
        for statement in statements(body.unwrap_or_default()) {
            let line = line_of(source, statement);
            match Words::new(source, statement).next().unwrap_or_default() {
                "policy" => chain.policy = Some(line),
                "type" | "comment" | "flags" | "device" | "devices" | "define" | "redefine"
                | "undefine" => {}
                _ => chain.rules.push(line),
            }
        }
    }

    /// A rule by itself, `skip` words behind its statement's beginning.
    fn rule(&mut self, source: &SourceText, statement: &[Piece], skip: usize) {
        let mut words = Words::new(source, statement);
        for _ in 0..skip {
            words.next();
        }
        match words.chain() {
            Some(id) => {
                let line = line_of(source, statement);
                self.chains.entry(id).or_default().rules.push(line);
            }
            None => self.lost = true,
        }
    }
}

/// Objects that a script makes beside tables, chains and rules.
fn is_object(word: &str) -> bool {
    const OBJECTS: [&str; 11] = [
        "counter",
        "ct",
        "element",
        "flowtable",
        "limit",
        "map",
        "meter",
        "quota",
        "secmark",
        "set",
        "synproxy",
    ];
    OBJECTS.contains(&word)
}

/// Statements that leave the rules as they are.
fn is_silent(word: &str) -> bool {
    const SILENT: [&str; 9] = [
        "define", "describe", "export", "get", "list", "monitor", "redefine", "reset", "undefine",
    ];
    SILENT.contains(&word)
}

fn family_of(word: &str) -> Option<TableFamily> {
    let family = word.parse::<TableFamily>().ok()?;
    family.of_iptables().is_none().then_some(family)
}

fn line_of(source: &SourceText, statement: &[Piece]) -> SourceLine {
    let start = statement.first().map_or(0, |piece| piece.span.start);
    let end = statement.last().map_or(start, |piece| piece.span.end);
    source.source_line(start, end)
}

/// The words that a statement begins with.
struct Words<'a> {
    text: &'a str,
    pieces: std::iter::Peekable<std::slice::Iter<'a, Piece>>,
}

impl<'a> Words<'a> {
    fn new(source: &'a SourceText, pieces: &'a [Piece]) -> Words<'a> {
        Words {
            text: source.text(),
            pieces: pieces.iter().peekable(),
        }
    }

    fn next(&mut self) -> Option<&'a str> {
        let piece = self.pieces.next_if(|piece| piece.token == Token::Word)?;
        Some(&self.text[piece.span.clone()])
    }

    /// A name, and not `handle 5` in its place.
    fn name(&mut self) -> Option<&'a str> {
        self.next().filter(|name| *name != "handle")
    }

    /// A table, of family `ip` where none is said.
    fn table(&mut self) -> Option<(TableFamily, &'a str)> {
        let name = self.name()?;
        match family_of(name) {
            Some(family) => Some((family, self.name()?)),
            None => Some((TableFamily::Ip, name)),
        }
    }

    fn chain(&mut self) -> Option<ChainId> {
        let (family, table) = self.table()?;
        Some(ChainId {
            family,
            table: table.to_owned(),
            chain: self.name()?.to_owned(),
        })
    }
}
