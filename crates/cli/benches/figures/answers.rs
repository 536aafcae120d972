//! What the other answers cost, as their users get them: `fix`, `explain`, and reports beside a run.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::figures::at_most;
use crate::median;

const RULES: &str = "*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT
COMMIT
";

/// One transfer of one server.
const ONE: [&str; 10] = [
    "--at",
    "server",
    "--server",
    "libunftp",
    "--data",
    "pasv",
    "--protection",
    "plain",
    "--backend",
    "nft",
];

/// All formats of reports.
const REPORTS: [&str; 5] = ["json", "junit", "sarif", "markdown", "html"];

pub(crate) fn answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    std::fs::write(folder.join("rules.v4"), RULES).expect("it can be written");
    let [rules, record] = ["rules.v4", "record.json"].map(|name| folder.join(name));
    let [rules, record] = [&rules, &record].map(|path| path.to_str().expect("UTF-8"));
    let seconds = |arguments: &[&str]| {
        let times = (0..5).map(|_| run(folder, arguments).0).collect();
        median(times)
    };
    let fix = [&["fix", rules, "--want", "plain/pasv"][..], &ONE].concat();
    at_most(5.0, "fix: one blocked transfer", seconds(&fix), "s");
    let into = format!("json={record}");
    let check = ["check", rules, "--evidence", "all", "--report", &into];
    run(folder, &[&check[..], &ONE].concat());
    let explain = ["explain", record];
    at_most(0.1, "explain: a record", seconds(&explain), "s");
    reports(folder);
}

/// The processor time of a run with all reports, to that of one without: by turns, as the machine is noisy.
fn reports(folder: &Path) {
    let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/seed");
    let plain = ["run", scenarios, "--keep-going"];
    let into = REPORTS.map(|format| format!("{format}={}", folder.join(format).display()));
    let reports = into.iter().flat_map(|into| ["--report", into.as_str()]);
    let with = plain.into_iter().chain(reports).collect::<Vec<&str>>();
    let ratios = (0..5).map(|_| {
        let without = run(folder, &plain).1;
        run(folder, &with).1 / without
    });
    let dearer = (median(ratios.collect()) - 1.0) * 100.0;
    at_most(5.0, "reports: all formats, to a run's cost", dearer, "%");
}

/// The seconds that a command takes, and the processor's.
fn run(folder: &Path, arguments: &[&str]) -> (f64, f64) {
    let processor = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("it is told");
        let all = usage.user_time() + usage.system_time();
        all.num_microseconds() as f64 / 1e6
    };
    let (begun, before) = (Instant::now(), processor());
    let mut command = Command::new(env!("CARGO_BIN_EXE_fwlab"));
    command.current_dir(folder).args(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().expect("it starts");
    assert!(status.success(), "{arguments:?}: {status}");
    (begun.elapsed().as_secs_f64(), processor() - before)
}
