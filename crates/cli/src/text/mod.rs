//! Text for where the command writes it. What others wrote is made safe by [`fwlab_text`]; here is what only the command
//! needs beside that.
//!
//! | where it goes | by |
//! | --- | --- |
//! | a terminal, or the log of a CI system that reads orders from it | [`Page`], the only thing that the command can print |
//! | a mistake with its excerpt | [`Page::of_mistake`] |
//! | JUnit | [`fwlab_text::line`], [`fwlab_text::lines`] |
//! | Markdown | [`markdown`] |
//!
//! JSON needs nothing: a string of any characters is one there, and its readers want it as it was.

mod drawing;
mod markdown;
mod page;
mod wrapped;

pub use page::Page;

pub(crate) use markdown::{code, markdown};
pub(crate) use wrapped::columns;
