//! What to change in a ruleset for a transfer to pass.
//!
//! A [`Remedy`] is one thing that is known to help: a helper, a rule that accepts what is RELATED, a range of passive ports.
//! [`remedies`] has those for a [`Diagnosis`](fwlab_explain::Diagnosis), starting with the one that opens least. [`apply`] writes one into the
//! ruleset's own text, in its own form; [`take_away`] takes a line out of it, and [`mutants`] make one mistake in it. Whether it does what it says is not known here: callers have to try.

mod edit;
mod in_commands;
mod in_dump;
mod in_script;
mod mutant;
mod only;
mod plan;
mod remedy;
mod take_away;

pub use edit::{NoPlace, apply, line_before, patch};
pub use mutant::{Change, Mutant, RuleLine, mutants};
pub use only::Only;
pub use plan::{Situation, remedies};
pub use remedy::{Accepts, ControlWay, HelperSide, Icmp, PassedOn, Remedy, Spot};
pub use take_away::{put_before, take_away};

#[cfg(test)]
mod tests;
