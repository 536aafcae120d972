//! Text that others wrote, made safe for where it goes: the one place that does it.
//!
//! | where it goes | by |
//! | --- | --- |
//! | a terminal, or the log of a CI system that reads orders from it | [`Page`], the only thing that the command can print |
//! | a mistake with its excerpt | [`rendered`] |
//! | JUnit, and names of tests | [`line`], [`lines`] |
//! | Markdown | [`markdown`] |
//!
//! JSON needs nothing: a string of any characters is one there, and its readers want it as it was.

mod excerpt;
mod markdown;
mod page;
mod rendered;
mod visible;

pub use page::Page;

pub(crate) use markdown::{code, markdown};
pub(crate) use rendered::rendered;
pub(crate) use visible::{line, lines, one_line};
