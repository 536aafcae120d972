//! The project's figures. Prints them and fails on none: `scripts/bench`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

mod cells;
mod containers;
mod copy;
mod shell;
mod soak;
mod tree;

use fwlab_fabric::Privilege;
use fwlab_record::{PeerName, Protection};
use fwlab_runner::Patience;
use tokio::runtime::Runtime;

use cells::{BLOCKED, PASSES, Sort};

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let wanted =
        |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let privilege = Privilege::current().expect("namespaces can be made here");
    let _ = fwlab_fabric::raise_open_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{cores} cores, {privilege:?}, everything fresh for each cell, early patience\n");
    if wanted("rate") {
        for backend in ["nft", "legacy"] {
            let sort = Sort { backend, ..PASSES };
            let rates = (0..3).map(|_| sort.rate(&runtime, 600)).collect();
            figure(
                &format!("passing cells a second, {backend}"),
                median(rates),
                "/s",
            );
        }
    }
    if wanted("single") {
        for backend in ["nft", "legacy"] {
            let passing = Sort { backend, ..PASSES }.alone(&runtime, 60);
            let blocked = Sort { backend, ..BLOCKED }.alone(&runtime, 60);
            figure(&format!("one passing cell alone, {backend}"), passing, "ms");
            figure(&format!("one blocked cell alone, {backend}"), blocked, "ms");
            figure(
                &format!("blocked to passing, {backend}"),
                blocked / passing,
                "times",
            );
        }
    }
    if wanted("tls") {
        tls(&runtime);
    }
    if wanted("tree") {
        tree::tree(&runtime, Patience::Early);
    }
    if wanted("patience") {
        tree::tree(&runtime, Patience::Full);
    }
    if wanted("containers") {
        containers::containers(&runtime);
    }
    if wanted("large") {
        copy::copy(&runtime);
    }
    if wanted("soak") {
        soak::soak(&runtime);
    }
    if wanted("shell") {
        shell::shell(&runtime, privilege);
    }
}

/// The same cell without and with TLS, with each server that is here.
fn tls(runtime: &Runtime) {
    for server in [PeerName::Libunftp, PeerName::Vsftpd] {
        if let Err(missing) = fwlab_ftp::server(server) {
            println!("over TLS: skipped, {missing}");
            continue;
        }
        let [plain, explicit] = [Protection::Plain, Protection::Explicit].map(|protection| {
            let sort = Sort {
                ruleset: "open",
                server,
                protection,
                ..PASSES
            };
            sort.alone(runtime, 60)
        });
        figure(&format!("{server}: one plain cell alone"), plain, "ms");
        figure(
            &format!("{server}: one cell over TLS alone"),
            explicit,
            "ms",
        );
        figure(
            &format!("{server}: TLS to plain"),
            explicit / plain,
            "times",
        );
    }
}

fn figure(what: &str, value: f64, unit: &str) {
    println!("{what:44} {value:10.2} {unit}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
