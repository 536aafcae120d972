use std::collections::HashMap;
use std::ops::RangeInclusive;

use fwlab_model::ruleset::TableName;
use fwlab_record::{CauseKind, Symptom};

use super::problem::Problems;
use super::read_nodes::known_node;
use super::read_rules::known_ruleset;
use super::reader::Reader;
use super::requirement::{CauseDemand, Requirement, Selector};
use super::rules::RulesetEntry;
use super::stage::Stage;

pub(super) fn requirement(
    entry: &Reader<'_>,
    stage: &Stage,
    rulesets: &[RulesetEntry],
    native: bool,
    problems: &mut Problems,
) -> Option<Requirement> {
    entry.require("symptom", problems);
    let named = entry.texts("ruleset", problems).unwrap_or_default();
    for name in &named {
        known_ruleset(name, rulesets, problems);
    }
    let selector = Selector {
        rulesets: named.into_iter().map(|name| name.value).collect(),
        backends: entry.words("backend", problems).unwrap_or_default(),
        servers: entry.words("server", problems).unwrap_or_default(),
        clients: entry.words("client", problems).unwrap_or_default(),
        data: entry.words("data", problems).unwrap_or_default(),
        protections: entry.words("protection", problems).unwrap_or_default(),
        families: entry.words("family", problems).unwrap_or_default(),
        operations: entry.words("operation", problems).unwrap_or_default(),
    };
    let symptom = entry
        .word::<Symptom>("symptom", problems)
        .map(|word| word.value);
    let cause = entry
        .table("cause", problems)
        .and_then(|table| cause(&table, stage, symptom, native, problems));
    Some(Requirement {
        selector,
        symptom: symptom?,
        phase: entry.word("phase", problems).map(|word| word.value),
        cause,
        span: entry.span.clone(),
    })
}

fn cause(
    table: &Reader<'_>,
    stage: &Stage,
    symptom: Option<Symptom>,
    native: bool,
    problems: &mut Problems,
) -> Option<CauseDemand> {
    const NUMBERS: RangeInclusive<u64> = 1..=u32::MAX as u64;
    table.require("kind", problems);
    let kind = table.word::<CauseKind>("kind", problems)?.value;
    if let Some(symptom) = symptom
        && (kind == CauseKind::None) != (symptom == Symptom::Transferred)
    {
        problems.add_with_help(
            table.span_of("kind"),
            format!("the symptom {symptom} never has the cause {kind}"),
            "what is transferred has the cause none, and nothing else has",
        );
    }
    if table.has("ordinal") && kind != CauseKind::Rule {
        problems.add_with_help(
            table.span_of("ordinal"),
            "only a rule has an ordinal",
            "write `kind = \"rule\"`, or leave `ordinal` out",
        );
    }
    if let Some(chain) = table.text("chain", problems) {
        let table_name = chain.value.split_once('/').map(|(table, _)| table);
        // A script of nft calls its tables as it likes.
        if table_name.is_none_or(|name| !native && name.parse::<TableName>().is_err()) {
            problems.add_with_help(
                chain.span,
                format!("`{}` is no table and chain", chain.value),
                "for example \"filter/INPUT\"",
            );
        }
    }
    let small = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
    Some(CauseDemand {
        kind,
        backend: table.word("backend", problems).map(|at| at.value),
        node: known_node(table, "node", &stage.topology, problems).map(|at| at.value),
        chain: table.text("chain", problems).map(|at| at.value),
        ordinal: small(table.number("ordinal", NUMBERS, problems)),
        line: small(table.number("line", NUMBERS, problems)),
        reply: table
            .number("reply", 100..=599, problems)
            .and_then(|code| u16::try_from(code).ok()),
    })
}

/// Two requirements with one selector cannot demand two things.
pub(super) fn contradictions(requirements: &[Requirement], problems: &mut Problems) {
    let mut first: HashMap<&Selector, &Requirement> = HashMap::new();
    for later in requirements {
        let earlier = *first.entry(&later.selector).or_insert(later);
        if !std::ptr::eq(earlier, later) {
            let message = if earlier.symptom == later.symptom {
                "this requirement names the same cells as an earlier one".to_owned()
            } else {
                format!(
                    "this requires {} of cells of which {} is required already",
                    later.symptom, earlier.symptom
                )
            };
            problems.add_with_help(
                later.span.clone(),
                message,
                "leave one of the two out, or select fewer cells here",
            );
        }
    }
}
