use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fwlab_model::ruleset::Source;
use fwlab_record::{Axes, Backend, Cause, Matched, NodeName, TableFamily};
use fwlab_scenario::input::is_within;
use fwlab_scenario::plan::Cell;
use fwlab_scenario::{Action, RulesOrigin, RulesetEntry, Scenario};

/// The files that rules stand in: what the line of a cause is a line of. And what else a report is told of scenarios.
#[derive(Debug, Default)]
pub struct Sources(HashMap<(String, String), OfRuleset>);

/// The files of one ruleset of one scenario.
#[derive(Debug)]
struct OfRuleset {
    scenario: Option<PathBuf>,
    tags: Vec<String>,
    rules: Vec<Rules>,
}

/// The text of rules as they were given.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct RulesText {
    /// What reports call it, mostly a path.
    pub(crate) name: String,
    /// The line that it begins on, 1 for the first.
    pub(crate) first: u32,
    pub(crate) text: String,
    /// Whether it lies with the scenario, and may be shown whether it was loaded or not.
    pub(super) is_own: bool,
}

/// Texts, each once: hundreds of scenarios can be about one host's rules.
#[derive(Debug)]
struct Texts {
    known: HashSet<Arc<RulesText>>,
    /// The longest that is kept, in bytes.
    longest: usize,
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
    /// Nothing for what is not to be quoted, or too long to be shown.
    text: Option<Arc<RulesText>>,
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
    /// Those of planned cells, as a report has them: without the longest texts.
    pub fn of(cells: &[Cell]) -> Sources {
        Sources::up_to(Texts::LONGEST, cells)
    }

    /// Those of planned cells, however long.
    pub(crate) fn whole(cells: &[Cell]) -> Sources {
        Sources::up_to(usize::MAX, cells)
    }

    /// Those of a ruleset of a scenario, for a cell with these axes: nothing where the scenario is another's or has no such
    /// ruleset. A scenario is called by its path, and the cell may have been run from another folder.
    pub(crate) fn of_scenario(scenario: &Arc<Scenario>, axes: &Axes) -> Sources {
        let (own, other) = (Path::new(&scenario.name), Path::new(&axes.scenario));
        let mut rulesets = scenario.rulesets.iter();
        let index = rulesets.position(|ruleset| ruleset.name == axes.ruleset);
        let index = index.filter(|_| own.ends_with(other) || other.ends_with(own));
        let mut texts = Texts::up_to(usize::MAX);
        let of = index.map(|index| OfRuleset::of(scenario, index, &mut texts));
        let key = (axes.scenario.clone(), axes.ruleset.clone());
        Sources(of.map(|of| (key, of)).into_iter().collect())
    }

    fn up_to(longest: usize, cells: &[Cell]) -> Sources {
        let mut sources = HashMap::new();
        let mut texts = Texts::up_to(longest);
        for cell in cells {
            let key = (cell.axes.scenario.clone(), cell.axes.ruleset.clone());
            let scenario = &cell.scenario;
            sources
                .entry(key)
                .or_insert_with(|| OfRuleset::of(scenario, cell.ruleset, &mut texts));
        }
        Sources(sources)
    }

    fn of_cell(&self, axes: &Axes) -> Option<&OfRuleset> {
        self.0.get(&(axes.scenario.clone(), axes.ruleset.clone()))
    }

    /// The words to filter by of a cell's scenario.
    pub(super) fn tags(&self, axes: &Axes) -> &[String] {
        self.of_cell(axes).map_or(&[], |of| &of.tags)
    }

    /// The text of a cell's rules, and the line in its file that decided. Of several nodes' rules those that decided are meant, and
    /// otherwise the ruleset's own.
    pub(crate) fn text(
        &self,
        axes: &Axes,
        cause: Option<&Cause>,
    ) -> Option<(&Arc<RulesText>, Option<u32>)> {
        let of = self.of_cell(axes)?;
        let Some((node, backend, family, line)) = cause.and_then(rule_of) else {
            return Some((of.rules.first()?.text.as_ref()?, None));
        };
        let line = line?;
        let found = of.texts_of(axes, node, backend, family, line);
        // Of several, the record says which.
        let file = cause.and_then(file_of_cause);
        let found = match (&found[..], file) {
            ([first], _) | ([first, ..], None) => first,
            (_, file) => found.iter().find(|text| Some(&*text.name) == file)?,
        };
        Some((found, Some(line)))
    }

    /// How often the lines of a text of a cell's rules matched.
    pub(super) fn matched(
        &self,
        axes: &Axes,
        text: &Arc<RulesText>,
        matched: &[Matched],
    ) -> BTreeMap<u32, u64> {
        let mut lines = BTreeMap::new();
        let Some(of) = self.of_cell(axes) else {
            return lines;
        };
        for rule in matched {
            let Some(line) = rule.source_line else {
                continue;
            };
            let family = rule.rule.chain.family;
            let found = of.texts_of(axes, &rule.node, rule.backend, family, line);
            if found.first().is_some_and(|found| Arc::ptr_eq(found, text)) {
                *lines.entry(line).or_default() += rule.times;
            }
        }
        lines
    }

    /// Where a cause's rule or policy stands, of a cell with these axes; without its line, or for a cause that is neither, the
    /// file of the cell's rules, or else the scenario's.
    pub(super) fn place(&self, axes: &Axes, cause: Option<&Cause>) -> Option<InFile> {
        let of = self.of_cell(axes)?;
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

fn file_of_cause(cause: &Cause) -> Option<&str> {
    match cause {
        Cause::Rule { source_file, .. } | Cause::Policy { source_file, .. } => {
            source_file.as_deref()
        }
        _ => None,
    }
}

impl OfRuleset {
    fn of(scenario: &Arc<Scenario>, index: usize, texts: &mut Texts) -> OfRuleset {
        let loaded = scenario.steps.iter().filter_map(|step| match step.action {
            Action::Load(index) => Some(index),
            _ => None,
        });
        let mut rules = Vec::new();
        for index in std::iter::once(index).chain(loaded) {
            if let Some(entry) = scenario.rulesets.get(index) {
                add(&mut rules, scenario, entry, texts);
            }
        }
        OfRuleset {
            scenario: Some(scenario.path.clone()).filter(|path| is_file(path)),
            tags: scenario.tags.clone(),
            rules,
        }
    }

    /// The rules of a node that can be meant.
    fn of_node(
        &self,
        node: &NodeName,
        beside: Option<Backend>,
        family: TableFamily,
    ) -> Vec<&Rules> {
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
        own.retain(|rules| rules.beside == beside);
        own
    }

    /// The texts that a line of a node's rules can be in.
    fn texts_of(
        &self,
        axes: &Axes,
        node: &NodeName,
        backend: Backend,
        family: TableFamily,
        line: u32,
    ) -> Vec<&Arc<RulesText>> {
        let beside = (backend != axes.backend).then_some(backend);
        let there = self.of_node(node, beside, family).into_iter();
        let texts = there.filter_map(|rules| rules.text.as_ref());
        texts.filter(|text| text.has(line)).collect()
    }

    /// The file of the rules of a node; nothing where several could be meant.
    fn file(&self, node: &NodeName, beside: Option<Backend>, family: TableFamily) -> Option<&Path> {
        let own = self.of_node(node, beside, family).into_iter();
        let mut files = own.map(|rules| rules.file.as_deref());
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

/// Whether a file is below the folder that the run was started in. Below the root everything is.
pub(crate) fn is_below_here(file: &Path) -> bool {
    let here = Path::new("");
    let is_root = std::env::current_dir().map_or(true, |here| here.parent().is_none());
    !is_root && is_within(file, here)
}

impl RulesText {
    /// A text as it was given.
    pub(crate) fn of(source: &Source) -> Arc<RulesText> {
        Arc::new(RulesText {
            name: source.name.clone(),
            first: source.begins.0,
            text: String::from_utf8_lossy(&source.text).into_owned(),
            is_own: source.is_quotable,
        })
    }

    /// Whether a line of the file is one of these.
    pub(crate) fn has(&self, line: u32) -> bool {
        let lines = u32::try_from(self.text.lines().count()).unwrap_or(u32::MAX);
        (self.first..self.first.saturating_add(lines)).contains(&line)
    }
}

impl Texts {
    /// The longest text that a report shows, in bytes: some 1,000 rules.
    const LONGEST: usize = 64 << 10;

    fn up_to(longest: usize) -> Texts {
        Texts {
            known: HashSet::new(),
            longest,
        }
    }

    fn of(&mut self, source: &Source) -> Option<Arc<RulesText>> {
        // A scenario may name any file there is. Of rules that were loaded, those below the folder that the run was started
        // in are shown with it: what is shared there, scenarios beside each other name.
        let is_shown = source.is_quotable || is_below_here(Path::new(&source.name));
        if !is_shown || source.text.len() > self.longest {
            return None;
        }
        let text = RulesText::of(source);
        if let Some(known) = self.known.get(&text) {
            return Some(Arc::clone(known));
        }
        self.known.insert(Arc::clone(&text));
        Some(text)
    }
}

fn add(rules: &mut Vec<Rules>, scenario: &Scenario, entry: &RulesetEntry, texts: &mut Texts) {
    let firewall = entry
        .at
        .clone()
        .or_else(|| scenario.deployment.firewall.clone());
    let mut of = |source: &Source, node: &Option<NodeName>, beside, is_ipv6| Rules {
        node: node.clone(),
        beside,
        is_ipv6,
        file: file_of(source, &scenario.path),
        text: texts.of(source),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_only_where_it_may_be_shown() {
        let mut texts = Texts::up_to(Texts::LONGEST);
        let rules = Source::new("a.v4", "-A INPUT -j DROP\n").beginning_at(7, 0);
        let kept = texts.of(&rules).expect("it may be shown");
        assert!([6, 8].iter().all(|line| !kept.has(*line)) && kept.has(7));
        let again = texts.of(&rules).expect("it may be shown");
        assert!(Arc::ptr_eq(&kept, &again));
        assert_eq!(texts.of(&rules.unquoted()), None);
        for (name, is_shown) in [("Cargo.toml", true), ("/etc/passwd", false)] {
            let shared = Source::new(name, "-A INPUT -j DROP\n").unquoted();
            assert_eq!(texts.of(&shared).is_some(), is_shown, "{name}");
        }
        let long = "#".repeat(Texts::LONGEST + 1);
        let long = Source::new("long.v4", long);
        assert_eq!(texts.of(&long), None);
        assert_eq!(texts.known.len(), 2);
        assert!(Texts::up_to(usize::MAX).of(&long).is_some());
    }
}
