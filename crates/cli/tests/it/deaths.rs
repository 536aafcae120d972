//! Whatever the lab has started may be killed at any moment: a cell then has the outcome that it would have had, or
//! none, with who died and how.

use fwlab_skipped::{Need, skipped};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::chance::Chance;
use crate::harmless::{Process, process, processes};
use crate::support::{DEADLINE, Running, essence, fwlab, has_program, lab, report};

/// How many processes of each kind are killed.
const TIMES: usize = 50;

/// Rules that could be blamed, and cells that pass.
const SCENARIO: &str = r#"
description = "What passes passes, and what is rejected is rejected."
[topology]
shape = "client-firewall"
[[ruleset]]
name = "open"
text = '''
iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT
iptables -A OUTPUT -p tcp -j ACCEPT
'''
[[ruleset]]
name = "shut"
text = "iptables -A OUTPUT -p tcp --dport 1024: -j REJECT"
[transfer]
size = 2000000
[matrix]
servers = ["vsftpd"]
clients = ["curl"]
data = ["pasv", "epsv"]
operations = ["retr", "stor", "list"]
"#;

/// A kind of process: by its own name and its parent's.
struct Kind {
    name: &'static str,
    is: fn(&str, &str) -> bool,
    /// Whether every one is killed, and not every other.
    all: bool,
    /// It is killed so long after it was seen, at most.
    within: Duration,
    /// What a cell's reason has, or the run's last word: one of these.
    told: &'static [&'static str],
}

const KINDS: [Kind; 6] = [
    Kind {
        name: "spawner",
        is: |name, _| name == "fwlab-spawner",
        all: true,
        within: Duration::from_millis(30),
        told: &[
            "could not start the process that others are forked from",
            "it has ended",
            "signal: 9",
        ],
    },
    Kind {
        name: "init of a program",
        is: |name, parent| name == "fwlab-init" && parent.starts_with("fwlab"),
        all: false,
        within: Duration::from_millis(40),
        told: &["signal: 9", "died", "it was lost"],
    },
    Kind {
        name: "server",
        is: |name, parent| name == "vsftpd" && parent == "fwlab-init",
        all: false,
        within: Duration::from_millis(60),
        told: &[
            "vsftpd died: signal: 9",
            "vsftpd: it ended at once: signal: 9",
        ],
    },
    Kind {
        name: "session of a server",
        is: |name, parent| name == "vsftpd" && parent == "vsftpd",
        all: false,
        within: Duration::from_millis(20),
        told: &["vsftpd died: one of its processes ended by signal: 9"],
    },
    Kind {
        name: "client",
        is: |name, _| name == "curl",
        all: true,
        within: Duration::from_millis(2),
        told: &["curl died: signal: 9"],
    },
    Kind {
        name: "loader",
        is: |name, _| name.starts_with("iptables") || name.starts_with("xtables"),
        all: true,
        within: Duration::from_micros(300),
        told: &["died: signal: 9"],
    },
];

struct Runs {
    folder: tempfile::TempDir,
    chance: Chance,
    right: BTreeMap<String, Value>,
}

impl Runs {
    fn start(folder: &Path) -> Running {
        let mut command = fwlab();
        command.current_dir(folder).args([
            "run",
            "scenario.toml",
            "--keep-going",
            "--report",
            "json=report.json",
        ]);
        Running::start(&mut command)
    }

    fn new() -> Runs {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("scenario.toml"), SCENARIO).expect("it can be written");
        Runs::start(folder.path()).end(DEADLINE).with(0);
        let right = report(&folder.path().join("report.json"));
        Runs {
            chance: Chance::new(),
            right,
            folder,
        }
    }

    /// A run in which about every other process of that kind is killed; how many were.
    fn with_deaths_of(&mut self, kind: &Kind, at_most: usize) -> usize {
        let file = self.folder.path().join("report.json");
        let _ = fs::remove_file(&file);
        let running = Runs::start(self.folder.path());
        let lab = running.id();
        let mut seen = BTreeSet::new();
        let mut killed = 0;
        // It is a zombie from its end until the thread that waits for it has come to that.
        while fs::read_to_string(format!("/proc/{lab}/stat")).is_ok() {
            let all = processes();
            let names: BTreeMap<u32, &str> =
                all.iter().map(|one| (one.pid, one.name.as_str())).collect();
            let of_kind = |one: &&Process| {
                let parent = names.get(&one.parent).copied().unwrap_or_default();
                (kind.is)(&one.name, parent) && descends(one, lab, &all)
            };
            for one in all.iter().filter(of_kind) {
                let chosen = kind.all || self.chance.below(2) == 0;
                if !seen.insert(one.key()) || killed == at_most || !chosen {
                    continue;
                }
                std::thread::sleep(self.chance.moment(kind.within));
                let is_there = process(one.pid).is_some_and(|now| now.key() == one.key());
                if is_there && kill(Pid::from_raw(one.pid.cast_signed()), Signal::SIGKILL).is_ok() {
                    killed += 1;
                }
            }
            std::thread::sleep(Duration::from_micros(300));
        }
        let ended = running.end(DEADLINE);
        let told = |text: &str| kind.told.iter().any(|told| text.contains(told));
        assert!(
            matches!(ended.code, Some(0 | 3)),
            "{}: {ended:?}",
            kind.name
        );
        let cells = match fs::read_to_string(&file) {
            Ok(text) if !text.is_empty() => report(&file),
            // It ended while rulesets were proven.
            _ => {
                assert!(told(&ended.stderr), "{}: {ended:?}", kind.name);
                return killed;
            }
        };
        assert_eq!(cells.len(), self.right.len(), "{}: {ended:?}", kind.name);
        for (name, line) in &cells {
            if line["result"] != "inconclusive" {
                assert_eq!(
                    essence(line),
                    essence(&self.right[name]),
                    "{}: {name}: {line}",
                    kind.name
                );
            } else {
                let why = line["why"].as_str().expect("a reason");
                assert!(told(why), "{}: {name}: {why}", kind.name);
            }
        }
        killed
    }
}

fn descends(process: &Process, lab: u32, all: &[Process]) -> bool {
    let mut parent = process.parent;
    while parent > 1 && parent != lab {
        let Some(next) = all.iter().find(|one| one.pid == parent) else {
            return false;
        };
        parent = next.parent;
    }
    parent == lab
}

#[test]
fn whatever_dies_of_the_lab_changes_no_outcome() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") || !has_program("curl") {
        skipped(Need::Programs, "no vsftpd or no curl here");
        return;
    }
    let mut runs = Runs::new();
    for kind in &KINDS {
        let mut killed = 0;
        let mut times = 0;
        while killed < TIMES {
            killed += runs.with_deaths_of(kind, TIMES - killed);
            times += 1;
            assert!(times < 200, "{}: only {killed} were killed", kind.name);
        }
        eprintln!("{}: {killed} killed in {times} runs", kind.name);
    }
}
