//! A test target's command line and output as libtest's: what `cargo test` and nextest call and read. Of libtest's options
//! those are heeded that choose tests, list them, or say how many run at a time; what only changes the looks is taken
//! and has no effect.
#![expect(clippy::print_stdout, reason = "a harness's results are its output")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Instant;

/// The exit code of a target with failed tests, libtest's own.
const FAILED: u8 = 101;

/// One test.
pub(crate) struct Trial {
    /// Its name, of one line.
    pub(crate) name: String,
    /// Why it is ignored.
    pub(crate) ignored: Option<String>,
    /// What it does. `Err`: it failed, and why.
    pub(crate) run: Box<dyn FnOnce() -> Result<(), String> + Send>,
}

impl Trial {
    /// As it is shown: one that is ignored with its reason.
    fn shown(&self) -> String {
        match &self.ignored {
            Some(why) => format!("[{why}] {}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Which tests are asked for, and how.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    filters: Vec<String>,
    skips: Vec<String>,
    exact: bool,
    list: bool,
    ignored: Ignored,
    threads: Option<usize>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Ignored {
    #[default]
    No,
    Only,
    Too,
}

impl Arguments {
    /// Those of this process. In words: which of them nobody knows.
    pub(crate) fn of_process() -> Result<Arguments, String> {
        let mut arguments = Arguments::parse(std::env::args().skip(1))?;
        let threads = std::env::var("RUST_TEST_THREADS").ok();
        arguments.threads = arguments
            .threads
            .or_else(|| threads?.parse().ok().filter(|threads| *threads > 0));
        Ok(arguments)
    }

    fn parse(words: impl IntoIterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (option, value) = match word.split_once('=') {
                Some((option, value)) if option.starts_with("--") => {
                    (option.to_owned(), Some(value.to_owned()))
                }
                _ => (word, None),
            };
            let mut value = || {
                let value = value.clone().or_else(|| words.next());
                value.ok_or_else(|| format!("{option} needs a value"))
            };
            match option.as_str() {
                "--list" => arguments.list = true,
                "--exact" => arguments.exact = true,
                "--ignored" => arguments.ignored = Ignored::Only,
                "--include-ignored" => arguments.ignored = Ignored::Too,
                "--skip" => arguments.skips.push(value()?),
                "--test-threads" => {
                    let threads = value()?.parse().ok().filter(|threads| *threads > 0);
                    arguments.threads =
                        Some(threads.ok_or("--test-threads needs a number above 0")?);
                }
                "--format" | "--color" | "--logfile" | "-Z" => drop(value()?),
                "--nocapture" | "--no-capture" | "--show-output" | "--test" | "--bench"
                | "--quiet" | "-q" => {}
                option if option.starts_with('-') => {
                    return Err(format!("this test target has no option {option}"));
                }
                _ => arguments.filters.push(option),
            }
        }
        Ok(arguments)
    }

    fn names(&self, trial: &Trial) -> bool {
        let is = |filter: &String| match self.exact {
            true => trial.name == *filter,
            false => trial.name.contains(filter),
        };
        let chosen = self.filters.is_empty() || self.filters.iter().any(is);
        let among = self.ignored != Ignored::Only || trial.ignored.is_some();
        chosen && among && !self.skips.iter().any(is)
    }
}

/// Lists tests or runs them, as asked for.
pub(crate) fn conduct(arguments: &Arguments, trials: Vec<Trial>) -> ExitCode {
    let all = trials.len();
    let chosen: Vec<Trial> = trials
        .into_iter()
        .filter(|trial| arguments.names(trial))
        .collect();
    if arguments.list {
        for trial in &chosen {
            println!("{}: test", trial.shown());
        }
        return ExitCode::SUCCESS;
    }
    let filtered = all - chosen.len();
    let began = Instant::now();
    println!("\nrunning {} tests", chosen.len());
    let (ignored, wanted): (Vec<Trial>, Vec<Trial>) = chosen
        .into_iter()
        .partition(|trial| trial.ignored.is_some() && arguments.ignored == Ignored::No);
    for trial in &ignored {
        println!("test {} ... ignored", trial.shown());
    }
    let run = wanted.len();
    let failures = run_all(wanted, arguments.threads);
    if !failures.is_empty() {
        println!("\nfailures:");
        for (name, why) in &failures {
            println!("\n---- {name} ----\n{why}");
        }
        println!("\nfailures:");
        for (name, _) in &failures {
            println!("    {name}");
        }
    }
    let failed = failures.len();
    let result = match failed {
        0 => "ok",
        _ => "FAILED",
    };
    println!(
        "\ntest result: {result}. {} passed; {failed} failed; {} ignored; 0 measured; {filtered} filtered out; \
         finished in {:.2}s\n",
        run - failed,
        ignored.len(),
        began.elapsed().as_secs_f64()
    );
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILED),
    }
}

/// Runs tests, so many at a time, tells of each, and returns those that failed, and why, by name.
fn run_all(trials: Vec<Trial>, threads: Option<usize>) -> Vec<(String, String)> {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.unwrap_or_else(processors).min(trials.len());
    let waiting = Mutex::new(trials.into_iter());
    let next = || waiting.lock().ok()?.next();
    let (ended, results) = channel();
    let mut failures = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let ended = ended.clone();
            scope.spawn(move || {
                while let Some(trial) = next() {
                    let name = trial.shown();
                    let result = catch_unwind(AssertUnwindSafe(trial.run));
                    let result =
                        result.unwrap_or_else(|_| Err("it panicked, as said above".into()));
                    if ended.send((name, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(ended);
        for (name, result) in results {
            match result {
                Ok(()) => println!("test {name} ... ok"),
                Err(why) => {
                    println!("test {name} ... FAILED");
                    failures.push((name, why));
                }
            }
        }
    });
    failures.sort();
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    fn trial(name: &str, ignored: bool) -> Trial {
        Trial {
            name: name.into(),
            ignored: ignored.then(|| "why".into()),
            run: Box::new(|| Ok(())),
        }
    }

    #[test]
    fn what_nextest_and_cargo_give_is_read() {
        let listing = parsed("--list --format terse --ignored").expect("nextest's");
        assert!(listing.list && listing.ignored == Ignored::Only);
        let one = parsed("--exact a::b --nocapture").expect("nextest's");
        assert!(one.names(&trial("a::b", false)) && !one.names(&trial("a::b::c", false)));
        let some = parsed("a --skip=c --test-threads 3 -q --color=always").expect("cargo's");
        assert_eq!(some.threads, Some(3));
        assert!(some.names(&trial("a::b", true)) && !some.names(&trial("a::c", false)));
        assert_eq!(
            parsed("--tset-threads=3"),
            Err("this test target has no option --tset-threads".into())
        );
        assert!(parsed("--test-threads 0").is_err() && parsed("--skip").is_err());
    }

    #[test]
    fn what_fails_or_panics_is_told_and_the_rest_is_run() {
        let mut trials: Vec<Trial> = (0..9).map(|name| trial(&name.to_string(), false)).collect();
        trials[3].run = Box::new(|| Err("no".into()));
        trials[5].run = Box::new(|| panic!("oh"));
        let failures = run_all(trials, Some(4));
        let names: Vec<&str> = failures.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["3", "5"]);
        assert_eq!(failures[0].1, "no");
    }
}
