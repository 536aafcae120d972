use std::ops::Range;

/// The smallest parts of a script, as nft's scanner takes them apart (`src/scanner.l`), as far as its structure goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword, name, number or address, or a part of one.
    Word,
    /// A text between quotation marks.
    Quoted,
    /// `{`
    Open,
    /// `}`
    Close,
    /// A line's end, or `;`.
    End,
    /// Any other character.
    Sign,
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) token: Token,
    pub(super) span: Range<usize>,
}

/// A script in pieces; and its comments, which are none. To a comment that nothing stands before on its line belongs the
/// end of the line: nft reads on as if there were no such line.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) pieces: Vec<Piece>,
    pub(super) comments: Vec<Range<usize>>,
}

/// Takes a script apart. Whatever the text is, every byte that is no blank is in one piece or comment.
pub(super) fn pieces(text: &str) -> Pieces {
    let bytes = text.as_bytes();
    let mut found = Pieces::default();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let (token, length) = match byte {
            b' ' | b'\t' | b'\r' => {
                at += 1;
                continue;
            }
            // The line goes on.
            b'\\' if rest.get(1) == Some(&b'\n') => {
                at += 2;
                continue;
            }
            b'#' => {
                let length = position(rest, b'\n').unwrap_or(rest.len());
                let before = bytes[..at].iter().rev();
                let mut before = before.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
                let is_all = matches!(before.next(), None | Some(b'\n'));
                let end = (at + length + usize::from(is_all)).min(bytes.len());
                found.comments.push(at..end);
                at = end;
                continue;
            }
            b'\n' | b';' => (Token::End, 1),
            b'{' => (Token::Open, 1),
            b'}' => (Token::Close, 1),
            // A quotation mark without its fellow quotes nothing.
            b'"' => match position(&rest[1..], b'"') {
                Some(length) => (Token::Quoted, length + 2),
                None => (Token::Sign, 1),
            },
            byte if is_of_word(byte) => {
                let length = rest.iter().position(|byte| !is_of_word(*byte));
                (Token::Word, length.unwrap_or(rest.len()))
            }
            _ => (Token::Sign, 1),
        };
        found.pieces.push(Piece {
            token,
            span: at..at + length,
        });
        at += length;
    }
    found
}

/// What a string of nft consists of; and every character beyond ASCII, so that none is cut in two.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/') || !byte.is_ascii()
}

fn position(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|byte| *byte == wanted)
}

/// Cuts pieces into statements: at the line ends and semicolons that are in no braces. None is empty.
pub(super) fn statements(pieces: &[Piece]) -> impl Iterator<Item = &[Piece]> {
    let mut depth = 0_usize;
    pieces
        .split(move |piece| {
            match piece.token {
                Token::Open => depth += 1,
                Token::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && piece.token == Token::End
        })
        .filter(|statement| !statement.is_empty())
}

/// A statement's pieces before its first brace, and those between that one and its fellow.
pub(super) fn block(statement: &[Piece]) -> (&[Piece], Option<&[Piece]>) {
    let Some(open) = statement
        .iter()
        .position(|piece| piece.token == Token::Open)
    else {
        return (statement, None);
    };
    let (head, rest) = (&statement[..open], &statement[open + 1..]);
    let mut depth = 1;
    let close = rest.iter().position(|piece| {
        match piece.token {
            Token::Open => depth += 1,
            Token::Close => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    (head, Some(&rest[..close.unwrap_or(rest.len())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<&str> {
        pieces(text)
            .pieces
            .iter()
            .map(|piece| &text[piece.span.clone()])
            .collect()
    }

    #[test]
    fn a_script_is_taken_apart_as_nft_does() {
        assert_eq!(
            texts("tcp dport{21}accept;ip saddr != 10.0.0.0/8 \\\n drop # and so on\n"),
            [
                "tcp",
                "dport",
                "{",
                "21",
                "}",
                "accept",
                ";",
                "ip",
                "saddr",
                "!",
                "=",
                "10.0.0.0/8",
                "drop",
                "\n"
            ]
        );
        // What is quoted may go over lines, and has no comments in it.
        assert_eq!(
            texts("comment \"a # b\nc\" drop"),
            ["comment", "\"a # b\nc\"", "drop"]
        );
        assert_eq!(texts("a\" b # c\nd"), ["a", "\"", "b", "\n", "d"]);
        // A backslash at the end of a comment continues nothing.
        assert_eq!(texts("x # a \\\ninclude"), ["x", "\n", "include"]);
    }

    #[test]
    fn a_line_of_comment_ends_nothing() {
        assert_eq!(
            texts("# a\n{ 22,\n \t# b\n#c\r\n 80 } # d\n # e"),
            ["{", "22", ",", "\n", "80", "}", "\n"]
        );
        assert_eq!(texts("a \\\n # b\n c"), ["a", "c"]);
        assert_eq!(texts("a ;# b\n c"), ["a", ";", "\n", "c"]);
    }

    #[test]
    fn statements_end_outside_braces() {
        let text = "a { b; c\n d { e; } ; f } g\nh; ;\n i {";
        let found = pieces(text).pieces;
        let statements: Vec<&[Piece]> = statements(&found).collect();
        let told = |pieces: &[Piece]| match (pieces.first(), pieces.last()) {
            (Some(first), Some(last)) => text[first.span.start..last.span.end].to_owned(),
            _ => String::new(),
        };
        assert_eq!(
            statements
                .iter()
                .map(|statement| told(statement))
                .collect::<Vec<_>>(),
            ["a { b; c\n d { e; } ; f } g", "h", "i {"]
        );
        let (head, body) = block(statements[0]);
        assert_eq!(
            (told(head), told(body.unwrap())),
            ("a".to_owned(), "b; c\n d { e; } ; f".to_owned())
        );
        assert_eq!(block(statements[1]).1, None);
        assert_eq!(block(statements[2]).1, Some(&[][..]));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "[a-z#\"{};\\\\\n é]{0,60}") {
            let found = pieces(&text);
            let mut spans = found.comments.clone();
            spans.extend(found.pieces.iter().map(|piece| piece.span.clone()));
            spans.sort_by_key(|span| span.start);
            let mut at = 0;
            for span in spans {
                prop_assert!(text[at..span.start].chars().all(|char| " \\\n".contains(char)));
                at = span.end;
            }
            prop_assert!(text[at..].chars().all(|char| " \\\n".contains(char)));
            statements(&found.pieces).for_each(|statement| { block(statement); });
        }
    }
}
