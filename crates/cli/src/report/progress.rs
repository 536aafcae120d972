//! How far a run is, on standard error, where that is a terminal. It is drawn every second, also while no cell ends.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::truncate_str;
use fwlab_record::{CellRecord, Judgement};
use fwlab_text::one_line;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// It is drawn as often, whatever happens.
const TICK: Duration = Duration::from_secs(1);

/// A cell that takes no longer is not said to be waited for: most take less than a second.
const LONG: Duration = Duration::from_secs(2);

/// The columns of the bar, with the blank behind it.
const BAR: usize = 31;

/// The fewest columns of a terminal that has room for a bar beside the numbers.
const WIDE: usize = 80;

/// Lines on standard error that tell how far a run is; nothing where that is no terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    state: Arc<Mutex<State>>,
}

impl Progress {
    /// Lines for cells of these names; none where nobody wants any.
    pub fn new(cells: Vec<String>, is_quiet: bool) -> Progress {
        let target = match is_quiet {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr_with_hz(10),
        };
        let width = usize::from(console::Term::stderr().size().1).max(40);
        Progress::on(target, cells, width)
    }

    fn on(target: ProgressDrawTarget, cells: Vec<String>, width: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(cells.len() as u64), target);
        let state = Arc::new(Mutex::new(State::new(cells, Instant::now())));
        let drawn = Arc::clone(&state);
        let style = ProgressStyle::with_template(match width >= WIDE {
            true => "{bar:30} {state}",
            false => "{state}",
        });
        let style = style.expect("the template is a constant");
        let told = move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
            let said = lock(&drawn).lines(Instant::now(), width);
            let _ = text.write_str(&said);
        };
        bar.set_style(style.with_key("state", told));
        bar.enable_steady_tick(TICK);
        Progress { bar, state }
    }

    /// A cell is begun.
    pub fn begin(&mut self, index: usize) {
        lock(&self.state).running.insert(index, Running::now());
    }

    /// A cell that was begun takes longer, and why.
    pub fn wait(&mut self, index: usize, why: String) {
        if let Some(running) = lock(&self.state).running.get_mut(&index) {
            running.why = Some(why);
        }
    }

    /// A cell is finished.
    pub fn add(&mut self, index: usize, record: &CellRecord) {
        lock(&self.state).finish(index, &record.judgement);
        self.bar.inc(1);
    }

    /// Takes the lines away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A cell that is being run.
#[derive(Debug)]
struct Running {
    since: Instant,
    why: Option<String>,
}

impl Running {
    fn now() -> Running {
        Running {
            since: Instant::now(),
            why: None,
        }
    }
}

/// What is known of a run while it runs.
#[derive(Debug)]
struct State {
    names: Vec<String>,
    began: Instant,
    done: usize,
    missed: usize,
    unclear: usize,
    running: BTreeMap<usize, Running>,
}

impl State {
    fn new(names: Vec<String>, began: Instant) -> State {
        State {
            names,
            began,
            done: 0,
            missed: 0,
            unclear: 0,
            running: BTreeMap::new(),
        }
    }

    fn finish(&mut self, index: usize, judgement: &Judgement) {
        self.running.remove(&index);
        self.done += 1;
        match judgement {
            Judgement::Missed { .. } => self.missed += 1,
            Judgement::Inconclusive { .. } => self.unclear += 1,
            _ => {}
        }
    }

    /// The numbers, on as many lines as they take; and below them what is waited for, where that takes long.
    fn lines(&self, now: Instant, width: usize) -> String {
        let mut text = String::new();
        let mut left = match width >= WIDE {
            true => width - BAR,
            false => width,
        };
        for part in self.numbers(now) {
            let needed = part.len() + ", ".len();
            if text.is_empty() {
                text = part;
            } else if needed < left {
                text = format!("{text}, {part}");
            } else {
                text = format!("{text},\n{part}");
                left = width;
            }
            left = left.saturating_sub(needed);
        }
        if let Some(waiting) = self.waiting(now) {
            let _ = write!(text, "\n{}", truncate_str(&waiting, width, "…"));
        }
        text
    }

    fn numbers(&self, now: Instant) -> Vec<String> {
        let mut numbers = vec![format!("{}/{} cells", self.done, self.names.len())];
        if self.missed > 0 {
            numbers.push(format!("{} missed", self.missed));
        }
        if self.unclear > 0 {
            numbers.push(format!("{} inconclusive", self.unclear));
        }
        let took = now.saturating_duration_since(self.began);
        numbers.push(in_words(took));
        if let Some(left) = self.left(took) {
            numbers.push(format!("about {} left", in_words(left)));
        }
        numbers
    }

    /// By how long the cells took that are done. Of the last ones, which may be the slowest, it says too little.
    fn left(&self, took: Duration) -> Option<Duration> {
        let left = self.names.len().checked_sub(self.done)?;
        let done = u32::try_from(self.done).ok().filter(|done| *done > 0)?;
        let left = u32::try_from(left).ok().filter(|left| *left > 0)?;
        Some(took / done * left)
    }

    fn waiting(&self, now: Instant) -> Option<String> {
        let since = |running: &Running| now.saturating_duration_since(running.since);
        let long = self.running.iter();
        let long = long.filter(|(_, running)| since(running) >= LONG);
        let long: Vec<_> = long.collect();
        let (index, first) = long.iter().min_by_key(|(_, running)| running.since)?;
        let name = self.names.get(**index).map(one_line).unwrap_or_default();
        let mut text = format!("waiting {} for {name}", in_words(since(first)));
        if let Some(more @ 1..) = long.len().checked_sub(1) {
            let _ = write!(text, " and {more} more");
        }
        if let Some(why) = &first.why {
            let _ = write!(text, ": {}", one_line(why));
        }
        Some(text)
    }
}

/// `8 s`, `3 min 20 s`
fn in_words(took: Duration) -> String {
    match took.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests;
