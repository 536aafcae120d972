//! Rules of iptables-nft in what `nft list ruleset` prints: a match or target that nft has no words for is a comment there, and
//! all that stands behind it on the line with it, the verdict too; a newer nft writes `xt match "set"`, and reads that no more.

use std::ops::Range;

use super::token::{Piece, Pieces, Token};
use crate::ruleset::mistake::{MistakeBuilder, MistakeKind, Report, quote};

/// Tells rules of which a part is lost, and those of which it may be.
pub(super) fn tell(text: &str, found: &Pieces, report: &mut Report) {
    let mut lost: Vec<Range<usize>> = named_alone(text, &found.pieces).collect();
    let (mut read, mut depth) = (0, 0_usize);
    for comment in &found.comments {
        let said = text[comment.clone()].trim_end();
        let span = comment.start..comment.start + said.len();
        while let Some(piece) = found
            .pieces
            .get(read)
            .filter(|piece| piece.span.start < comment.start)
        {
            match piece.token {
                Token::Open => depth += 1,
                Token::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            read += 1;
        }
        let line = text[..comment.start].rfind('\n').map_or(0, |at| at + 1);
        let before = &found.pieces[..read];
        let is_all = before.last().is_none_or(|last| last.span.end <= line);
        // Nobody writes down what a rule had counted.
        if let Some((matches, rest)) = counted(said) {
            // A match comes before the verdict, and a rule that is a comment from its beginning is one of a chain.
            let is_part = match is_all {
                true => depth == 2 && !is_rule(matches) && is_verdict(rest),
                false => !ends_rule(text, before),
            };
            if is_part {
                lost.push(span);
            }
        } else if !is_all && has_counted(text, before) && said.len() > 1 {
            report.note(
                span.start,
                span.end,
                format!(
                    "`{}` after a rule's counters: if that is an iptables-nft target, nft could not print it, \
                     and the rule does less here than on the host; `iptables-save` prints it",
                    quote(said)
                ),
            );
        }
    }
    lost.sort_by_key(|span| span.start);
    let Some(first) = lost.first().cloned() else {
        return;
    };
    report.push(|| {
        let what = quote(&text[first.clone()]);
        let more = match lost.len() - 1 {
            0 => String::new(),
            more => format!(", nor {more} more"),
        };
        let draft = MistakeBuilder::new(
            MistakeKind::Unprinted,
            first.clone(),
            format!("nft could not print this rule in full{more}: `{what}`"),
        );
        let draft = match text[first].starts_with('#') {
            true => draft.label("an iptables match, printed as a comment together with the rest of the rule"),
            false => draft.label("only iptables-nft knows what it matches"),
        };
        draft.help("iptables-nft made it: give what `iptables-save` prints on the host, and for IPv6 `ip6tables-save`")
    });
}

/// `xt match "set"`: its name, and nothing of what it asks.
fn named_alone<'p>(text: &'p str, pieces: &'p [Piece]) -> impl Iterator<Item = Range<usize>> + 'p {
    pieces.windows(3).filter_map(|three| {
        let word = |at: usize| &text[three[at].span.clone()];
        let is_named = word(0) == "xt"
            && matches!(word(1), "match" | "target" | "watcher")
            && three[2].token == Token::Quoted;
        is_named.then(|| three[0].span.start..three[2].span.end)
    })
}

/// Whether a rule's counters are the last that stands before.
fn has_counted(text: &str, before: &[Piece]) -> bool {
    let last = &before[before.len().saturating_sub(5)..];
    let words: Vec<&str> = last.iter().map(|piece| &text[piece.span.clone()]).collect();
    matches!(words[..], ["counter", "packets", _, "bytes", _])
}

/// Whether a verdict is the last that stands before.
fn ends_rule(text: &str, before: &[Piece]) -> bool {
    let last = before.last().map(|piece| &text[piece.span.clone()]);
    matches!(last, Some("accept" | "drop" | "return" | "reject"))
}

/// What stands in a comment before `counter packets 5 bytes 300`, and behind it.
fn counted(comment: &str) -> Option<(&str, &str)> {
    let (matches, rest) = comment.split_once(" counter packets ")?;
    let (packets, rest) = rest.split_once(" bytes ")?;
    let end = rest.find(' ').unwrap_or(rest.len());
    let (bytes, rest) = rest.split_at(end);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(packets) && is_number(bytes)).then(|| (matches[1..].trim(), rest.trim()))
}

/// Whether a rule of nft begins so, one that somebody took out.
fn is_rule(matches: &str) -> bool {
    const FIRST: [&str; 24] = [
        "add", "arp", "ct", "ether", "exthdr", "fib", "icmp", "icmpv6", "iif", "iifname", "ip",
        "ip6", "limit", "log", "meta", "oif", "oifname", "rt", "sctp", "socket", "tcp", "th",
        "udp", "update",
    ];
    let first = matches.split_ascii_whitespace().next();
    first.is_none_or(|first| FIRST.contains(&first))
}

/// Whether what is behind the counters is what iptables-nft puts there: a target, that is printed or not.
fn is_verdict(rest: &str) -> bool {
    const VERDICTS: [&str; 14] = [
        "",
        "#",
        "accept",
        "ct",
        "dnat",
        "drop",
        "goto",
        "jump",
        "log",
        "masquerade",
        "meta",
        "reject",
        "return",
        "snat",
    ];
    let first = rest.split_ascii_whitespace().next().unwrap_or_default();
    VERDICTS.contains(&first)
}
