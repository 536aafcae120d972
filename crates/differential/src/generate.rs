//! Random rulesets of the kinds that people write, and a little beside them.

use fwlab_record::Family;

use crate::random::Draws;
use crate::role::Role;
use crate::rule::{Answer, Language, Match, Rule, Verdict};
use crate::ruleset::Ruleset;

/// The server's range of passive ports.
pub(crate) const PASSIVE: (u16, u16) = (50000, 50100);

const HIGH: (u16, u16) = (1024, 65535);

/// Makes a ruleset for a firewall that stands there.
pub(crate) fn generate(
    role: Role,
    family: Family,
    language: Language,
    draws: &mut Draws,
) -> Ruleset {
    let mut writer = Writer {
        role,
        draws,
        ruleset: Ruleset::new(language, family),
    };
    writer.policies();
    writer.host();
    writer.states();
    writer.control();
    writer.data();
    writer.last();
    writer.stops();
    writer.early();
    writer.helper();
    writer.translation();
    writer.user_chain();
    writer.ruleset
}

struct Writer<'d> {
    role: Role,
    draws: &'d mut Draws,
    ruleset: Ruleset,
}

impl Writer<'_> {
    fn accept(&mut self, hook: &str, matches: Vec<Match>) {
        self.ruleset.add("filter", hook, matches, Verdict::Accept);
    }

    fn policies(&mut self) {
        let open = self.draws.chance(25);
        let percent = if open { 0 } else { 65 };
        for hook in self.role.ways() {
            let drops = self.draws.chance(percent);
            self.ruleset.hook("filter", hook).drops = Some(drops);
        }
        if self.role.forwards() {
            for hook in ["INPUT", "OUTPUT"] {
                let drops = self.draws.chance(percent / 3);
                self.ruleset.hook("filter", hook).drops = Some(drops);
            }
        }
    }

    /// Loopback, ICMP with neighbour discovery, and what conntrack cannot place.
    fn host(&mut self) {
        let loopback = self.draws.chance(60);
        for (hook, matched) in [("INPUT", Match::In("lo")), ("OUTPUT", Match::Out("lo"))] {
            if loopback {
                self.accept(hook, vec![matched]);
            }
            if self.draws.chance(85) {
                self.accept(hook, vec![Match::Icmp]);
            }
        }
        if self.draws.chance(20) {
            let hook = self.draws.pick(&self.role.ways());
            let matches = vec![Match::State("INVALID")];
            self.ruleset.add("filter", hook, matches, Verdict::Drop);
        }
    }

    fn states(&mut self) {
        for hook in self.role.ways() {
            match self.draws.below(20) {
                0..=11 => self.accept(hook, vec![Match::State("RELATED,ESTABLISHED")]),
                12..=14 => self.accept(hook, vec![Match::State("ESTABLISHED")]),
                15..=16 => {
                    self.accept(hook, vec![Match::State("ESTABLISHED")]);
                    self.accept(hook, vec![Match::State("RELATED"), Match::Helper]);
                }
                _ => {}
            }
        }
    }

    /// Something that narrows a rule of a connection, or nothing.
    fn narrower(&mut self, hook: &str) -> Vec<Match> {
        let interface = match (hook, self.role.forwards()) {
            ("OUTPUT", false) => Match::Out("e0"),
            (_, false) => Match::In("e0"),
            (_, true) => Match::In(self.draws.pick(&self.role.interfaces())),
        };
        self.draws.pick(&[
            vec![],
            vec![],
            vec![Match::State("NEW")],
            vec![Match::State("NEW")],
            vec![Match::State("NEW,ESTABLISHED")],
            vec![Match::State("ESTABLISHED")],
            vec![Match::Flags("FIN,SYN,RST,ACK", "SYN")],
            vec![interface],
        ])
    }

    fn allow(&mut self, percent: usize, hook: &str, first: Vec<Match>) {
        if self.draws.chance(percent) {
            let more = self.narrower(hook);
            self.accept(hook, [first, more].concat());
        }
    }

    fn control(&mut self) {
        let [to_server, to_client] = self.role.ways();
        self.allow(92, to_server, vec![Match::Dport(21, 21)]);
        self.allow(35, to_client, vec![Match::Sport(21, 21)]);
    }

    fn data(&mut self) {
        let [to_server, to_client] = self.role.ways();
        // A part of the range would leave it to the server's choice of a port.
        let (first, last) = self.draws.pick(&[PASSIVE, PASSIVE, HIGH]);
        self.allow(30, to_server, vec![Match::Dport(first, last)]);
        self.allow(20, to_client, vec![Match::Sport(first, last)]);
        self.allow(25, to_client, vec![Match::Sport(20, 20)]);
        self.allow(15, to_server, vec![Match::Dport(20, 20)]);
    }

    fn answer(&mut self) -> Verdict {
        let answer = self.draws.pick(&Answer::ALL);
        Verdict::Reject(answer)
    }

    /// What stands last in many chains.
    fn last(&mut self) {
        for hook in self.role.ways() {
            let limited = self.draws.chance(50);
            if self.draws.chance(12) {
                let matches = if limited { vec![Match::Limit] } else { vec![] };
                self.ruleset.add("filter", hook, matches, Verdict::Log);
            }
            if self.draws.chance(15) {
                let verdict = self.answer();
                let matches = self.draws.pick(&[vec![], vec![Match::Tcp]]);
                self.ruleset.add("filter", hook, matches, verdict);
            }
        }
    }

    /// Packets that a rule may stop somewhere in the middle.
    fn stopped(&mut self) -> Vec<Match> {
        let port = self.draws.pick(&[
            Match::Sport(21, 21),
            Match::Dport(21, 21),
            Match::Sport(20, 20),
            Match::Dport(20, 20),
            Match::Sport(PASSIVE.0, PASSIVE.1),
            Match::Dport(PASSIVE.0, PASSIVE.1),
            Match::Tcp,
        ]);
        let which = self.draws.pick(&[
            None,
            Some(Match::State("NEW")),
            Some(Match::State("RELATED")),
            Some(Match::State("ESTABLISHED")),
            Some(Match::State("INVALID")),
            Some(Match::Flags("SYN,ACK", "SYN")),
            Some(Match::Flags("SYN,ACK", "SYN,ACK")),
            Some(Match::Flags("SYN,ACK", "ACK")),
            Some(Match::Flags("FIN", "FIN")),
            Some(Match::Flags("PSH", "PSH")),
            Some(Match::Flags("RST", "RST")),
            Some(Match::Flags("FIN,SYN,PSH", "NONE")),
            Some(Match::Helper),
            Some(Match::Length(60, 80)),
        ]);
        // Nft spells no flag at all in another way.
        let native = self.ruleset.language == Language::Native;
        let which = which.filter(|one| !(native && matches!(one, Match::Flags(_, "NONE"))));
        [port].into_iter().chain(which).collect()
    }

    fn stops(&mut self) {
        let many = self.draws.pick(&[0, 0, 0, 1, 1, 1, 1, 2, 2]);
        for _ in 0..many {
            let hook = self.draws.pick(&self.role.ways());
            let matches = self.stopped();
            let verdict = match self.draws.chance(50) {
                true => Verdict::Drop,
                false => self.answer(),
            };
            self.insert("filter", hook, matches, verdict);
        }
    }

    fn insert(&mut self, table: &'static str, hook: &str, matches: Vec<Match>, verdict: Verdict) {
        let rule = self.ruleset.rule(matches, verdict);
        let rules = &mut self.ruleset.hook(table, hook).rules;
        if !rules.iter().any(|other| other.is_same(&rule)) {
            rules.insert(self.draws.below(rules.len() + 1), rule);
        }
    }

    /// Rules in the tables before filter: marks, stops, connections that are not tracked.
    fn early(&mut self) {
        let first = self.role.first_chain();
        if self.draws.chance(8) {
            let matches = self.stopped();
            self.ruleset
                .add("mangle", first, matches, Verdict::SetMark(1));
            let hook = self.role.ways()[0];
            let verdict = self.draws.pick(&[Verdict::Accept, Verdict::Drop]);
            self.insert("filter", hook, vec![Match::Mark(1)], verdict);
        }
        if self.draws.chance(8) {
            let table = self.draws.pick(&["mangle", "raw"]);
            let hook = self.draws.pick(&["PREROUTING", "OUTPUT"]);
            let matches = match table {
                "raw" => vec![self.draws.pick(&[
                    Match::Dport(21, 21),
                    Match::Dport(PASSIVE.0, PASSIVE.1),
                    Match::Sport(20, 20),
                    Match::Flags("FIN", "FIN"),
                ])],
                _ => self.stopped(),
            };
            self.ruleset.add(table, hook, matches, Verdict::Drop);
        }
        if self.ruleset.language != Language::Native && self.draws.chance(4) {
            let matches = vec![Match::Dport(PASSIVE.0, PASSIVE.1)];
            self.ruleset.add("raw", first, matches, Verdict::Untracked);
        }
    }

    /// The helper: where it belongs, elsewhere, for another port, or not at all.
    fn helper(&mut self) {
        let right = self.role.first_chain();
        let wrong = if right == "OUTPUT" {
            "PREROUTING"
        } else {
            "OUTPUT"
        };
        let (hook, port) = match self.draws.below(20) {
            0..=11 => (right, Match::Dport(21, 21)),
            12..=13 => (wrong, Match::Dport(21, 21)),
            14 => (right, Match::Dport(2121, 2121)),
            15 => (wrong, Match::Sport(21, 21)),
            _ => return,
        };
        self.ruleset.add("raw", hook, vec![port], Verdict::Helper);
    }

    fn translation(&mut self) {
        let family = self.ruleset.family;
        let server = self.role.server(family);
        let [gateway, nobody] = self.role.gateway_and_nobody(family);
        let [from_client, to_server] = self.role.interfaces();
        let source = self
            .draws
            .pick(&[Verdict::Masquerade, Verdict::Snat(gateway)]);
        let hide = (vec![Match::Out(to_server)], source);
        let mut before: Vec<(Vec<Match>, Verdict)> = Vec::new();
        let mut after = None;
        match self.role {
            Role::ClientNat => after = Some(hide).filter(|_| self.draws.chance(92)),
            Role::ServerNat => {
                if self.draws.chance(95) {
                    let port = self.draws.pick(&[None, Some(21)]);
                    let to = if self.draws.chance(5) { nobody } else { server };
                    before.push((vec![Match::Dport(21, 21)], Verdict::Dnat(to, port)));
                }
                if self.draws.chance(35) {
                    let range = Match::Dport(PASSIVE.0, PASSIVE.1);
                    before.push((vec![range], Verdict::Dnat(server, None)));
                }
                after = Some(hide).filter(|_| self.draws.chance(15));
            }
            Role::Gateway => {
                after = Some(hide).filter(|_| self.draws.chance(20));
                if self.draws.chance(4) {
                    before.push((vec![Match::Dport(21, 21)], Verdict::Redirect(21)));
                }
            }
            Role::ServerFirewall if self.draws.chance(6) => {
                let verdict = self
                    .draws
                    .pick(&[Verdict::Redirect(2121), Verdict::Dnat(nobody, None)]);
                let port = self
                    .draws
                    .pick(&[Match::Dport(21, 21), Match::Dport(PASSIVE.0, PASSIVE.1)]);
                before.push((vec![port], verdict));
            }
            Role::ServerFirewall | Role::ClientFirewall => {}
        }
        for (mut matches, verdict) in before {
            if self.draws.chance(50) {
                matches.insert(0, Match::In(from_client));
            }
            self.ruleset.add("nat", "PREROUTING", matches, verdict);
        }
        if let Some((matches, verdict)) = after {
            self.ruleset.add("nat", "POSTROUTING", matches, verdict);
        }
    }

    /// Moves some of a chain's rules into a chain of the user's own.
    fn user_chain(&mut self) {
        if !self.draws.chance(30) {
            return;
        }
        let hook = self.draws.pick(&self.role.ways());
        let length = self.ruleset.hook("filter", hook).rules.len();
        if length == 0 {
            return;
        }
        let from = self.draws.below(length);
        let to = from + 1 + self.draws.below(length - from);
        let matches = self
            .draws
            .pick(&[vec![], vec![Match::Tcp], vec![Match::Dport(21, 21)]]);
        let verdict = match self.draws.chance(20) {
            true => Verdict::Goto("FTP".into()),
            false => Verdict::Jump("FTP".into()),
        };
        let jump = self.ruleset.rule(matches, verdict);
        let rules = &mut self.ruleset.hook("filter", hook).rules;
        let mut moved: Vec<Rule> = rules.splice(from..to, [jump]).collect();
        if self.draws.chance(15) {
            let back = self
                .ruleset
                .rule(vec![Match::Sport(21, 21)], Verdict::Return);
            moved.insert(self.draws.below(moved.len() + 1), back);
        }
        self.ruleset.user_chain("filter", "FTP", moved);
    }
}
