//! The figures as they are found: printed, and kept as a record that a later one is compared with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

/// Those of this run.
static FIGURES: LazyLock<Mutex<Figures>> = LazyLock::new(Mutex::default);

/// Prints a figure and keeps it.
pub(crate) fn figure(what: &str, value: f64, unit: &str) {
    figures().add(what, value, unit, "");
}

/// The same, of which there is to be no more than that.
pub(crate) fn at_most(limit: f64, what: &str, value: f64, unit: &str) {
    let is_met = if value <= limit { "" } else { ", missed" };
    let told = format!("   at most {limit} {unit}{is_met}");
    figures().add(what, value, unit, &told);
}

/// All figures up to now.
pub(crate) fn figures() -> MutexGuard<'static, Figures> {
    FIGURES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The figures of a run, and those of an earlier one.
#[derive(Default)]
pub(crate) struct Figures {
    found: Map<String, Value>,
    earlier: BTreeMap<String, f64>,
}

impl Figures {
    /// Compares what follows with an earlier record.
    pub(crate) fn compare_with(&mut self, record: &Path) {
        let text = std::fs::read_to_string(record)
            .unwrap_or_else(|error| panic!("cannot read {}: {error}", record.display()));
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("{} is not a record of figures: {error}", record.display())
        });
        let figures = value["figures"].as_object().cloned().unwrap_or_default();
        let numbers = figures
            .iter()
            .filter_map(|(what, figure)| Some((what.clone(), figure["value"].as_f64()?)));
        self.earlier = numbers.collect();
    }

    /// Prints a figure, and how many times the earlier one it is.
    fn add(&mut self, what: &str, value: f64, unit: &str, limit: &str) {
        let ratio = self.earlier.get(what).map(|earlier| value / earlier);
        let ratio = ratio.map_or_else(String::new, |ratio| format!("   {ratio:.2} of the earlier"));
        println!("{what:44} {value:10.2} {unit}{limit}{ratio}");
        self.found
            .insert(what.to_owned(), json!({ "value": value, "unit": unit }));
    }

    /// Writes them, with what they were measured on.
    pub(crate) fn write(&self, record: &Path) {
        let record_of = json!({
            "kernel": fwlab_fabric::kernel_release(),
            "cores": std::thread::available_parallelism().map_or(0, usize::from),
            "figures": self.found,
        });
        let text = serde_json::to_string_pretty(&record_of).expect("it is JSON") + "\n";
        std::fs::write(record, text)
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", record.display()));
        println!("\nwritten to {}", record.display());
    }
}
