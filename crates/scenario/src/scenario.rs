use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fwlab_model::Placed;

use crate::deployment::Deployment;
use crate::plan::IdleRequirement;
use crate::problem::{Problems, ScenarioError};
use crate::read::file;
use crate::read::source::Files;
use crate::requirement::Requirement;
use crate::rules::RulesetEntry;
use crate::steps::Step;
use crate::sysctls::Sysctl;
use crate::{ClientTerms, Matrix, ServerTerms};

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
    pub deployment: Deployment,
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
    /// The files that it names and that were read with it, each once: rules, sets, a certificate.
    pub files: Vec<NamedFile>,
}

/// A file that a scenario names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// As the scenario names it first.
    pub name: String,
    /// Its path, by way of the scenario's.
    pub path: PathBuf,
    /// What stood in it when it was read.
    pub bytes: Arc<[u8]>,
}

impl Scenario {
    /// The size of the content where nothing is said, in bytes.
    pub const DEFAULT_SIZE: u64 = 300_000;

    /// Requirements that nothing is held against, as mistakes of the file.
    pub fn idle_requirements_error(&self, idle: &[IdleRequirement]) -> Option<ScenarioError> {
        let mistakes = idle.iter().map(|IdleRequirement { index, why }| {
            let span = self.requirements[*index].span.clone();
            let message = format!("this requirement never applies to a cell: {why}");
            Placed::here(span, message).with_help("fix its selectors, or remove it")
        });
        self.mistaken(mistakes)
    }

    /// What was found to be wrong with it after it was read, as mistakes of the file; `None` where nothing was.
    pub fn mistaken(&self, mistakes: impl IntoIterator<Item = Placed>) -> Option<ScenarioError> {
        let problems = Problems::from_iter(mistakes);
        (!problems.is_empty()).then(|| problems.into_error(self.path.clone(), &self.text))
    }

    /// Reads a scenario from its text, and nothing else: what stands in the files that it names stays unread.
    ///
    /// # Errors
    /// Every mistake that the text has by itself.
    pub fn parse(
        name: impl Into<String>,
        path: &Path,
        text: &str,
    ) -> Result<Outline, ScenarioError> {
        file::read(name.into(), path, text, Files::Unread).map(Outline)
    }

    /// Reads a scenario from its text, and the files that it names: rules, sets, a certificate. It can be run then.
    ///
    /// # Errors
    /// Every mistake of both.
    pub fn prepare(
        name: impl Into<String>,
        path: &Path,
        text: &str,
    ) -> Result<Scenario, ScenarioError> {
        file::read(name.into(), path, text, Files::Read)
    }

    /// The same where all files came with the scenario, by their paths, and none is read from a disk.
    ///
    /// # Errors
    /// Every mistake of both.
    pub fn prepare_from(
        name: impl Into<String>,
        path: &Path,
        text: &str,
        files: &BTreeMap<PathBuf, Vec<u8>>,
    ) -> Result<Scenario, ScenarioError> {
        file::read(name.into(), path, text, Files::Given(files))
    }
}

/// What the text of a scenario says by itself. Of the rules, the sets and the certificate that stand in files it has
/// nothing, and so it cannot be run.
#[derive(Debug, Clone)]
pub struct Outline(Scenario);

impl Outline {
    /// Whether it says by itself which cells there are. Where it does not, a ruleset's language is to say
    /// what backends load it, and stands in a file.
    pub fn has_cells(&self) -> bool {
        let mut rulesets = self.rulesets.iter();
        rulesets.all(|ruleset| !ruleset.backends.is_empty())
    }
}

impl Deref for Outline {
    type Target = Scenario;

    fn deref(&self) -> &Scenario {
        &self.0
    }
}

impl From<Scenario> for Outline {
    fn from(scenario: Scenario) -> Outline {
        Outline(scenario)
    }
}
