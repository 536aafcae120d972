use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fwlab_model::ruleset::Source;
use fwlab_record::{Axes, Backend, Cause, NodeName, TableFamily};
use fwlab_scenario::plan::Cell;
use fwlab_scenario::{Action, RulesOrigin, RulesetEntry, Scenario};

/// The files that rules stand in: what the line of a cause is a line of.
#[derive(Debug, Default)]
pub struct Sources(HashMap<(String, String), OfRuleset>);

/// The files of one ruleset of one scenario.
#[derive(Debug)]
struct OfRuleset {
    scenario: Option<PathBuf>,
    rules: Vec<Rules>,
}

/// Rules of a node in a file.
#[derive(Debug, PartialEq)]
struct Rules {
    node: Option<NodeName>,
    /// The backend of rules that stand beside others; nothing for that of the cell.
    beside: Option<Backend>,
    /// Whether `ip6tables-save` wrote them.
    is_ipv6: bool,
    /// Nothing for what is not a file: standard input.
    file: Option<PathBuf>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InFile {
    pub(super) file: PathBuf,
    /// The line, 1 for the first.
    pub(super) line: Option<u32>,
}

fn is_file(path: &Path) -> bool {
    path.is_file() && !path.starts_with("/dev") && !path.starts_with("/proc")
}

impl Sources {
    /// Those of planned cells.
    pub fn of(cells: &[Cell]) -> Sources {
        let mut sources = HashMap::new();
        for cell in cells {
            let key = (cell.axes.scenario.clone(), cell.axes.ruleset.clone());
            let scenario = &cell.scenario;
            sources
                .entry(key)
                .or_insert_with(|| OfRuleset::of(scenario, cell.ruleset));
        }
        Sources(sources)
    }

    /// Where a cause's rule or policy stands, of a cell with these axes; without its line, or for a cause that is neither, the
    /// file of the cell's rules, or else the scenario's.
    pub(super) fn place(&self, axes: &Axes, cause: Option<&Cause>) -> Option<InFile> {
        let key = (axes.scenario.clone(), axes.ruleset.clone());
        let of = self.0.get(&key)?;
        if let Some((node, backend, family, line)) = cause.and_then(rule_of)
            && let Some(file) = of.file(node, (backend != axes.backend).then_some(backend), family)
        {
            let file = file.to_owned();
            return Some(InFile { file, line });
        }
        let own = of.rules.first().and_then(|rules| rules.file.clone());
        let file = own.or_else(|| of.scenario.clone())?;
        Some(InFile { file, line: None })
    }
}

fn rule_of(cause: &Cause) -> Option<(&NodeName, Backend, TableFamily, Option<u32>)> {
    match cause {
        Cause::Rule {
            node,
            backend,
            rule,
            source_line,
            ..
        } => Some((node, *backend, rule.chain.family, *source_line)),
        Cause::Policy {
            node,
            backend,
            chain,
            source_line,
            ..
        } => Some((node, *backend, chain.family, *source_line)),
        _ => None,
    }
}

impl OfRuleset {
    fn of(scenario: &Arc<Scenario>, index: usize) -> OfRuleset {
        let loaded = scenario.steps.iter().filter_map(|step| match step.action {
            Action::Load(index) => Some(index),
            _ => None,
        });
        let mut rules = Vec::new();
        for index in std::iter::once(index).chain(loaded) {
            if let Some(entry) = scenario.rulesets.get(index) {
                add(&mut rules, scenario, entry);
            }
        }
        OfRuleset {
            scenario: Some(scenario.path.clone()).filter(|path| is_file(path)),
            rules,
        }
    }

    /// The file of the rules of a node; nothing where several could be meant.
    fn file(&self, node: &NodeName, beside: Option<Backend>, family: TableFamily) -> Option<&Path> {
        let is_ipv6 = family == TableFamily::Ipv6;
        let there = |rules: &&Rules| {
            rules.node.as_ref() == Some(node) && (beside.is_none() || rules.beside == beside)
        };
        let there: Vec<&Rules> = self.rules.iter().filter(there).collect();
        // A script of `ip6tables` commands may stand where a dump of IPv4 would.
        let own = there.iter().filter(|rules| rules.is_ipv6 == is_ipv6);
        let mut own: Vec<&Rules> = own.copied().collect();
        if own.is_empty() {
            own = there;
        }
        let beside = own.iter().filter(|rules| rules.beside == beside);
        let mut files = beside.map(|rules| rules.file.as_deref());
        let first = files.next().flatten()?;
        files.all(|file| file == Some(first)).then_some(first)
    }
}

/// The file that a source is, or is a part of: a section of a captured host has the host's name before its own.
fn file_of(source: &Source, whole: &Path) -> Option<PathBuf> {
    let own = Path::new(&source.name);
    let is_part = source.name.starts_with(&*whole.to_string_lossy());
    let path = match !is_file(own) && is_part {
        true => whole,
        false => own,
    };
    is_file(path).then(|| path.to_owned())
}

fn add(rules: &mut Vec<Rules>, scenario: &Scenario, entry: &RulesetEntry) {
    let firewall = entry.at.clone().or_else(|| scenario.stage.firewall.clone());
    let of = |source: &Source, node: &Option<NodeName>, beside, is_ipv6| Rules {
        node: node.clone(),
        beside,
        is_ipv6,
        file: file_of(source, &scenario.path),
    };
    if let RulesOrigin::Written(source) = &entry.origin {
        rules.push(of(source, &firewall, None, false));
    }
    rules.extend(entry.ipv6.iter().map(|it| of(it, &firewall, None, true)));
    let beside = entry.beside.iter();
    rules.extend(beside.map(|(backend, it)| of(it, &firewall, Some(*backend), false)));
    for also in &entry.also {
        let node = Some(also.at.clone());
        if let RulesOrigin::Written(source) = &also.origin {
            rules.push(of(source, &node, None, false));
        }
        rules.extend(also.ipv6.iter().map(|it| of(it, &node, None, true)));
    }
}
