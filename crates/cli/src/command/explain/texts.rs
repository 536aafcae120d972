//! The text of the rules that a record names a line of.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fwlab_model::ruleset::Source;
use fwlab_record::{Cause, CellRecord, Exit};
use fwlab_scenario::Scenario;
use fwlab_scenario::collect::scenarios;
use fwlab_scenario::input;
use fwlab_text::one_line;

use super::of_scenario::is_scenario;
use crate::command::choice::choice;
use crate::command::exit::complain;
use crate::report::{RulesText, Sources, is_below_here};

/// Where such texts are.
pub(super) enum Texts {
    /// With the cells: they were planned here, or came in a bundle.
    Planned(Sources),
    /// In files beside a report, as these are now.
    Beside {
        scenarios: Vec<Arc<Scenario>>,
        rules: Vec<Arc<RulesText>>,
    },
}

/// A line that decided.
pub(super) enum Line {
    /// It can be shown.
    Shown {
        text: Arc<RulesText>,
        number: u32,
        /// What stands above it, where its file may have changed since, or there are others.
        heading: Option<String>,
    },
    /// It cannot, and why.
    Hidden(String),
    /// No line decided.
    None,
}

impl Texts {
    /// Reads files that were given with a report: scenarios and rules. `Err`: what is wrong with one was told.
    pub(super) fn beside(files: &[PathBuf]) -> Result<Texts, Exit> {
        let (of_scenarios, of_rules): (Vec<PathBuf>, Vec<PathBuf>) =
            files.iter().cloned().partition(|file| is_scenario(file));
        let scenarios = match of_scenarios.is_empty() {
            true => Vec::new(),
            false => choice(&of_scenarios, &[], scenarios)?.0,
        };
        let rules = of_rules.iter().map(|file| {
            read(file).map_err(|error| {
                complain(
                    format!("cannot read {}: {error}", file.display()),
                    Some("behind a report, name the files of its rules, or its scenario"),
                );
                Exit::Usage
            })
        });
        let rules = rules.collect::<Result<_, _>>()?;
        Ok(Texts::Beside { scenarios, rules })
    }

    /// The line of the rule or policy that decided a cell.
    pub(super) fn line(&self, record: &CellRecord, cause: &Cause) -> Line {
        let (Cause::Rule {
            source_line,
            source_file,
            ..
        }
        | Cause::Policy {
            source_line,
            source_file,
            ..
        }) = cause
        else {
            return Line::None;
        };
        let Some(number) = *source_line else {
            return Line::None;
        };
        let file = source_file.as_deref();
        match self {
            Texts::Planned(sources) => match sources.text(&record.axes, Some(cause)) {
                Some((text, Some(number))) => Line::Shown {
                    heading: file.map(|_| one_line(&text.name)),
                    text: Arc::clone(text),
                    number,
                },
                _ => Line::Hidden(format!(
                    "line {number} is not shown: its file is neither below the scenario's folder nor below the current one"
                )),
            },
            Texts::Beside { scenarios, rules } => {
                let mut named = scenarios.iter().filter_map(|scenario| {
                    let sources = Sources::of_scenario(scenario, &record.axes);
                    sources
                        .text(&record.axes, Some(cause))
                        .map(|(text, _)| Arc::clone(text))
                });
                let found = match named.next() {
                    Some(text) => Ok(text),
                    None => among(rules, file, number),
                };
                let found = found.or_else(|why| of_report(record, file, number).ok_or(why));
                match found {
                    Ok(text) => Line::Shown {
                        heading: Some(format!("{}, as it is now", one_line(&text.name))),
                        text,
                        number,
                    },
                    Err(why) => Line::Hidden(why),
                }
            }
        }
    }
}

/// The one of some texts that has a line of a file; otherwise why it is not known.
fn among(
    rules: &[Arc<RulesText>],
    file: Option<&str>,
    number: u32,
) -> Result<Arc<RulesText>, String> {
    let has = rules.iter().filter(|text| text.has(number));
    let mut found: Vec<&Arc<RulesText>> = has.collect();
    if let Some(file) = file {
        found.retain(|text| is_named(&text.name, file));
    }
    match (&found[..], file) {
        ([text], _) => Ok(Arc::clone(text)),
        ([], None) => Err(format!(
            "line {number} is not shown: a report does not have the rules; name their file, or the scenario's, behind it"
        )),
        ([], Some(file)) => Err(format!(
            "line {number} of {} is not shown: a report does not have the rules; name that file, or the scenario's, behind it",
            one_line(file)
        )),
        (several, _) => {
            let names: Vec<String> = several.iter().map(|text| one_line(&text.name)).collect();
            Err(format!(
                "line {number} is not shown: {} all have such a line, and the record does not say which it is",
                names.join(", ")
            ))
        }
    }
}

/// Whether a path is that of a file which a record names, from whatever folder.
fn is_named(path: &str, file: &str) -> bool {
    let (path, file) = (Path::new(path), Path::new(file));
    path.ends_with(file) || file.ends_with(path)
}

/// The file that a record itself names, where it is there: below the current folder alone, since somebody else may have written
/// the record. A ruleset that `fwlab check` was given is called by its path.
fn of_report(record: &CellRecord, file: Option<&str>, number: u32) -> Option<Arc<RulesText>> {
    let path = Path::new(file.unwrap_or(&record.axes.ruleset));
    let is_there = path.is_file() && is_below_here(path) && !is_scenario(path);
    let text = is_there.then(|| read(path).ok())??;
    text.has(number).then_some(text)
}

fn read(file: &Path) -> Result<Arc<RulesText>, input::InputError> {
    let bytes = input::read_file(file)?;
    Ok(RulesText::of(&Source::new(
        file.display().to_string(),
        bytes,
    )))
}
