//! What rules ask of a packet, as far as new connections and transfers of FTP can meet it.

use std::collections::BTreeSet;

use fwlab_record::{ChainId, RuleId, RuleOrdinal, TableFamily};

use super::core::Core;
use super::native::NativeListing;
use super::only::Only;
use super::purity::looked_at;
use super::walk::{Opt, Piece, walk};
use super::{Correspondence, Hook, Listing, SourceLine};

/// A rule, by what it asks of a packet and what it does to it.
#[derive(Debug, Clone)]
pub struct Asks {
    /// The rule.
    pub rule: RuleId,
    /// The rule as it is listed.
    pub statement: String,
    /// Where it is written.
    pub source_line: Option<SourceLine>,
    /// The hooks from which packets come to it; empty where no chain leads to its own.
    pub hooks: BTreeSet<Hook>,
    /// The packets that it looks at, by protocol and ports.
    pub only: Only,
    /// What it asks or does beside deciding by protocol, ports, addresses, interfaces, FTP's helper, and whether a packet is NEW,
    /// RELATED or ESTABLISHED: the first of it, as it is written. Nothing where that is all.
    pub beyond: Option<String>,
    /// The chains that it leads to.
    pub leads_to: Vec<ChainId>,
    /// Whether every packet that comes to it is accepted, or every one stopped.
    pub ends_all: bool,
}

/// The states that packets of a transfer are in.
pub(super) const STATES: [&str; 3] = ["new", "related", "established"];

impl Listing {
    /// What each rule asks.
    pub fn asks(&self, lines: &Correspondence) -> Vec<Asks> {
        let hooks = self.reached();
        let rules = self.rules().map(|(id, rule)| {
            let words = rule.words();
            let walked = walk(&words, self.family());
            let chain_named = |name: &str| {
                let named = beside(&id.chain, name);
                self.chain(&named).is_some().then_some(named)
            };
            let is_chain = |name: &str| chain_named(name).is_some();
            let mut pieces = walked.pieces.iter();
            let beyond = pieces.find_map(|piece| beyond(piece, &is_chain));
            let asks = |piece: &&Piece<'_>| {
                piece.core() != Some(Core::Jump)
                    && !piece.is("reject-with")
                    && !piece.is("comment")
                    && piece.value() != "comment"
            };
            let target = rule.target();
            Asks {
                source_line: lines.source_of(&id),
                hooks: hooks.of(&id.chain),
                only: looked_at(&walked),
                leads_to: target.and_then(chain_named).into_iter().collect(),
                beyond: match target {
                    None => beyond.or_else(|| Some("no target".to_owned())),
                    Some(_) => beyond,
                },
                ends_all: matches!(target, Some("ACCEPT" | "DROP" | "REJECT"))
                    && !walked.pieces.iter().any(|piece| asks(&piece)),
                statement: rule.statement().to_owned(),
                rule: id,
            }
        });
        rules.collect()
    }
}

/// The chain of that name in the table of another.
fn beside(other: &ChainId, name: &str) -> ChainId {
    let chain = name.to_owned();
    ChainId {
        chain,
        ..other.clone()
    }
}

fn beyond(piece: &Piece<'_>, is_chain: &impl Fn(&str) -> bool) -> Option<String> {
    let value = piece.value();
    let negated = piece.negation.is_some();
    let states = || {
        let mut states = value.split(',');
        states.all(|state| STATES.contains(&state.to_ascii_lowercase().as_str()))
    };
    let ports = || !negated && super::only::ports(value).is_some();
    let (is_known, written) = match &piece.option {
        Opt::Core(core) => {
            let is_known = match core {
                Core::Source | Core::Destination | Core::In | Core::Out => true,
                Core::Protocol => !negated,
                Core::Match => [
                    "tcp",
                    "multiport",
                    "conntrack",
                    "state",
                    "helper",
                    "comment",
                    "iprange",
                    "set",
                ]
                .contains(&value),
                Core::Jump | Core::Goto => {
                    ["ACCEPT", "DROP", "REJECT", "RETURN", "CT"].contains(&value) || is_chain(value)
                }
                _ => false,
            };
            (is_known, format!("{} {value}", core.written()))
        }
        Opt::Extension { name, .. } => {
            let is_known = match *name {
                "dport" | "dports" | "destination-port" | "destination-ports" | "sport"
                | "sports" | "source-port" | "source-ports" => ports(),
                "ctstate" | "state" => states(),
                "helper" => !negated && value == "ftp",
                "comment" | "reject-with" | "src-range" | "dst-range" | "match-set" => true,
                _ => false,
            };
            (is_known, format!("--{name} {value}"))
        }
        Opt::Unknown(written) => (false, written.clone()),
    };
    let not = if negated { "! " } else { "" };
    (!is_known).then(|| format!("{not}{}", written.trim_end()))
}

impl NativeListing {
    /// What each rule asks.
    pub fn asks(&self, lines: &Correspondence) -> Vec<Asks> {
        let reached = self.reached();
        let mut found = Vec::new();
        for (id, chain) in self.chains() {
            let hooks = reached.of(id);
            let is_ip = matches!(
                id.family,
                TableFamily::Ip | TableFamily::Ip6 | TableFamily::Inet
            );
            // Such as ingress.
            let elsewhere = !is_ip || (hooks.is_empty() && !chain.hook().is_empty());
            for (rule, ordinal) in chain.rules().iter().zip(1..) {
                let (beyond, ends_all) = rule.asks();
                let rule_id = RuleId {
                    chain: id.clone(),
                    ordinal: RuleOrdinal(ordinal),
                };
                found.push(Asks {
                    source_line: lines.source_of(&rule_id),
                    rule: rule_id,
                    statement: rule.statement().to_owned(),
                    hooks: hooks.clone(),
                    only: rule.only().clone(),
                    leads_to: rule.targets().iter().map(|to| beside(id, to)).collect(),
                    beyond: match elsewhere {
                        true => Some(format!("a chain on another hook, {id}")),
                        false => beyond.map(str::to_owned),
                    },
                    ends_all,
                });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fwlab_record::Family;

    #[test]
    fn what_no_transfer_can_meet_is_named() {
        let saved = "*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:ftp - [0:0]
:nobody - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -s 10.0.0.0/8 -i eth0 -p tcp -m multiport --dports 20,50000:50100 -j ftp
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p tcp -m tcp ! --dport 1:1023 -j DROP
-A INPUT -m limit --limit 5/min -j LOG
-A INPUT -p tcp -m helper --helper irc -j ACCEPT
-A INPUT -m comment --comment \"the rest\" -j REJECT --reject-with icmp-port-unreachable
-A ftp -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP
-A nobody -j ACCEPT
COMMIT
";
        let listing = Listing::parse(saved, Family::Ipv4).expect("a listing");
        let asks = listing.asks(&Correspondence::default());
        let beyond: Vec<Option<&str>> = asks.iter().map(|asks| asks.beyond.as_deref()).collect();
        assert_eq!(
            beyond,
            [
                None,
                None,
                Some("--ctstate INVALID"),
                Some("! --dport 1:1023"),
                Some("-m limit"),
                Some("--helper irc"),
                None,
                Some("! --tcp-flags FIN,SYN,RST,ACK"),
                None,
            ]
        );
        let ends_all: Vec<bool> = asks.iter().map(|asks| asks.ends_all).collect();
        assert_eq!(
            ends_all,
            [false, false, false, false, false, false, true, false, true]
        );
        let unreached: Vec<bool> = asks.iter().map(|asks| asks.hooks.is_empty()).collect();
        assert_eq!(
            unreached,
            [false, false, false, false, false, false, false, false, true]
        );
    }

    #[test]
    fn nft_s_own_rules_are_read_alike() {
        let json = r#"{"nftables": [
            {"table": {"family": "inet", "name": "f", "handle": 1}},
            {"rule": {"family": "inet", "table": "f", "chain": "in", "handle": 2, "expr": [EXPR]}}
        ]}"#;
        let of = |expr: &str| {
            let listing = NativeListing::parse(&json.replace("EXPR", expr), "").expect("a listing");
            let asks = listing.asks(&Correspondence::default()).remove(0);
            (asks.beyond, asks.ends_all)
        };
        let state = |state: &str| {
            format!(
                r#"{{"match": {{"op": "in", "left": {{"ct": {{"key": "state"}}}}, "right": {state}}}}}, {{"accept": null}}"#
            )
        };
        assert_eq!(of(&state(r#"["established", "related"]"#)), (None, false));
        assert_eq!(
            of(&state(r#""invalid""#)),
            (Some("ct state".to_owned()), false)
        );
        let port = |port: &str| {
            format!(
                r#"{{"match": {{"op": "==", "left": {{"payload": {{"protocol": "tcp", "field": "dport"}}}}, "right": {port}}}}}, {{"drop": null}}"#
            )
        };
        assert_eq!(of(&port("21")), (None, false));
        assert_eq!(
            of(&port(r#""@ports""#)),
            (Some("tcp dport".to_owned()), false)
        );
        assert_eq!(
            of(r#"{"counter": {"packets": 0, "bytes": 0}}, {"accept": null}"#),
            (None, true)
        );
        assert_eq!(
            of(r#"{"limit": {"rate": 1, "per": "second"}}, {"drop": null}"#),
            (Some("limit".to_owned()), false)
        );
        assert_eq!(
            of(r#"{"counter": {"packets": 0, "bytes": 0}}"#),
            (Some("no verdict".to_owned()), false)
        );
    }
}
