use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use fwlab_record::{Judgement, PeerName, Protection};
use fwlab_runner::{Loader, Placement, Run, RunEvent, RunSettings};
use fwlab_scenario::Scenario;
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Cell, Overrides, cells};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;

use crate::median;

/// The article's passive ruleset with the helper, and without: over plain FTP one passes, one
/// does not. Without rules everything does.
const SCENARIO: &str = r#"
description = "The cells that figures are of"
[topology]
shape = "client-firewall"
client = "192.168.0.211/24"
server = "192.168.0.201/24"
[[ruleset]]
name = "passes"
file = "passive.rules"
helper = true
[[ruleset]]
name = "blocked"
file = "passive.rules"
[[ruleset]]
name = "open"
none = true
[matrix]
data = "pasv"
protections = ["plain", "explicit"]
[[require]]
symptom = "transferred"
[[require]]
ruleset = ["passes", "blocked"]
protection = "explicit"
symptom = "data-timeout"
[[require]]
ruleset = "blocked"
symptom = "data-timeout"
"#;

/// A cell that is run many times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sort {
    pub(crate) ruleset: &'static str,
    pub(crate) backend: &'static str,
    pub(crate) server: PeerName,
    pub(crate) client: PeerName,
    pub(crate) protection: Protection,
    pub(crate) placement: Placement,
}

/// The one that most figures are of.
pub(crate) const PASSES: Sort = Sort {
    ruleset: "passes",
    backend: "nft",
    server: PeerName::Libunftp,
    client: PeerName::Suppaftp,
    protection: Protection::Plain,
    placement: Placement::ANYWHERE,
};

/// The one beside it that does not pass.
pub(crate) const BLOCKED: Sort = Sort {
    ruleset: "blocked",
    ..PASSES
};

impl Sort {
    pub(crate) fn cell(self) -> Cell {
        let path = root().join("lab/rulesets/seed/figures.toml");
        let scenario = Scenario::prepare("figures", &path, SCENARIO);
        let scenario = Arc::new(scenario.expect("the bench's own scenario"));
        let words = format!(
            "backend={} ruleset={} protection={}",
            self.backend, self.ruleset, self.protection
        );
        let filter = Filter::parse(&[words]).expect("a filter");
        let peers = Overrides {
            servers: vec![self.server],
            clients: vec![self.client],
            ..Overrides::default()
        };
        cells(&scenario, &peers, &filter).remove(0)
    }

    fn settings(self) -> RunSettings {
        RunSettings {
            placement: self.placement,
            ..RunSettings::default()
        }
    }

    /// Cells a second, so many at a time as is the default.
    pub(crate) fn rate(self, runtime: &Runtime, count: usize) -> f64 {
        let prepared = prepared(runtime, vec![self.cell(); count], self.settings());
        let started = Instant::now();
        run(runtime, &prepared);
        let took = started.elapsed();
        let settled = runtime.block_on(Run::settle());
        settled.expect("Docker removes what it is asked to");
        count as f64 / took.as_secs_f64()
    }

    /// What one takes when nothing else runs, in ms: the median of so many.
    pub(crate) fn alone(self, runtime: &Runtime, count: usize) -> f64 {
        let settings = RunSettings {
            jobs: 1,
            ..self.settings()
        };
        let times = run(
            runtime,
            &prepared(runtime, vec![self.cell(); count], settings),
        );
        let settled = runtime.block_on(Run::settle());
        settled.expect("Docker removes what it is asked to");
        median(times)
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn prepared(runtime: &Runtime, cells: Vec<Cell>, settings: RunSettings) -> Run {
    let loader = Loader::find().expect("iptables is there");
    runtime
        .block_on(Run::prepare(cells, loader, settings))
        .expect("the rules load")
}

/// Runs cells and gives each one's time in ms; a cell that does not meet its requirement ends the bench.
pub(crate) fn run(runtime: &Runtime, run: &Run) -> Vec<f64> {
    runtime.block_on(async {
        let (sender, mut events) = unbounded_channel();
        let read = async {
            let mut times = Vec::new();
            while let Some(event) = events.recv().await {
                if let RunEvent::Finished { record, .. } = event {
                    match &record.judgement {
                        Judgement::Met { .. } | Judgement::Skipped { .. } => {}
                        other => panic!("{}: {other:?}\n{}", record.axes, record.evidence),
                    }
                    times.push(record.took.as_secs_f64() * 1e3);
                }
            }
            times
        };
        let (_, times) = tokio::join!(run.all(sender), read);
        times
    })
}
