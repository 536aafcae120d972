use std::sync::Arc;

use fwlab_model::Symptom;
use fwlab_runner::scenario::{Requirement, Scenario};

/// A page of Markdown that lists scenarios by what a person sees, for `fwlab list --by-symptom`.
pub(super) fn by_symptom(scenarios: &[Arc<Scenario>]) -> String {
    let mut page = String::from(
        "# Failures by symptom\n\n\
         What a user sees, what it is, and the scenario that shows it. Search this page for the words that your program\n\
         prints. It is what `fwlab list --by-symptom` prints of a folder of scenarios.\n",
    );
    for &symptom in Symptom::ALL {
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

fn about(symptom: Symptom) -> &'static str {
    match symptom {
        Symptom::Transferred => {
            "Nothing stops these: rulesets that work, and what they had to do for it."
        }
        Symptom::DataTimeout => {
            "The login works, then a listing or transfer hangs: the data connection meets silence."
        }
        Symptom::DataRejected => "The login works, then the data connection is refused at once.",
        Symptom::ControlTimeout => {
            "The control connection meets silence: nothing is reached at all, or a reply never comes."
        }
        Symptom::ControlRejected => "The control connection is refused at once.",
        Symptom::Refused => "A peer says no in an FTP reply.",
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
        "- **[{name}](../{path})**: {description}\n",
        name = scenario.name,
        path = scenario.path.display(),
        description = scenario.description,
    );
    for message in &scenario.messages {
        text += &format!("  - seen: `{message}`\n");
    }
    if symptom != Symptom::Transferred {
        for requirement in shown {
            let cells = requirement.selector.to_string();
            let cells = if cells.is_empty() {
                "every cell".into()
            } else {
                cells
            };
            text += &format!("  - {cells}: {requirement}\n");
        }
    }
    let links: Vec<String> = scenario
        .reports
        .iter()
        .map(|report| {
            if report.starts_with("http") {
                format!("<{report}>")
            } else {
                report.clone()
            }
        })
        .collect();
    if !links.is_empty() {
        text += &format!("  - reported: {}\n", links.join(", "));
    }
    Some(text)
}
