//! `check`: from the rules of a host to a table of who gets through.

mod arguments;
mod captured;
mod forwarded;
mod host_files;
mod peers;
mod question;
mod table;

use std::sync::Arc;

use fwlab_classes::{Classes, Place};
use fwlab_model::ruleset::Told;
use fwlab_record::{Backend, CellRecord, Exit, Family};
use fwlab_runner::{Loader, PrepareError, RunSettings};
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Cell, Overrides, cells};
use fwlab_scenario::{Layout, Scenario};
use miette::Diagnostic;

use super::execute::{Executed, execute, ready};
use super::exit::{complain, of_run, print, tell};
use crate::report::{findings, matrix, summary_line};

use arguments::At;
pub(super) use arguments::CheckArguments;
use host_files::HostFiles;
use table::Tried;

pub(super) fn check(arguments: CheckArguments) -> Exit {
    checked(&arguments).unwrap_or_else(|exit| exit)
}

fn checked(arguments: &CheckArguments) -> Result<Exit, Exit> {
    let first = arguments.family.first().copied().unwrap_or(Family::Ipv4);
    let files = host_files::read(&arguments.rules, first)?;
    let backends = backends(arguments, &files.backends)?;
    let place = place(arguments, &files)?;
    peers::refused(arguments, &place.layout.families)?;
    for (name, note) in &files.notes {
        complain(format!("{name}:{}: {}", note.line.line, note.message), None);
    }
    let loader = ready()?;
    let told = told(
        &loader,
        &question::scenario(arguments, &files, &backends, &place, None),
    )?;
    let mut tried = Vec::new();
    let mut planned: Vec<Cell> = Vec::new();
    for &family in &place.layout.families {
        let classes = Arc::new(Classes::of(
            &told,
            &peers::question(arguments, &place, family),
        ));
        peers::tell(&classes, family, arguments.whom.classes);
        for class in 0..classes.len() {
            let of = Tried {
                classes: Arc::clone(&classes),
                class,
                family,
            };
            let scenario = question::scenario(arguments, &files, &backends, &place, Some(&of));
            let mistakes = scenario.stage.topology.mistakes();
            if !mistakes.is_empty() {
                mistakes.iter().for_each(|mistake| complain(mistake, None));
                return Err(Exit::Usage);
            }
            let of_class = cells(
                &Arc::new(scenario),
                &Overrides::default(),
                &Filter::default(),
            );
            tried.extend(of_class.iter().map(|_| of.clone()));
            planned.extend(of_class);
        }
    }
    if planned.is_empty() {
        complain(
            "nobody is left to try: no host can be what was chosen",
            Some("leave out --on, --out, --from or --to"),
        );
        return Err(Exit::Usage);
    }
    let settings = RunSettings {
        keep_going: true,
        ..arguments.how.settings()
    };
    let Executed {
        records,
        summary,
        programs,
    } = execute(planned, loader, settings, &arguments.how)?;
    let records: Vec<&CellRecord> = records.iter().map(Arc::as_ref).collect();
    let (shown, labels) = table::merged(&files.name, &tried, &records);
    let mut page = labels.heading();
    page.append(&matrix(&shown, &labels));
    page.append(&findings(&shown, &labels));
    page.text(programs);
    page.append(&summary_line(&summary));
    page.text('\n');
    print(page);
    Ok(of_run(&summary))
}

/// The backends that were asked for, as far as the rules' language has them.
fn backends(arguments: &CheckArguments, able: &host_files::Backends) -> Result<Vec<Backend>, Exit> {
    let unable = arguments
        .backend
        .iter()
        .find(|backend| !able.able.contains(backend));
    match unable {
        None if arguments.backend.is_empty() => Ok(able.own.clone()),
        None => Ok(arguments.backend.clone()),
        Some(unable) => {
            let able: Vec<&str> = able.able.iter().map(|backend| backend.word()).collect();
            complain(
                format!(
                    "--backend {unable}: these rules are loaded by {}",
                    able.join(" or ")
                ),
                Some("`native` loads scripts of nft, `nft` and `legacy` load rules of iptables"),
            );
            Err(Exit::Usage)
        }
    }
}

/// Where the rules are tried while nobody's peers are known.
fn place(arguments: &CheckArguments, files: &HostFiles) -> Result<Place, Exit> {
    let at = arguments.at(files)?;
    if arguments.whom.out.is_some() && !at.is_router() {
        complain(
            "--out is the interface of a gateway that servers are on",
            Some("--on is the interface of a host that the other end is on"),
        );
        return Err(Exit::Usage);
    }
    let mut layout = Layout::new(at.shape());
    layout.families = [&arguments.family, &files.families, &vec![Family::Ipv4]]
        .into_iter()
        .find(|families| !families.is_empty())
        .cloned()
        .unwrap_or_default();
    if at == At::PortForward {
        forwarded::place(files, &arguments.whom.server_address, &mut layout);
    } else if !arguments.whom.server_address.is_empty() {
        complain(
            "--server-address is that of a server to which a port is forwarded: --at port-forward",
            Some("--to is the address that clients connect to"),
        );
        return Err(Exit::Usage);
    }
    Ok(Place {
        layout,
        interfaces: files.plain_interfaces(),
        network: files.host.as_deref().map(captured::network),
    })
}

/// What the rules tell apart, once they are loaded.
fn told(loader: &Loader, scenario: &Scenario) -> Result<Vec<Told>, Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        complain(format!("the runtime did not start: {error}"), None);
        Exit::Lab
    })?;
    let mut told = Vec::new();
    let mut errors = Vec::new();
    // The backends list the same, where they load the same.
    for backend in &scenario.rulesets[0].backends {
        match runtime.block_on(loader.prepare(scenario, 0, *backend)) {
            Ok(prepared) if told.is_empty() => told = prepared.told(),
            Ok(_) => {}
            Err(more) => errors.extend(more),
        }
    }
    if !errors.is_empty() {
        let errors = PrepareError::distinct(errors.into_iter());
        tell(errors.iter().map(|error| error as &dyn Diagnostic));
        let lab = errors.iter().any(|error| error.is_lab_fault());
        return Err(if lab { Exit::Lab } else { Exit::Usage });
    }
    Ok(told)
}
