//! Helpers of other protocols, for kernels that have none of that name: FTP is tracked the same without them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::NativeScript;
use super::complaint::Complaint;
use super::token::{Piece, Token, block, statements};
use crate::ruleset::helpers;
use crate::ruleset::mistake::Note;

/// A table, by its family and name.
type Table<'t> = (&'t str, &'t str);

/// A helper object, `ct helper NAME { type "sip" protocol udp; }`.
struct Object<'t> {
    span: Range<usize>,
    helper: &'t str,
    protocol: &'t str,
}

/// What a script says of helpers.
#[derive(Default)]
struct Helpers<'t> {
    objects: BTreeMap<(Table<'t>, &'t str), Object<'t>>,
    rules: Vec<(Table<'t>, &'t [Piece])>,
}

impl NativeScript {
    /// The same script without the helpers of other protocols that nft refused, and without what assigns them; nothing where none
    /// was refused, or where one may be assigned to FTP's own connections.
    pub fn without_other_helpers(&self, complaints: &[Complaint]) -> Option<NativeScript> {
        let text = self.text();
        let found = Helpers::of(text, self.pieces());
        let is_refused = |object: &Object<'_>| {
            helpers::is_of_another(object.helper, object.protocol)
                && complaints
                    .iter()
                    .filter(|complaint| complaint.words.contains("No such file or directory"))
                    .filter_map(|complaint| complaint.line)
                    .any(|line| object.span.contains(&line.start))
        };
        // `add rule t c index 2 …`
        let counts = (self.pieces().iter()).any(|piece| &text[piece.span.clone()] == "index");
        let mut spans = Vec::new();
        let mut notes = Vec::new();
        for (&(table, name), object) in &found.objects {
            if !is_refused(object) {
                continue;
            }
            for (_, rule) in found.rules.iter().filter(|(of, _)| *of == table) {
                let named = (name, object.protocol);
                spans.extend(without(text, rule, named, counts)?);
            }
            spans.push(object.span.clone());
            notes.push(Note {
                line: (self.source()).source_line(object.span.start, object.span.end),
                message: format!(
                    "{}, nor does any rule assign it",
                    helpers::left_out(object.helper)
                ),
            });
        }
        (!spans.is_empty()).then(|| self.blanked(&spans, notes))
    }

    /// The helper objects: where each stands, and its type.
    pub(super) fn helper_types(&self) -> Vec<(Range<usize>, &str)> {
        let found = Helpers::of(self.text(), self.pieces());
        let objects = found.objects.into_values();
        objects.map(|object| (object.span, object.helper)).collect()
    }
}

impl<'t> Helpers<'t> {
    fn of(text: &'t str, pieces: &'t [Piece]) -> Helpers<'t> {
        let mut found = Helpers::default();
        for statement in statements(pieces) {
            let (head, body) = block(statement);
            let words: Vec<&str> = head.iter().map(|piece| &text[piece.span.clone()]).collect();
            let words = match words[..] {
                ["add" | "create" | "insert" | "replace", ref rest @ ..] => rest,
                ref all => all,
            };
            match words {
                ["table", rest @ ..] => {
                    if let (Some((table, _)), Some(body)) = (table(rest), body) {
                        found.in_table(text, table, body);
                    }
                }
                ["ct", "helper", rest @ ..] => {
                    if let (Some((table, [name])), Some(body)) = (table(rest), body) {
                        found.object(text, (table, name), statement, body);
                    }
                }
                ["rule", rest @ ..] => {
                    if let Some((table, _)) = table(rest) {
                        found.rules.push((table, statement));
                    }
                }
                _ => {}
            }
        }
        found
    }

    fn in_table(&mut self, text: &'t str, table: Table<'t>, inside: &'t [Piece]) {
        for statement in statements(inside) {
            let (head, body) = block(statement);
            let Some(body) = body else { continue };
            let words: Vec<&str> = head.iter().map(|piece| &text[piece.span.clone()]).collect();
            match words[..] {
                ["ct", "helper", name] => self.object(text, (table, name), statement, body),
                ["chain", _] => {
                    let rules = statements(body).map(|rule| (table, rule));
                    self.rules.extend(rules);
                }
                _ => {}
            }
        }
    }

    /// `type "sip" protocol udp; l3proto ip`
    fn object(
        &mut self,
        text: &'t str,
        named: (Table<'t>, &'t str),
        statement: &'t [Piece],
        body: &'t [Piece],
    ) {
        let word = |piece: &Piece| text[piece.span.clone()].trim_matches('"');
        let behind = |keyword: &str| {
            let mut pairs = body.windows(2);
            let pair = pairs.find(|pair| word(&pair[0]) == keyword)?;
            Some(word(&pair[1]))
        };
        let (Some(helper), Some(protocol), Some(span)) =
            (behind("type"), behind("protocol"), whole(statement))
        else {
            return;
        };
        let object = Object {
            span,
            helper,
            protocol,
        };
        self.objects.insert(named, object);
    }
}

/// A table's family and name, and the words behind it.
fn table<'w, 't>(words: &'w [&'t str]) -> Option<(Table<'t>, &'w [&'t str])> {
    const FAMILIES: [&str; 6] = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];
    match words {
        [family, name, rest @ ..] if FAMILIES.contains(family) => Some(((family, name), rest)),
        [name, rest @ ..] => Some((("ip", name), rest)),
        [] => None,
    }
}

fn whole(pieces: &[Piece]) -> Option<Range<usize>> {
    Some(pieces.first()?.span.start..pieces.last()?.span.end)
}

/// What of a rule to leave out where it assigns an object; nothing where it may assign it to FTP's connections, or assigns it
/// in a way that is not known here.
fn without(
    text: &str,
    rule: &[Piece],
    (name, protocol): (&str, &str),
    counts: bool,
) -> Option<Vec<Range<usize>>> {
    let word = |piece: &Piece| text[piece.span.clone()].trim_matches('"');
    let named: Vec<usize> = (0..rule.len())
        .filter(|at| word(&rule[*at]) == name && is_assigned(text, &rule[..*at]))
        .collect();
    if named.is_empty() {
        return Some(Vec::new());
    }
    let mut spans = Vec::new();
    for at in named {
        let set = at.checked_sub(3).map(|set| &rule[set..=at]);
        let is_direct = set.is_some_and(|set| {
            ["ct", "helper", "set"] == [word(&set[0]), word(&set[1]), word(&set[2])]
        });
        let (span, spares) = match (is_direct, set) {
            (true, Some(set)) => (whole(set)?, asks_for_other_ports(text, &rule[..at])),
            _ => {
                let element = element(rule, at, text)?;
                let of_element = rule[..at].iter();
                let key = of_element.filter(|piece| element.contains(&piece.span.start));
                let spares = is_of_other_ports(key.map(word));
                (element, spares)
            }
        };
        if protocol == "tcp" && !spares {
            return None;
        }
        // `add rule ip t c ct helper set "sip"`: nothing may be left of it.
        let is_command = ["add", "insert", "replace", "rule"].contains(&word(&rule[0]));
        let is_last = rule.last().is_some_and(|last| last.span.end == span.end);
        match is_command && is_last && is_direct {
            // Another rule would have its place then.
            true if counts => return None,
            true => spans.push(whole(rule)?),
            false => spans.push(span),
        }
    }
    Some(spans)
}

/// Whether what stands before a name assigns it: `ct helper set NAME`, or `ct helper set … map { 5060 : NAME`.
fn is_assigned(text: &str, before: &[Piece]) -> bool {
    let word = |piece: &Piece| &text[piece.span.clone()];
    let assigns = before.windows(3).any(|three| {
        ["ct", "helper", "set"] == [word(&three[0]), word(&three[1]), word(&three[2])]
    });
    let last = before.last().map(word);
    assigns && matches!(last, Some("set" | ":"))
}

/// `5060 : "sip"` of a map with others, with a comma.
fn element(rule: &[Piece], at: usize, text: &str) -> Option<Range<usize>> {
    let is = |piece: &Piece, sign: &str| &text[piece.span.clone()] == sign;
    let before =
        (rule[..at].iter()).rposition(|piece| piece.token == Token::Open || is(piece, ","))?;
    let begins = rule[before + 1..at]
        .iter()
        .find(|piece| piece.token != Token::End)?;
    let mut behind = rule[at + 1..].iter();
    let next = behind.find(|piece| piece.token != Token::End)?;
    if is(next, ",") {
        return Some(begins.span.start..next.span.end);
    }
    // The last: with the comma before it.
    is(&rule[before], ",").then(|| rule[before].span.start..rule[at].span.end)
}

/// Whether the beginning of a rule asks for ports, of which none is that of FTP's control connection.
fn asks_for_other_ports(text: &str, begin: &[Piece]) -> bool {
    let word = |piece: &Piece| text[piece.span.clone()].trim_matches('"');
    let asks = begin.iter().position(|piece| word(piece) == "dport");
    let Some(asks) = asks else { return false };
    let rest = &begin[asks + 1..];
    match rest {
        [first, ..] if first.token == Token::Open => {
            let (_, inside) = block(rest);
            is_of_other_ports(inside.unwrap_or_default().iter().map(word))
        }
        [first, ..] if matches!(first.token, Token::Word | Token::Quoted) => {
            helpers::spares_control(word(first))
        }
        // `!= 80`, `@ports`, `$ports`
        _ => false,
    }
}

/// Whether words name ports, of which none is that of FTP's control connection.
fn is_of_other_ports<'t>(words: impl Iterator<Item = &'t str>) -> bool {
    let is_word = |word: &&str| word.starts_with(|first: char| first.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(is_word).collect();
    let is_port = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
    words.iter().any(is_port) && words.into_iter().all(helpers::spares_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruleset::Source;

    /// The script without what nft refused in the line that has this word.
    fn left(text: &str, refused: &str) -> Option<(String, Vec<String>)> {
        let script = NativeScript::read(&Source::new("r.nft", text)).expect("its form is right");
        let line = text
            .lines()
            .position(|line| line.contains(refused))
            .expect("it is there");
        let column = text
            .lines()
            .nth(line)
            .and_then(|line| line.find(refused))
            .expect("it is there");
        let said = format!(
            "/dev/stdin:{}:{}-{}: Error: Could not process rule: No such file or directory\n",
            line + 1,
            column + 1,
            column + 2
        );
        let without = script.without_other_helpers(&script.complaints(&said))?;
        let words: Vec<&str> = without.text().split_ascii_whitespace().collect();
        let notes = without.notes().iter().map(ToString::to_string);
        Some((words.join(" "), notes.collect()))
    }

    #[test]
    fn a_script_is_left_without_helpers_of_other_protocols() {
        let text = "table inet t {\n ct helper f { type \"ftp\" protocol tcp; }\n ct helper s {\n  type \"sip\" protocol udp;\n }\n \
                    ct helper r { type \"rtsp\" protocol tcp; }\n chain c {\n  type filter hook prerouting priority 0;\n  \
                    udp dport 5060 ct helper set \"s\" accept\n  tcp dport { 554, 8554 } ct helper set \"r\"\n  \
                    tcp dport 21 ct helper set \"f\"\n }\n}\n";
        let (words, notes) = left(text, "s {").expect("it is left out");
        assert_eq!(
            words,
            "table inet t { ct helper f { type \"ftp\" protocol tcp; } ct helper r { type \"rtsp\" protocol tcp; } chain c { type \
             filter hook prerouting priority 0; udp dport 5060 accept tcp dport { 554, 8554 } ct helper set \"r\" tcp dport 21 ct \
             helper set \"f\" } }"
        );
        assert_eq!(
            notes,
            [
                "line 3: left out: the kernel of this machine has no helper `sip`. It is another protocol's, and no packet of FTP \
                 comes to it, nor does any rule assign it"
            ]
        );
        let (words, _) = left(text, "r {").expect("it is left out");
        assert!(
            words.contains("tcp dport { 554, 8554 } tcp dport 21 ct helper set \"f\""),
            "{words}"
        );
        // A helper that FTP needs is not.
        assert_eq!(left(text, "f {"), None);
    }

    #[test]
    fn commands_are_left_without_helpers_of_other_protocols() {
        let text = "add table t\nadd ct helper ip t s { type \"sip\" protocol udp; }\nadd ct helper inet t s { type \"sip\" protocol \
                    udp; }\nadd rule t c udp dport 5060 ct helper set \"s\"\nadd rule ip t c ct helper set udp dport map { 5060 : \
                    \"s\", 5061 : \"t\" }\nadd rule inet t c ct helper set \"s\"\n";
        let (words, _) = left(text, "ip t s").expect("it is left out");
        assert_eq!(
            words,
            "add table t add ct helper inet t s { type \"sip\" protocol udp; } add rule ip t c ct helper set udp dport map { 5061 : \
             \"t\" } add rule inet t c ct helper set \"s\""
        );
    }

    #[test]
    fn what_may_be_ftp_s_own_is_not_left_out() {
        let script = |object: &str, rule: &str| {
            format!(
                "table ip t {{\n ct helper x {{ type {object}; }}\n chain c {{\n {rule}\n }}\n}}\n"
            )
        };
        for (object, rule) in [
            ("\"fpt\" protocol tcp", "tcp dport 2121 ct helper set \"x\""),
            (
                "\"tftp\" protocol tcp",
                "tcp dport 2121 ct helper set \"x\"",
            ),
            ("\"sip\" protocol tcp", "ct helper set \"x\""),
            (
                "\"sip\" protocol tcp",
                "tcp dport != 22 ct helper set \"x\"",
            ),
            (
                "\"sip\" protocol tcp",
                "tcp dport @ports ct helper set \"x\"",
            ),
            (
                "\"sip\" protocol tcp",
                "tcp sport 1024-65535 ct helper set \"x\"",
            ),
            (
                "\"sip\" protocol tcp",
                "tcp dport { 5060, 21 } ct helper set \"x\"",
            ),
            (
                "\"sip\" protocol tcp",
                "tcp dport 1-1024 ct helper set \"x\"",
            ),
            (
                "\"sip\" protocol tcp",
                "ct helper set tcp dport map { 22 : \"y\", 21 : \"x\" }",
            ),
            (
                "\"sip\" protocol tcp",
                "ct helper set tcp dport map { 5060 : \"x\" }",
            ),
        ] {
            assert_eq!(left(&script(object, rule), "x {"), None, "{object} {rule}");
        }
        for (object, rule) in [
            ("\"sip\" protocol udp", "ct helper set \"x\""),
            ("\"rtsp\" protocol tcp", "tcp dport 554 ct helper set x"),
            (
                "\"sip\" protocol tcp",
                "meta l4proto tcp th dport 5060-5061 ct helper set \"x\"",
            ),
            (
                "\"sip\" protocol tcp",
                "ct helper set tcp dport map { 21 : \"y\", 5060 : \"x\" }",
            ),
            ("\"sip\" protocol tcp", "tcp dport 21 accept"),
        ] {
            assert!(
                left(&script(object, rule), "x {").is_some(),
                "{object} {rule}"
            );
        }
    }
    #[test]
    fn a_helper_that_is_not_there_is_told_as_that() {
        let meaning = |helper: &str| {
            let text =
                format!("table ip t {{\n ct helper x {{ type \"{helper}\" protocol tcp; }}\n}}\n");
            let script =
                NativeScript::read(&Source::new("r.nft", text)).expect("its form is right");
            let said =
                "/dev/stdin:2:12-12: Error: Could not process rule: No such file or directory\n";
            script.complaints(said)[0].meaning.expect("it has one")
        };
        assert!(meaning("ftp").contains("modprobe -a nf_conntrack_ftp"));
        assert!(meaning("fpt").contains("type \"ftp\" protocol tcp"));
    }
}
