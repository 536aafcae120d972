//! `run --watch`: again whenever a file changes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use fwlab_record::Exit;
use fwlab_scenario::Scenario;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::exit::{complain, print_aside};

/// Files are looked at as often.
const INTERVAL: Duration = Duration::from_millis(200);

/// As many files are looked at.
const FILES: usize = 20_000;

/// The files that runs read, as they were when they were looked at.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// Those that the scenarios named which were read last.
    named: BTreeSet<PathBuf>,
    /// The paths of those that changed.
    changed: BTreeSet<PathBuf>,
}

impl Watched {
    /// Of these scenarios, those that a change is about; all, where that is none.
    pub(super) fn choose(&mut self, mut scenarios: Vec<Arc<Scenario>>) -> Vec<Arc<Scenario>> {
        let files = |scenario: &Scenario| {
            let named = scenario.files.iter().map(|file| file.path.clone());
            named.chain([scenario.path.clone()]).collect::<Vec<_>>()
        };
        self.named = scenarios
            .iter()
            .flat_map(|scenario| files(scenario))
            .collect();
        let is_changed = |scenario: &Arc<Scenario>| {
            let files = files(scenario);
            files.iter().any(|file| self.changed.contains(file))
        };
        if scenarios.iter().any(is_changed) {
            scenarios.retain(is_changed);
        }
        scenarios
    }
}

/// Runs, and again each time when a file below the paths, or one that a scenario names, has changed; until a signal comes.
pub(super) fn watch(paths: &[PathBuf], mut run: impl FnMut(&mut Watched) -> Exit) -> Exit {
    let stopped = match stops() {
        Ok(stopped) => stopped,
        Err(error) => {
            complain(format!("signals cannot be waited for: {error}"), None);
            return Exit::Lab;
        }
    };
    let mut watched = Watched::default();
    loop {
        let before = stamps(paths, &watched.named);
        let exit = run(&mut watched);
        if stopped.load(Ordering::Relaxed) {
            return exit;
        }
        // What a scenario names is known from the run alone.
        let mut known = before;
        for (file, stamp) in stamps(paths, &watched.named) {
            known.entry(file).or_insert(stamp);
        }
        print_aside(format!(
            "watching {}; Ctrl-C ends it\n",
            match known.len() {
                1 => "1 file".to_owned(),
                files => format!("{files} files"),
            }
        ));
        let mut latest = known.clone();
        watched.changed = loop {
            std::thread::sleep(INTERVAL);
            if stopped.load(Ordering::Relaxed) {
                return exit;
            }
            let now = stamps(paths, &watched.named);
            // An editor writes a file in several steps: until two looks find the same.
            let is_settled = std::mem::replace(&mut latest, now.clone()) == now;
            if now == known || !is_settled {
                continue;
            }
            let changed = now
                .iter()
                .filter(|(file, stamp)| known.get(*file) != Some(stamp));
            break changed.map(|(file, _)| file.clone()).collect();
        };
    }
}

fn stops() -> io::Result<Arc<AtomicBool>> {
    let stopped = Arc::new(AtomicBool::new(false));
    for number in [SIGINT, SIGTERM] {
        flag::register(number, Arc::clone(&stopped))?;
    }
    Ok(stopped)
}

/// When a file was written, and its size; nothing of one that is not there.
type Stamp = Option<(SystemTime, u64)>;

fn stamp(file: &Path) -> Stamp {
    let about = std::fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}

/// The files below paths, and those that scenarios name.
fn stamps(paths: &[PathBuf], named: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, Stamp> {
    let mut found: BTreeMap<PathBuf, Stamp> = named
        .iter()
        .map(|file| (file.clone(), stamp(file)))
        .collect();
    let mut folders: Vec<PathBuf> = Vec::new();
    let mut take = |path: PathBuf, folders: &mut Vec<PathBuf>| match path.is_dir() {
        true => folders.push(path),
        false => {
            let stamp = stamp(&path);
            found.insert(path, stamp);
        }
    };
    for path in paths {
        take(path.clone(), &mut folders);
    }
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        // A link may lead in a circle, and is followed nowhere else either.
        let entries =
            entries.filter(|entry| !entry.file_type().is_ok_and(|kind| kind.is_symlink()));
        for entry in entries {
            files += 1;
            if files > FILES {
                return found;
            }
            take(entry.path(), &mut folders);
        }
    }
    found
}
