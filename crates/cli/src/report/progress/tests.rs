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
        lines.split_once('\n').map(|(_, below)| below.to_owned())
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

/// What is drawn, on a terminal that only remembers.
#[derive(Debug, Clone, Default)]
struct Paper(Arc<Mutex<String>>);

impl TermLike for Paper {
    fn width(&self) -> u16 {
        100
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
        self.0.lock().expect("nobody failed").push_str(text);
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
    let paper = Paper::default();
    let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
    let mut progress = Progress::on(target, vec!["only".into()], 100);
    progress.begin(0);
    progress.wait(0, "a rule counts".into());
    let end = Instant::now() + seconds(30);
    let drawn = || paper.0.lock().expect("nobody failed").clone();
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
