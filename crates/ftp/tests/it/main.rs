//! The peers over real kernels: a client node, a server node, and no rules.
//!
//! Runs as root and as an ordinary user. A case that this machine cannot run is
//! listed as ignored, with the reason before its name.
#![expect(clippy::print_stderr, reason = "tests say what they skip")]

mod addresses;
mod bad_servers;
mod by_hand;
mod embedded;
mod lab;
mod leftovers;
mod odd_replies;
mod programs;
mod protected;
mod script_targets;
mod scripted;
mod scripts;
mod secured;
mod throughput;
mod tls_clients;
mod versions;
mod waiting;

use libtest_mimic::Arguments;

fn main() -> std::process::ExitCode {
    // As the command does: of a broken handshake libunftp makes a panic of one task.
    fwlab_ftp::silence_failed_handshakes();
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    trials.extend(versions::trials());
    trials.extend(embedded::trials());
    trials.extend(bad_servers::trials());
    trials.extend(programs::trials());
    trials.extend(scripts::trials());
    trials.extend(protected::trials());
    trials.extend(tls_clients::trials());
    trials.extend(addresses::trials());
    trials.extend(throughput::trials());
    trials.extend(waiting::trials());
    let listing = arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(fwlab_fabric::Fabric::all_ended());
    if !listing && let Some(left) = leftovers::processes() {
        eprintln!("left running: {left}");
        return std::process::ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
