//! What is tried: a ruleset, where it stands, and the transfers through it.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use fwlab_record::{DataSetup, Family, Operation, PeerName};
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Cell, Overrides, cells};
use fwlab_scenario::{Scenario, ScenarioError};

use crate::generate::{PASSIVE, generate};
use crate::random::Draws;
use crate::role::Role;
use crate::rule::Language;
use crate::ruleset::Ruleset;

/// A ruleset under a name, with the backends that load it.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) ruleset: Ruleset,
    pub(crate) backends: &'static [&'static str],
}

/// What is tried.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) seed: u64,
    pub(crate) number: u64,
    pub(crate) role: Role,
    pub(crate) family: Family,
    pub(crate) server: PeerName,
    pub(crate) operation: Operation,
    from_20: bool,
    pub(crate) ruleset: Ruleset,
}

impl Subject {
    /// The subject of that number in a seed's list, and the draws that come after its own.
    pub(crate) fn new(seed: u64, number: u64, servers: &[PeerName]) -> (Subject, Draws) {
        let mut draws = Draws::new(seed, number);
        let role = draws.pick(&Role::ALL);
        let family = match draws.chance(70) {
            true => Family::Ipv4,
            false => Family::Ipv6,
        };
        let language = match draws.below(5) {
            0 => Language::Native,
            1 | 2 => Language::State,
            _ => Language::Conntrack,
        };
        let server = draws.pick(servers);
        let operation = draws.pick(&[Operation::Retr, Operation::Stor]);
        let from_20 = draws.chance(70);
        let ruleset = generate(role, family, language, &mut draws);
        let subject = Subject {
            seed,
            number,
            role,
            family,
            server,
            operation,
            from_20,
            ruleset,
        };
        (subject, draws)
    }

    /// The data setups that its family and its server have.
    pub(crate) fn setups(&self) -> &'static [DataSetup] {
        match (self.family, self.server) {
            (Family::Ipv4, PeerName::Libunftp) => {
                &[DataSetup::Port, DataSetup::Pasv, DataSetup::Epsv]
            }
            (Family::Ipv4, _) => DataSetup::ALL,
            (Family::Ipv6, PeerName::Libunftp) => &[DataSetup::Epsv],
            (Family::Ipv6, _) => &[DataSetup::Eprt, DataSetup::Epsv],
        }
    }

    /// The backends that load its ruleset.
    pub(crate) fn backends(&self) -> &'static [&'static str] {
        match self.ruleset.language {
            Language::Native => &["native"],
            Language::State | Language::Conntrack => &["nft", "legacy"],
        }
    }

    /// A scenario of these variants. Ports that rules name are kept from chance.
    pub(crate) fn scenario_text(
        &self,
        description: &str,
        variants: &[Variant],
        setups: &[DataSetup],
    ) -> String {
        let (first, last) = PASSIVE;
        let source = if self.from_20 { "20" } else { "ephemeral" };
        let mut text = format!(
            "description = \"{description}\"\n\n[topology]\nshape = \"{}\"\n\n\
             [server]\npassive-ports = \"{first}-{last}\"\ndata-source-port = \"{source}\"\n",
            self.role.shape()
        );
        for node in ["client", "server"] {
            let _ = write!(
                text,
                "\n[[sysctl]]\nnode = \"{node}\"\nset = {{ \"net.ipv4.ip_local_reserved_ports\" = \"{first}-{last}\" }}\n"
            );
        }
        for variant in variants {
            let Variant {
                name,
                ruleset,
                backends,
            } = variant;
            let _ = write!(
                text,
                "\n[[ruleset]]\nname = \"{name}\"\nbackends = {backends:?}\ntext = '''\n{}'''\n",
                ruleset.text()
            );
        }
        let setups: Vec<&str> = setups.iter().map(|setup| setup.word()).collect();
        let _ = write!(
            text,
            "\n[matrix]\nservers = [\"{}\"]\nfamilies = \"{}\"\noperations = \"{}\"\ndata = {setups:?}\n",
            self.server,
            self.family.word(),
            self.operation.word()
        );
        text
    }

    /// The cells of these variants.
    ///
    /// # Errors
    /// When the scenario's text cannot be read, which is a mistake of this crate.
    pub(crate) fn cells(
        &self,
        variants: &[Variant],
        setups: &[DataSetup],
    ) -> Result<Vec<Cell>, Box<ScenarioError>> {
        let text = self.scenario_text("Made at random", variants, setups);
        let scenario = Scenario::prepare(self.name(), Path::new("random.toml"), &text)?;
        Ok(cells(
            &Arc::new(scenario),
            &Overrides::default(),
            &Filter::default(),
        ))
    }

    /// Its name among all: seed and number.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.seed, self.number)
    }
}
