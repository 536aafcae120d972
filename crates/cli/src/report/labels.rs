use std::collections::{HashMap, HashSet};

use fwlab_record::{Axes, Family};

use crate::text::Page;
use fwlab_text::one_line;

/// What the rows of a matrix are called: by their rulesets, or by the peers that they are for.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    heading: Option<String>,
    /// By scenario and family.
    labels: HashMap<(String, Family), String>,
    /// Notes that stand elsewhere already.
    told: HashSet<String>,
    /// Whether cells that rest on a passive port picked by chance are marked.
    pub(super) marks_chance: bool,
    /// What loads the rules, where it is more than the backend of each cell.
    loaders: Option<&'static str>,
}

impl Labels {
    /// Those of the classes of peers of a ruleset; of the only class, the ruleset's own name.
    pub fn of_classes(rules: &str, is_only: bool) -> Labels {
        Labels {
            heading: (!is_only).then(|| rules.to_owned()),
            labels: HashMap::new(),
            told: HashSet::new(),
            marks_chance: true,
            loaders: None,
        }
    }

    /// Says that the rules of each row are of both backends of iptables, and loaded together.
    pub fn of_both_backends(&mut self) {
        self.loaders = Some("legacy+nft");
    }

    /// What loads the rules of a cell's row.
    pub(super) fn loaders(&self, axes: &Axes) -> &'static str {
        self.loaders.unwrap_or(axes.backend.word())
    }

    /// Takes notes that the user was told when the rules were read, or is told by a cell that has no mark: they are not told again
    /// below the matrix.
    pub fn were_told(&mut self, notes: impl IntoIterator<Item = String>) {
        self.told.extend(notes);
    }

    /// Whether the user was told a note before.
    pub fn is_told(&self, note: &str) -> bool {
        self.told.contains(note)
    }

    /// Calls a scenario's cells so.
    pub fn label(&mut self, of: &Axes, label: String) {
        self.labels.insert((of.scenario.clone(), of.family), label);
    }

    /// What a cell's row is called.
    pub fn of<'a>(&'a self, axes: &'a Axes) -> &'a str {
        if self.labels.is_empty() {
            return &axes.ruleset;
        }
        let key = (axes.scenario.clone(), axes.family);
        self.labels.get(&key).unwrap_or(&axes.ruleset)
    }

    /// The line above the matrix: what the rows are of, where they do not say it.
    pub fn heading(&self) -> Page {
        let line = self.heading.as_ref();
        line.map_or_else(Page::default, |rules| {
            Page::from(format!("{}\n", one_line(rules)))
        })
    }
}
