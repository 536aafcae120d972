//! Which target may stand in which table and chain, and which interface a
//! chain can see.

use super::check_value::other_family;
use super::extension;
use super::mistake::{Draft, MistakeKind, Report};
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

/// Tells a target that cannot stand in this chain, and an interface that no
/// packet has there.
pub(super) fn check(
    statement: &Statement<'_>,
    walk: &Walk<'_>,
    table: TableName,
    chain: &str,
    report: &mut Report,
) {
    let hook = table.hook(chain);
    for piece in &walk.pieces {
        match piece.core() {
            Some(Core::Jump) => {
                let name = piece.value();
                let span = statement.piece_span(piece);
                if extension::target_named(name)
                    .is_some_and(|target| !target.is_of(statement.family))
                {
                    report.push(|| {
                        other_family(MistakeKind::UnknownTarget, "target", name, statement, span)
                    });
                } else if let Some((_, tables, hooks)) =
                    PLACES.iter().find(|(target, ..)| *target == name)
                {
                    if !tables.is_empty() && !tables.contains(&table) {
                        report.push(|| misplaced_table(name, table, tables, hooks, span));
                    } else if let Some(hook) =
                        hook.filter(|hook| !hooks.is_empty() && !hooks.contains(hook))
                    {
                        report.push(|| {
                            Draft::new(
                                MistakeKind::Misplaced,
                                span,
                                format!("`{name}` cannot stand in the chain {}", hook.chain()),
                            )
                            .label("the kernel refuses it here")
                            .help(format!("it stands in {}", chains(hooks)))
                        });
                    }
                }
            }
            Some(core @ (Core::In | Core::Out)) => {
                let unseen = match (core, hook) {
                    (Core::In, Some(Output | Postrouting)) => "arrived on",
                    (Core::Out, Some(Prerouting | Input)) => "leaves through",
                    _ => continue,
                };
                report.push(|| {
                    let other = if core == Core::In { "-o" } else { "-i" };
                    Draft::new(
                        MistakeKind::BadInterface,
                        statement.piece_span(piece),
                        format!("`{}` in the chain {chain}", core.written()),
                    )
                    .label(format!("no packet here {unseen} an interface"))
                    .help(format!("in {chain} it is `{other}`"))
                });
            }
            _ => {}
        }
    }
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
) -> Draft {
    let names: Vec<_> = tables.iter().map(|table| table.word()).collect();
    let mut help = format!("it stands in {}", listed(&names));
    if let ([only], false) = (tables, hooks.is_empty()) {
        help = format!("it stands in {only}, in {}", chains(hooks));
    } else if let [only] = tables {
        help = format!("it stands in {only}, in {}", chains(only.hooks()));
    }
    if name == "DROP" {
        "nat sees only the first packet of a connection: drop in filter".clone_into(&mut help);
    }
    Draft::new(
        MistakeKind::Misplaced,
        span,
        format!("`{name}` cannot stand in the table {table}"),
    )
    .label("the kernel refuses it here")
    .help(help)
}
