//! The rules of a host and where they are tried: what `check` and its like ask about.

use std::path::PathBuf;
use std::sync::Arc;

use fwlab_classes::{Classes, Place};
use fwlab_model::ruleset::Told;
use fwlab_record::{Backend, Exit, Family};
use fwlab_runner::{Loader, PrepareError};
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Cell, Overrides, cells};
use fwlab_scenario::{Layout, Scenario};
use miette::Diagnostic;

use super::arguments::{At, Terms, Whom};
use super::expectation::Expectation;
use super::host_files::{self, HostFiles};
use super::serving::Serving;
use super::table::Tried;
use super::{captured, expectation, forwarded, peers, question};
use crate::command::exit::{complain, tell};

/// The rules of a host, and where they are tried.
pub(in crate::command) struct Subject {
    pub(in crate::command) files: HostFiles,
    pub(in crate::command) backends: Vec<Backend>,
    pub(in crate::command) place: Place,
    pub(in crate::command) serving: Serving,
}

/// The classes of peers of each family that is spoken.
pub(in crate::command) type OfFamilies = Vec<(Family, Arc<Classes>)>;

/// The cells of all classes, and the class that each is for.
#[derive(Default)]
pub(in crate::command) struct Trial {
    pub(in crate::command) tried: Vec<Tried>,
    pub(in crate::command) planned: Vec<Cell>,
}

impl Subject {
    /// Reads the files of a host.
    pub(in crate::command) fn read(paths: &[PathBuf], terms: &Terms) -> Result<Subject, Exit> {
        let files = host_files::read(paths, terms.first_family())?;
        let at = terms.at(&[&files])?;
        let subject = Subject::of(files, at, terms)?;
        subject.serving.tell(None);
        Ok(subject)
    }

    /// Of files that were read, tried at that host. Says what was read with leniency.
    pub(in crate::command) fn of(files: HostFiles, at: At, terms: &Terms) -> Result<Subject, Exit> {
        let backends = backends(terms, &files.backends)?;
        let place = place(terms, at, &files)?;
        peers::refused(terms, &place.layout.families)?;
        for (name, note) in &files.notes {
            complain(format!("{name}:{}: {}", note.line.line, note.message), None);
        }
        let serving = Serving::of(terms, at, &files)?;
        Ok(Subject {
            files,
            backends,
            place,
            serving,
        })
    }

    /// What the rules tell apart: they are loaded for that.
    pub(in crate::command) fn told(
        &self,
        loader: &Loader,
        terms: &Terms,
    ) -> Result<Vec<Told>, Exit> {
        told(loader, &question::scenario(terms, self, None, &[]))
    }

    /// The classes of peers that are told apart, as far as they were chosen. Says what of them is not tried.
    pub(in crate::command) fn classes(&self, told: &[Told], terms: &Terms) -> OfFamilies {
        self.classes_of(told, &terms.whom)
    }

    /// The same, whoever was chosen.
    pub(in crate::command) fn all_classes(&self, told: &[Told], terms: &Terms) -> OfFamilies {
        self.classes_of(told, &terms.whom.everybody())
    }

    fn classes_of(&self, told: &[Told], whom: &Whom) -> OfFamilies {
        let families = self.place.layout.families.iter();
        families
            .map(|&family| {
                let asked = peers::question(self, whom, told, family);
                let classes = Classes::of(told, &asked);
                peers::tell(&classes, family);
                (family, Arc::new(classes))
            })
            .collect()
    }

    /// The cells of all classes, and what is expected of them.
    pub(in crate::command) fn trial(
        &self,
        classes: &OfFamilies,
        terms: &Terms,
        expected: &[Expectation],
    ) -> Result<Trial, Exit> {
        let mut trial = Trial::default();
        for (family, classes) in classes {
            for class in 0..classes.len() {
                let of = Tried {
                    classes: Arc::clone(classes),
                    class,
                    family: *family,
                };
                let scenario = question::scenario(terms, self, Some(&of), expected);
                let mistakes = scenario.stage.topology.mistakes();
                if !mistakes.is_empty() {
                    mistakes.iter().for_each(|mistake| complain(mistake, None));
                    return Err(Exit::Usage);
                }
                let scenario = Arc::new(scenario);
                // All classes are tried in the same ways.
                if trial.planned.is_empty() {
                    expectation::refuse_idle(expected, &scenario)?;
                }
                let of_class = cells(&scenario, &Overrides::default(), &Filter::default());
                trial.tried.extend(of_class.iter().map(|_| of.clone()));
                trial.planned.extend(of_class);
            }
        }
        if trial.planned.is_empty() {
            complain(
                "nobody is left to try: no host can be what was chosen",
                Some("leave out --on, --out, --from or --to"),
            );
            return Err(Exit::Usage);
        }
        Ok(trial)
    }
}

/// The backends that were asked for, as far as the rules' language has them.
fn backends(terms: &Terms, able: &host_files::Backends) -> Result<Vec<Backend>, Exit> {
    let unable = terms
        .backend
        .iter()
        .find(|backend| !able.able.contains(backend));
    match unable {
        None if terms.backend.is_empty() => Ok(able.own.clone()),
        None => Ok(terms.backend.clone()),
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
fn place(terms: &Terms, at: At, files: &HostFiles) -> Result<Place, Exit> {
    if terms.whom.out.is_some() && !at.is_router() {
        complain(
            "--out is the interface of a gateway that servers are on",
            Some("--on is the interface of a host that the other end is on"),
        );
        return Err(Exit::Usage);
    }
    let mut layout = Layout::new(at.shape());
    layout.families = [&terms.family, &files.families, &vec![Family::Ipv4]]
        .into_iter()
        .find(|families| !families.is_empty())
        .cloned()
        .unwrap_or_default();
    if at == At::PortForward {
        forwarded::place(files, &terms.whom.server_address, &mut layout);
    } else if !terms.whom.server_address.is_empty() {
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
        let errors = PrepareError::distinct(errors);
        tell(errors.iter().map(|error| error as &dyn Diagnostic));
        let lab = errors.iter().any(|error| error.is_lab_fault());
        return Err(if lab { Exit::Lab } else { Exit::Usage });
    }
    Ok(told)
}
