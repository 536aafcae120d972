use std::collections::HashMap;
use std::sync::Arc;

use fwlab_observe::{TracePlace, TraceStep};
use fwlab_record::{Backend, NodeName, TableFamily};

/// A place in the rules of a node, as the trace names it.
type Place = (
    NodeName,
    Backend,
    TableFamily,
    Arc<str>,
    Arc<str>,
    TracePlace,
);

/// How often packets were traced at each place in the rules.
#[derive(Debug, Default)]
pub(super) struct Traced {
    /// The first step at each place, and how many there were.
    places: HashMap<Place, (TraceStep, u64)>,
    /// Whether the rules changed: what was counted is of several then.
    is_of_several: bool,
}

impl Traced {
    pub(super) fn count(&mut self, node: &NodeName, step: &TraceStep) {
        if self.is_of_several || step.at == TracePlace::Policy {
            return;
        }
        let place = (
            node.clone(),
            step.backend,
            step.table_family,
            Arc::clone(&step.table),
            Arc::clone(&step.chain),
            step.at,
        );
        let counted = self.places.entry(place);
        counted.or_insert_with(|| (step.clone(), 0)).1 += 1;
    }

    /// Other rules are loaded.
    pub(super) fn rules_change(&mut self) {
        self.is_of_several = true;
        self.places.clear();
    }

    /// The node and the first step of each place, and how many there were.
    pub(super) fn places(&self) -> impl Iterator<Item = (&NodeName, &TraceStep, u64)> {
        let places = self.places.iter();
        places.map(|((node, ..), (step, times))| (node, step, *times))
    }
}
