//! A rule, and how iptables and nft write it.

use fwlab_record::Family;

use crate::role::of;

/// What a rule is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// iptables or ip6tables, with `-m state`.
    State,
    /// iptables or ip6tables, with `-m conntrack --ctstate`.
    Conntrack,
    /// A script of nft.
    Native,
}

/// Which packets a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Match {
    In(&'static str),
    Out(&'static str),
    Tcp,
    /// ICMP, or ICMPv6 with neighbour discovery.
    Icmp,
    Sport(u16, u16),
    Dport(u16, u16),
    State(&'static str),
    /// Of these flags just those: `SYN,ACK SYN`.
    Flags(&'static str, &'static str),
    Helper,
    Length(u16, u16),
    Mark(u8),
    /// At most three a minute.
    Limit,
}

/// What becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accept,
    Drop,
    /// An answer to the sender.
    Reject(Answer),
    Jump(String),
    Goto(String),
    Return,
    Log,
    /// Nothing: they are counted.
    Count,
    Helper,
    Untracked,
    SetMark(u8),
    /// Another destination, with a port or the same.
    Dnat(&'static str, Option<u16>),
    Redirect(u16),
    Snat(&'static str),
    Masquerade,
}

/// How a refused packet is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Reset,
    Port,
    Host,
    Route,
    Prohibited,
    Protocol,
}

impl Answer {
    pub(crate) const ALL: [Answer; 6] = [
        Answer::Reset,
        Answer::Port,
        Answer::Host,
        Answer::Route,
        Answer::Prohibited,
        Answer::Protocol,
    ];

    fn option(self, family: Family) -> &'static str {
        match self {
            Answer::Reset => "tcp-reset",
            Answer::Port => of(family, "icmp-port-unreachable", "icmp6-port-unreachable"),
            Answer::Host => of(family, "icmp-host-unreachable", "icmp6-addr-unreachable"),
            Answer::Route => of(family, "icmp-net-unreachable", "icmp6-no-route"),
            Answer::Prohibited => of(family, "icmp-admin-prohibited", "icmp6-adm-prohibited"),
            Answer::Protocol => of(family, "icmp-proto-unreachable", "icmp6-adm-prohibited"),
        }
    }

    fn native(self) -> &'static str {
        match self {
            Answer::Reset => "reject with tcp reset",
            Answer::Port | Answer::Protocol => "reject with icmpx port-unreachable",
            Answer::Host => "reject with icmpx host-unreachable",
            Answer::Route => "reject with icmpx no-route",
            Answer::Prohibited => "reject with icmpx admin-prohibited",
        }
    }
}

/// A rule. Its number stays with it in every rewrite of its ruleset.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) number: u32,
    pub(crate) matches: Vec<Match>,
    pub(crate) verdict: Verdict,
}

impl Rule {
    /// Whether both are written alike.
    pub(crate) fn is_same(&self, other: &Rule) -> bool {
        self.matches == other.matches && self.verdict == other.verdict
    }

    fn is_of_tcp(&self) -> bool {
        let needs = |one: &Match| {
            matches!(
                one,
                Match::Tcp | Match::Sport(..) | Match::Dport(..) | Match::Flags(..)
            )
        };
        let of_ports = matches!(
            self.verdict,
            Verdict::Reject(Answer::Reset) | Verdict::Redirect(_) | Verdict::Dnat(_, Some(_))
        );
        of_ports || self.matches.iter().any(needs)
    }

    /// The rule in that language, without its chain.
    pub(crate) fn text(&self, language: Language, family: Family) -> String {
        let native = language == Language::Native;
        let mut words = Vec::new();
        if self.is_of_tcp() {
            words.push(if native { "meta l4proto tcp" } else { "-p tcp" }.to_owned());
        }
        let matches = self.matches.iter().filter(|one| **one != Match::Tcp);
        words.extend(matches.map(|one| match native {
            true => native_match(one),
            false => iptables_match(one, language, family),
        }));
        let verdict = match native {
            true => native_verdict(&self.verdict, family),
            false => iptables_verdict(&self.verdict, family),
        };
        words.extend(verdict);
        words.join(" ")
    }
}

fn ports(first: u16, last: u16, between: char) -> String {
    if first == last {
        return first.to_string();
    }
    format!("{first}{between}{last}")
}

fn iptables_match(one: &Match, language: Language, family: Family) -> String {
    match one {
        Match::In(name) => format!("-i {name}"),
        Match::Out(name) => format!("-o {name}"),
        Match::Tcp => "-p tcp".into(),
        Match::Icmp => format!("-p {}", of(family, "icmp", "ipv6-icmp")),
        Match::Sport(first, last) => format!("--sport {}", ports(*first, *last, ':')),
        Match::Dport(first, last) => format!("--dport {}", ports(*first, *last, ':')),
        Match::State(states) if language == Language::State => format!("-m state --state {states}"),
        Match::State(states) => format!("-m conntrack --ctstate {states}"),
        Match::Flags(mask, set) => format!("--tcp-flags {mask} {set}"),
        Match::Helper => "-m helper --helper ftp".into(),
        Match::Length(first, last) => format!("-m length --length {}", ports(*first, *last, ':')),
        Match::Mark(mark) => format!("-m mark --mark {mark}"),
        Match::Limit => "-m limit --limit 3/min".into(),
    }
}

fn native_match(one: &Match) -> String {
    let lower = |words: &str| words.to_ascii_lowercase();
    match one {
        Match::In(name) => format!("iifname \"{name}\""),
        Match::Out(name) => format!("oifname \"{name}\""),
        Match::Tcp => "meta l4proto tcp".into(),
        Match::Icmp => "meta l4proto { icmp, ipv6-icmp }".into(),
        Match::Sport(first, last) => format!("tcp sport {}", ports(*first, *last, '-')),
        Match::Dport(first, last) => format!("tcp dport {}", ports(*first, *last, '-')),
        Match::State(states) => format!("ct state {{ {} }}", lower(states)),
        Match::Flags(mask, set) => {
            let flags = |words: &str| lower(words).replace(',', " | ");
            format!("tcp flags & ({}) == ({})", flags(mask), flags(set))
        }
        Match::Helper => "ct helper \"ftp\"".into(),
        Match::Length(first, last) => format!("meta length {}", ports(*first, *last, '-')),
        Match::Mark(mark) => format!("meta mark {mark}"),
        Match::Limit => "limit rate 3/minute".into(),
    }
}

fn iptables_verdict(verdict: &Verdict, family: Family) -> Option<String> {
    Some(match verdict {
        Verdict::Accept => "-j ACCEPT".into(),
        Verdict::Drop => "-j DROP".into(),
        Verdict::Reject(answer) => format!("-j REJECT --reject-with {}", answer.option(family)),
        Verdict::Jump(chain) => format!("-j {chain}"),
        Verdict::Goto(chain) => format!("-g {chain}"),
        Verdict::Return => "-j RETURN".into(),
        Verdict::Log => "-j LOG --log-prefix seen".into(),
        Verdict::Count => return None,
        Verdict::Helper => "-j CT --helper ftp".into(),
        Verdict::Untracked => "-j CT --notrack".into(),
        Verdict::SetMark(mark) => format!("-j MARK --set-mark {mark}"),
        Verdict::Dnat(to, port) => format!("-j DNAT --to-destination {}", end(to, *port, family)),
        Verdict::Redirect(port) => format!("-j REDIRECT --to-ports {port}"),
        Verdict::Snat(to) => format!("-j SNAT --to-source {to}"),
        Verdict::Masquerade => "-j MASQUERADE".into(),
    })
}

fn native_verdict(verdict: &Verdict, family: Family) -> Option<String> {
    let ip = of(family, "ip", "ip6");
    Some(match verdict {
        Verdict::Accept => "accept".into(),
        Verdict::Drop => "drop".into(),
        Verdict::Reject(answer) => answer.native().into(),
        Verdict::Jump(chain) => format!("jump {chain}"),
        Verdict::Goto(chain) => format!("goto {chain}"),
        Verdict::Return => "return".into(),
        Verdict::Log => "log prefix \"seen\"".into(),
        Verdict::Count => "counter".into(),
        Verdict::Helper => "ct helper set \"ftp-tcp\"".into(),
        Verdict::Untracked => "notrack".into(),
        Verdict::SetMark(mark) => format!("meta mark set {mark}"),
        Verdict::Dnat(to, port) => format!("dnat {ip} to {}", end(to, *port, family)),
        Verdict::Redirect(port) => format!("redirect to :{port}"),
        Verdict::Snat(to) => format!("snat {ip} to {to}"),
        Verdict::Masquerade => "masquerade".into(),
    })
}

fn end(address: &str, port: Option<u16>, family: Family) -> String {
    match (port, family) {
        (None, _) => address.into(),
        (Some(port), Family::Ipv4) => format!("{address}:{port}"),
        (Some(port), Family::Ipv6) => format!("[{address}]:{port}"),
    }
}
