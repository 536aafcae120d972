//! What is collected while a source is read.

use std::sync::Arc;

use super::command::{Command, Verb};
use super::extension::Takes;
use super::mistake::{MistakeBuilder, MistakeKind, Report, quote};
use super::number::integer;
use super::rules::Ruleset;
use super::sets::Sets;
use super::statement::{Form, Statement};
use super::suggest::nearest;
use super::tables::TableName;
use super::users::Users;
use super::walk::{self, Core, Opt, Piece, Walk};
use fwlab_record::Family;

/// The most commands that one source may have.
const COMMANDS_MOST: usize = 250_000;

/// The most rules that one line may become; lists of addresses multiply.
const LINE_RULES_MOST: usize = 4_096;

/// The commands of a source so far.
#[derive(Default)]
pub(super) struct Reading {
    ruleset: Ruleset,
    sets: Option<Sets>,
    users: Users,
    commands: usize,
}

impl Reading {
    /// A statement of options: `-A INPUT …`, as it stands in a dump, or behind
    /// `iptables`. In a dump, `table` is the one that is open.
    pub(super) fn statement(
        &mut self,
        mut statement: Statement<'_>,
        table: Option<TableName>,
        report: &mut Report,
    ) {
        let walk = walk::walk(&statement.words, statement.family);
        if !is_of_family(&statement, &walk, report) || multiplies(&statement, &walk, report) {
            return;
        }
        let core = walk.pieces.iter().filter_map(Piece::core).find(is_command);
        if core.is_some_and(changes_nothing) {
            let what = "changes no rule, left out".to_owned();
            report.note(statement.span.start, statement.span.end, what);
            return;
        }
        let Some(table) = table_of(&statement, &walk, table, report) else {
            return;
        };
        for piece in &walk.pieces {
            if let Some(odd) = odd_ports(piece) {
                let span = statement.value_span(piece);
                let note = format!("`{}` {odd}", quote(piece.value()));
                report.note(span.start, span.end, note);
            }
        }
        let mut dropped = dropped(&statement, &walk);
        let numbered = self.numbered(&statement, &walk, report);
        let accounts = accounts(&walk);
        if let Some((&first, &last)) = accounts.iter().min().zip(accounts.iter().max()) {
            let span = statement.word_span(first).start..statement.word_span(last).end;
            let note = "counts packets in an object defined elsewhere: left out, since one without a quota matches everything";
            report.note(span.start, span.end, note);
            dropped.extend(accounts);
        }
        for (word, text) in numbered {
            statement.words[word].text = text.into();
        }
        let mut at = 0;
        statement.words.retain(|_| {
            at += 1;
            !dropped.contains(&(at - 1))
        });
        if statement.words.is_empty() {
            report.push(|| {
                MistakeBuilder::new(
                    MistakeKind::Command,
                    statement.span.clone(),
                    "a statement without a command",
                )
                .label("no `-A`, `-I`, `-P`, …")
            });
            return;
        }
        self.push(table, Verb::of(core), &statement, report);
    }

    /// The words in which a number stands for a user of the host.
    fn numbered(
        &mut self,
        statement: &Statement<'_>,
        walk: &Walk<'_>,
        report: &mut Report,
    ) -> Vec<(usize, String)> {
        let pieces = walk.pieces.iter().filter(|piece| piece.is("uid-owner"));
        let values = pieces.filter_map(|piece| piece.first);
        let mut numbered = Vec::new();
        for value in values {
            let Some(found) = self.users.number(value.text, 5, statement.text) else {
                continue;
            };
            // `--uid-owner=NAME` is one word.
            let option = statement.word(value.word).strip_suffix(value.text);
            let word = format!("{}{}", option.unwrap_or_default(), found.number);
            if let Some(note) = found.note {
                let span = statement.word_span(value.word);
                report.note(span.start, span.end, note);
            }
            numbered.push((value.word, word));
        }
        numbered
    }

    /// `:CHAIN POLICY` in a dump, as words.
    pub(super) fn declare(
        &mut self,
        table: TableName,
        statement: &Statement<'_>,
        report: &mut Report,
    ) {
        self.push(table, Verb::Declare, statement, report);
    }

    /// `*table` in a dump where it stood before: what is before was committed, `iptables-restore` empties the table, and
    /// leaves policies.
    pub(super) fn start_again(
        &mut self,
        table: TableName,
        statement: &Statement<'_>,
        report: &mut Report,
    ) {
        for option in ["-F", "-X"] {
            let line = report
                .source()
                .source_line(statement.span.start, statement.span.end);
            let mut command = Command::read(table, Verb::Remove, &[], Form::Command, line);
            command.words.push(option.to_owned());
            self.ruleset.push(statement.family, command);
        }
    }

    fn push(
        &mut self,
        table: TableName,
        verb: Verb,
        statement: &Statement<'_>,
        report: &mut Report,
    ) {
        self.commands += 1;
        if self.commands > COMMANDS_MOST {
            report.push(|| {
                MistakeBuilder::new(
                    MistakeKind::TooLong,
                    statement.span.clone(),
                    format!("more than {COMMANDS_MOST} commands in one source"),
                )
                .label("no more are read")
            });
            return;
        }
        let line = report
            .source()
            .source_line(statement.span.start, statement.span.end);
        let command = Command::read(table, verb, &statement.words, statement.form, line);
        self.ruleset.push(statement.family, command);
    }

    /// Says that the source is for a family, be there rules of it or not.
    pub(super) fn is_for(&mut self, family: Family) {
        self.ruleset.touch(family, None);
    }

    /// How many commands there are so far.
    pub(super) fn count(&self) -> usize {
        self.commands
    }

    /// The sets that rules match on, so far.
    pub(super) fn sets(&mut self, report: &Report) -> &mut Sets {
        self.sets
            .get_or_insert_with(|| Sets::of(Arc::clone(report.source())))
    }

    pub(super) fn finish(mut self, report: &Report) -> (Ruleset, Option<Sets>) {
        let source = Arc::clone(report.source());
        let families: Vec<Family> = self.ruleset.families().collect();
        for family in families {
            self.ruleset.touch(family, Some(&source));
        }
        (self.ruleset, self.sets)
    }
}

fn is_command(core: &Core) -> bool {
    (*core as u8) <= Core::Help as u8
}

fn changes_nothing(core: Core) -> bool {
    use Core::{Check, Help, List, ListRules, Version, Zero};
    matches!(core, Check | Help | List | ListRules | Version | Zero)
}

/// Whether the rule is for the family that is read; `-4` and `-6` say so.
fn is_of_family(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) -> bool {
    let other = match statement.family {
        Family::Ipv4 => Core::Ipv6,
        Family::Ipv6 => Core::Ipv4,
    };
    let Some(piece) = walk.pieces.iter().find(|piece| piece.core() == Some(other)) else {
        return true;
    };
    match statement.form {
        Form::Saved => report.note(
            statement.span.start,
            statement.span.end,
            format!(
                "a rule for the other family (`{}`), left out",
                other.written()
            ),
        ),
        Form::Command => report.push(|| {
            let (this, instead) = match statement.family {
                Family::Ipv4 => ("iptables", "ip6tables"),
                Family::Ipv6 => ("ip6tables", "iptables"),
            };
            let option = other.written();
            MistakeBuilder::new(
                MistakeKind::Command,
                statement.piece_span(piece),
                format!("`{this} {option}`"),
            )
            .label("the other family")
            .help(format!("write `{instead}`"))
        }),
    }
    false
}

/// Whether lists of addresses make more rules of one line than are worth loading.
fn multiplies(statement: &Statement<'_>, walk: &Walk<'_>, report: &mut Report) -> bool {
    let is_address =
        |piece: &&Piece<'_>| matches!(piece.core(), Some(Core::Source | Core::Destination));
    let addresses = walk.pieces.iter().filter(is_address);
    let count = addresses.fold(1_usize, |count, piece| {
        count.saturating_mul(1 + piece.value().matches(',').count())
    });
    if count > LINE_RULES_MOST {
        report.push(|| {
            MistakeBuilder::new(
                MistakeKind::TooLong,
                statement.span.clone(),
                format!("one line becomes {count} rules"),
            )
            .label(format!("{LINE_RULES_MOST} at most"))
            .help("`-m set` matches many addresses in one rule")
        });
    }
    count > LINE_RULES_MOST
}

/// What iptables makes of ports, where that is not what they say; where it refuses them, nobody hears of it.
fn odd_ports(piece: &Piece<'_>) -> Option<&'static str> {
    let Opt::Extension {
        takes: Takes::Ports,
        of,
        ..
    } = piece.option
    else {
        return None;
    };
    // One port alone is refused there.
    if of != "conntrack" && !piece.value().contains(':') {
        return None;
    }
    let (first, last) = piece.value().split_once(':').unwrap_or((piece.value(), ""));
    let (first, last) = (integer(first), integer(last));
    let is_cut = |port: Option<u64>| port.is_some_and(|port| port > u64::from(u16::MAX));
    if is_cut(first) || is_cut(last) {
        return Some("is above 65535: iptables refuses that, or silently truncates it");
    }
    let backwards = first.zip(last).is_some_and(|(first, last)| first > last);
    backwards.then_some("runs backwards: if it loads at all, it matches nothing")
}

/// The table of a statement: the one that is open, or that `-t` names.
fn table_of(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    open: Option<TableName>,
    report: &mut Report,
) -> Option<TableName> {
    let mut named = walk.pieces.iter().rev();
    let named = named
        .find(|piece| piece.core() == Some(Core::Table))
        .filter(|piece| statement.form == Form::Command && piece.first.is_some());
    let Some(piece) = named else {
        return Some(open.unwrap_or(TableName::Filter));
    };
    let name = piece.value();
    let table = name.parse().ok();
    // `-tcp` is `-t cp`.
    let is_glued = piece.first.is_some_and(|value| value.word == piece.at);
    if is_glued && name == "cp" {
        report.push(|| {
            unknown_table(name, statement.value_span(piece)).label("`-p tcp`? `-tcp` is `-t cp`")
        });
    } else if table.is_none() {
        report.push(|| unknown_table(name, statement.value_span(piece)));
    }
    table
}

/// The words of a statement that are not for its loader: what `iptables` takes and `iptables-restore` does not,
/// and counters, in whose place the line's number goes. Counters that stand twice are for the loader to refuse.
fn dropped(statement: &Statement<'_>, walk: &Walk<'_>) -> Vec<usize> {
    use Core::{Counters, Exact, Ipv4, Ipv6, LineNumbers, Modprobe, Numeric, Verbose};
    use Core::{Table, Wait, WaitInterval};
    let of_command = statement.form == Form::Command;
    let counted = |piece: &&Piece<'_>| piece.core() == Some(Counters);
    let counted_once = walk.pieces.iter().filter(counted).count() == 1;
    let is_dropped = |piece: &&Piece<'_>| match piece.core() {
        // One counter alone is for the loader to refuse, too.
        Some(Counters) => counted_once && (piece.second.is_some() || piece.value().contains(',')),
        Some(
            Exact | Ipv4 | Ipv6 | LineNumbers | Modprobe | Numeric | Table | Verbose | Wait
            | WaitInterval,
        ) => of_command && piece.negation.is_none(),
        _ => false,
    };
    // Letters may be run together in one word.
    let alone =
        |piece: &&Piece<'_>| walk.pieces.iter().filter(|one| one.at == piece.at).count() == 1;
    let pieces = walk.pieces.iter().filter(is_dropped).filter(alone);
    let words = pieces.flat_map(|piece| {
        let values = [piece.first, piece.second].into_iter().flatten();
        values.map(|value| value.word).chain([piece.at])
    });
    words.collect()
}

/// The words of `-m nfacct --nfacct-name …`.
fn accounts(walk: &Walk<'_>) -> Vec<usize> {
    let counts = |piece: &&Piece<'_>| {
        piece.is("nfacct-name") || (piece.core() == Some(Core::Match) && piece.value() == "nfacct")
    };
    let pieces = walk.pieces.iter().filter(counts);
    pieces
        .flat_map(|piece| [Some(piece.at), piece.first.map(|value| value.word)])
        .flatten()
        .collect()
}

pub(super) fn unknown_table(name: &str, span: std::ops::Range<usize>) -> MistakeBuilder {
    let near = nearest(name, TableName::ALL.iter().map(|table| table.word()));
    MistakeBuilder::new(
        MistakeKind::UnknownTable,
        span,
        format!("there is no table `{}`", quote(name)),
    )
    .label(near.map_or_else(
        || "raw, mangle, nat, filter or security".to_owned(),
        |near| format!("`{near}`?"),
    ))
}
