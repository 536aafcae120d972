use super::by_port::PortEnd;
use super::correspond::Correspondence;
use super::listing::{ListedChain, ListedRule, Listing};
use super::only::{Only, PortRange, ports};
use super::text::SourceLine;
use super::walk::{Core, Opt, Piece, Walk, walk};
use fwlab_record::{ChainId, RuleId, words};

words! {
    /// What a rule depends on beside the packet and its connection.
    pub enum Dependence {
        /// The time of day, or how long something took.
        Time,
        /// How fast packets come.
        Rate,
        /// How many packets, bytes or connections there were.
        Count,
        /// Chance.
        Chance,
        /// What other packets left behind in a list or set.
        Memory,
        /// A program.
        UserSpace,
        /// The process that a packet is of.
        Sender,
        /// The bytes that a packet carries.
        Content,
        /// What the packet meets on its way beside the rules: routes, processors, devices.
        Machine,
        /// Nobody here knows.
        Unknown,
    }
}

/// Something in a rule that makes its decision depend on more than the packet
/// and its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impurity {
    /// The rule.
    pub rule: RuleId,
    /// The line that it came from.
    pub source_line: Option<SourceLine>,
    /// The match, target or option, as it is written: `-m limit`.
    pub what: String,
    /// What it depends on.
    pub why: Dependence,
    /// Whether the rule decides what becomes of a packet, or changes it: not one that only logs or counts.
    pub decides: bool,
    /// The packets that it looks at.
    pub only: Only,
}

impl std::fmt::Display for Impurity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` depends on {}", self.what, self.why.phrase())?;
        match self.source_line {
            Some(line) => write!(f, " ({}, {line})", self.rule),
            None => write!(f, " ({})", self.rule),
        }
    }
}

impl Dependence {
    pub(super) fn phrase(self) -> &'static str {
        match self {
            Dependence::Time => "time",
            Dependence::Rate => "how fast packets arrive",
            Dependence::Count => "how much came before",
            Dependence::Chance => "chance",
            Dependence::Memory => "what earlier packets left behind",
            Dependence::UserSpace => "a program",
            Dependence::Sender => "the process that sends the packet",
            Dependence::Content => "the bytes that a packet carries",
            Dependence::Machine => "the machine",
            Dependence::Unknown => "something that fwlab does not know",
        }
    }
}

/// Matches on addresses, ports, protocols, flags, interfaces, conntrack's view
/// of the connection, marks, and fields of the headers: a packet sent again is
/// decided on as before. So it is by what IPsec did to it (`policy`): the lab's
/// nodes have no IPsec, so that no packet is of it.
const PURE_MATCHES: &[&str] = &[
    "addrtype",
    "ah",
    "comment",
    "connmark",
    "conntrack",
    "dccp",
    "devgroup",
    "dscp",
    "dst",
    "ecn",
    "esp",
    "eui64",
    "frag",
    "hbh",
    "helper",
    "hl",
    "icmp",
    "icmp6",
    "ipcomp",
    "iprange",
    "ipv6header",
    "length",
    "mac",
    "mark",
    "mh",
    "multiport",
    "physdev",
    "pkttype",
    "policy",
    "rt",
    "sctp",
    "srh",
    "state",
    "tcp",
    "tcpmss",
    "tos",
    "ttl",
    "udp",
];

const PURE_TARGETS: &[&str] = &[
    "ACCEPT",
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DNAT",
    "DNPT",
    "DROP",
    "DSCP",
    "ECN",
    "HL",
    "LOG",
    "MARK",
    "MASQUERADE",
    "NETMAP",
    "NFLOG",
    "NOTRACK",
    "REDIRECT",
    "REJECT",
    "RETURN",
    "SECMARK",
    "SNAT",
    "SNPT",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TOS",
    "TRACE",
    "TTL",
];

const IMPURE: &[(&str, Dependence)] = &[
    ("IDLETIMER", Dependence::Time),
    ("LED", Dependence::Time),
    ("NFQUEUE", Dependence::UserSpace),
    ("QUEUE", Dependence::UserSpace),
    ("RATEEST", Dependence::Rate),
    ("SET", Dependence::Memory),
    ("SYNPROXY", Dependence::Time),
    ("TARPIT", Dependence::Time),
    ("TEE", Dependence::Machine),
    ("TPROXY", Dependence::UserSpace),
    ("bpf", Dependence::Content),
    ("cgroup", Dependence::Sender),
    ("connbytes", Dependence::Count),
    ("connlabel", Dependence::Memory),
    ("connlimit", Dependence::Count),
    ("cpu", Dependence::Machine),
    ("hashlimit", Dependence::Rate),
    ("ipvs", Dependence::Machine),
    ("limit", Dependence::Rate),
    ("nfacct", Dependence::Count),
    ("owner", Dependence::Sender),
    ("quota", Dependence::Count),
    ("rateest", Dependence::Rate),
    ("recent", Dependence::Memory),
    ("rpfilter", Dependence::Machine),
    ("set", Dependence::Memory),
    ("socket", Dependence::UserSpace),
    ("statistic", Dependence::Chance),
    ("string", Dependence::Content),
    ("time", Dependence::Time),
    ("u32", Dependence::Content),
];

impl Listing {
    /// What makes the rules *impure*: every match, target and option by which
    /// a packet sent again may be decided on otherwise. Empty for *pure*
    /// rules. What is not known to be pure is taken for impure.
    pub fn impurities(&self, lines: &Correspondence) -> Vec<Impurity> {
        let mut impurities = Vec::new();
        for (id, rule) in self.rules() {
            let words = rule.words();
            let walk = walk(&words, self.family());
            let of_rule = rule_impurities(&walk, |name| self.beside(&id.chain, name).is_some());
            if of_rule.is_empty() {
                continue;
            }
            let decides = self.decides(&id, rule);
            let only = looked_at(&walk);
            for (what, why) in of_rule {
                impurities.push(Impurity {
                    source_line: lines.source_of(&id),
                    rule: id.clone(),
                    what,
                    why,
                    decides,
                    only: only.clone(),
                });
            }
        }
        impurities
    }

    /// Whether a rule decides on a packet, or changes it.
    pub(super) fn decides(&self, id: &RuleId, rule: &ListedRule) -> bool {
        let chain = self.chain(&id.chain).expect("the rule stands in it");
        let here = (id.chain.chain.as_str(), chain);
        decides(
            &|name| self.beside(&id.chain, name),
            here,
            rule,
            &mut Vec::new(),
        )
    }

    /// The chain of that name in the table of another.
    fn beside(&self, other: &ChainId, name: &str) -> Option<&ListedChain> {
        let chain = name.to_owned();
        self.chain(&ChainId {
            chain,
            ..other.clone()
        })
    }
}

/// Targets that let the packet go on as it is.
const IDLE_TARGETS: &[&str] = &["AUDIT", "LOG", "NFLOG"];

fn decides<'r>(
    chain_named: &impl Fn(&str) -> Option<&'r ListedChain>,
    chain: (&'r str, &'r ListedChain),
    rule: &'r ListedRule,
    asked: &mut Vec<&'r str>,
) -> bool {
    match rule.target() {
        None => false,
        Some(target) if IDLE_TARGETS.contains(&target) => false,
        // Of a chain that decides nothing, nothing is left out by it.
        Some("RETURN") => chain_decides(chain_named, chain, asked),
        Some(_) if rule.is_goto() => true,
        Some(target) => chain_named(target)
            .is_none_or(|chain| chain_decides(chain_named, (target, chain), asked)),
    }
}

fn chain_decides<'r>(
    chain_named: &impl Fn(&str) -> Option<&'r ListedChain>,
    (name, chain): (&'r str, &'r ListedChain),
    asked: &mut Vec<&'r str>,
) -> bool {
    if chain.policy().is_some() {
        return true;
    }
    if asked.contains(&name) {
        return false;
    }
    asked.push(name);
    let mut rules = chain.rules().iter();
    rules.any(|rule| decides(chain_named, (name, chain), rule, asked))
}

/// The packets that a rule looks at, by its protocol and ports.
pub(super) fn looked_at(walk: &Walk<'_>) -> Only {
    let mut only = Only::default();
    for piece in &walk.pieces {
        if piece.negation.is_some() {
            continue;
        }
        let value = piece.value();
        match piece.option {
            Opt::Core(Core::Protocol) => only.protocol(value),
            Opt::Extension { .. } => match ports_of(piece) {
                Some(([PortEnd::Source], ports)) => only.from_ports = ports,
                Some(([PortEnd::Destination], ports)) => only.to_ports = ports,
                _ => {}
            },
            _ => {}
        }
    }
    only
}

/// At which ends an option looks for ports, and for which: none where a name is among them.
pub(super) fn ports_of(piece: &Piece<'_>) -> Option<(&'static [PortEnd], Option<Vec<PortRange>>)> {
    let Opt::Extension { name, .. } = piece.option else {
        return None;
    };
    let ends: &[PortEnd] = match name {
        "sport" | "sports" | "source-port" | "source-ports" => &[PortEnd::Source],
        "dport" | "dports" | "destination-port" | "destination-ports" => &[PortEnd::Destination],
        "port" | "ports" => &[PortEnd::Source, PortEnd::Destination],
        _ => return None,
    };
    Some((ends, ports(piece.value())))
}

fn rule_impurities(walk: &Walk<'_>, is_chain: impl Fn(&str) -> bool) -> Vec<(String, Dependence)> {
    let mut found = Vec::new();
    for piece in &walk.pieces {
        let value = piece.value();
        match &piece.option {
            Opt::Core(Core::Match) => {
                let name = super::extension::match_named(value).map_or(value, |known| known.name);
                if !PURE_MATCHES.contains(&name) {
                    found.push((format!("-m {value}"), why(name)));
                }
            }
            Opt::Core(Core::Jump) if !PURE_TARGETS.contains(&value) && !is_chain(value) => {
                found.push((format!("-j {value}"), why(value)));
            }
            Opt::Core(_) => {}
            Opt::Extension { .. } => found.extend(option(piece)),
            Opt::Unknown(written) => found.push((written.clone(), Dependence::Unknown)),
        }
    }
    found
}

fn why(name: &str) -> Dependence {
    IMPURE
        .iter()
        .find(|(known, _)| *known == name)
        .map_or(Dependence::Unknown, |(_, why)| *why)
}

/// Options that make a pure match or target impure.
fn option(piece: &Piece<'_>) -> Option<(String, Dependence)> {
    let why = match piece.option {
        Opt::Extension {
            name: "ctexpire", ..
        } => Dependence::Time,
        Opt::Extension {
            of: "CT",
            name: "timeout",
            ..
        } => Dependence::Time,
        Opt::Extension {
            name: "random" | "random-fully",
            ..
        } => Dependence::Chance,
        // One of several addresses is chosen for each connection.
        Opt::Extension {
            name: "to-destination" | "to-source",
            ..
        } if several(piece.value()) => Dependence::Chance,
        _ => return None,
    };
    let Opt::Extension { name, .. } = piece.option else {
        return None;
    };
    Some((format!("--{name}"), why))
}

fn several(addresses: &str) -> bool {
    let host = match addresses.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None if addresses.matches(':').count() == 1 => {
            addresses.split(':').next().unwrap_or_default()
        }
        None => addresses,
    };
    host.contains('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use fwlab_record::Family;

    fn impurities(table: &str, rule: &str) -> Vec<String> {
        let text = format!("*{table}\n:f - [0:0]\n{rule}\nCOMMIT\n");
        let listing = Listing::parse(&text, Family::Ipv4).unwrap();
        let impurities = listing.impurities(&Correspondence::default());
        let told = impurities.iter();
        told.map(|impurity| format!("{}: {}", impurity.what, impurity.why))
            .collect()
    }

    #[test]
    fn what_looks_at_the_packet_alone_is_pure() {
        for rule in [
            "-A INPUT -i eth0 -p tcp --dport 21 -m state --state NEW -j ACCEPT",
            "-A INPUT -p 6 -m multiport --dports 20,21 -m comment --comment \"-m limit\" -j f",
            "-A INPUT -m conntrack --ctstate RELATED -m helper --helper ftp -m mark --mark 1 -j LOG --log-prefix x",
            "-A INPUT -p tcp --syn -m length --length 1:100 -m ttl --ttl 64 -j REJECT",
            "-A INPUT -m pkttype --pkt-type unicast -m addrtype --dst-type LOCAL -j NFLOG",
            "-A INPUT -m policy --dir in --pol ipsec --mode tunnel --strict --reqid 1 --next --proto esp -j ACCEPT",
            "-A INPUT -g f",
        ] {
            assert_eq!(impurities("filter", rule), [""; 0], "{rule}");
        }
        assert_eq!(
            impurities(
                "nat",
                "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1:2000-3000"
            ),
            [""; 0]
        );
    }

    #[test]
    fn what_depends_on_more_is_named() {
        assert_eq!(
            impurities("filter", "-A INPUT -m limit --limit 1/s -j ACCEPT"),
            ["-m limit: rate"]
        );
        assert_eq!(
            impurities("filter", "-A INPUT -m recent --set"),
            ["-m recent: memory"]
        );
        assert_eq!(
            impurities("filter", "-A INPUT -j NFQUEUE --queue-num 1"),
            ["-j NFQUEUE: user-space"]
        );
        assert_eq!(
            impurities("filter", "-A INPUT -m geoip --src-cc DE -j DROP"),
            ["-m geoip: unknown", "--src-cc: unknown"]
        );
        assert_eq!(
            impurities("filter", "-A INPUT -m conntrack --ctexpire 5 -j DROP"),
            ["--ctexpire: time"]
        );
        assert_eq!(
            impurities(
                "nat",
                "-A PREROUTING -j DNAT --to-destination 10.0.0.1-10.0.0.9"
            ),
            ["--to-destination: chance"]
        );
        assert_eq!(
            impurities("nat", "-A POSTROUTING -j MASQUERADE --random"),
            ["--random: chance"]
        );
    }

    #[test]
    fn every_known_extension_is_classified_once() {
        let known = super::super::extension::matches()
            .iter()
            .chain(super::super::extension::targets());
        for extension in known {
            let pure =
                PURE_MATCHES.contains(&extension.name) || PURE_TARGETS.contains(&extension.name);
            let impure = IMPURE.iter().any(|(name, _)| *name == extension.name);
            assert!(!(pure && impure), "{} is both", extension.name);
        }
    }
}
