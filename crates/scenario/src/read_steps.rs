use fwlab_ftp::Moment;
use fwlab_record::Operation;

use super::problem::Problems;
use super::read_nodes::known_node;
use super::read_rules::known_ruleset;
use super::reader::{At, Reader};
use super::rules::RulesetEntry;
use super::stage::Stage;
use super::steps::{Action, Step};
use crate::Matrix;

/// What `at` says: the start, or a moment of the session.
struct When(Option<Moment>);

impl std::str::FromStr for When {
    type Err = <Moment as std::str::FromStr>::Err;
    fn from_str(word: &str) -> Result<When, Self::Err> {
        match word {
            "start" => Ok(When(None)),
            // Where clients are brought in step, and no step is done.
            word if word == Moment::Agreed.to_string() => Err(strum::ParseError::VariantNotFound),
            word => word.parse().map(|moment| When(Some(moment))),
        }
    }
}

pub(super) fn steps(
    entries: &[Reader<'_>],
    stage: &Stage,
    rulesets: &[RulesetEntry],
    matrix: &Matrix,
    problems: &mut Problems,
) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for entry in entries {
        let Some(step) = step(entry, stage, rulesets, matrix, problems) else {
            continue;
        };
        if steps.last().is_some_and(|earlier| earlier.at > step.at) {
            problems.add_with_help(
                entry.span_of("at"),
                format!(
                    "this step can never happen: `{}` is over by then",
                    word(step.at)
                ),
                "put the steps in the order of the session: start, logged-in, halfway",
            );
        }
        steps.push(step);
    }
    steps
}

fn word(at: Option<Moment>) -> String {
    at.map_or_else(|| "start".to_owned(), |moment| moment.to_string())
}

fn step(
    entry: &Reader<'_>,
    stage: &Stage,
    rulesets: &[RulesetEntry],
    matrix: &Matrix,
    problems: &mut Problems,
) -> Option<Step> {
    entry.require("at", problems);
    let at = entry.word::<When>("at", problems)?;
    if at.value.0 == Some(Moment::Halfway)
        && matrix
            .operations
            .iter()
            .any(|operation| operation.is_listing())
    {
        let listing: Vec<&str> = matrix
            .operations
            .iter()
            .filter(|operation| operation.is_listing())
            .map(|operation| Operation::word(*operation))
            .collect();
        problems.add_with_help(
            at.span,
            format!(
                "this step can never happen in a cell of {}: a listing has no half",
                listing.join(", ")
            ),
            "leave the listings out of `operations`, or write `at = \"logged-in\"`",
        );
    }
    let chosen: Vec<&'static str> = ["load", "flush-conntrack", "await-expiry"]
        .into_iter()
        .filter(|key| entry.has(key))
        .collect();
    let [chosen] = chosen[..] else {
        problems.add_with_help(
            entry.span.clone(),
            "a step does exactly one of load, flush-conntrack or await-expiry",
            "for example `load = \"strict\"`",
        );
        return None;
    };
    let node = |key, problems: &mut Problems| {
        known_node(entry, key, &stage.topology, problems).map(|at| at.value)
    };
    let action = match chosen {
        "load" => Action::Load(load(entry, rulesets, matrix, problems)?),
        "flush-conntrack" => Action::FlushConntrack(node("flush-conntrack", problems)?),
        _ => Action::AwaitExpiry(node("await-expiry", problems)?),
    };
    if at.value.0.is_none() && matches!(action, Action::AwaitExpiry(_)) {
        problems.add_with_help(
            entry.span.clone(),
            "this step can never happen: at the start there is no control connection to expire",
            "write `at = \"logged-in\"` or `at = \"halfway\"`",
        );
    }
    Some(Step {
        at: at.value.0,
        action,
    })
}

fn load(
    entry: &Reader<'_>,
    rulesets: &[RulesetEntry],
    matrix: &Matrix,
    problems: &mut Problems,
) -> Option<usize> {
    let name = entry.text("load", problems)?;
    let index = known_ruleset(&name, rulesets, problems)?;
    let At { value: name, span } = name;
    let first = rulesets
        .iter()
        .filter(|ruleset| matrix.rulesets.is_empty() || matrix.rulesets.contains(&ruleset.name));
    let own = &rulesets[index].backends;
    let missing = first
        .flat_map(|ruleset| &ruleset.backends)
        .find(|backend| !own.is_empty() && !own.contains(backend));
    if let Some(missing) = missing {
        problems.add_with_help(
            span.clone(),
            format!(
                "`{name}` is not loaded through {missing}, and there are cells of that backend"
            ),
            format!("add \"{missing}\" to its `backends`"),
        );
    }
    if rulesets[index].image().is_some() {
        problems.add_with_help(
            span.clone(),
            "what an image loads stands there from the start, and nothing is loaded over it",
            "leave this step out",
        );
    }
    if rulesets[index].adds_to_nft() {
        problems.add_with_help(
            span,
            format!("`{name}` would add to the tables of nft that are there: whose rule is whose could not be told"),
            "begin the script with `flush ruleset`",
        );
    }
    Some(index)
}
