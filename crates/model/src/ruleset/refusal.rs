//! What to say of a command that a loader refused.

use std::collections::BTreeSet;
use std::ops::Range;

use super::attempt::{Attempt, Refusal};
use super::command::{Command, Verb};
use super::complaint::target_in;
use super::extension;
use super::missing_sets::{self, MissingSets};
use super::mistake::{MistakeBuilder, MistakeKind, Mistakes, Report, quote};
use super::statement::{Form, Statement};
use super::suggest::nearest;
use super::tables::{Hook, TableName, listed};
use super::walk::{Core, Piece, Walk, core_names};
use super::{faults, helper, place};
use fwlab_record::Family;

/// The unknown names for which a known one is sought that resembles them.
const SOUGHT: usize = 200;

impl Attempt<'_> {
    /// What was refused, each at its place and with what may have been meant; nothing where nothing was, or where
    /// the rules were not read from a text.
    pub fn mistakes(&self) -> Option<Mistakes> {
        let source = self.ruleset.source(self.family)?;
        let mut report = Report::new(source.clone());
        let made = (0..).zip(self.commands()).filter_map(|(at, command)| {
            let name = command.makes(self.family)?;
            Some((at, command.table, name))
        });
        let mut teller = Teller {
            attempt: self,
            made: made.collect(),
            missing: BTreeSet::new(),
            sets: MissingSets::default(),
            sought: 0,
        };
        for (at, refusal) in &self.refusals {
            let line = self.commands()[*at].source().map(|source| source.line);
            if let (Some(name), Some(line)) = (missing_sets::missing(&refusal.words), line) {
                teller.sets.asked(name, line);
            }
        }
        for (&at, refusal) in &self.refusals {
            let command = &self.commands()[at];
            if let Some(statement) = command.statement(self.family, source) {
                teller.tell(at, command, refusal, &statement, &mut report);
            }
        }
        report.finish().1
    }

    /// What was refused of rules that were not read from a text, in the loader's words.
    pub fn refused_of_itself(&self) -> Vec<String> {
        let refused = self.refusals.iter();
        let own = refused.filter(|(at, _)| self.commands()[**at].origin.is_none());
        own.map(|(at, refusal)| format!("`{}`: {}", self.commands()[*at], refusal.words))
            .collect()
    }
}

struct Teller<'a, 'r> {
    attempt: &'a Attempt<'r>,
    /// The chains that commands make: by which, in which table, under which name.
    made: Vec<(usize, TableName, &'a str)>,
    /// The chains whose absence was told.
    missing: BTreeSet<(TableName, &'a str)>,
    /// The sets whose absence is still to be told.
    sets: MissingSets,
    sought: usize,
}

impl<'a> Teller<'a, '_> {
    fn tell(
        &mut self,
        at: usize,
        command: &'a Command,
        refusal: &Refusal,
        statement: &Statement<'_>,
        report: &mut Report,
    ) {
        let walk = command.walk(self.attempt.family);
        if command.verb != Verb::Declare && faults::tell(statement, &walk, report) {
            return;
        }
        if let Some(piece) = walk.pieces.iter().find(|piece| {
            piece.core() == Some(Core::Policy) && piece.first.is_some() && piece.second.is_none()
        }) {
            report.push(|| half_policy(statement, piece, command.table));
            return;
        }
        if let Some(name) = command.chain(self.attempt.family)
            && self.is_missing(at, command.table, name)
        {
            // The chain itself was refused, and that is told.
            let refused = self
                .made
                .iter()
                .any(|(at, _, made)| *made == name && self.attempt.refusals.contains_key(at));
            if !refused && self.missing.insert((command.table, name)) {
                self.no_chain(at, command, name, statement, report);
            }
            return;
        }
        let jumps = walk.pieces.iter().find(|piece| {
            matches!(piece.core(), Some(Core::Jump | Core::Goto))
                && command.table.hook(piece.value()).is_some()
        });
        if let Some(jump) = jumps {
            report.push(|| {
                let message = format!("a jump to the built-in chain {}", jump.value());
                MistakeBuilder::new(
                    MistakeKind::UnknownTarget,
                    statement.piece_span(jump),
                    message,
                )
                .label("only packets of its hook reach it")
            });
            return;
        }
        if let Some(target) = target_in(&refusal.words) {
            self.no_target(at, command, target, statement, &walk, report);
            return;
        }
        if place::tell(statement, &walk, command, report)
            || helper::tell(statement, &walk, refusal, report)
        {
            return;
        }
        if let Some(name) = missing_sets::missing(&refusal.words) {
            let word = word_with(statement, name);
            let span = word.map_or(statement.span.clone(), |word| statement.word_span(word));
            if let Some(draft) = self.sets.tell(name, span) {
                report.push(|| draft);
            }
            return;
        }
        self.sought += 1;
        let seek = self.sought <= SOUGHT && !report.is_full();
        report.push(|| in_its_words(statement, &walk, refusal, self.attempt.family, seek));
    }

    /// Whether no command before makes the chain, and the table has it not of itself.
    fn is_missing(&self, at: usize, table: TableName, name: &str) -> bool {
        let before = self
            .made
            .iter()
            .filter(|(made, ..)| *made < at && !self.attempt.refusals.contains_key(made));
        table.hook(name).is_none()
            && !before
                .into_iter()
                .any(|made| made.1 == table && made.2 == name)
    }

    /// The chains of a table that commands make.
    fn chains(&self, table: TableName) -> impl Iterator<Item = &'a str> {
        let of_table = self.made.iter().filter(move |made| made.1 == table);
        of_table.map(|made| made.2)
    }

    /// The tables in which there is a chain of that name.
    fn tables_with(&self, name: &str) -> Vec<TableName> {
        let has = |table: &TableName| self.chains(*table).any(|chain| chain == name);
        TableName::ALL.iter().copied().filter(has).collect()
    }

    fn made_later(&self, at: usize, table: TableName, name: &str) -> Option<u32> {
        let mut later = self.made.iter();
        let (made, ..) = later.find(|made| made.0 > at && made.1 == table && made.2 == name)?;
        Some(self.attempt.commands()[*made].source()?.line)
    }

    fn no_chain(
        &self,
        at: usize,
        command: &Command,
        name: &str,
        statement: &Statement<'_>,
        report: &mut Report,
    ) {
        let table = command.table;
        let span = match word_with(statement, name) {
            Some(word) => statement.word_span(word),
            None => statement.span.clone(),
        };
        if Hook::of_chain(name).is_some() || command.policy(self.attempt.family).is_some() {
            report.push(|| no_built_in_chain(name, table, span));
            return;
        }
        let later = self.made_later(at, table, name);
        report.push(|| {
            let built_in = table.hooks().iter().map(|hook| hook.chain());
            let near = nearest(name, self.chains(table).chain(built_in));
            let draft = MistakeBuilder::new(
                MistakeKind::UnknownChain,
                span,
                format!("the table {table} has no chain `{}`", quote(name)),
            );
            match (later, near, self.tables_with(name).first()) {
                (Some(line), ..) => draft.label(format!("declared only later, in line {line}")),
                (None, Some(near), _) => draft.label(format!("`{near}`?")),
                (None, None, Some(other)) => draft.label(format!("stands in the table {other}")),
                (None, None, None) => {
                    let draft = draft.label("not declared before");
                    match (of_front_end(name), statement.form) {
                        (Some(instead), _) => draft.help(instead),
                        (None, Form::Saved) => draft.help(format!(
                            "declare it at the top of the table: `:{name} - [0:0]`"
                        )),
                        (None, Form::Command) => draft.help(format!("make it first: `-N {name}`")),
                    }
                }
            }
        });
    }

    fn no_target(
        &mut self,
        at: usize,
        command: &Command,
        target: &str,
        statement: &Statement<'_>,
        walk: &Walk<'_>,
        report: &mut Report,
    ) {
        let table = command.table;
        self.sought += 1;
        let seek = self.sought <= SOUGHT && !report.is_full();
        let later = self.made_later(at, table, target);
        let jumps = walk.pieces.iter().find(|piece| {
            matches!(piece.core(), Some(Core::Jump | Core::Goto)) && piece.value() == target
        });
        let goes = jumps.is_some_and(|piece| piece.core() == Some(Core::Goto));
        let span = jumps.map_or(statement.span.clone(), |piece| statement.piece_span(piece));
        report.push(|| {
            let known = extension::targets().iter().map(|known| known.name);
            let known = known.chain(["ACCEPT", "DROP", "RETURN", "QUEUE"]);
            let names = self.chains(table).chain(known.filter(|_| !goes));
            let near = seek.then(|| nearest(target, names)).flatten();
            let elsewhere = self.tables_with(target);
            let draft = MistakeBuilder::new(
                MistakeKind::UnknownTarget,
                span,
                format!("there is no chain or target `{}` in {table}", quote(target)),
            );
            match (
                later,
                near.filter(|near| *near != target),
                elsewhere.first(),
            ) {
                (Some(line), ..) => draft
                    .label(format!("declared only later, in line {line}"))
                    .help("a chain is declared before a rule jumps to it"),
                (None, Some(near), _) => draft.label(format!("`{near}`?")),
                (None, None, Some(other)) => draft.label(format!("stands in the table {other}")),
                (None, None, None) => draft
                    .label("no such chain")
                    .help_if(of_front_end(target).map(str::to_owned)),
            }
        });
    }
}

/// `-P DROP`, which lacks the chain, or `-P INPUT`, which lacks the policy.
fn half_policy(statement: &Statement<'_>, piece: &Piece<'_>, table: TableName) -> MistakeBuilder {
    let word = piece.value();
    let option = statement.word(piece.at);
    let draft = MistakeBuilder::new(
        MistakeKind::BadPolicy,
        statement.piece_span(piece),
        format!("`{option}` requires a chain and a policy"),
    );
    if ["ACCEPT", "DROP"].contains(&word)
        && let Some(hook) = table.hooks().first()
    {
        return draft.label("of which chain?").help(format!(
            "for example, write `{option} {} {word}`",
            hook.chain()
        ));
    }
    draft.label("ACCEPT or DROP?").help(format!(
        "write `{option} {word} ACCEPT` or `{option} {word} DROP`"
    ))
}

/// What to give instead of a part of a front end's rules, known by the names of its chains.
fn of_front_end(chain: &str) -> Option<&'static str> {
    ["ufw-", "ufw6-"].iter().any(|prefix| chain.starts_with(prefix)).then_some(
        "a part of ufw's rules: give what `iptables-save` prints on the host, and for IPv6 `ip6tables-save`",
    )
}

fn no_built_in_chain(name: &str, table: TableName, span: Range<usize>) -> MistakeBuilder {
    let draft = MistakeBuilder::new(
        MistakeKind::UnknownChain,
        span,
        format!("the table {table} has no built-in chain `{}`", quote(name)),
    );
    let draft = draft.label(format!("{table} has {}", table.chains_listed()));
    match Hook::of_chain(name) {
        Some(hook) => {
            let tables = TableName::ALL.iter();
            let tables = tables.filter(|table| table.hooks().contains(&hook));
            let tables: Vec<_> = tables.map(|table| table.word()).collect();
            draft.help(format!("{name} is in {}", listed(&tables)))
        }
        None => match nearest(name, table.hooks().iter().map(|hook| hook.chain())) {
            Some(near) => draft.help(format!("`{near}`?")),
            None => draft.help("only a built-in chain has a policy"),
        },
    }
}

/// The loader's words, at the word that they are about.
fn in_its_words(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    refusal: &Refusal,
    family: Family,
    seek: bool,
) -> MistakeBuilder {
    let said = refusal.words.as_str();
    let about = quoted(said).find_map(|name| Some((name, word_with(statement, name)?)));
    let about = about.or_else(|| {
        let named = said.split_ascii_whitespace();
        let mut options = named.filter(|word| word.starts_with('-') && word.len() > 1);
        options.find_map(|option| Some((option, word_with(statement, option)?)))
    });
    let jump = || {
        let mut pieces = walk.pieces.iter();
        pieces.find(|piece| matches!(piece.core(), Some(Core::Jump)))
    };
    let span = match (about, jump()) {
        (Some((_, word)), _) => statement.word_span(word),
        // The kernel's refusals are mostly of what the target needs.
        (None, Some(jump)) if refusal.meaning.is_some() => statement.piece_span(jump),
        _ => statement.span.clone(),
    };
    let near = about
        .filter(|(name, _)| !name.contains(['.', ':']))
        .and_then(|(name, word)| {
            let near = seek.then(|| nearest(name, vocabulary(family)))??;
            (near != name).then(|| (near, statement.word(word).replacen(name, near, 1), word))
        });
    let draft =
        MistakeBuilder::new(MistakeKind::Refused, span, sentence(said)).label("refused here");
    let name = about.map_or("", |(name, _)| name);
    match (near, advice(said, name, walk), refusal.meaning) {
        (Some((near, fix, word)), ..) => draft
            .label(format!("`{near}`?"))
            .help(statement.write_instead(&[(statement.word_span(word), fix)])),
        (None, Some(advice), _) => draft.help(advice),
        (None, None, Some(meaning)) => draft.help(meaning),
        (None, None, None) if said.is_empty() => draft.help(
            "the match or target is not allowed here, or lacks the protocol that it needs; the chains jump in a loop; or \
             something that it names does not exist",
        ),
        (None, None, None) => draft,
    }
}

/// What stands in quotes of one kind or the other: `` `x' ``, `"x"`, `'x'`.
fn quoted(said: &str) -> impl Iterator<Item = &str> {
    [('`', '\''), ('"', '"'), ('\'', '\'')]
        .into_iter()
        .filter_map(|(open, close)| {
            let (_, rest) = said.split_once(open)?;
            Some(rest.split_once(close)?.0).filter(|name| !name.is_empty())
        })
}

/// The last word that is this, or has it in it.
fn word_with(statement: &Statement<'_>, name: &str) -> Option<usize> {
    let words = || statement.words.iter();
    let exactly = words().rposition(|word| word.text == name);
    exactly.or_else(|| words().rposition(|word| word.text.contains(name)))
}

/// The loader's words as a sentence of ours.
fn sentence(said: &str) -> String {
    const SHOWN: usize = 200;
    let said = said.trim().trim_end_matches('.');
    if let Some(("Couldn't load match ", name)) = said.split_once('`') {
        let name = name.split('\'').next().unwrap_or_default();
        return format!("there is no match `{}`", quote(name));
    }
    match said.split_once(" failed (") {
        // `RULE_APPEND failed (Invalid argument): rule in chain INPUT`
        Some((_, rest)) => {
            let why = rest.split(')').next().unwrap_or_default();
            format!("the kernel refuses this: {why}")
        }
        // iptables-legacy.
        None if said.is_empty() => "the kernel refuses this".to_owned(),
        None => {
            let shown: String = said.chars().take(SHOWN).collect();
            format!(
                "iptables refuses this: {}",
                shown.replace(['\n', '\r'], " ")
            )
        }
    }
}

/// What to write instead, for what people often write.
fn advice(said: &str, about: &str, walk: &Walk<'_>) -> Option<String> {
    let number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if said.starts_with("host/network") {
        return Some(match about {
            "" => "a comma too many, or a blank after it".to_owned(),
            _ if about.contains(':') => "an IPv6 address: use `ip6tables`".to_owned(),
            _ if about.contains('-') && about.starts_with(|first: char| first.is_ascii_digit()) => {
                format!("for a range, write `-m iprange --src-range {about}` (or `--dst-range`)")
            }
            _ if about.contains(|char: char| char.is_ascii_alphabetic()) => {
                "write the address: the lab has no resolver".to_owned()
            }
            _ => return None,
        });
    }
    if said.starts_with("invalid port/service") {
        return match about.split_once('-') {
            Some((first, last)) if number(first) && number(last) => {
                Some(format!("write a range of ports as `{first}:{last}`"))
            }
            _ if about.contains(',') => Some(format!(
                "for several ports, write `-m multiport --dports {about}`"
            )),
            _ if number(about) && about.len() > 4 => Some("ports go up to 65535".to_owned()),
            _ => None,
        };
    }
    if said.starts_with("Bad policy name") || said.starts_with("Can't set policy") {
        return Some(
            "a policy is ACCEPT or DROP; to reject, use policy DROP and `-j REJECT` in the last rule"
                .to_owned(),
        );
    }
    if said.starts_with("Couldn't load match") && extension::target_named(about).is_some() {
        return Some(format!("`{about}` is a target: write `-j {about}`"));
    }
    // `owner: Bad value for "--uid-owner" option: "ftp"`
    if said.contains("-owner\" option") {
        let option = walk.pieces.iter().find(|piece| piece.is("uid-owner"));
        let lookup = option.map_or("getent group NAME", |_| "id -u NAME");
        return Some(format!(
            "the lab does not know the host's users and groups: write the number, as `{lookup}` says there"
        ));
    }
    let jump = walk.pieces.iter().find(|piece| piece.is("reject-with"))?;
    (jump.value() == "tcp-reset")
        .then(|| "only TCP can be reset, so the rule needs `-p tcp`".to_owned())
}

/// The words that a value or an option may have been meant to be.
fn vocabulary(family: Family) -> impl Iterator<Item = &'static str> {
    const STATES: [&str; 7] = [
        "INVALID",
        "NEW",
        "ESTABLISHED",
        "RELATED",
        "UNTRACKED",
        "SNAT",
        "DNAT",
    ];
    const PROTOCOLS: [&str; 9] = [
        "tcp", "udp", "icmp", "icmpv6", "udplite", "sctp", "dccp", "esp", "all",
    ];
    const REJECTS: [&str; 12] = [
        "icmp-net-unreachable",
        "icmp-host-unreachable",
        "icmp-port-unreachable",
        "icmp-proto-unreachable",
        "icmp-net-prohibited",
        "icmp-host-prohibited",
        "icmp-admin-prohibited",
        "tcp-reset",
        "icmp6-no-route",
        "icmp6-adm-prohibited",
        "icmp6-addr-unreachable",
        "icmp6-port-unreachable",
    ];
    let of_family = move |name: &&str| match family {
        Family::Ipv4 => !name.starts_with("icmp6"),
        Family::Ipv6 => !name.starts_with("icmp-"),
    };
    let matches = extension::matches().iter();
    let words = STATES.into_iter().chain(PROTOCOLS).chain(REJECTS);
    words
        .chain(["ACCEPT", "DROP"])
        .filter(of_family)
        .chain(matches.map(|known| known.name))
        .chain(core_names())
}
