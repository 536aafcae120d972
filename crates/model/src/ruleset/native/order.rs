use std::collections::BTreeMap;

use super::token::{Piece, Token, block, statements};
use crate::ruleset::text::{SourceLine, SourceText};
use fwlab_record::{ChainId, TableFamily};

/// Where the rules of each chain are written, in the order in which they stand in the chain when the script is loaded.
#[derive(Debug, Default)]
pub(super) struct Order {
    chains: BTreeMap<ChainId, Chain>,
    /// A command took away what cannot be told here.
    lost: bool,
}

/// A chain as the script makes it.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// Its rules; nothing when a command did with them what cannot be told here.
    pub(super) rules: Option<Vec<Written>>,
    /// The statement that sets its policy, the last one.
    pub(super) policy: Option<SourceLine>,
}

/// A rule as it is written.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) line: SourceLine,
    pub(super) verdicts: Verdicts,
}

/// The words of a rule by which packets go, stay or end: in writing as in the listing, save that sets are
/// sorted there and variables replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdicts {
    words: Vec<String>,
    variables: bool,
}

const VERDICTS: [&str; 14] = [
    "accept",
    "continue",
    "dnat",
    "drop",
    "goto",
    "jump",
    "masquerade",
    "notrack",
    "queue",
    "redirect",
    "reject",
    "return",
    "snat",
    "vmap",
];

impl Verdicts {
    pub(super) fn of(text: &str, pieces: &[Piece]) -> Verdicts {
        let mut words: Vec<String> = pieces
            .iter()
            .filter(|piece| piece.token == Token::Word)
            .map(|piece| &text[piece.span.clone()])
            .filter(|word| VERDICTS.contains(word))
            .map(str::to_owned)
            .collect();
        words.sort();
        let variables = pieces.iter().any(|piece| &text[piece.span.clone()] == "$");
        Verdicts { words, variables }
    }

    /// Whether these, as written, can be those, as listed.
    pub(super) fn can_be(&self, listed: &Verdicts) -> bool {
        if self.variables {
            let count =
                |words: &[String], word: &String| words.iter().filter(|one| *one == word).count();
            self.words
                .iter()
                .all(|word| count(&self.words, word) <= count(&listed.words, word))
        } else {
            self.words == listed.words
        }
    }
}

impl Order {
    /// Reads a script's structure. What is no statement of nft is passed over: nft will say so.
    pub(super) fn of(source: &SourceText, pieces: &[Piece]) -> Order {
        let mut order = Order::default();
        for statement in statements(pieces) {
            order.take(source, statement);
        }
        order
    }

    /// The chains that there are in the end; none where that cannot be told.
    pub(super) fn chains(&self) -> impl Iterator<Item = (&ChainId, &Chain)> {
        self.chains.iter().filter(|_| !self.lost)
    }

    fn take(&mut self, source: &SourceText, statement: &[Piece]) {
        let (head, body) = block(statement);
        let mut words = Words::new(source, head);
        match words.next().unwrap_or_default() {
            "table" => self.table(source, &mut words, body),
            "chain" => self.chain_block(source, &mut words, body),
            "rule" => self.rule(source, statement, 1, false),
            "add" | "create" => match words.next().unwrap_or_default() {
                "table" => self.table(source, &mut words, body),
                "chain" => self.chain_block(source, &mut words, body),
                "rule" => self.rule(source, statement, 2, false),
                word if is_object(word) => {}
                _ => self.rule(source, statement, 1, false),
            },
            "insert" => self.rule(source, statement, 2, true),
            "replace" => {
                words.next();
                self.lose(words.chain());
            }
            "delete" | "destroy" => match words.next().unwrap_or_default() {
                "table" => match words.table() {
                    Some((family, table)) => self
                        .chains
                        .retain(|id, _| (id.family, id.table.as_str()) != (family, table)),
                    None => self.lost = true,
                },
                "chain" => match words.chain() {
                    Some(chain) => drop(self.chains.remove(&chain)),
                    None => self.lost = true,
                },
                "rule" => self.lose(words.chain()),
                _ => {}
            },
            "flush" => match words.next().unwrap_or_default() {
                "ruleset" => match words.next().map(family_of) {
                    None => self.chains.clear(),
                    Some(Some(family)) => self.chains.retain(|id, _| id.family != family),
                    Some(None) => self.lost = true,
                },
                "table" => match words.table() {
                    Some((family, table)) => {
                        let of_table =
                            |id: &ChainId| (id.family, id.table.as_str()) == (family, table);
                        let emptied = self.chains.iter_mut().filter(|(id, _)| of_table(id));
                        emptied.for_each(|(_, chain)| chain.rules = Some(Vec::new()));
                    }
                    None => self.lost = true,
                },
                "chain" => match words.chain() {
                    Some(chain) => self.entry(chain).rules = Some(Vec::new()),
                    None => self.lost = true,
                },
                _ => {}
            },
            "rename" => self.lost = true,
            word if is_object(word) || is_silent(word) => {}
            // `ip filter input drop` is a rule, too.
            _ => self.rule(source, statement, 0, false),
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
        let chain = self.entry(id);
        for statement in statements(body.unwrap_or_default()) {
            let line = line_of(source, statement);
            match Words::new(source, statement).next().unwrap_or_default() {
                "policy" => chain.policy = Some(line),
                "type" | "comment" | "flags" | "device" | "devices" | "define" | "redefine"
                | "undefine" => {}
                _ => {
                    let verdicts = Verdicts::of(source.text(), statement);
                    if let Some(rules) = &mut chain.rules {
                        rules.push(Written { line, verdicts });
                    }
                }
            }
        }
    }

    /// A rule by itself, `skip` words behind its statement's beginning.
    fn rule(&mut self, source: &SourceText, statement: &[Piece], skip: usize, first: bool) {
        let mut words = Words::new(source, statement);
        for _ in 0..skip {
            words.next();
        }
        let Some(id) = words.chain() else {
            self.lost = true;
            return;
        };
        let placed = matches!(words.next(), Some("handle" | "index" | "position"));
        let written = Written {
            line: line_of(source, statement),
            verdicts: Verdicts::of(source.text(), statement),
        };
        let rules = &mut self.entry(id).rules;
        match rules {
            _ if placed => *rules = None,
            Some(rules) if first => rules.insert(0, written),
            Some(rules) => rules.push(written),
            None => {}
        }
    }

    /// What becomes of a chain's rules cannot be told.
    fn lose(&mut self, chain: Option<ChainId>) {
        match chain {
            Some(chain) => self.entry(chain).rules = None,
            None => self.lost = true,
        }
    }

    fn entry(&mut self, id: ChainId) -> &mut Chain {
        self.chains.entry(id).or_insert_with(|| Chain {
            rules: Some(Vec::new()),
            policy: None,
        })
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
