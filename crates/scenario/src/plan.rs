//! Cells: the axes of a scenario, multiplied.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use fwlab_record::{Axes, Backend, PeerName};

use crate::filter::Filter;
use crate::{Matrix, Requirement, RulesetEntry, Scenario};

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

impl Overrides {
    /// The servers and the clients of a matrix.
    fn peers<'a>(&'a self, matrix: &'a Matrix) -> [&'a [PeerName]; 2] {
        let or = |given: &'a [PeerName], own: &'a [PeerName]| {
            let stays = given.is_empty() || own.iter().any(|peer| peer.is_scripted());
            if stays { own } else { given }
        };
        [
            or(&self.servers, &matrix.servers),
            or(&self.clients, &matrix.clients),
        ]
    }
}

/// The most cells of one run: hours of work, and of one scenario as well.
pub const MAX_CELLS: usize = 100_000;

/// How many cells a matrix has before a filter, and why: known without making any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    factors: [(&'static str, usize); 7],
}

impl Size {
    /// The size of a scenario's matrix.
    pub fn of(matrix: &Matrix, rulesets: &[RulesetEntry], overrides: &Overrides) -> Size {
        let begins = |ruleset: &&RulesetEntry| {
            matrix.rulesets.is_empty() || matrix.rulesets.contains(&ruleset.name)
        };
        let loads = rulesets.iter().filter(begins).map(|ruleset| {
            let chosen = &overrides.backends;
            let backends = ruleset.backends.iter();
            backends
                .filter(|backend| chosen.is_empty() || chosen.contains(backend))
                .count()
        });
        let [servers, clients] = overrides.peers(matrix);
        Size {
            factors: [
                ("rulesets", loads.sum()),
                ("servers", servers.len()),
                ("clients", clients.len()),
                ("operations", matrix.operations.len()),
                ("families", matrix.families.len()),
                ("protections", matrix.protections.len()),
                ("data", matrix.data.len()),
            ],
        }
    }

    /// The number of cells.
    pub fn cells(&self) -> usize {
        let factors = self.factors.iter().map(|(_, count)| *count);
        factors.fold(1, usize::saturating_mul)
    }

    /// The axis with the most values.
    pub fn widest(&self) -> &'static str {
        let widest = self.factors.iter().rev().max_by_key(|(_, count)| *count);
        widest.map_or("rulesets", |(axis, _)| axis)
    }
}

/// `240000 cells (2000 rulesets and backends × 10 servers × 12 data)`
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let factors = self.factors.iter().filter(|(_, count)| *count != 1);
        let factors: Vec<String> = factors
            .map(|(axis, count)| match *axis {
                "rulesets" => format!("{count} rulesets and backends"),
                "data" => format!("{count} data setups"),
                axis => format!("{count} {axis}"),
            })
            .collect();
        write!(f, "{} cells ({})", self.cells(), factors.join(" × "))
    }
}

/// Requirements by the rulesets that they name, so that those of a cell are found without looking at all.
struct Demands<'a> {
    all: &'a [Requirement],
    of_ruleset: HashMap<&'a str, Vec<usize>>,
    of_any: Vec<usize>,
}

impl<'a> Demands<'a> {
    fn of(all: &'a [Requirement]) -> Demands<'a> {
        let mut demands = Demands {
            all,
            of_ruleset: HashMap::new(),
            of_any: Vec::new(),
        };
        for (index, requirement) in all.iter().enumerate() {
            let named = &requirement.selector.rulesets;
            if named.is_empty() {
                demands.of_any.push(index);
            }
            for name in named {
                demands.of_ruleset.entry(name).or_default().push(index);
            }
        }
        demands
    }

    /// The requirements that name a cell, in order.
    fn naming(&self, axes: &Axes) -> std::vec::IntoIter<usize> {
        let of_ruleset = self.of_ruleset.get(axes.ruleset.as_str());
        let of_ruleset = of_ruleset.into_iter().flatten();
        let of_any = self.of_any.iter().chain(of_ruleset).copied();
        let mut naming: Vec<usize> = of_any
            .filter(|index| self.all[*index].selector.names(axes))
            .collect();
        naming.sort_unstable();
        naming.into_iter()
    }
}

/// Multiplies a scenario's axes to cells, in a fixed order.
pub fn cells(scenario: &Arc<Scenario>, overrides: &Overrides, filter: &Filter) -> Vec<Cell> {
    let demands = Demands::of(&scenario.requirements);
    let cell = |(ruleset, axes)| {
        let last = demands.naming(&axes).next_back();
        let requirement = last.map(|index| scenario.requirements[index].clone());
        Cell {
            axes,
            scenario: Arc::clone(scenario),
            ruleset,
            requirement,
        }
    };
    let axes = axes(scenario, overrides, filter).into_iter();
    axes.map(cell).collect()
}

/// The places of a scenario's cells in its matrix, in a fixed order, each with the index of its ruleset.
pub fn axes(scenario: &Scenario, overrides: &Overrides, filter: &Filter) -> Vec<(usize, Axes)> {
    let [servers, clients] = overrides.peers(&scenario.matrix);
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
                        cells.push((index, axes));
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
    let demands = Demands::of(&scenario.requirements);
    let mut named = vec![false; scenario.requirements.len()];
    let mut held = named.clone();
    for cell in &cells {
        let naming = demands.naming(&cell.axes);
        for index in naming.clone() {
            named[index] = true;
        }
        if let Some(last) = naming.last() {
            held[last] = true;
        }
    }
    let idle = |(index, named): (usize, bool)| {
        let why = match named {
            _ if held[index] => return None,
            true => "later requirements name every cell that it names",
            false => "it names no cell of this scenario",
        };
        let why = why.into();
        Some(IdleRequirement { index, why })
    };
    named.into_iter().enumerate().filter_map(idle).collect()
}
