//! The project's figures. Prints them and fails on none: `scripts/bench`. With `--record FILE` they are written, too; with
//! `--against FILE` each is compared with that of such a file.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

mod answers;
mod cells;
mod containers;
mod copy;
mod figures;
mod hosts;
mod shell;
mod soak;
mod tree;

use std::path::PathBuf;

use fwlab_fabric::Privilege;
use fwlab_record::{PeerName, Protection};
use fwlab_runner::Patience;
use tokio::runtime::Runtime;

use figures::{figure, figures};

use cells::{BLOCKED, PASSES, Sort};

fn main() {
    let mut words = Vec::new();
    let mut record: Option<PathBuf> = None;
    // cargo starts it elsewhere than its user stands.
    let from = PathBuf::from(std::env::var_os("FWLAB_FROM").unwrap_or_default());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut file = || from.join(arguments.next().expect("a file follows it"));
        match argument.as_str() {
            "--record" => record = Some(file()),
            "--against" => figures().compare_with(&file()),
            // What cargo adds.
            _ if argument.starts_with('-') => {}
            _ => words.push(argument),
        }
    }
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
    if wanted("hosts") {
        hosts::hosts();
    }
    if wanted("answers") {
        answers::answers();
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
    if let Some(record) = record {
        figures().write(&record);
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
