use std::collections::BTreeMap;

use fwlab_record::{CauseKind, Symptom};
use fwlab_scenario::{CauseDemand, Outline, Requirement, Scenario};

use crate::text::{code, markdown};
use fwlab_text::{line, one_line};

/// A page of Markdown that lists scenarios by what a person sees, for `fwlab list --by-symptom`:
/// first the words of programs, each with its scenarios, then the scenarios with their causes.
pub(super) fn by_symptom(scenarios: &[Outline]) -> String {
    let mut page = String::from(
        "# Failures by symptom\n\n\
         What a user sees, what causes it, and the scenario that shows it. `fwlab list --by-symptom` prints this page for a folder\n\
         of scenarios; `fwlab run` with a scenario's file shows how it happens, packet by packet.\n",
    );
    page += &by_message(scenarios);
    // What fails first: that is what people come for.
    let (passes, fails): (Vec<Symptom>, Vec<Symptom>) = Symptom::ALL
        .iter()
        .partition(|symptom| **symptom == Symptom::Transferred);
    for symptom in fails.into_iter().chain(passes) {
        let entries: Vec<String> = scenarios
            .iter()
            .filter_map(|scenario| entry(scenario, symptom))
            .collect();
        if !entries.is_empty() {
            page += &format!("\n## {symptom}\n\n{}\n\n", about(symptom));
            page += &entries.concat();
        }
    }
    page
}

/// What programs print, in alphabetical order, each with the scenarios that it was seen in.
fn by_message(scenarios: &[Outline]) -> String {
    let mut seen: BTreeMap<&str, Vec<&Scenario>> = BTreeMap::new();
    for scenario in scenarios {
        for message in &scenario.messages {
            seen.entry(message).or_default().push(scenario);
        }
    }
    if seen.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\n## What programs print\n\n\
         In their own words; addresses, ports and times are from one such case.\n\n",
    );
    for (message, scenarios) in seen {
        text += &format!("- {}\n", code(message));
        let links: Vec<String> = scenarios.into_iter().map(link).collect();
        text += &format!("  {}\n", links.join(", "));
    }
    text
}

fn link(scenario: &Scenario) -> String {
    let path = one_line(scenario.path.display());
    format!("[{}](../{path})", markdown(&scenario.name))
}

fn about(symptom: Symptom) -> &'static str {
    match symptom {
        Symptom::Transferred => {
            "Nothing stops these: rulesets that work, and what makes them work."
        }
        Symptom::DataTimeout => {
            "The login works, then a listing or transfer hangs: the data connection gets no answer."
        }
        Symptom::DataRejected => "The login works, then the data connection is refused at once.",
        Symptom::ControlTimeout => {
            "The control connection gets no answer: nothing is reached at all, or a reply never comes."
        }
        Symptom::ControlRejected => "The control connection is refused at once.",
        Symptom::Refused => "A peer refuses in an FTP reply.",
    }
}

/// A scenario among those that show a symptom. One that shows a failure is not listed for what passes in it.
fn entry(scenario: &Scenario, symptom: Symptom) -> Option<String> {
    let fails = |requirement: &&Requirement| requirement.symptom != Symptom::Transferred;
    if symptom == Symptom::Transferred && scenario.requirements.iter().any(|one| fails(&one)) {
        return None;
    }
    let mut shown = scenario
        .requirements
        .iter()
        .filter(|requirement| requirement.symptom == symptom)
        .peekable();
    shown.peek()?;
    let mut text = format!(
        "- **{}**: {}\n",
        link(scenario),
        markdown(&scenario.description)
    );
    if symptom != Symptom::Transferred {
        for requirement in shown {
            text += &format!("  - {}\n", markdown(&in_words(requirement)));
        }
    }
    let links: Vec<String> = scenario
        .reports
        .iter()
        .map(|report| {
            if report.starts_with("http") {
                format!("<{}>", line(report).replace(['<', '>', ' '], "%20"))
            } else {
                markdown(report)
            }
        })
        .collect();
    if !links.is_empty() {
        text += &format!("  - reported: {}\n", links.join(", "));
    }
    Some(text)
}

/// Which cells, where they end, and why: `explicit pasv,epsv, at data-connect: the policy of filter/INPUT on the server`.
fn in_words(requirement: &Requirement) -> String {
    let cells = requirement.selector.to_string();
    let cells = if cells.is_empty() {
        "every cell"
    } else {
        &cells
    };
    let phase = requirement
        .phase
        .map_or_else(String::new, |phase| format!(", at {phase}"));
    let cause = requirement
        .cause
        .as_ref()
        .map_or_else(String::new, |cause| format!(": {}", cause_in_words(cause)));
    format!("{cells}{phase}{cause}")
}

fn cause_in_words(cause: &CauseDemand) -> String {
    let node = cause.node.as_ref();
    let on = node.map_or_else(String::new, |node| format!(" on the {node}"));
    let of = cause
        .chain
        .as_ref()
        .map_or_else(String::new, |chain| format!(" of {chain}"));
    let through = cause
        .backend
        .map_or_else(String::new, |backend| format!(", through {backend}"));
    match cause.kind {
        CauseKind::Rule => {
            let rule = match (cause.ordinal, cause.line) {
                (Some(ordinal), _) => format!("rule {ordinal}"),
                (None, Some(line)) => format!("the rule of line {line}"),
                (None, None) => "a rule".into(),
            };
            format!("{rule}{of}{on}{through}")
        }
        CauseKind::Policy => format!("the policy{of}{on}{through}"),
        CauseKind::Helper => format!("the conntrack helper itself{on}"),
        CauseKind::Host => node.map_or_else(
            || "a host answers no".into(),
            |node| format!("the {node} itself answers no"),
        ),
        CauseKind::Loss => node.map_or_else(
            || "a packet leads nowhere".into(),
            |node| format!("a packet from the {node} leads nowhere"),
        ),
        CauseKind::Reply => cause
            .reply
            .map_or_else(|| "an FTP reply".into(), |reply| format!("reply {reply}")),
        CauseKind::None => "nothing".into(),
    }
}
