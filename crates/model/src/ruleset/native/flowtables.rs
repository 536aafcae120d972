//! Flowtables, for kernels that have none: a script without them decides on new connections alike.

use std::collections::BTreeSet;
use std::ops::Range;

use super::token::{Piece, Token, block, statements};

/// What of a script is about flowtables.
#[derive(Debug, Default)]
pub(super) struct Flowtables {
    /// What to leave out: the tables, and what adds to them.
    pub(super) spans: Vec<Range<usize>>,
    /// The interfaces that they are for.
    pub(super) devices: BTreeSet<String>,
}

impl Flowtables {
    pub(super) fn of(text: &str, pieces: &[Piece]) -> Flowtables {
        let mut found = Flowtables::default();
        for statement in statements(pieces) {
            let words: Vec<&str> = statement
                .iter()
                .take(2)
                .map(|piece| &text[piece.span.clone()])
                .collect();
            match words[..] {
                // `add flowtable inet t f { … }`, and `delete` likewise.
                [_, "flowtable"] => {
                    found.devices(text, statement);
                    found.spans.extend(whole(statement));
                }
                ["add" | "insert" | "replace", "rule"] => {
                    let adds = adds(text, statement);
                    let ends = adds.last().map(|span| span.end);
                    // Without what adds, nothing may be left of the rule.
                    match ends == statement.last().map(|piece| piece.span.end) {
                        true => found.spans.extend(whole(statement)),
                        false => found.spans.extend(adds),
                    }
                }
                _ => found.in_table(text, statement),
            }
        }
        found
    }

    /// `table inet t { flowtable f { … } chain c { … flow add @f } }`
    fn in_table(&mut self, text: &str, statement: &[Piece]) {
        let (_, Some(inside)) = block(statement) else {
            return;
        };
        for (at, piece) in inside.iter().enumerate() {
            let begins = at == 0 || matches!(inside[at - 1].token, Token::End | Token::Close);
            if begins && &text[piece.span.clone()] == "flowtable" {
                let rest = &inside[at..];
                if let (head, Some(body)) = block(rest) {
                    let all = &rest[..(head.len() + body.len() + 2).min(rest.len())];
                    self.devices(text, all);
                    self.spans.extend(whole(all));
                }
            }
        }
        self.spans.extend(adds(text, inside));
    }

    /// `devices = { eth0, "eth1" }`
    fn devices(&mut self, text: &str, flowtable: &[Piece]) {
        let word = |piece: &Piece| &text[piece.span.clone()];
        let mut rest = flowtable
            .iter()
            .skip_while(|piece| !matches!(word(piece), "devices" | "device"));
        rest.next();
        let names = rest.take_while(|piece| !matches!(piece.token, Token::Close | Token::End));
        let names = names.filter(|piece| matches!(piece.token, Token::Word | Token::Quoted));
        self.devices
            .extend(names.map(|piece| word(piece).trim_matches('"').to_owned()));
    }
}

fn whole(pieces: &[Piece]) -> Option<Range<usize>> {
    Some(pieces.first()?.span.start..pieces.last()?.span.end)
}

/// `flow add @f`, `flow offload @f`
fn adds(text: &str, pieces: &[Piece]) -> Vec<Range<usize>> {
    let word = |piece: &Piece| &text[piece.span.clone()];
    let adds = pieces.windows(4).filter(|four| {
        let [flow, add, sign, _] = four else {
            return false;
        };
        word(flow) == "flow" && matches!(word(add), "add" | "offload") && word(sign) == "@"
    });
    adds.filter_map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::super::token::pieces;
    use super::*;

    fn without(text: &str) -> (String, Vec<String>) {
        let found = Flowtables::of(text, &pieces(text).pieces);
        let mut left = text.to_owned();
        for span in found.spans {
            let blanks = text[span.clone()].chars();
            let blanks: String = blanks.map(|c| if c == '\n' { c } else { ' ' }).collect();
            left.replace_range(span, &blanks);
        }
        let left: Vec<&str> = left.split_ascii_whitespace().collect();
        (left.join(" "), found.devices.into_iter().collect())
    }

    #[test]
    fn a_script_is_left_without_flowtables() {
        let text = "table inet t {\n flowtable f {\n hook ingress priority 0\n devices = { eth0, \"eth1\" }\n }\n \
                    chain c {\n type filter hook forward priority 0;\n ip protocol tcp flow add @f\n flow offload @f accept\n drop\n }\n}\n";
        let (left, devices) = without(text);
        assert_eq!(
            left,
            "table inet t { chain c { type filter hook forward priority 0; ip protocol tcp accept drop } }"
        );
        assert_eq!(devices, ["eth0", "eth1"]);
    }

    #[test]
    fn commands_are_left_without_flowtables() {
        let text = "add table inet t\nadd flowtable inet t f { hook ingress priority 0; devices = { eth0 }; }\n\
                    add rule inet t c flow add @f\nadd rule inet t c flow add @f accept\nadd rule inet t c accept\n";
        let (left, devices) = without(text);
        assert_eq!(
            left,
            "add table inet t add rule inet t c accept add rule inet t c accept"
        );
        assert_eq!(devices, ["eth0"]);
        assert!(without("add rule inet t c meta flow accept").1.is_empty());
    }
}
