//! Cells: the axes of a scenario, multiplied.

use std::fmt;
use std::sync::Arc;

use fwlab_ftp::PeerName;
use fwlab_model::{Backend, DataSetup, Family, Operation, Protection};

use crate::filter::Filter;
use crate::scenario::{Matrix, Requirement, Scenario};

/// The place of a cell in the matrix: everything that names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Axes {
    /// The scenario's name.
    pub scenario: String,
    /// The ruleset's name.
    pub ruleset: String,
    /// The backend that loads it.
    pub backend: Backend,
    /// The server.
    pub server: PeerName,
    /// The client.
    pub client: PeerName,
    /// The data setup that is asked for.
    pub data: DataSetup,
    /// What hides the dialogue.
    pub protection: Protection,
    /// The family that client and server speak.
    pub family: Family,
    /// What is done.
    pub operation: Operation,
}

/// The cell's name: stable, unique in a run, and what filters look at.
impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Axes {
            scenario,
            ruleset,
            backend,
            server,
            client,
            data,
            protection,
            family,
            operation,
        } = self;
        write!(
            f,
            "{scenario}::{ruleset}::{backend}::{server}::{client}::{data}::{protection}::{family}::{operation}"
        )
    }
}

/// One transfer that is to be run.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Its place in the matrix.
    pub axes: Axes,
    /// The scenario that it is of.
    pub scenario: Arc<Scenario>,
    /// The index of its ruleset in the scenario.
    pub ruleset: usize,
    /// The requirement that holds for it, the last that names it.
    pub requirement: Option<Requirement>,
}

/// A requirement of a scenario that can never be held against anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleRequirement {
    /// Its place in the scenario's list.
    pub index: usize,
    /// Why.
    pub why: String,
}

/// What a command line changes about every scenario's axes.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Only these backends.
    pub backends: Vec<Backend>,
    /// These servers in place of the scenarios' own, but where one is scripted: what that does
    /// no other would.
    pub servers: Vec<PeerName>,
    /// These clients in place of the scenarios' own, but where one is scripted.
    pub clients: Vec<PeerName>,
}

/// Multiplies a scenario's axes to cells, in a fixed order.
pub fn cells(scenario: &Arc<Scenario>, overrides: &Overrides, filter: &Filter) -> Vec<Cell> {
    let or = |given: &[PeerName], own: &[PeerName]| {
        let scripted =
            |peer: &PeerName| matches!(peer, PeerName::ScriptedServer | PeerName::ScriptedClient);
        if given.is_empty() || own.iter().any(scripted) {
            own.to_vec()
        } else {
            given.to_vec()
        }
    };
    let servers = or(&overrides.servers, &scenario.matrix.servers);
    let clients = or(&overrides.clients, &scenario.matrix.clients);
    let mut cells = Vec::new();
    for (index, ruleset) in scenario.rulesets.iter().enumerate() {
        let begins = &scenario.matrix.rulesets;
        if !begins.is_empty() && !begins.contains(&ruleset.name) {
            continue;
        }
        for &backend in &ruleset.backends {
            if !overrides.backends.is_empty() && !overrides.backends.contains(&backend) {
                continue;
            }
            for (&server, &client) in servers
                .iter()
                .flat_map(|server| clients.iter().map(move |client| (server, client)))
            {
                let Matrix {
                    operations,
                    families,
                    protections,
                    data,
                    ..
                } = &scenario.matrix;
                let transfers = operations.iter().flat_map(|operation| {
                    families.iter().flat_map(move |family| {
                        protections.iter().flat_map(move |protection| {
                            data.iter()
                                .map(move |data| (operation, family, protection, data))
                        })
                    })
                });
                for (&operation, &family, &protection, &data) in transfers {
                    let axes = Axes {
                        scenario: scenario.name.clone(),
                        ruleset: ruleset.name.clone(),
                        backend,
                        server,
                        client,
                        data,
                        protection,
                        family,
                        operation,
                    };
                    if filter.admits(&axes, &scenario.tags) {
                        let requirement = scenario
                            .requirements
                            .iter()
                            .rfind(|requirement| requirement.selector.names(&axes))
                            .cloned();
                        cells.push(Cell {
                            axes,
                            scenario: Arc::clone(scenario),
                            ruleset: index,
                            requirement,
                        });
                    }
                }
            }
        }
    }
    cells
}

/// The requirements of a scenario that no cell of its own matrix is held against.
pub fn idle_requirements(scenario: &Arc<Scenario>) -> Vec<IdleRequirement> {
    let cells = cells(scenario, &Overrides::default(), &Filter::default());
    let requirements = scenario.requirements.iter().enumerate();
    requirements
        .filter_map(|(index, requirement)| {
            let named = || {
                cells
                    .iter()
                    .filter(|cell| requirement.selector.names(&cell.axes))
            };
            let why = if named().next().is_none() {
                "it names no cell of this scenario"
            } else if named().all(|cell| cell.requirement.as_ref() != Some(requirement)) {
                "later requirements name every cell that it names"
            } else {
                return None;
            };
            Some(IdleRequirement {
                index,
                why: why.into(),
            })
        })
        .collect()
}
