//! What rules of iptables tell apart.

use std::collections::BTreeSet;

use super::addresses::range;
use super::members::members;
use super::{Addresses, Condition, Told};
use crate::ruleset::core::Core;
use crate::ruleset::purity::looked_at;
use crate::ruleset::walk::{Opt, Piece, walk};
use crate::ruleset::{Listing, Sets};

impl Listing {
    /// The rules that tell hosts apart, each with its conditions. Sets of ipset are looked up in these.
    pub fn told(&self, sets: &[&Sets]) -> Vec<Told> {
        let hooks = self.reached();
        let mut told = Vec::new();
        for (id, rule) in self.rules() {
            let words = rule.words();
            let walked = walk(&words, self.family());
            let mut conditions = Vec::new();
            // The words of conditions and comments.
            let mut left_out = BTreeSet::new();
            for piece in &walked.pieces {
                let found = self.conditions(piece, sets);
                let is_comment = piece.is("comment")
                    || (piece.core() == Some(Core::Match) && piece.value() == "comment");
                if !found.is_empty() || is_comment {
                    let values = [piece.first, piece.second].into_iter().flatten();
                    left_out.extend(values.map(|value| value.word));
                }
                conditions.extend(found);
            }
            let translates = matches!(
                rule.target(),
                Some("DNAT" | "REDIRECT" | "TPROXY" | "NETMAP")
            );
            if conditions.is_empty() && !translates {
                continue;
            }
            let rest = words.iter().enumerate();
            let rest = rest.filter(|(at, _)| !left_out.contains(at));
            told.push(Told {
                hooks: hooks.of(&id.chain),
                only: looked_at(&walked),
                conditions,
                rest: rest.map(|(_, word)| format!("{} ", word.text)).collect(),
                decides: matches!(rule.target(), Some("ACCEPT" | "DROP" | "REJECT" | "RETURN")),
                negated: walked.pieces.iter().any(|piece| piece.negation.is_some()),
                translates,
                rule: id,
            });
        }
        told
    }

    fn conditions(&self, piece: &Piece<'_>, sets: &[&Sets]) -> Vec<Condition> {
        let value = piece.value();
        let interface = || BTreeSet::from([value.to_owned()]);
        let addresses = |made: fn(Addresses) -> Condition| {
            let read = range(value).filter(|(family, _)| *family == self.family());
            let addresses = read.and_then(|(family, range)| {
                Addresses::of(family, vec![range], short(value).to_owned())
            });
            vec![addresses.map_or_else(|| Condition::Unread(value.to_owned()), made)]
        };
        let unread = || vec![Condition::Unread(format!("-m {}", of(piece)))];
        match &piece.option {
            Opt::Core(Core::In) => vec![Condition::In(interface())],
            Opt::Core(Core::Out) => vec![Condition::Out(interface())],
            Opt::Core(Core::Source) => addresses(Condition::Source),
            Opt::Core(Core::Destination) => addresses(Condition::Destination),
            Opt::Extension { name, .. } => match *name {
                "src-range" => addresses(Condition::Source),
                "dst-range" => addresses(Condition::Destination),
                // Of the connection, whichever way the packet goes.
                "ctorigsrc" | "ctorigdst" | "ctreplsrc" | "ctrepldst" => [
                    addresses(Condition::Source),
                    addresses(Condition::Destination),
                ]
                .concat(),
                "match-set" => {
                    let flags = piece.second.map_or("", |flags| flags.text);
                    members(value, flags, sets, self.family())
                }
                "mac-source" | "bytecode" | "u32" | "source-country" | "destination-country" => {
                    unread()
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

fn of(piece: &Piece<'_>) -> &'static str {
    match &piece.option {
        Opt::Extension { of, .. } => of,
        _ => "",
    }
}

/// An address alone without the prefix length that says so: of IPv6, /32 is a network.
fn short(value: &str) -> &str {
    let whole = match value.contains(':') {
        true => "/128",
        false => "/32",
    };
    value.strip_suffix(whole).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_written_alone_and_a_network_is_not() {
        for (value, written) in [
            ("192.0.2.1/32", "192.0.2.1"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("2001:db8::1/128", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            assert_eq!(short(value), written);
        }
    }
}
