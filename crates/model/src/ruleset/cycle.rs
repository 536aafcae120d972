//! Chains that jump in a circle.

use std::collections::{BTreeSet, HashMap};

use super::mistake::{Draft, MistakeKind, Report};
use super::rule::{Ruleset, Table};
use super::same::is_unconditional;
use super::tables::TableName;
use super::text::SourceLine;
use fwlab_record::Family;

/// The jump that closes a circle, and the chains of the circle.
struct Circle<'r> {
    chains: Vec<&'r str>,
    closing: Option<SourceLine>,
}

/// Tells the circles that a packet can get into. The kernel refuses those
/// (`ELOOP` from legacy, `EMLINK` from nft), and takes others.
pub(super) fn check(ruleset: &Ruleset, report: &mut Report) {
    for family in ruleset.families().collect::<Vec<_>>() {
        for (name, table) in ruleset.tables(family) {
            for circle in circles(family, name, table) {
                let Some(closing) = circle.closing else {
                    continue;
                };
                report.push(|| {
                    Draft::new(
                        MistakeKind::JumpLoop,
                        closing.start..closing.end,
                        format!("the chains jump in a circle: {}", circle.chains.join(" → ")),
                    )
                    .label("closes the circle")
                    .help("the kernel loads no chain that leads back to itself")
                });
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Never,
    OnTheWay,
    Done,
}

/// Depth first without recursion: a chain of jumps may be as long as the file.
fn circles(family: Family, name: TableName, table: &Table) -> Vec<Circle<'_>> {
    let chains = table.chains();
    let places: HashMap<&str, usize> = chains
        .iter()
        .enumerate()
        .map(|(at, chain)| (chain.name(), at))
        .collect();
    let mut visits = vec![Visit::Never; chains.len()];
    let mut circles = Vec::new();
    let mut closed = BTreeSet::new();
    let starts = (0..chains.len()).filter(|at| name.hook(chains[*at].name()).is_some());
    for start in starts {
        if visits[start] != Visit::Never {
            continue;
        }
        visits[start] = Visit::OnTheWay;
        let mut way = vec![(start, 0)];
        while let Some((at, next)) = way.last_mut() {
            let Some(rule) = chains[*at].rules().get(*next) else {
                visits[*at] = Visit::Done;
                way.pop();
                continue;
            };
            *next += 1;
            if is_unconditional(rule, family) {
                // Legacy does not look behind it, and takes a circle there.
                *next = chains[*at].rules().len();
                continue;
            }
            let Some(&to) = rule.target().and_then(|target| places.get(target)) else {
                continue;
            };
            match visits[to] {
                Visit::Never => {
                    visits[to] = Visit::OnTheWay;
                    way.push((to, 0));
                }
                Visit::OnTheWay if closed.insert((way.last().map(|(at, _)| *at), to)) => {
                    let on_circle = way.iter().map(|(at, _)| *at).skip_while(|at| *at != to);
                    let names = on_circle.chain([to]).map(|at| chains[at].name());
                    circles.push(Circle {
                        chains: names.collect(),
                        closing: rule.source(),
                    });
                }
                Visit::OnTheWay | Visit::Done => {}
            }
        }
    }
    circles
}
