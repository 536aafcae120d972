//! The class of peers that a cell was for; classes that came to the same are put together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fwlab_classes::{Classes, Representative};
use fwlab_record::Family;

/// The class of peers that a cell was for.
#[derive(Debug, Clone)]
pub struct Tried {
    /// All classes of its family.
    pub classes: Arc<Classes>,
    /// Which of them.
    pub class: usize,
    /// The family that is spoken.
    pub family: Family,
}

impl Tried {
    /// The host that stands for the class.
    pub fn representative(&self) -> Representative {
        self.classes.representative(self.class)
    }

    /// What the scenario of this class is called; that of the only one as the rules are.
    pub fn name(&self, rules: &str) -> String {
        if self.classes.len() == 1 {
            return rules.to_owned();
        }
        let of = self.classes.describe(&BTreeSet::from([self.class]));
        format!("{rules}, {}", of.join("; "))
    }
}

/// What there is of one class, in the order of its cells.
pub type OfClass<'t, T> = Vec<(&'t Tried, T)>;

/// Puts classes that came to the same in every cell together.
pub fn grouped<'t, T, C: PartialEq>(
    cells: impl IntoIterator<Item = (&'t Tried, T)>,
    came: impl Fn(&T) -> C,
) -> Vec<Vec<OfClass<'t, T>>> {
    let mut of_class: BTreeMap<(Family, usize), OfClass<'t, T>> = BTreeMap::new();
    for (tried, cell) in cells {
        let class = (tried.family, tried.class);
        of_class.entry(class).or_default().push((tried, cell));
    }
    // What they came to, and the cells of each class that came to it.
    let mut groups: Vec<(Vec<C>, Vec<OfClass<'t, T>>)> = Vec::new();
    for cells in of_class.into_values() {
        let all: Vec<C> = cells.iter().map(|(_, cell)| came(cell)).collect();
        match groups.iter_mut().find(|(known, _)| *known == all) {
            Some((_, classes)) => classes.push(cells),
            None => groups.push((all, vec![cells])),
        }
    }
    groups.into_iter().map(|(_, classes)| classes).collect()
}

/// Whom a group of classes is, in words.
pub fn described<T>(group: &[OfClass<'_, T>]) -> String {
    let (first, _) = group[0][0];
    let members = group.iter().map(|cells| cells[0].0.class).collect();
    first.classes.describe(&members).join("; ")
}
