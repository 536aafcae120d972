//! `lint`: rules that change nothing, and rules that let in more than FTP, by taking each away and trying everything again.

mod fold;
mod holes;
mod knocks;
mod order;
mod related;
mod report;
mod rules;
mod taken;

use std::path::PathBuf;

use clap::Args;
use fwlab_check::{Subject, Trial};
use fwlab_model::Topology;
use fwlab_model::ruleset::Only;
use fwlab_record::Exit;
use fwlab_scenario::plan::Cell;

use super::check::{CheckTerms, told};
use super::execute::{ready, runtime};
use super::exit::{print_prose, telling};
use super::trial::{Bench, CLASSES, Candidate};
use crate::text::Page;
use knocks::Knocks;
use report::{Extent, Found, report};
use rules::{Line, PassedOver, sorted};
use taken::{AsItIs, Swept, Taken, sweep, unclear};

#[derive(Debug, Args)]
pub(super) struct LintArguments {
    /// The rules, as `fwlab check` takes them
    #[arg(required = true, value_name = "RULES")]
    files: Vec<PathBuf>,
    /// Take away at most this many lines of rules, from the first on
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    rules: u16,
    #[command(flatten)]
    terms: CheckTerms,
}

/// The topology of each class.
fn as_topologies<'c>(places: &[usize], planned: &'c [Cell]) -> Vec<&'c Topology> {
    let cells = places.iter().map(|at| &planned[*at]);
    cells
        .map(|cell| &cell.scenario.deployment.topology)
        .collect()
}

pub(super) fn lint(arguments: &LintArguments) -> Exit {
    linted(arguments).unwrap_or_else(|exit| exit)
}

fn linted(arguments: &LintArguments) -> Result<Exit, Exit> {
    arguments.terms.how.without_reports("lint")?;
    let terms = &arguments.terms.terms();
    let subject = telling(|said| Subject::read(&arguments.files, terms, said))?;
    let loader = ready()?;
    let mut told = told(&subject, &loader, terms)?;
    for told in &mut told {
        // Rules that follow one another are not taken as one here, and peers of other ports are told apart, too.
        told.decides = false;
        if told.only.is_of_tcp() {
            told.only = Only::default();
        }
    }
    let classes = telling(|said| subject.classes(&told, terms, said));
    let Trial { tried, planned } = telling(|said| subject.trial(&classes, terms, &[], said))?;
    let runtime = runtime()?;
    let first = &planned[0];
    // It loaded before.
    let prepared = runtime.block_on(loader.prepare(&first.scenario, 0, first.axes.backend));
    let prepared = prepared.unwrap_or_default();
    let bench = Bench {
        subject: &subject,
        settings: arguments.terms.settings(),
        loader,
        runtime: &runtime,
        tried: &tried,
        planned: &planned,
        everybody: planned.len(),
    };
    let mut places = bench.one_of_each_class();
    let all = places.len();
    places.truncate(CLASSES);
    let is_everybody = all == places.len()
        && !terms.whom.is_chosen()
        && classes
            .iter()
            .all(|(_, classes)| classes.untried == 0 && classes.unread.is_empty());
    let knocks = Knocks::of(&rules::of_tcp(&prepared), subject.connect_port);
    let mut sorted = sorted(
        &prepared,
        &rules::Tried {
            subject: &subject,
            knocks: &knocks,
            is_everybody,
            topologies: as_topologies(&places, &planned),
        },
    );
    let mut lines: Vec<Line> = std::mem::take(&mut sorted.lines);
    for beyond in lines.drain(lines.len().min(arguments.rules.into())..) {
        sorted.pass_over(&beyond, &PassedOver::Bound);
    }
    let none = Candidate::none(&subject);
    let each = knocks.all();
    let as_it_is = AsItIs {
        records: bench.run(&none, |_| true)?,
        swept: sweep(&bench, &none, &places, &each)?,
        prepared,
        knocks: each,
        places,
    };
    let mut found = Found {
        is_verbose: arguments.terms.how.verbose,
        ..Found::default()
    };
    let mut without: Vec<(&Line, Option<Swept>)> = Vec::new();
    for line in &lines {
        match as_it_is.without(&bench, line)? {
            Taken::Ports(swept) => {
                without.push((line, Some(swept)));
                found.needed += 1;
            }
            Taken::Transfers => {
                without.push((line, None));
                found.needed += 1;
            }
            Taken::Nothing => {
                without.push((line, None));
                found.idle.push(line);
            }
            Taken::Unclear(why) => {
                without.push((line, None));
                found.unclear.push((line, why));
            }
            Taken::NotAlone => sorted.pass_over(line, &PassedOver::NotAlone),
        }
    }
    found.as_first = order::as_first(&bench, &as_it_is, &found.idle)?;
    let holes = holes::holes(&bench, &as_it_is.swept, &without)?;
    let wide = related::wide(&bench, &as_it_is, &lines)?;
    let records = as_it_is.records.values();
    let extent = Extent {
        transfers: records
            .clone()
            .filter(|record| record.judgement.outcome().is_some())
            .count(),
        ports: knocks.ports(),
        classes: as_it_is.places.len(),
        unclear: records.filter(|record| unclear(record).is_some()).count(),
    };
    let mut page = Page::default();
    report(
        &mut page,
        &bench,
        &extent,
        &found,
        &holes,
        wide.as_ref(),
        &sorted,
    );
    print_prose(page);
    let is_known = found.unclear.is_empty()
        && extent.unclear == 0
        && !sorted.passed_over.contains_key(&PassedOver::Bound);
    Ok(
        match (
            found.idle.is_empty() && holes.is_empty() && wide.is_none(),
            is_known,
        ) {
            (false, _) => Exit::Missed,
            (true, false) => Exit::Lab,
            (true, true) => Exit::Good,
        },
    )
}
