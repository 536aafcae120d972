//! `fix`: what to change for transfers to pass, tried before it is shown.

mod everybody;
mod next;
mod ports;
mod search;
mod sweep;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use fwlab_check::{Subject, Transfers, Trial};
use fwlab_fix::Remedy;
use fwlab_record::{Exit, Family};
use fwlab_text::{line, one_line};

use super::check::{CheckTerms, told};
use super::execute::{ready, runtime};
use super::exit::{complain, print, telling};
use super::trial::{Bench, Candidate, Records, passes};
use crate::text::Page;
use next::next;
use search::Search;

/// The transfers that are wanted where nobody says which. An active one under TLS is not: before a client or a gateway, nothing
/// tells it from a stranger's connection.
const WANTED: &str = "plain/all,tls/passive";

#[derive(Debug, Args)]
pub(super) struct FixArguments {
    /// The rules, as `fwlab check` takes them
    #[arg(required = true, value_name = "RULES")]
    rules: Vec<PathBuf>,
    /// The transfers that must pass: active, passive, port, eprt, pasv, epsv or all, with `explicit/`, `tls/`
    /// and the like before it for those under a protection
    #[arg(long, value_name = "TRANSFERS", value_delimiter = ',', value_parser = transfers, default_value = WANTED)]
    want: Vec<Transfers>,
    /// Write the changed rules to this new file
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    #[command(flatten)]
    terms: CheckTerms,
}

fn transfers(text: &str) -> Result<Transfers, String> {
    text.parse()
}

fn is_default(want: &[Transfers]) -> bool {
    let wanted = WANTED.split(',').map(transfers);
    wanted.eq(want.iter().cloned().map(Ok))
}

pub(super) fn fix(arguments: &FixArguments) -> Exit {
    fixed(arguments).unwrap_or_else(|exit| exit)
}

fn fixed(arguments: &FixArguments) -> Result<Exit, Exit> {
    let terms = &arguments.terms.terms();
    arguments.terms.how.without_reports("fix")?;
    if let Some(file) = &arguments.write
        && std::fs::symlink_metadata(file).is_ok()
    {
        complain(
            format!(
                "{} exists already, and fwlab does not overwrite it",
                file.display()
            ),
            Some("name another file"),
        );
        return Err(Exit::Usage);
    }
    let subject = telling(|said| Subject::read(&arguments.rules, terms, said))?;
    let loader = ready()?;
    let told = told(&subject, &loader, terms)?;
    let trial = telling(|said| {
        let all = subject.all_classes(&told, terms, said);
        subject.trial(&all, terms, &[], said)
    });
    let Trial {
        mut tried,
        mut planned,
    } = trial?;
    let everybody = planned.len();
    if terms.whom.is_chosen() {
        // Those that were chosen are what it is about, and all others are to be as before.
        let chosen = telling(|said| {
            let chosen = subject.classes(&told, terms, said);
            subject.trial(&chosen, terms, &[], said)
        })?;
        tried.extend(chosen.tried);
        planned.extend(chosen.planned);
    }
    let runtime = runtime()?;
    let first = &planned[0];
    // It loaded before.
    let rules = runtime.block_on(loader.prepare(&first.scenario, 0, first.axes.backend));
    let rules = rules.unwrap_or_default();
    let passive_ports = search::passive_ports(&rules);
    let mut search = Search {
        bench: Bench {
            subject: &subject,
            settings: arguments.terms.settings(),
            loader,
            runtime: &runtime,
            tried: &tried,
            planned: &planned,
            everybody,
        },
        terms,
        passive_ports,
        untracks: rules.untracks(),
        rules,
        is_divided: false,
    };
    let none = Candidate::none(&subject);
    let before = search.bench.run(&none, |_| true)?;
    search.is_divided = search.divides(&before);
    let wanted = search.wanted(&before, &arguments.want);
    if wanted.is_empty() {
        let (what, help) = match before
            .values()
            .any(|record| search::reaches_the_server(record))
        {
            true => (
                "there is nothing to fix: no peer whose control connection comes through has a wanted transfer that can be run here",
                "--from, --on and the like also choose peers whose control connection must come through; --want chooses transfers",
            ),
            false => (
                "no peer's control connection comes through, and nobody said whose must",
                "--from, --on and the like choose peers, whose control connection is then fixed, too",
            ),
        };
        complain(what, Some(help));
        return Err(Exit::Usage);
    }
    let stopped: Vec<usize> = wanted
        .iter()
        .copied()
        .filter(|at| !passes(&before[at]))
        .collect();
    if stopped.is_empty() {
        print(format!(
            "{}: nothing to fix: all {} wanted transfers pass\n",
            one_line(&subject.files.name),
            wanted.len()
        ));
        return Ok(Exit::Good);
    }
    let found = search.remedies(&wanted)?;
    if !found.left.is_empty() {
        for why in &found.without_place {
            complain(format!("a remedy was left out: {why}"), None);
        }
    }
    let after = search.bench.run(&found.candidate, |_| true)?;
    let changed = |was: bool| {
        let all = 0..planned.len();
        let differing = all.filter(|at| passes(&before[at]) == was && passes(&after[at]) != was);
        differing.collect::<Vec<usize>>()
    };
    let (lost, gained) = (changed(true), changed(false));
    if let Some(at) = lost.first() {
        complain(
            format!(
                "the remedy found would stop {} {} with {}, which passed before, so it is not shown",
                before[at].axes.protection, before[at].axes.data, before[at].axes.backend
            ),
            None,
        );
        return Err(Exit::Missed);
    }
    let mut page = Page::default();
    report(&mut page, &search, &found, (&stopped, &gained), &before);
    if let Some(address) = stand_in(&subject, found.candidate.remedies()) {
        page.text(format_args!(
            "\n{address} stands for the address that clients connect to, which these files do not say. Replace \
             it with your own, or give yours with --to.\n"
        ));
    }
    if !found.candidate.is_empty() {
        page.text(sweep::opened(&search, &told, &none, &found.candidate)?);
        for sentence in search.elsewhere(found.candidate.remedies()) {
            page.text(format_args!("{sentence}\n"));
        }
    }
    for sentence in next(
        &subject,
        found.candidate.remedies(),
        is_default(&arguments.want),
    ) {
        page.text(format_args!("{sentence}\n"));
    }
    print(page);
    if let Some(file) = &arguments.write {
        found.candidate.write(file)?;
    }
    Ok(match found.left.is_empty() {
        true => Exit::Good,
        false => Exit::Missed,
    })
}

/// The address of the lab's own that remedies name, where nobody said which it is.
fn stand_in(subject: &Subject, remedies: &[Remedy]) -> Option<IpAddr> {
    if subject.files.host.is_some() {
        return None;
    }
    let addressing = &subject.place.layout.addressing;
    let ends = addressing.gateway.iter().chain([&addressing.server]);
    let known = subject.serving.addresses();
    let mut named = remedies.iter().filter_map(|remedy| match remedy {
        Remedy::Forward { from, .. } => Some(*from),
        Remedy::Advertise { address } => Some(IpAddr::V4(*address)),
        _ => None,
    });
    named.find(|address| {
        let mut own = ends.clone();
        !known.contains(address)
            && own.any(|port| port.address(Family::of(*address)) == Some(*address))
    })
}

/// What was found, and what is left.
fn report(
    page: &mut Page,
    search: &Search<'_>,
    found: &search::Found,
    (stopped, gained): (&[usize], &[usize]),
    before: &Records,
) {
    let candidate = &found.candidate;
    let mended = stopped.iter().filter(|at| gained.contains(at)).count();
    let besides = gained.iter().filter(|at| !stopped.contains(at)).count();
    let kept = search.bench.planned.len() - gained.len();
    let name = one_line(&search.bench.subject.files.name).to_string();
    if candidate.is_empty() {
        page.text(format_args!("{name}: none of fwlab's remedies helps\n"));
    } else {
        let mut told = format!(
            "{name}: {mended} of {} stopped transfers pass with this",
            stopped.len()
        );
        if besides > 0 {
            let do_so = if besides == 1 { "does" } else { "do" };
            told += &format!(", {besides} more {do_so} that nobody asked for");
        }
        page.text(format_args!("{told}, and {kept} are as before:\n"));
        for remedy in candidate.remedies() {
            page.text(format_args!("  - {}\n", line(&remedy.to_string())));
        }
        page.text('\n');
        for patch in candidate.patches() {
            for one in patch.lines() {
                // A script's own tabs are shown as they are.
                let parts: Vec<String> =
                    one.split('\t').map(|part| line(part).to_string()).collect();
                page.text(format_args!("{}\n", parts.join("\t")));
            }
        }
    }
    if !found.left.is_empty() {
        let mut why: Vec<String> = Vec::new();
        for (at, record) in &found.left {
            let diagnosis = fwlab_explain::Diagnosis::of(record);
            let told = diagnosis.map_or_else(
                || "it is not known why".to_owned(),
                |diagnosis| diagnosis.sentences(),
            );
            let axes = &before[at].axes;
            let told = format!("{} {}: {told}", axes.protection, axes.data);
            if !why.contains(&told) {
                why.push(told);
            }
        }
        page.text(format_args!(
            "\nStill stopped, with any of fwlab's remedies:\n"
        ));
        for told in why {
            page.text(format_args!("  {}\n", line(&told)));
        }
    }
}
