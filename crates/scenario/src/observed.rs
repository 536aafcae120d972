//! From what was observed to requirements, in the words of the scenario file.
//!
//! Each cell is named by one requirement at most, and cells of which nothing was observed by none. A requirement says all
//! that the file can say of an outcome: another outcome misses it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fwlab_record::{Axes, Backend, Cause, ChainId, Outcome};

use crate::Scenario;
use crate::toml_text::quoted;

/// The axes that a requirement can select by, in the order in which it is written.
const KEYS: [&str; AXES] = [
    "ruleset",
    "backend",
    "server",
    "client",
    "data",
    "protection",
    "family",
    "operation",
];
const AXES: usize = 8;
const RULESET: usize = 0;
const BACKEND: usize = 1;

/// The axes in the order in which they are merged first: what rarely matters comes before what often does.
const MERGED: [usize; AXES] = [BACKEND, 6, 3, 2, 5, 7, 4, RULESET];

/// The fewest `[[require]]` blocks that are found for a scenario's observed cells, each as text that ends with a line end.
pub fn requirements<'a>(
    scenario: &Scenario,
    observed: impl IntoIterator<Item = (&'a Axes, &'a Outcome)>,
) -> Vec<String> {
    let space = Space::of(scenario);
    let cells: Vec<Block> = observed
        .into_iter()
        .enumerate()
        .filter_map(|(first, (axes, outcome))| {
            Some(Block {
                first,
                demand: demand(scenario, axes, outcome),
                chosen: space.place(axes)?,
            })
        })
        .collect();
    let orders = (0..AXES).map(|from| {
        let mut order = MERGED;
        order.rotate_left(from);
        order
    });
    let merged = orders.map(|order| space.merged(cells.clone(), order));
    let mut blocks = merged.min_by_key(Vec::len).unwrap_or_default();
    blocks.sort_by_key(|block| block.first);
    blocks.iter().map(|block| space.text(block)).collect()
}

/// Cells that are all combinations of some values, and what is required of them.
#[derive(Debug, Clone)]
struct Block {
    /// The place of its first cell among all.
    first: usize,
    /// The lines below its selectors.
    demand: String,
    /// The values of each axis, by their place; nothing for all that there are.
    chosen: [Vec<usize>; AXES],
}

/// The values of a scenario's axes.
struct Space {
    values: [Vec<String>; AXES],
    /// The backends of each ruleset, by their place.
    backends: Vec<Vec<usize>>,
}

impl Space {
    fn of(scenario: &Scenario) -> Space {
        fn words<T: ToString>(values: &[T]) -> Vec<String> {
            values.iter().map(T::to_string).collect()
        }
        let matrix = &scenario.matrix;
        let begins = |name: &String| matrix.rulesets.is_empty() || matrix.rulesets.contains(name);
        let rulesets = scenario.rulesets.iter();
        let rulesets: Vec<_> = rulesets.filter(|one| begins(&one.name)).collect();
        let mut all: Vec<Backend> = Vec::new();
        for backend in rulesets.iter().flat_map(|ruleset| &ruleset.backends) {
            if !all.contains(backend) {
                all.push(*backend);
            }
        }
        let of_ruleset = |backends: &[Backend]| {
            let places = all.iter().enumerate();
            let own = places.filter(|(_, backend)| backends.contains(backend));
            own.map(|(place, _)| place).collect()
        };
        Space {
            backends: rulesets
                .iter()
                .map(|ruleset| of_ruleset(&ruleset.backends))
                .collect(),
            values: [
                rulesets.iter().map(|one| one.name.clone()).collect(),
                words(&all),
                words(&matrix.servers),
                words(&matrix.clients),
                words(&matrix.data),
                words(&matrix.protections),
                words(&matrix.families),
                words(&matrix.operations),
            ],
        }
    }

    /// Where a cell stands; nothing where the scenario's own matrix does not have it.
    fn place(&self, axes: &Axes) -> Option<[Vec<usize>; AXES]> {
        let words = [
            axes.ruleset.as_str(),
            axes.backend.word(),
            axes.server.word(),
            axes.client.word(),
            axes.data.word(),
            axes.protection.word(),
            axes.family.word(),
            axes.operation.word(),
        ];
        let mut chosen: [Vec<usize>; AXES] = Default::default();
        for ((word, values), chosen) in words.iter().zip(&self.values).zip(&mut chosen) {
            chosen.push(values.iter().position(|value| value == word)?);
        }
        for axis in 0..AXES {
            self.shorten(&mut chosen, axis);
        }
        Some(chosen)
    }

    /// Leaves out the values of an axis where they are all that there are.
    fn shorten(&self, chosen: &mut [Vec<usize>; AXES], axis: usize) {
        let is_all = match axis {
            BACKEND if !chosen[RULESET].is_empty() => {
                let mut rulesets = chosen[RULESET].iter();
                rulesets.all(|ruleset| self.backends[*ruleset] == chosen[BACKEND])
            }
            BACKEND => self.backends.iter().all(|own| *own == chosen[BACKEND]),
            // Which backends are all, the rulesets say: while they are written, both are.
            RULESET if !chosen[BACKEND].is_empty() => {
                let has_all =
                    |own: &Vec<usize>| chosen[BACKEND].iter().all(|one| own.contains(one));
                chosen[RULESET].len() == self.values[RULESET].len()
                    && self.backends.iter().all(has_all)
            }
            _ => chosen[axis].len() == self.values[axis].len(),
        };
        if is_all {
            chosen[axis].clear();
        }
    }

    /// Puts blocks together that differ in one axis alone, until there are no more.
    fn merged(&self, mut blocks: Vec<Block>, order: [usize; AXES]) -> Vec<Block> {
        loop {
            let before = blocks.len();
            for axis in order {
                blocks = self.merged_by(axis, blocks);
            }
            if blocks.len() == before {
                return blocks;
            }
        }
    }

    fn merged_by(&self, axis: usize, blocks: Vec<Block>) -> Vec<Block> {
        let mut together: BTreeMap<(String, [Vec<usize>; AXES]), Block> = BTreeMap::new();
        for block in blocks {
            let values = block.chosen[axis].clone();
            let mut others = block.chosen.clone();
            // One that has all values of the axis is by itself.
            if !values.is_empty() {
                others[axis] = vec![usize::MAX];
            }
            let key = (block.demand.clone(), others);
            match together.get_mut(&key) {
                None => {
                    together.insert(key, block);
                }
                Some(known) => {
                    known.first = known.first.min(block.first);
                    known.chosen[axis].extend(values);
                    known.chosen[axis].sort_unstable();
                    known.chosen[axis].dedup();
                }
            }
        }
        let mut blocks: Vec<Block> = together.into_values().collect();
        for block in &mut blocks {
            if !block.chosen[axis].is_empty() {
                self.shorten(&mut block.chosen, axis);
            }
        }
        blocks
    }

    fn text(&self, block: &Block) -> String {
        let mut text = String::from("[[require]]\n");
        for ((key, values), chosen) in KEYS.iter().zip(&self.values).zip(&block.chosen) {
            let words: Vec<String> = chosen.iter().map(|at| quoted(&values[*at])).collect();
            let _ = match &words[..] {
                [] => Ok(()),
                [one] => writeln!(text, "{key} = {one}"),
                several => writeln!(text, "{key} = [{}]", several.join(", ")),
            };
        }
        text + &block.demand
    }
}

/// What is required of a cell for its outcome alone to meet it: lines of its block, the same for two outcomes that a
/// requirement cannot tell apart.
pub fn demand(scenario: &Scenario, axes: &Axes, outcome: &Outcome) -> String {
    let Outcome {
        symptom,
        phase,
        cause,
        ..
    } = outcome;
    let mut text = format!("symptom = \"{symptom}\"\n");
    if *cause == Cause::None {
        return text;
    }
    let _ = writeln!(text, "phase = \"{phase}\"");
    // Where a rule led to another rule, a requirement is held against that one.
    let cause = match cause {
        Cause::Rule {
            led_to: Some(led_to),
            ..
        } if led_to.kind() == cause.kind() => led_to,
        cause => cause,
    };
    let mut parts = vec![format!("kind = \"{}\"", cause.kind())];
    let mut rulesets = scenario.rulesets.iter();
    let ruleset = rulesets.find(|ruleset| ruleset.name == axes.ruleset);
    // Else there is one that it can be.
    let says_backend = ruleset.is_some_and(|ruleset| !ruleset.beside.is_empty());
    if let Cause::Rule { backend, .. } | Cause::Policy { backend, .. } = cause
        && says_backend
    {
        parts.push(format!("backend = \"{backend}\""));
    }
    match cause {
        Cause::None => {}
        Cause::Rule {
            node,
            backend,
            rule,
            ..
        } => {
            parts.push(format!("node = {}", quoted(node.as_str())));
            parts.push(format!("chain = {}", named(&rule.chain, *backend)));
            parts.push(format!("ordinal = {}", rule.ordinal));
        }
        Cause::Policy {
            node,
            backend,
            chain,
            ..
        } => {
            parts.push(format!("node = {}", quoted(node.as_str())));
            parts.push(format!("chain = {}", named(chain, *backend)));
        }
        Cause::Helper { node, .. } | Cause::Host { node, .. } | Cause::Loss { node, .. } => {
            parts.push(format!("node = {}", quoted(node.as_str())));
        }
        Cause::Reply { reply } => {
            let code = reply.get(..3).and_then(|code| code.parse::<u16>().ok());
            parts.extend(code.map(|code| format!("reply = {code}")));
        }
    }
    let _ = writeln!(text, "cause = {{ {} }}", parts.join(", "));
    text
}

/// A chain as a requirement names it: tables of nft have a family.
fn named(chain: &ChainId, backend: Backend) -> String {
    match backend {
        Backend::Native => quoted(&chain.to_string()),
        Backend::Nft | Backend::Legacy => quoted(&format!("{}/{}", chain.table, chain.chain)),
    }
}

#[cfg(test)]
mod tests;
