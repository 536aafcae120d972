//! Finds the steps of a script that can never happen.

mod client;
mod server;

use super::mistake::Mistakes;
use super::parsed::Script;
use super::step::{Step, StepKind};
use crate::wire::Side;

pub(super) fn check(script: &Script, mistakes: &mut Mistakes) {
    match script.side {
        Side::Client => client::check(&script.opening, mistakes),
        Side::Server => server::check(script, mistakes),
    }
}

const LISTEN_FIRST: &str = "write `@listen` on a line before";

/// Tells of a port that is to be filled in where nobody listens.
fn needs_listener(step: &Step, listens: bool, mistakes: &mut Mistakes) {
    let StepKind::Say(text) = &step.does else {
        return;
    };
    if !listens {
        for span in text.ports() {
            mistakes.add(span.clone(), "nobody listens here", LISTEN_FIRST);
        }
    }
}

fn never(step: &Step, why: impl std::fmt::Display, help: &str, mistakes: &mut Mistakes) {
    let message = format!("this can never happen: {why}");
    mistakes.add(step.span.clone(), message, help);
}
