use super::{LISTEN_FIRST, needs_listener, never};
use crate::script::mistake::Mistakes;
use crate::script::parsed::Script;
use crate::script::step::{Step, StepKind};

pub(super) fn check(script: &Script, mistakes: &mut Mistakes) {
    let whole = Whole {
        listens: !(answers(script, "PASV") && answers(script, "EPSV"))
            || does(script, |does| matches!(does, StepKind::Listen(_))),
        opens: does(script, |does| {
            matches!(
                does,
                StepKind::Accept | StepKind::Connect { .. } | StepKind::Open
            )
        }),
        unread: does(script, |does| *does == StepKind::Unread),
    };
    whole.check("", &script.opening, mistakes);
    for answer in &script.answers {
        if answer.steps.is_empty() {
            mistakes.add(
                answer.span.clone(),
                "this verb gets no answer",
                "write the reply below it, or `@silence`",
            );
        }
        whole.check(answer.verb, &answer.steps, mistakes);
    }
}

fn does(script: &Script, what: impl Fn(&StepKind) -> bool) -> bool {
    script.steps().any(|step| what(&step.does))
}

/// Whether a verb is answered by the script, at every coming, and not by default.
fn answers(script: &Script, verb: &str) -> bool {
    script.answers.iter().any(|answer| answer.verb == verb)
}

/// What is done anywhere.
struct Whole {
    /// The script listens, or answers PASV or EPSV by default.
    listens: bool,
    /// It opens data connections by itself.
    opens: bool,
    /// A line of it could not be read.
    unread: bool,
}

impl Whole {
    /// Goes through what is done when a verb comes, or, without a verb, at the beginning.
    fn check(&self, verb: &str, steps: &[Step], mistakes: &mut Mistakes) {
        let opening = verb.is_empty();
        let (mut listens, mut data, mut over) = (false, false, None);
        for step in steps {
            if let Some(line) = over {
                let why = format!("line {line} is the last that is done here");
                never(step, why, "remove it, or write it before", mistakes);
                // One is enough: all that follow cannot happen either.
                return;
            }
            needs_listener(step, listens || self.unread, mistakes);
            // Another answer may have listened or connected: only the opening has none before it.
            let listened = listens || !opening && self.listens || self.unread;
            let opened = data || !opening && self.opens || self.unread;
            match &step.does {
                StepKind::Accept if !listened => {
                    never(step, "nobody listens here", LISTEN_FIRST, mistakes);
                }
                StepKind::Connect { to: None, .. } if opening => never(
                    step,
                    "no client has announced anything yet",
                    "name the target: `@connect to client:8080`",
                    mistakes,
                ),
                StepKind::Clear if opening => never(
                    step,
                    "there is no TLS to end",
                    "write it below CCC and its reply",
                    mistakes,
                ),
                StepKind::Open if opening && !listened => never(
                    step,
                    "no data connection has been agreed on before it",
                    "write it below the transfer command",
                    mistakes,
                ),
                StepKind::Send | StepKind::Receive if !opened => never(
                    step,
                    "there is no data connection here",
                    "write `@open`, `@accept` or `@connect` before",
                    mistakes,
                ),
                StepKind::Send if matches!(verb, "STOR" | "STOU" | "APPE") => never(
                    step,
                    format!("after {verb} the client sends"),
                    "write `@receive`",
                    mistakes,
                ),
                StepKind::Receive if matches!(verb, "RETR" | "LIST" | "NLST" | "MLSD") => never(
                    step,
                    format!("after {verb} the server sends"),
                    "write `@send`",
                    mistakes,
                ),
                _ => {}
            }
            match step.does {
                StepKind::Listen(_) => listens = true,
                StepKind::Accept | StepKind::Connect { .. } | StepKind::Open => data = true,
                StepKind::Send | StepKind::Receive => data = false,
                StepKind::Close | StepKind::Silence => over = Some(step.line),
                _ => {}
            }
        }
    }
}
