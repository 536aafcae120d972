use std::io;

use fwlab_record::{NotRun, Outcome};
use indicatif::TermLike;

use super::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn state(cells: usize) -> State {
    let names = (0..cells).map(|index| format!("cell-{index}"));
    State::new(names.collect(), Instant::now())
}

fn begin(state: &mut State, index: usize, after: u64, why: Option<&str>) {
    let running = Running {
        since: state.began + seconds(after),
        why: why.map(str::to_owned),
    };
    state.running.insert(index, running);
}

fn missed() -> Judgement {
    Judgement::Missed {
        outcome: Outcome {
            symptom: fwlab_record::Symptom::Transferred,
            phase: fwlab_record::Phase::Completion,
            cause: fwlab_record::Cause::None,
            event: None,
            came_through: None,
        },
        why: "it passed".into(),
    }
}

#[test]
fn what_is_done_and_what_is_left_is_told() {
    let mut state = state(8);
    let at = |state: &State, after| state.lines(state.began + seconds(after), 120);
    assert_eq!(at(&state, 3), "0/8 cells, 3 s");
    state.finish(0, &Judgement::NotRun(NotRun::stopped()));
    state.finish(1, &missed());
    assert_eq!(
        at(&state, 30),
        "2/8 cells, 1 missed, 30 s, about 1 min 30 s left"
    );
    state.finish(2, &Judgement::Inconclusive { why: String::new() });
    for index in 3..8 {
        state.finish(index, &missed());
    }
    assert_eq!(
        at(&state, 61),
        "8/8 cells, 6 missed, 1 inconclusive, 1 min 1 s"
    );
}

#[test]
fn what_takes_long_is_told_with_its_reason() {
    let mut state = state(9);
    let at = |state: &State, after, width| {
        let lines = state.lines(state.began + seconds(after), width);
        lines.rsplit_once('\n').map(|(_, last)| last.to_owned())
    };
    begin(&mut state, 4, 0, None);
    assert_eq!(at(&state, 1, 120), None);
    assert_eq!(
        at(&state, 2, 120).as_deref(),
        Some("waiting 2 s for cell-4")
    );
    begin(&mut state, 3, 1, Some("full patience: a rule\x1b[2J"));
    begin(&mut state, 5, 9, None);
    // The one that was begun first, whatever the others wait for.
    assert_eq!(
        at(&state, 9, 120).as_deref(),
        Some("waiting 9 s for cell-4 and 1 more")
    );
    state.finish(4, &missed());
    let said = at(&state, 9, 120).expect("it waits");
    assert_eq!(said, "waiting 8 s for cell-3: full patience: a rule␛[2J");
    let said = at(&state, 9, 30).expect("it waits");
    assert_eq!(said, "waiting 8 s for cell-3: full …");
}

/// Numbers as large as they come fit the columns that there are, beside the bar where there is one.
#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut state = state(12345);
    for index in 0..1000 {
        state.finish(index, &missed());
        state.finish(index, &Judgement::Inconclusive { why: String::new() });
    }
    begin(
        &mut state,
        4,
        0,
        Some("full patience: a rule depends on time"),
    );
    let at = |width| state.lines(state.began + seconds(10_000), width);
    for width in 40..200 {
        let beside = if width < WIDE { 0 } else { BAR };
        for (number, line) in at(width).lines().enumerate() {
            let beside = if number == 0 { beside } else { 0 };
            assert!(beside + line.chars().count() <= width, "{width}: {line}");
        }
    }
    assert_eq!(
        at(40),
        "2000/12345 cells, 1000 missed,\n1000 inconclusive, 166 min 40 s,\n\
         about 862 min 5 s left\nwaiting 166 min 40 s for cell-4: full p…"
    );
}

/// What is drawn, on a terminal that only remembers.
#[derive(Debug, Clone)]
struct Paper {
    text: Arc<Mutex<String>>,
    columns: u16,
}

impl Paper {
    fn of(columns: u16) -> Paper {
        let text = Arc::default();
        Paper { text, columns }
    }

    fn drawn(&self) -> String {
        self.text.lock().expect("nobody failed").clone()
    }
}

impl TermLike for Paper {
    fn width(&self) -> u16 {
        self.columns
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, line: &str) -> io::Result<()> {
        self.write_str(line)
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.text.lock().expect("nobody failed").push_str(text);
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Nothing happens after the cell was begun, and yet its time is drawn as it goes on.
#[test]
fn it_is_drawn_while_nothing_ends() {
    let paper = Paper::of(100);
    let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
    let mut progress = Progress::on(target, vec!["only".into()], 100);
    progress.begin(0);
    progress.wait(0, "a rule counts".into());
    let end = Instant::now() + seconds(30);
    let drawn = || paper.drawn();
    for told in [
        "waiting 2 s for only: a rule counts",
        "waiting 3 s for only",
    ] {
        while !drawn().contains(told) {
            assert!(Instant::now() < end, "not drawn: {told}: {}", drawn());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    progress.finish();
}

/// A bar beside the numbers leaves a narrow terminal no room for them.
#[test]
fn a_bar_is_drawn_where_there_is_room() {
    for (columns, has_bar) in [(40, false), (79, false), (80, true)] {
        let paper = Paper::of(columns);
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        let progress = Progress::on(target, vec!["only".into()], columns.into());
        let end = Instant::now() + seconds(30);
        while !paper.drawn().contains("0/1 cells") {
            assert!(Instant::now() < end, "{columns}: {}", paper.drawn());
            std::thread::sleep(Duration::from_millis(20));
        }
        progress.finish();
        assert_eq!(
            paper.drawn().contains('░'),
            has_bar,
            "{columns}: {}",
            paper.drawn()
        );
    }
}
