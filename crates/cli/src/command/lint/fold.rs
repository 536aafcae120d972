//! Lines that front ends such as ufw and firewalld write whatever is allowed, and that change nothing: told by chain where there
//! are many.

use std::collections::BTreeMap;

use fwlab_model::ruleset::Asks;
use fwlab_text::{line as shown, one_line};

use super::rules::Line;
use crate::command::trial::{Bench, Candidate};
use crate::text::Page;

/// As many lines of a kind are told one by one.
const FEW: usize = 3;

/// What lines are alike in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// They lead to another chain, and why they change nothing is not plain.
    Leads,
    /// They are in a chain that no rule leads to.
    Unreached,
}

impl Kind {
    fn of(line: &Line) -> Option<Kind> {
        let all = |is: fn(&Asks) -> bool| line.rules.iter().all(is);
        if all(|rule| rule.hooks.is_empty()) {
            Some(Kind::Unreached)
        } else if line.why.is_none() && all(|rule| !rule.leads_to.is_empty()) {
            Some(Kind::Leads)
        } else {
            None
        }
    }

    fn words(self) -> &'static str {
        match self {
            Kind::Leads => "Rules that lead to another chain, and change nothing:",
            Kind::Unreached => "Rules that change nothing, in chains that no rule leads to:",
        }
    }
}

/// The lines that are told one by one, and those that are told by their chains.
pub(super) fn folded<'l>(idle: &[&'l Line]) -> (Vec<&'l Line>, BTreeMap<Kind, Vec<&'l Line>>) {
    let mut kinds: BTreeMap<Kind, Vec<&Line>> = BTreeMap::new();
    for line in idle {
        if let Some(kind) = Kind::of(line) {
            kinds.entry(kind).or_default().push(line);
        }
    }
    kinds.retain(|_, lines| lines.len() > FEW);
    let is_folded = |line: &Line| Kind::of(line).is_some_and(|kind| kinds.contains_key(&kind));
    let each = idle.iter().copied().filter(|line| !is_folded(line));
    (each.collect(), kinds)
}

/// Tells lines of a kind by their chains.
pub(super) fn page(page: &mut Page, bench: &Bench<'_>, kind: Kind, lines: &[&Line]) {
    page.text(format_args!("\n{}\n", kind.words()));
    let none = Candidate::none(bench.subject);
    let mut chains: Vec<(String, Vec<u32>)> = Vec::new();
    for line in lines {
        let file = none
            .name_among_several(line.slot)
            .map_or_else(String::new, |name| format!("{} ", one_line(name)));
        let chain = format!("{}: {file}", line.rules[0].rule.chain);
        match chains.iter_mut().find(|(known, _)| *known == chain) {
            Some((_, numbers)) => numbers.push(line.line),
            None => chains.push((chain, vec![line.line])),
        }
    }
    for (chain, numbers) in chains {
        let word = if numbers.len() == 1 { "line" } else { "lines" };
        let count = numbers.len();
        let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
        let told = format!("{count} in {chain}{word} {}", numbers.join(", "));
        page.text(format_args!("  {}\n", shown(&told)));
    }
    let of_others = lines.iter().filter(|line| line.is_of_others());
    if let count @ 1.. = of_others.count() {
        page.text(format_args!(
            "  {count} of {} also match protocols other than TCP, which were not tried\n",
            lines.len()
        ));
    }
    page.text("  --verbose lists each of them\n");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fwlab_model::ruleset::{Hook, Only};
    use fwlab_record::{ChainId, RuleId, RuleOrdinal, TableFamily};

    use super::*;
    use crate::command::trial::Slot;

    fn line(number: u32, is_reached: bool, leads: bool, why: Option<&str>) -> Line {
        let chain = ChainId {
            family: TableFamily::Ipv4,
            table: "filter".into(),
            chain: "INPUT".into(),
        };
        Line {
            slot: Slot::Origin,
            line: number,
            rules: vec![Asks {
                rule: RuleId {
                    chain: chain.clone(),
                    ordinal: RuleOrdinal(number),
                },
                statement: String::new(),
                source_line: None,
                hooks: BTreeSet::from_iter(is_reached.then_some(Hook::Input)),
                only: Only::default(),
                beyond: None,
                leads_to: if leads { vec![chain] } else { Vec::new() },
                ends_all: false,
            }],
            why: why.map(str::to_owned),
        }
    }

    #[test]
    fn many_of_a_kind_are_told_by_their_chains() {
        let leads: Vec<Line> = (1..=4).map(|at| line(at, true, true, None)).collect();
        let spare: Vec<Line> = (5..=7).map(|at| line(at, false, false, None)).collect();
        // Why is plain, and worth more than the chain.
        let twice = line(8, true, true, Some("line 1 says the same before it"));
        let decides = line(9, true, false, None);
        let all: Vec<&Line> = leads
            .iter()
            .chain(&spare)
            .chain([&twice, &decides])
            .collect();
        let numbers = |lines: &[&Line]| lines.iter().map(|line| line.line).collect::<Vec<u32>>();
        let (each, kinds) = folded(&all);
        assert_eq!(numbers(&each), [5, 6, 7, 8, 9]);
        let kinds: Vec<(Kind, Vec<u32>)> = kinds
            .iter()
            .map(|(kind, lines)| (*kind, numbers(lines)))
            .collect();
        assert_eq!(kinds, [(Kind::Leads, vec![1, 2, 3, 4])]);
    }
}
