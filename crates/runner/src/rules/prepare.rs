use std::collections::BTreeSet;
use std::sync::Arc;

use fwlab_fabric::{Fabric, FabricError};
use fwlab_model::ruleset::{
    Complaint, Difference, Mistakes, Ruleset, Side, Source, SourceLine, SourceText, correspond,
    generate, parse,
};
use fwlab_model::{Backend, Family, NodeName, NodeSpec, Topology};
use miette::{Diagnostic, LabeledSpan, SourceCode};

use super::loader::{LoadError, Loader, words_of};
use super::{Part, PreparedRuleset};
use crate::scenario::{RulesOrigin, Scenario, Stage};

/// Why a ruleset of a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Its text has mistakes.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// The real loader refuses it.
    #[error("{loader} refuses ruleset `{ruleset}`")]
    Refused {
        /// The ruleset's name.
        ruleset: String,
        /// The loader.
        loader: String,
        /// What it said, at the lines of the source where that is known.
        complaints: Vec<Complaint>,
        /// Its words as they were.
        words: String,
        /// The source.
        text: Option<Arc<SourceText>>,
    },
    /// It loaded, but not all of it is there.
    #[error("{loader} loaded ruleset `{ruleset}`, but what the kernel lists is not what was asked")]
    Differs {
        /// The ruleset's name.
        ruleset: String,
        /// The loader.
        loader: String,
        /// What is not there, or not as it was asked.
        differences: Vec<Difference>,
        /// The source.
        text: Option<Arc<SourceText>>,
    },
    /// No throwaway node could be made.
    #[error(
        "no node to try ruleset `{ruleset}` in: {}",
        crate::with_causes(source)
    )]
    Fabric {
        /// The ruleset's name.
        ruleset: String,
        /// Why.
        source: FabricError,
    },
    /// The loader could not be run, or its listing not be read.
    #[error(
        "ruleset `{ruleset}` could not be tried: {}",
        crate::with_causes(source)
    )]
    Load {
        /// The ruleset's name.
        ruleset: String,
        /// Why.
        source: LoadError,
    },
}

impl PrepareError {
    /// Whether the lab is at fault, and not the ruleset.
    pub fn is_lab_fault(&self) -> bool {
        matches!(
            self,
            PrepareError::Fabric { .. }
                | PrepareError::Load { .. }
                // The loader said that it had loaded everything.
                | PrepareError::Differs { .. }
        )
    }

    /// The errors without those that say the same again: a mistake is one mistake,
    /// however many backends and scenarios would load it.
    pub(crate) fn distinct(errors: impl Iterator<Item = PrepareError>) -> Vec<PrepareError> {
        let mut told = BTreeSet::new();
        errors
            .filter(|error| told.insert(format!("{error:?}")))
            .collect()
    }
}

impl Diagnostic for PrepareError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        match self {
            PrepareError::Mistakes(mistakes) => mistakes.help(),
            PrepareError::Refused { words, .. } => Some(Box::new(format!("its words: {words}"))),
            PrepareError::Differs { differences, .. } => {
                let list: Vec<String> = differences.iter().map(ToString::to_string).collect();
                Some(Box::new(list.join("\n")))
            }
            PrepareError::Fabric { .. } | PrepareError::Load { .. } => {
                Some(Box::new("`fwlab doctor` tells what this machine lacks"))
            }
        }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        match self {
            PrepareError::Mistakes(mistakes) => mistakes.source_code(),
            PrepareError::Refused { text, .. } | PrepareError::Differs { text, .. } => {
                text.as_deref().map(|text| text as &dyn SourceCode)
            }
            PrepareError::Fabric { .. } | PrepareError::Load { .. } => None,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = |line: Option<SourceLine>, words: String| {
            line.map(|line| LabeledSpan::new_with_span(Some(words), line.start..line.end))
        };
        match self {
            PrepareError::Mistakes(mistakes) => mistakes.labels(),
            PrepareError::Refused { complaints, .. } => {
                Some(Box::new(complaints.iter().filter_map(move |complaint| {
                    label(complaint.line, complaint.words.clone())
                })))
            }
            PrepareError::Differs { differences, .. } => {
                Some(Box::new(differences.iter().filter_map(move |difference| {
                    label(difference.line, difference.to_string())
                })))
            }
            PrepareError::Fabric { .. } | PrepareError::Load { .. } => None,
        }
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match self {
            PrepareError::Mistakes(mistakes) => mistakes.related(),
            _ => None,
        }
    }
}

impl Loader {
    /// Makes a ruleset of a scenario ready to be loaded through a backend: parses it, and
    /// proves in a throwaway node that it loads, and that what the kernel then lists is
    /// what was asked.
    ///
    /// # Errors
    /// When it has mistakes, or does not load in full.
    pub async fn prepare(
        &self,
        scenario: &Scenario,
        ruleset: usize,
        backend: Backend,
    ) -> Result<PreparedRuleset, PrepareError> {
        let entry = &scenario.rulesets[ruleset];
        let side = side_of(&scenario.stage.firewall);
        let family = scenario.stage.family();
        let mut wanted: Vec<(Backend, Ruleset)> = Vec::new();
        let own = match &entry.origin {
            RulesOrigin::None => None,
            RulesOrigin::Generated(policy) => Some(generate(policy, family)),
            RulesOrigin::Written(source) => Some(read(source, family, entry.skip_refused_lines)?),
        };
        if let Some(mut own) = own {
            if entry.helper {
                own = own.with_helper(side, scenario.server.control_port, family);
            }
            wanted.push((backend, own));
        }
        if let Some((backend, source)) = &entry.beside {
            wanted.push((*backend, read(source, family, entry.skip_refused_lines)?));
        }
        let mut prepared = PreparedRuleset::default();
        for (_, rules) in &wanted {
            prepared
                .notes
                .extend(strange_interfaces(rules, &scenario.stage));
        }
        for (backend, rules) in &wanted {
            prepared
                .impurities
                .extend(rules.impurities().iter().map(ToString::to_string));
            for family in rules.families() {
                let part = self
                    .prove(
                        &entry.name,
                        &scenario.stage.firewall,
                        *backend,
                        family,
                        rules,
                    )
                    .await?;
                prepared.parts.push(part);
            }
        }
        Ok(prepared)
    }

    async fn prove(
        &self,
        name: &str,
        node: &NodeName,
        backend: Backend,
        family: Family,
        rules: &Ruleset,
    ) -> Result<Part, PrepareError> {
        let rendered = rules.render(family);
        let input: Arc<str> = rendered.text().into();
        let text = rules.source(family).cloned();
        let listing = match Loader::proven(backend, family, &input) {
            Some(listing) => listing,
            None => {
                let failed = |source| PrepareError::Fabric {
                    ruleset: name.into(),
                    source,
                };
                let topology = Topology {
                    nodes: vec![NodeSpec::new(node.clone())],
                    links: Vec::new(),
                };
                let fabric = Fabric::build(&topology).await.map_err(failed)?;
                let throwaway = fabric
                    .nodes()
                    .next()
                    .expect("a topology of one node has one");
                let failed = |source| PrepareError::Load {
                    ruleset: name.into(),
                    source,
                };
                let (loader, output) = self
                    .restore_text(throwaway, backend, family, &input)
                    .await
                    .map_err(failed)?;
                if !output.status.success() {
                    let words = words_of(&output);
                    let complaints = rendered.complaints(&words);
                    return Err(PrepareError::Refused {
                        ruleset: name.into(),
                        loader,
                        complaints,
                        words,
                        text,
                    });
                }
                let listing = Arc::new(
                    self.save(throwaway, backend, family)
                        .await
                        .map_err(failed)?,
                );
                Loader::remember(backend, family, &input, &listing);
                listing
            }
        };
        let lines = correspond(rules, &listing).map_err(|differences| PrepareError::Differs {
            ruleset: name.into(),
            loader: format!("{}-{backend}-restore", super::tools::command(family)),
            differences,
            text,
        })?;
        Ok(Part {
            node: node.clone(),
            backend,
            family,
            input,
            listing,
            lines: Arc::new(lines),
        })
    }
}

/// Parses a source; where refused lines are to be left out, goes on without them, as a
/// shell script goes on after a command that failed.
fn read(source: &Source, family: Family, skip_refused_lines: bool) -> Result<Ruleset, Mistakes> {
    let mistakes = match parse(source, family) {
        Ok(parsed) => return Ok(parsed.ruleset),
        Err(mistakes) if !skip_refused_lines => return Err(mistakes),
        Err(mistakes) => mistakes,
    };
    let refused: BTreeSet<usize> = mistakes
        .told()
        .iter()
        .map(|mistake| mistake.line() as usize)
        .collect();
    let text = String::from_utf8_lossy(&source.text);
    let kept: Vec<&str> = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            if refused.contains(&(index + 1)) {
                ""
            } else {
                line
            }
        })
        .collect();
    parse(
        &Source::new(source.name.clone(), kept.join("\n").into_bytes()),
        family,
    )
    .map(|parsed| parsed.ruleset)
}

/// Interfaces that rules name and the firewall's node does not have: such rules match nothing.
fn strange_interfaces(rules: &Ruleset, stage: &Stage) -> Option<String> {
    let firewall = &stage.firewall;
    let here: Vec<&str> = stage
        .topology
        .ends_in(firewall)
        .map(|end| end.interface.as_str())
        .chain(["lo"])
        .collect();
    let is_here = |name: &String| match name.strip_suffix('+') {
        Some(start) => here.iter().any(|interface| interface.starts_with(start)),
        None => here.contains(&name.as_str()),
    };
    let strange: Vec<String> = rules
        .interfaces_used()
        .into_iter()
        .filter(|name| !is_here(name))
        .collect();
    let (strange, here) = (strange.join(", "), here.join(", "));
    (!strange.is_empty()).then(|| {
        format!("the rules name {strange}, and {firewall} has {here}: they match nothing there")
    })
}

fn side_of(firewall: &NodeName) -> Side {
    match firewall.as_str() {
        "client" => Side::Client,
        "server" => Side::Server,
        _ => Side::Gateway,
    }
}
