use fwlab_ftp::Moment;
use fwlab_record::Operation;

use crate::Matrix;
use crate::deployment::Deployment;
use crate::format::table::{Placed, table};
use crate::format::value::{Node, Text, Word};
use crate::format::vocabulary::{Moments, START, Vocabulary};
use crate::problem::Problems;
use crate::read::nodes::known_node;
use crate::read::rules::known_ruleset;
use crate::rules::RulesetEntry;
use crate::steps::{Action, Step};

table! {
    StepTable, [["step"]],
    "Something that happens to the rules or to conntrack during a session: exactly one of `load`, \
     `flush-conntrack` or `await-expiry`. The client waits meanwhile; a client that is a program cannot wait, \
     and is skipped.",
    keys {
        required "at", Word<Moments>,
        "`start`: everything is set up, but the client has not connected; `logged-in`: the login is over; `halfway`: half of \
         the bytes have gone" -> at;
        "load", Text,
        "the name of a ruleset of this file, which the firewall's node loads as its loader does: it replaces the \
         tables that it has, and leaves the others" -> load;
        "flush-conntrack", Node, "the node that forgets every connection" -> flush_conntrack;
        "await-expiry", Node,
        "waits until conntrack on this node has forgotten the control connection; shorten its timeout by `[[sysctl]]`"
            -> await_expiry;
    }
}

pub(crate) fn steps(
    entries: Vec<Placed<StepTable>>,
    deployment: &Deployment,
    rulesets: &[RulesetEntry],
    matrix: &Matrix,
    problems: &mut Problems,
) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for entry in entries {
        let at = entry.at.span.clone();
        let Some(step) = step(entry, deployment, rulesets, matrix, problems) else {
            continue;
        };
        if steps.last().is_some_and(|earlier| earlier.at > step.at) {
            problems.add_with_help(
                at,
                format!(
                    "this step can never happen: `{}` is over by then",
                    word(step.at)
                ),
                format!(
                    "put the steps in the order of the session: {}",
                    Moments::WORDS.join(", ")
                ),
            );
        }
        steps.push(step);
    }
    steps
}

fn word(at: Option<Moment>) -> String {
    at.map_or_else(|| START.to_owned(), |moment| moment.to_string())
}

fn step(
    entry: Placed<StepTable>,
    deployment: &Deployment,
    rulesets: &[RulesetEntry],
    matrix: &Matrix,
    problems: &mut Problems,
) -> Option<Step> {
    let Placed { value: entry, span } = entry;
    let at = entry.at.at()?;
    if at.value == Some(Moment::Halfway)
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
    let StepTable {
        load,
        flush_conntrack,
        await_expiry,
        ..
    } = entry;
    let there = [
        load.is_there,
        flush_conntrack.is_there,
        await_expiry.is_there,
    ];
    if there.into_iter().filter(|is_there| *is_there).count() != 1 {
        problems.add_with_help(
            span,
            "a step does exactly one of load, flush-conntrack or await-expiry",
            "for example `load = \"strict\"`",
        );
        return None;
    }
    let node = |key, problems: &mut Problems| {
        known_node(key, &deployment.topology, problems).map(|at| at.value)
    };
    let action = if let Some(name) = load.at() {
        Action::Load(ruleset(name, rulesets, matrix, problems)?)
    } else if flush_conntrack.is_there {
        Action::FlushConntrack(node(flush_conntrack, problems)?)
    } else {
        Action::AwaitExpiry(node(await_expiry, problems)?)
    };
    if at.value.is_none() && matches!(action, Action::AwaitExpiry(_)) {
        problems.add_with_help(
            span,
            "this step can never happen: at the start there is no control connection to expire",
            "write `at = \"logged-in\"` or `at = \"halfway\"`",
        );
    }
    Some(Step {
        at: at.value,
        action,
    })
}

/// The ruleset that a step loads.
fn ruleset(
    name: Placed<String>,
    rulesets: &[RulesetEntry],
    matrix: &Matrix,
    problems: &mut Problems,
) -> Option<usize> {
    let index = known_ruleset(&name, rulesets, problems)?;
    let Placed { value: name, span } = name;
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
            "an image's rules are there from the start, and nothing is loaded over them",
            "leave this step out",
        );
    }
    if rulesets[index].adds_to_nft() {
        problems.add_with_help(
            span,
            format!("`{name}` would add to the nft tables that are there, and fwlab could not tell whose rule is whose"),
            "begin the script with `flush ruleset`",
        );
    }
    Some(index)
}
