//! Users that a script of nft names: numbers stand for them, in their place.

use super::token::{Piece, Token};
use crate::ruleset::mistake::Report;
use crate::ruleset::users::Users;

/// Writes numbers over the names of users behind `skuid`.
pub(super) fn put_numbers(text: &str, pieces: &[Piece], loaded: &mut [u8], report: &mut Report) {
    let mut users = Users::default();
    for (at, piece) in pieces.iter().enumerate() {
        if piece.token == Token::Word && &text[piece.span.clone()] == "skuid" {
            for value in values(text, &pieces[at + 1..]) {
                let span = value.span.clone();
                let name = text[span.clone()].trim_matches('"');
                let Some(found) = users.number(name, span.len(), text) else {
                    continue;
                };
                let number = format!("{:<width$}", found.number, width = span.len());
                loaded[span.clone()].copy_from_slice(number.as_bytes());
                if let Some(note) = found.note {
                    report.note(span.start, span.end, note);
                }
            }
        }
    }
}

/// What users are compared with: one, or those between braces.
fn values<'p>(text: &str, pieces: &'p [Piece]) -> Vec<&'p Piece> {
    let is_operator = |piece: &&Piece| {
        let word = &text[piece.span.clone()];
        matches!(word, "=" | "!" | "eq" | "ne" | "neq" | "vmap" | "map")
    };
    let pieces = &pieces[pieces.iter().take_while(is_operator).count()..];
    let is_value = |piece: &&Piece| matches!(piece.token, Token::Word | Token::Quoted);
    match pieces.split_first() {
        Some((first, _)) if is_value(&first) => vec![first],
        Some((first, rest)) if first.token == Token::Open => {
            let inside = rest.iter().take_while(|piece| piece.token != Token::Close);
            let mut begins = true;
            let elements = inside.filter(|piece| match piece.token {
                Token::End => false,
                Token::Sign if &text[piece.span.clone()] == "," => {
                    begins = true;
                    false
                }
                _ => std::mem::replace(&mut begins, false),
            });
            elements.filter(is_value).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::token::pieces;
    use super::*;
    use crate::ruleset::text::{Source, SourceText};

    fn numbered(text: &str) -> (String, usize) {
        let source = SourceText::decode(&Source::new("test", text));
        let mut report = Report::new(Arc::clone(&source));
        let mut loaded = text.as_bytes().to_vec();
        put_numbers(text, &pieces(text).pieces, &mut loaded, &mut report);
        let loaded = String::from_utf8(loaded).expect("digits and blanks");
        (loaded, report.finish().0.len())
    }

    #[test]
    fn numbers_stand_where_names_were() {
        for (text, expected, notes) in [
            (
                "meta skuid \"debian-tor\" accept",
                "meta skuid 64999        accept",
                1,
            ),
            ("skuid != redsocks accept", "skuid != 64999    accept", 1),
            (
                "skuid { root, tor, 1000 } drop",
                "skuid { 0   , 799, 1000 } drop",
                1,
            ),
            (
                "skuid vmap { tor : drop, bob : accept }",
                "skuid vmap { 799 : drop, 798 : accept }",
                2,
            ),
        ] {
            assert_eq!(numbered(text), (expected.to_owned(), notes));
        }
        for text in [
            "skuid 0 accept",
            "skuid ftp accept",
            "skuid $x accept",
            "skgid tor accept",
            "skuid 1000-2000 accept",
            "comment \"skuid tor\"",
            "skuid",
        ] {
            assert_eq!(numbered(text), (text.to_owned(), 0));
        }
    }
}
