//! How the tables of a scenario file are declared, described and read.
//!
//! `table` declares a table with its keys; `value` has what can stand behind a key, and `vocabulary` its words;
//! `section` and `schema` describe the format; `toml_value` reads a single value.

mod schema;
pub(crate) mod section;
pub(crate) mod table;
pub(crate) mod toml_value;
pub(crate) mod value;
pub(crate) mod vocabulary;

pub use schema::{SCHEMA_VERSION, describe, json_schema};
