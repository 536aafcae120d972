//! The page of HTML in a real browser, with its data from made-up runs.

mod accessible;
mod cells;
mod driver;
mod filters;
mod hostile;
mod looks;

mod page;
mod pictures;
mod quiet;
mod rules;
mod sequence;
