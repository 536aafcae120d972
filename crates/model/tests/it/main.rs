//! The model of ruleset text against the real loaders and a corpus of rulesets.

mod around;
mod commands;
mod complaints;
mod corpus;
mod garbage;
mod generated;
mod helpers;
mod kernel;
mod mistakes;
mod native;
mod pasted;
mod refused;
mod seed;
