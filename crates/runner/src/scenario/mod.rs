//! Scenario files: one TOML file, its mistakes told all at once.

mod hosts;
mod problem;
mod read;
mod read_certificate;
mod read_family;
mod read_firewall;
mod read_language;
mod read_nodes;
mod read_policy;
mod read_requirement;
mod read_roles;
mod read_rules;
mod read_script;
mod read_source;
mod read_steps;
mod read_topology;
mod reader;
mod requirement;
mod rules;
mod schema;
mod schema_topology;
mod section;
mod stage;
mod steps;
mod sysctls;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fwlab_ftp::script::Script;
use fwlab_ftp::{Certificate, DataSourcePort, Login, OwnServer, PassiveAddress};
use fwlab_record::{DataSetup, Family, Operation, PeerName, Protection};

use crate::plan::IdleRequirement;

pub use problem::{Problem, ScenarioError};
pub use requirement::{CauseDemand, Requirement, Selector};
pub use rules::{ImageRules, RulesAt, RulesOrigin, RulesetEntry};
pub use schema::{SCHEMA_VERSION, describe, json_schema};
pub use stage::{Addressing, Layout, Port, Shape, Stage, UnknownShape};
pub use steps::{Action, Step};
pub use sysctls::Sysctl;

/// A scenario: a stage, rulesets to try on it, the axes of its matrix, and requirements.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name: the file's path below the folder that was given, without `.toml`.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// One sentence: what it shows.
    pub description: String,
    /// Links to the reports that it reproduces.
    pub reports: Vec<String>,
    /// What people see of it, in the words of their programs.
    pub messages: Vec<String>,
    /// Words to filter by.
    pub tags: Vec<String>,
    /// Nodes, links and roles.
    pub stage: Stage,
    /// How the server is set up.
    pub server: ServerTerms,
    /// How the client is set up.
    pub client: ClientTerms,
    /// The size of the content, in bytes.
    pub size: u64,
    /// The rulesets to try.
    pub rulesets: Vec<RulesetEntry>,
    /// What is done while a session is under way, in order.
    pub steps: Vec<Step>,
    /// The axes.
    pub matrix: Matrix,
    /// What the outcomes must be.
    pub requirements: Vec<Requirement>,
    /// Settings of nodes' kernels.
    pub sysctls: Vec<Sysctl>,
    /// The file's text, for excerpts; empty where there is no file.
    pub text: Arc<str>,
}

impl Scenario {
    /// The size of the content where nothing is said, in bytes.
    pub const DEFAULT_SIZE: u64 = 300_000;

    /// Requirements that nothing is held against, as mistakes of the file.
    pub fn idle_requirements_error(&self, idle: &[IdleRequirement]) -> Option<ScenarioError> {
        let mut problems = problem::Problems::default();
        for IdleRequirement { index, why } in idle {
            let message = format!("this requirement is never held against a cell: {why}");
            problems.add_with_help(
                self.requirements[*index].span.clone(),
                message,
                "mend its selectors, or take it out",
            );
        }
        if problems.is_empty() {
            return None;
        }
        Some(problems.into_error(self.path.clone(), &self.text))
    }

    /// Reads a scenario from its text.
    pub fn parse(
        name: impl Into<String>,
        path: &Path,
        text: &str,
    ) -> Result<Scenario, ScenarioError> {
        read::read(name.into(), path, text)
    }
}

/// How a server is set up, whichever it is.
#[derive(Debug, Clone)]
pub struct ServerTerms {
    /// Where it listens.
    pub control_port: u16,
    /// Where it listens for passive data connections, as written: possibly the wrong way round.
    pub passive_ports: Option<(u16, u16)>,
    /// The source port of its active data connections.
    pub data_source_port: DataSourcePort,
    /// Who may log in; the server's own choice without.
    pub login: Option<Login>,
    /// Settings of a program by their own names.
    pub options: BTreeMap<String, String>,
    /// The address that its 227 announces; the control connection's without.
    pub advertised_address: Option<Ipv4Addr>,
    /// The certificate that it shows; the lab's own without.
    pub certificate: Option<Certificate>,
    /// Whether a protected data connection must resume the control connection's TLS session.
    pub require_session_reuse: bool,
    /// What a scripted server does.
    pub script: Option<Arc<Script>>,
    /// Which one a server of somebody else's is.
    pub own: Option<OwnServer>,
}

impl Default for ServerTerms {
    fn default() -> Self {
        ServerTerms {
            control_port: 21,
            passive_ports: None,
            data_source_port: DataSourcePort::Ephemeral,
            login: None,
            options: BTreeMap::new(),
            advertised_address: None,
            certificate: None,
            require_session_reuse: false,
            script: None,
            own: None,
        }
    }
}

/// How a client is set up, whichever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTerms {
    /// Where it listens for active data connections.
    pub active_ports: Option<RangeInclusive<u16>>,
    /// Bytes a second that it reads at most.
    pub read_pace: Option<u64>,
    /// What it makes of the address in a 227.
    pub passive_address: PassiveAddress,
    /// Whether its protected data connections resume the control connection's TLS session.
    pub session_reuse: bool,
    /// What a scripted client does.
    pub script: Option<Arc<Script>>,
}

impl Default for ClientTerms {
    fn default() -> Self {
        ClientTerms {
            active_ports: None,
            read_pace: None,
            passive_address: PassiveAddress::Announced,
            session_reuse: true,
            script: None,
        }
    }
}

/// The axes that are multiplied to cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// The rulesets that cells begin with, by name; empty for all.
    pub rulesets: Vec<String>,
    /// Servers.
    pub servers: Vec<PeerName>,
    /// Clients.
    pub clients: Vec<PeerName>,
    /// Data setups.
    pub data: Vec<DataSetup>,
    /// What hides the dialogue.
    pub protections: Vec<Protection>,
    /// The families that client and server speak.
    pub families: Vec<Family>,
    /// Operations.
    pub operations: Vec<Operation>,
    /// Whether cells that a peer's recorded deviation rules out are run, to see it.
    pub deviations: bool,
}

impl Default for Matrix {
    fn default() -> Self {
        Matrix {
            rulesets: Vec::new(),
            servers: vec![PeerName::Libunftp],
            clients: vec![PeerName::Suppaftp],
            data: DataSetup::ALL.to_vec(),
            protections: vec![Protection::Plain],
            families: vec![Family::Ipv4],
            operations: vec![Operation::Retr],
            deviations: false,
        }
    }
}
