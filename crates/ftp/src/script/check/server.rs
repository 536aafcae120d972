use super::{LISTEN_FIRST, needs_listener, never};
use crate::script::mistake::Mistakes;
use crate::script::parsed::Script;
use crate::script::step::{Does, Step};

pub(super) fn check(script: &Script, mistakes: &mut Mistakes) {
    let whole = Whole {
        listens: !(answers(script, "PASV") && answers(script, "EPSV"))
            || does(script, |does| matches!(does, Does::Listen(_))),
        opens: does(script, |does| {
            matches!(does, Does::Accept | Does::Connect { .. } | Does::Open)
        }),
        unread: does(script, |does| *does == Does::Unread),
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

fn does(script: &Script, what: impl Fn(&Does) -> bool) -> bool {
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
                never(step, why, "take it out, or write it before", mistakes);
                // One is enough: all that follow cannot happen either.
                return;
            }
            needs_listener(step, listens || self.unread, mistakes);
            // Another answer may have listened or connected: only the opening has none before it.
            let listened = listens || !opening && self.listens || self.unread;
            let opened = data || !opening && self.opens || self.unread;
            match &step.does {
                Does::Accept if !listened => {
                    never(step, "nobody listens here", LISTEN_FIRST, mistakes);
                }
                Does::Connect { to: None, .. } if opening => never(
                    step,
                    "no client has announced anything yet",
                    "name the target: `@connect to client:8080`",
                    mistakes,
                ),
                Does::Clear if opening => never(
                    step,
                    "there is no TLS to take off",
                    "write it below CCC and its reply",
                    mistakes,
                ),
                Does::Open if opening && !listened => never(
                    step,
                    "no data connection is agreed on before it",
                    "write it below the transfer command",
                    mistakes,
                ),
                Does::Send | Does::Receive if !opened => never(
                    step,
                    "there is no data connection here",
                    "write `@open`, `@accept` or `@connect` before",
                    mistakes,
                ),
                Does::Send if matches!(verb, "STOR" | "STOU" | "APPE") => never(
                    step,
                    format!("after {verb} the client sends"),
                    "write `@receive`",
                    mistakes,
                ),
                Does::Receive if matches!(verb, "RETR" | "LIST" | "NLST" | "MLSD") => never(
                    step,
                    format!("after {verb} the server sends"),
                    "write `@send`",
                    mistakes,
                ),
                _ => {}
            }
            match step.does {
                Does::Listen(_) => listens = true,
                Does::Accept | Does::Connect { .. } | Does::Open => data = true,
                Does::Send | Does::Receive => data = false,
                Does::Close | Does::Silence => over = Some(step.line),
                _ => {}
            }
        }
    }
}
