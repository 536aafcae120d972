use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::calls::{is_called, without_calls};
use super::echo::Echo;
use super::flowtables::Flowtables;
use super::token::{Piece, Token, pieces, statements};
use super::written::Written;
use super::{LAB_TABLE, NativeListing, of_iptables, unprinted, users};
use crate::ruleset::around;
use crate::ruleset::correspond::{Correspondence, Difference, DifferenceKind};
use crate::ruleset::mistake::{MistakeBuilder, MistakeKind, Mistakes, Note, Report};
use crate::ruleset::parse::too_long;
use crate::ruleset::script::{Prints, needs_shell};
use crate::ruleset::template;
use crate::ruleset::text::{Source, SourceLine, SourceText};
use fwlab_record::{ChainId, Family};

/// A script of nft, ready to be loaded.
#[derive(Debug)]
pub struct NativeScript {
    source: Arc<SourceText>,
    pieces: Vec<Piece>,
    loaded: String,
    notes: Vec<Note>,
}

impl NativeScript {
    /// Reads a script. Nearly all of it is left to nft, which knows its language better; refused is what would
    /// reach beyond the node that it is loaded into.
    ///
    /// # Errors
    /// Every mistake at once: `include` reads files of this machine, `monitor` never ends, and [`LAB_TABLE`] is the lab's.
    pub fn read(source: &Source) -> Result<NativeScript, Mistakes> {
        let text = SourceText::decode(source);
        let mut report = Report::new(Arc::clone(&text));
        too_long(source, &mut report);
        signs(&text, &mut report);
        // nft (1.0.6) does not survive all that a template may look like.
        if template::tell(text.text(), "nft list ruleset", &mut report) {
            return Err(report.finish().1.expect("it was told"));
        }
        if is_called(&text)
            && let Some(mistake) = needs_shell(&text, Prints::Nft)
        {
            report.push(|| mistake);
            return Err(report.finish().1.expect("it was told"));
        }
        let pasted = without_calls(&text, &mut report);
        let found = pieces(&pasted);
        unprinted::tell(&pasted, &found, &mut report);
        for piece in found
            .pieces
            .iter()
            .filter(|piece| piece.token == Token::Word)
        {
            refuse(&text, piece, &mut report);
        }
        for statement in statements(&found.pieces) {
            let span = statement[0].span.clone();
            if &pasted[span.clone()] == "monitor" {
                report.push(|| {
                    MistakeBuilder::new(MistakeKind::Command, span, "`monitor` never ends")
                        .label("only watches")
                        .help("remove it: it changes no rule")
                });
            }
        }
        let mut loaded = pasted.clone().into_bytes();
        users::put_numbers(&pasted, &found.pieces, &mut loaded, &mut report);
        let notes = match report.finish() {
            (notes, None) => notes,
            (_, Some(mistakes)) => return Err(mistakes),
        };
        // nft is not to find another end of a comment than was found here; and nothing moves from its place.
        for comment in found.comments {
            // Of a line that is all comment, nft takes the end for a part of it: it has to see one, and where it ends.
            let comment = match loaded[comment.clone()].last() {
                Some(b'\n') => comment.start + 1..comment.end - 1,
                _ => comment,
            };
            loaded[comment].fill(b' ');
        }
        for byte in loaded.iter_mut().filter(|byte| **byte == b'\r') {
            *byte = b' ';
        }
        if loaded.last().is_some_and(|last| *last != b'\n') {
            loaded.push(b'\n');
        }
        Ok(NativeScript {
            loaded: String::from_utf8_lossy(&loaded).into_owned(),
            pieces: found.pieces,
            source: text,
            notes,
        })
    }

    /// What `nft -f -` is given: the script without what its comments say, everything in its place.
    pub fn text(&self) -> &str {
        &self.loaded
    }

    /// The same script without its flowtables and what adds to them, for a kernel that has none; nothing where it has no
    /// flowtable, or one for an interface that is not there: then nft's refusal may be about that.
    pub fn without_flowtables(&self, is_there: impl Fn(&str) -> bool) -> Option<NativeScript> {
        const WHY: &str = "left out, with all that adds to it: the kernel of this machine has no flowtables. A \
                           flowtable only speeds up packets of established connections and decides nothing new";
        let Flowtables { spans, devices } = Flowtables::of(&self.loaded, &self.pieces);
        if spans.is_empty() || !devices.iter().all(|device| is_there(device)) {
            return None;
        }
        let tables = spans
            .iter()
            .filter(|span| self.loaded[(*span).clone()].contains("flowtable"));
        let notes = tables.map(|span| Note {
            line: self.source.source_line(span.start, span.end),
            message: WHY.to_owned(),
        });
        Some(self.blanked(&spans, notes.collect()))
    }

    /// The same script without these parts of its text, everything else in its place; and what is said of that.
    pub(super) fn blanked(&self, spans: &[Range<usize>], more: Vec<Note>) -> NativeScript {
        let mut loaded = self.loaded.clone().into_bytes();
        for byte in spans.iter().flat_map(|span| span.clone()) {
            if loaded[byte] != b'\n' {
                loaded[byte] = b' ';
            }
        }
        let loaded = String::from_utf8(loaded).expect("whole words were blanked");
        let mut notes = self.notes.clone();
        notes.extend(more);
        NativeScript {
            source: Arc::clone(&self.source),
            pieces: pieces(&loaded).pieces,
            loaded,
            notes,
        }
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The text that offsets count in.
    pub fn source(&self) -> &Arc<SourceText> {
        &self.source
    }

    /// What makes the chains that iptables-nft would have made, where rules are added to them and the script does not make
    /// them: it is to be loaded first.
    pub fn beforehand(&self) -> Option<String> {
        of_iptables::made(Written::of(&self.source, &self.pieces).not_made())
    }

    /// What was read with leniency.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The interfaces that rules and chains name; `eth*` for all that begin so.
    pub fn interfaces_used(&self) -> BTreeSet<String> {
        const BEFORE: [&str; 7] = [
            "device", "devices", "iif", "iifname", "oif", "oifname", "sdifname",
        ];
        let text = self.source.text();
        let mut used = BTreeSet::new();
        let mut variables = BTreeMap::new();
        let mut skipped = 0;
        for (at, piece) in self.pieces.iter().enumerate() {
            let rest = &self.pieces[at + 1..];
            match &text[piece.span.clone()] {
                _ if at < skipped => {}
                // `fib saddr . iif oif missing`: what it looks up, and what it asks of it.
                "fib" => skipped = at + 1 + fib(text, rest),
                "define" | "redefine" => {
                    if let [name, _, value @ ..] = rest {
                        variables.insert(&text[name.span.clone()], value);
                    }
                }
                word if piece.token == Token::Word && BEFORE.contains(&word) => {
                    let sign = |piece: &&Piece| matches!(&text[piece.span.clone()], "=" | "!");
                    let signs = rest.iter().take_while(sign).count();
                    names(text, &rest[signs..], &mut variables, &mut used);
                }
                _ => {}
            }
        }
        used
    }

    /// The families that its tables are of, `inet` being of both; none where it has tables of bridges and the like alone.
    pub fn families(&self) -> Vec<Family> {
        let text = self.source.text();
        let mut words = self
            .pieces
            .iter()
            .map(|piece| &text[piece.span.clone()])
            .peekable();
        let mut families = BTreeSet::new();
        while let Some(word) = words.next() {
            if word != "table" {
                continue;
            }
            match words.peek().copied() {
                Some("ip6") => families.extend([Family::Ipv6]),
                Some("inet") => families.extend([Family::Ipv4, Family::Ipv6]),
                Some("arp" | "bridge" | "netdev") | None => {}
                // `ip`, which stands for itself where no family does.
                Some(_) => families.extend([Family::Ipv4]),
            }
        }
        families.into_iter().collect()
    }

    /// The line that each listed rule and policy came from: nft says which handle each rule of the script got, in the
    /// script's order. Of a chain for which it says another number of rules than are read here, no line is known.
    ///
    /// # Errors
    /// Every rule that was added and is not listed, unless the script takes rules away.
    pub fn correspond(
        &self,
        listing: &NativeListing,
        echo: &Echo,
    ) -> Result<Correspondence, Vec<Difference>> {
        let written = Written::of(&self.source, &self.pieces);
        let mut lines = Correspondence::default();
        let mut differences = Vec::new();
        let mut of_handle: BTreeMap<(&ChainId, u64), SourceLine> = BTreeMap::new();
        for (id, chain) in written.chains() {
            let handles = echo.handles(id);
            if handles.len() == chain.rules.len() {
                let pairs = handles.iter().zip(&chain.rules);
                of_handle.extend(pairs.map(|(handle, line)| ((id, *handle), *line)));
            }
        }
        let mut policies: BTreeMap<&ChainId, SourceLine> = BTreeMap::new();
        for (id, chain) in written.chains() {
            policies.extend(chain.policy.map(|line| (id, line)));
            if !written.removes && listing.chain(id).is_none() {
                differences.push(Difference {
                    line: chain.policy.or(chain.rules.first().copied()),
                    kind: DifferenceKind::NoChain(id.clone()),
                });
            }
        }
        for (id, chain) in listing.chains() {
            let line = |handle| of_handle.get(&(id, handle)).copied();
            let rules = chain.rules().iter().map(|rule| line(rule.handle()));
            lines.insert(id.clone(), policies.get(id).copied(), rules.collect());
        }
        let listed: BTreeSet<(&ChainId, u64)> = listing
            .chains()
            .flat_map(|(id, chain)| chain.rules().iter().map(move |rule| (id, rule.handle())))
            .collect();
        // A chain of which the script writes nothing is one without a name: not listed by itself.
        let is_written = |id: &ChainId| written.chains().any(|(chain, _)| chain == id);
        for (id, handle) in echo.all().filter(|_| !written.removes) {
            if !listed.contains(&(id, handle)) && is_written(id) {
                differences.push(Difference {
                    line: of_handle.get(&(id, handle)).copied(),
                    kind: DifferenceKind::NotThere(format!("a rule of {id}")),
                });
            }
        }
        if differences.is_empty() {
            Ok(lines)
        } else {
            Err(differences)
        }
    }
}

fn refuse(text: &SourceText, piece: &Piece, report: &mut Report) {
    match &text.text()[piece.span.clone()] {
        "include" => report.push(|| {
            MistakeBuilder::new(
                MistakeKind::Include,
                piece.span.clone(),
                "`include` would read a file of this machine",
            )
            .label("not in a lab")
            .help("put what it includes here; or, with `fwlab check`, --include FOLDER reads it from there")
        }),
        LAB_TABLE => report.push(|| {
            MistakeBuilder::new(
                MistakeKind::LabTable,
                piece.span.clone(),
                format!("`{LAB_TABLE}` is the lab's own table"),
            )
            .label("a script may not name it")
        }),
        _ => {}
    }
}

fn signs(text: &SourceText, report: &mut Report) {
    around::tell(report);
    let signs = text.signs();
    if signs.byte_order_mark {
        report.note(
            0,
            0,
            "starts with a byte order mark: left out; nft itself refuses it",
        );
    }
    if signs.crlf {
        report.note(
            0,
            0,
            "lines end as on Windows (CR LF): taken as line ends; nft itself refuses them",
        );
    }
}

/// The names that a value consists of: one, those between braces, those of a variable. What a variable holds is taken
/// where it is first used: from then on it is known.
fn names<'t>(
    text: &'t str,
    value: &[Piece],
    variables: &mut BTreeMap<&'t str, &[Piece]>,
    used: &mut BTreeSet<String>,
) {
    let word = |piece: &Piece| &text[piece.span.clone()];
    let maps = |piece: &&Piece| piece.token == Token::Word && matches!(word(piece), "map" | "vmap");
    let value = &value[value.iter().take_while(maps).count()..];
    let Some((first, rest)) = value.split_first() else {
        return;
    };
    match first.token {
        Token::Word | Token::Quoted => used.extend(name(text, first, rest)),
        Token::Open => elements(text, rest, used),
        Token::Sign if word(first) == "$" => {
            let variable = rest.first().map(word);
            let Some((first, rest)) = variable
                .and_then(|name| variables.remove(name))
                .and_then(<[_]>::split_first)
            else {
                return;
            };
            // A variable in a variable is not looked into: they may go in a circle.
            match first.token {
                Token::Word | Token::Quoted => used.extend(name(text, first, rest)),
                Token::Open => elements(text, rest, used),
                _ => {}
            }
        }
        _ => {}
    }
}

/// The names of a set, whose opening brace was read. A set has none within it.
fn elements(text: &str, pieces: &[Piece], used: &mut BTreeSet<String>) {
    let mut expected = true;
    for (at, piece) in pieces.iter().enumerate() {
        match (piece.token, &text[piece.span.clone()]) {
            (Token::Open | Token::Close, _) => return,
            (Token::End, _) => {}
            (_, ",") => expected = true,
            (Token::Word | Token::Quoted, _) if std::mem::take(&mut expected) => {
                used.extend(name(text, piece, &pieces[at + 1..]));
            }
            _ => expected = false,
        }
    }
}

/// How many pieces of an expression `fib` name no interface: its keys, and its result with what that is compared to,
/// where that is no name.
fn fib(text: &str, rest: &[Piece]) -> usize {
    let word = |at: usize| rest.get(at).map(|piece| &text[piece.span.clone()]);
    let mut result = 1;
    while word(result) == Some(".") {
        result += 2;
    }
    match word(result) {
        Some("oif") if matches!(word(result + 1), Some("missing" | "exists")) => result + 2,
        Some("oif" | "oifname") => result,
        _ => result + 1,
    }
}

/// An interface's name, with what stands behind it. What is concatenated, `iifname . ip saddr`, has its names in a set.
fn name(text: &str, piece: &Piece, rest: &[Piece]) -> Option<String> {
    let wild = rest
        .first()
        .is_some_and(|next| next.span.start == piece.span.end && &text[next.span.clone()] == "*");
    let name = text[piece.span.clone()].trim_matches('"');
    (name != ".").then(|| format!("{name}{}", if wild { "*" } else { "" }))
}
