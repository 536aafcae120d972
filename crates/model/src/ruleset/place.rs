//! Which target stands in which tables and chains.

use super::command::Command;
use super::mistake::{MistakeBuilder, MistakeKind, Report};
use super::statement::Statement;
use super::tables::{Hook, TableName, listed};
use super::walk::{Core, Walk};

use Hook::{Forward, Input, Output, Postrouting, Prerouting};
use TableName::{Filter, Mangle, Nat, Raw, Security};

/// A target, the tables and the hooks that the kernel takes it in, all where
/// none is named: `.table` and `.hooks` of the modules in net/netfilter, and
/// measured through both backends.
#[rustfmt::skip]
const PLACES: &[(&str, &[TableName], &[Hook])] = &[
    ("CHECKSUM", &[Mangle], &[]),
    ("CLASSIFY", &[], &[Forward, Output, Postrouting]),
    ("CONNSECMARK", &[Mangle, Security], &[]),
    ("CT", &[Raw], &[]),
    ("DNAT", &[Nat], &[Prerouting, Output]),
    ("DNPT", &[Mangle], &[]),
    ("DROP", &[Raw, Mangle, Filter, Security], &[]),
    ("DSCP", &[Mangle], &[]),
    ("ECN", &[Mangle], &[]),
    ("HL", &[Mangle], &[]),
    ("MASQUERADE", &[Nat], &[Postrouting]),
    ("NETMAP", &[Nat], &[]),
    ("NOTRACK", &[Raw], &[]),
    ("REDIRECT", &[Nat], &[Prerouting, Output]),
    ("REJECT", &[Filter], &[]),
    ("SECMARK", &[Mangle, Security], &[]),
    ("SNAT", &[Nat], &[Input, Postrouting]),
    ("SNPT", &[Mangle], &[]),
    ("SYNPROXY", &[], &[Input, Forward]),
    ("TCPOPTSTRIP", &[Mangle], &[]),
    ("TOS", &[Mangle], &[]),
    ("TPROXY", &[Mangle], &[Prerouting]),
    ("TTL", &[Mangle], &[]),
];

/// Tells a target that cannot stand in the table or chain of a rule; `false` where that is not what is wrong.
pub(super) fn tell(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    command: &Command,
    report: &mut Report,
) -> bool {
    let table = command.table;
    let jumps = walk
        .pieces
        .iter()
        .find(|piece| piece.core() == Some(Core::Jump));
    let Some(piece) = jumps else {
        return false;
    };
    let name = piece.value();
    let Some((_, tables, hooks)) = PLACES.iter().find(|(target, ..)| *target == name) else {
        return false;
    };
    let span = statement.piece_span(piece);
    let hook = command.words.get(1).and_then(|chain| table.hook(chain));
    if !tables.is_empty() && !tables.contains(&table) {
        report.push(|| misplaced_table(name, table, tables, hooks, span));
        return true;
    }
    let Some(hook) = hook.filter(|hook| !hooks.is_empty() && !hooks.contains(hook)) else {
        return false;
    };
    report.push(|| {
        MistakeBuilder::new(
            MistakeKind::Misplaced,
            span,
            format!("`{name}` is not allowed in the chain {}", hook.chain()),
        )
        .label("the kernel refuses it here")
        .help(format!("it belongs in {}", chains(hooks)))
    });
    true
}

fn chains(hooks: &[Hook]) -> String {
    let names: Vec<_> = hooks.iter().map(|hook| hook.chain()).collect();
    listed(&names)
}

fn misplaced_table(
    name: &str,
    table: TableName,
    tables: &[TableName],
    hooks: &[Hook],
    span: std::ops::Range<usize>,
) -> MistakeBuilder {
    let names: Vec<_> = tables.iter().map(|table| table.word()).collect();
    let mut help = format!("it belongs in {}", listed(&names));
    if let ([only], false) = (tables, hooks.is_empty()) {
        help = format!("it belongs in {only}, in {}", chains(hooks));
    } else if let [only] = tables {
        help = format!("it belongs in {only}, in {}", chains(only.hooks()));
    }
    if name == "DROP" {
        "nat sees only the first packet of a connection: drop in filter instead"
            .clone_into(&mut help);
    }
    MistakeBuilder::new(
        MistakeKind::Misplaced,
        span,
        format!("`{name}` is not allowed in the table {table}"),
    )
    .label("the kernel refuses it here")
    .help(help)
}
