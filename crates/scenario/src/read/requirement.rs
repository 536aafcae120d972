use std::collections::HashMap;

use fwlab_model::ruleset::TableName;
use fwlab_record::{Backend, CauseKind, Symptom};

use crate::deployment::Deployment;
use crate::format::table::{Placed, table};
use crate::format::value::{Node, Number, Text, Word};
use crate::problem::Problems;
use crate::read::nodes::known_node;
use crate::read::rules::known_ruleset;
use crate::requirement::{CauseDemand, RequireTable, Requirement, Selector};
use crate::rules::RulesetEntry;

table! {
    CauseTable, ["require.cause"], "What the cause must be; only what is written is compared.",
    keys {
        required "kind", Word<CauseKind>, "" -> kind;
        "backend", Word<Backend>, "the backend that the rule was loaded through" -> backend;
        "node", Node, "the node whose rules, or which host" -> node;
        "chain", Text,
        "table and chain, `filter/INPUT`; of an nft script with the family too, `inet/filter/input`" -> chain;
        "ordinal", Number<u32, 1, { u32::MAX as u64 }>, "the rule's place in its chain, 1 for the first" -> ordinal;
        "line", Number<u32, 1, { u32::MAX as u64 }>, "the line of the ruleset's source" -> line;
        "reply", Number<u16, 100, 599>, "the code of the FTP reply" -> reply;
    }
}

pub(crate) fn requirement(
    entry: Placed<RequireTable>,
    deployment: &Deployment,
    rulesets: &[RulesetEntry],
    native: bool,
    problems: &mut Problems,
) -> Option<Requirement> {
    let Placed { value: entry, span } = entry;
    let named = entry.ruleset.value.unwrap_or_default();
    for name in &named {
        known_ruleset(name, rulesets, problems);
    }
    let selector = Selector {
        rulesets: named.into_iter().map(|name| name.value).collect(),
        ..entry.selector
    };
    let symptom = entry.symptom.value;
    let cause = entry.cause.value;
    let cause = cause.and_then(|table| cause_of(table, deployment, symptom, native, problems));
    Some(Requirement {
        selector,
        symptom: symptom?.into(),
        phase: entry.phase.value,
        cause,
        span,
    })
}

fn cause_of(
    table: CauseTable,
    deployment: &Deployment,
    symptom: Option<Symptom>,
    native: bool,
    problems: &mut Problems,
) -> Option<CauseDemand> {
    let node = known_node(table.node, &deployment.topology, problems);
    let Placed { value: kind, span } = table.kind.at()?;
    if let Some(symptom) = symptom
        && (kind == CauseKind::None) != (symptom == Symptom::Transferred)
    {
        problems.add_with_help(
            span,
            format!("the symptom {symptom} never has the cause {kind}"),
            "a completed transfer has the cause none, and nothing else has",
        );
    }
    if table.ordinal.is_there && kind != CauseKind::Rule {
        problems.add_with_help(
            table.ordinal.span.clone(),
            "only a rule has an ordinal",
            "write `kind = \"rule\"`, or leave `ordinal` out",
        );
    }
    if let Some(chain) = &table.chain.value {
        let table_name = chain.split_once('/').map(|(table, _)| table);
        // A script of nft calls its tables as it likes.
        if table_name.is_none_or(|name| !native && name.parse::<TableName>().is_err()) {
            problems.add_with_help(
                table.chain.span.clone(),
                format!("`{chain}` is not a table and chain"),
                "for example \"filter/INPUT\"",
            );
        }
    }
    Some(CauseDemand {
        kind,
        backend: table.backend.value,
        node: node.map(|at| at.value),
        chain: table.chain.value,
        ordinal: table.ordinal.value,
        line: table.line.value,
        reply: table.reply.value,
    })
}

/// Two requirements with one selector cannot demand two things.
pub(crate) fn contradictions(requirements: &[Requirement], problems: &mut Problems) {
    let mut first: HashMap<&Selector, &Requirement> = HashMap::new();
    for later in requirements {
        let earlier = *first.entry(&later.selector).or_insert(later);
        if !std::ptr::eq(earlier, later) {
            let message = if earlier.symptom == later.symptom {
                "this requirement names the same cells as an earlier one".to_owned()
            } else {
                format!(
                    "this requires {} of cells that already require {}",
                    later.symptom, earlier.symptom
                )
            };
            problems.add_with_help(
                later.span.clone(),
                message,
                "remove one of the two, or select fewer cells here",
            );
        }
    }
}
