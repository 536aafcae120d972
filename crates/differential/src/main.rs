//! Random rulesets, run in ways that must agree: `scripts/differential`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what it is for"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use clap::Parser;
use fwlab_differential::{Differential, Pace, Stopped, Tally};

/// Runs random rulesets in ways that must agree, and tells what does not.
#[derive(Debug, Parser)]
#[command(name = "differential")]
struct Arguments {
    /// Stop when so many cells were run
    #[arg(long, default_value_t = 20_000)]
    cells: usize,
    /// The seed; one of the clock's without
    #[arg(long)]
    seed: Option<u64>,
    /// Begin nothing more after so many seconds
    #[arg(long, default_value_t = 3600)]
    seconds: u64,
    /// How many rulesets are tried at a time
    #[arg(long, default_value_t = 40)]
    batch: u64,
    /// How many cells are run at a time where evidence ends them
    #[arg(long, default_value_t = 12)]
    jobs: usize,
    /// How many cells are run at a time where timers end them. All namespaces of a machine share one table of
    /// neighbours, of 1024 entries where nobody has set `gc_thresh3`: with many more it is full, and nobody is found
    #[arg(long, default_value_t = 96)]
    waiting: usize,
    /// Where scenarios of what is found are written
    #[arg(long, default_value = "target/differential")]
    output: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let clock = || {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(1, |since| since.as_secs())
    };
    let seed = arguments.seed.unwrap_or_else(clock);
    println!("seed {seed}");
    match run(&arguments, seed) {
        Ok(tally) if tally.differences() + tally.unclear() == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("differential: {error}");
            ExitCode::from(3)
        }
    }
}

fn run(arguments: &Arguments, seed: u64) -> Result<Tally, Box<dyn std::error::Error>> {
    fwlab_fabric::Privilege::current()?;
    let _ = fwlab_fabric::raise_open_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let pace = Pace {
        early: arguments.jobs,
        full: arguments.waiting,
    };
    let began = Instant::now();
    let mut differential = Differential::new(seed, pace);
    let mut tally = Tally::default();
    let mut next = 0;
    while tally.cells < arguments.cells && began.elapsed() < Duration::from_secs(arguments.seconds)
    {
        let numbers = next..next + arguments.batch;
        next = numbers.end;
        let went_on = differential.go_on(numbers, Some(&arguments.output));
        tally = runtime
            .block_on(went_on)
            .map_err(Box::<Stopped>::new)?
            .clone();
        println!("after {} s: {tally}", began.elapsed().as_secs());
    }
    Ok(tally)
}
