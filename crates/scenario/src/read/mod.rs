//! From the tables of a file to a scenario: what has to fit together is looked at here.

pub(crate) mod certificate;
pub(crate) mod family;
pub(crate) mod file;
pub(crate) mod firewall;
pub(crate) mod language;
pub(crate) mod nodes;
pub(crate) mod policy;
pub(crate) mod requirement;
pub(crate) mod roles;
pub(crate) mod rules;
pub(crate) mod script;
pub(crate) mod source;
pub(crate) mod steps;
pub(crate) mod topology;
