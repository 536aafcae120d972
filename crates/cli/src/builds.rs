//! What is told while images are built, which takes minutes the first time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fwlab_containers::{BuildEvent, Builds};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use fwlab_text::one_line;

/// Who builds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builder {
    /// The command that does nothing else.
    Images,
    /// A command that needs them.
    Run,
}

impl Builder {
    /// Builds that are told of on standard error, line by line, and where that is a terminal of which
    /// a person watches, with what goes on at the moment.
    pub(crate) fn builds(self) -> Builds {
        let going_on = Mutex::new(None);
        Builds::told(move |event| {
            let mut going_on = going_on.lock().unwrap_or_else(PoisonError::into_inner);
            self.tell(event, &mut going_on);
        })
    }

    fn tell(self, event: BuildEvent, going_on: &mut Option<GoingOn>) {
        if let BuildEvent::Line(what, line) = &event {
            let bar = match going_on {
                None => &going_on.insert(GoingOn::new(1)).bar,
                Some(going_on) => &going_on.bar,
            };
            bar.set_message(format!("{what}: {}", plain(line)));
            return;
        }
        match (self.words(&event), &*going_on) {
            (None, _) => {}
            (Some(words), Some(going_on)) => going_on.bar.suspend(|| say(&words)),
            (Some(words), None) => say(&words),
        }
        match event {
            BuildEvent::Begun(images) => {
                *going_on = Some(GoingOn::new(images.len()));
            }
            BuildEvent::Built { .. } | BuildEvent::Failed { .. } => {
                let left = going_on.as_mut().map(|going_on| {
                    going_on.images = going_on.images.saturating_sub(1);
                    going_on.images
                });
                if left == Some(0) {
                    *going_on = None;
                }
            }
            _ => {}
        }
    }

    /// What is said of an event.
    fn words(self, event: &BuildEvent) -> Option<Words> {
        let result = match self {
            Builder::Images => Words::Result,
            Builder::Run => Words::Aside,
        };
        let plain = event.in_words().map(|words| {
            let lines: Vec<String> = words.lines().map(plain).collect();
            lines.join("\n")
        });
        let words = match event {
            BuildEvent::Kept(image) if self == Builder::Images => {
                Words::Result(format!("{image} is there"))
            }
            BuildEvent::Begun(_) if self == Builder::Images => return None,
            BuildEvent::Begun(_) => {
                Words::Aside(format!("{}; --no-build skips their cells", plain?))
            }
            BuildEvent::Base(_) | BuildEvent::Built { .. } => result(plain?),
            _ => Words::Aside(plain?),
        };
        Some(words)
    }
}

/// Something that is said.
enum Words {
    /// What was asked for, on standard output.
    Result(String),
    /// What a person wants to know beside it, on standard error.
    Aside(String),
}

fn say(words: &Words) {
    match words {
        Words::Result(words) => crate::command::print(format!("{words}\n")),
        Words::Aside(words) => crate::command::complain(words, None),
    }
}

/// Builds that go on, and how many images still come.
struct GoingOn {
    bar: ProgressBar,
    images: usize,
}

impl GoingOn {
    fn new(images: usize) -> GoingOn {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}");
        bar.set_style(style.expect("the template is a constant"));
        bar.enable_steady_tick(Duration::from_millis(200));
        GoingOn { bar, images }
    }
}

impl Drop for GoingOn {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What a tool has said, without its colours.
fn plain(line: &str) -> String {
    one_line(console::strip_ansi_codes(line))
}
