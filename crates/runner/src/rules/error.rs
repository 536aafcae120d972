use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use fwlab_containers::ContainerError;
use fwlab_fabric::FabricError;
use fwlab_model::ruleset::native::Complaint;
use fwlab_model::ruleset::{Difference, Mistakes, SourceLine, SourceText, unquoted};
use fwlab_record::TableFamily;
use fwlab_scenario::ScenarioError;
use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::loader::LoadError;

/// Why a scenario, or a ruleset of one, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Its text has mistakes.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// The scenario asks for what this kernel does not do.
    #[error(transparent)]
    Scenario(Box<ScenarioError>),
    /// The real loader refuses it.
    #[error("{loader} refuses ruleset `{ruleset}`")]
    Refused {
        /// The ruleset's name.
        ruleset: String,
        /// The loader.
        loader: String,
        /// What it said, at the lines of the source where that is known.
        complaints: Vec<Complaint>,
        /// How many more there were that may only follow from these.
        others: usize,
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
    /// The backend `native` loads scripts of nft, and nothing that was written for iptables.
    #[error("ruleset `{ruleset}` is to be loaded by nft, and is no script of nft")]
    NoScript {
        /// The ruleset's name.
        ruleset: String,
    },
    /// Two programs would load rules into one table.
    #[error(
        "ruleset `{ruleset}` has a table `{family} {table}` both of nft and of iptables-nft: \
         whose rule stopped a packet there could not be told"
    )]
    SharedTable {
        /// The ruleset's name.
        ruleset: String,
        /// The table's family.
        family: TableFamily,
        /// The table.
        table: String,
    },
    /// The image that is to load it cannot.
    #[error("{}", crate::with_causes(why))]
    Image {
        /// Where the scenario names the image, in bytes.
        span: Range<usize>,
        /// The scenario file.
        file: Arc<NamedSource<String>>,
        /// What to do about it.
        help: &'static str,
        /// Why not.
        why: Box<ContainerError>,
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
        match self {
            // The loader said that it had loaded everything.
            PrepareError::Differs { .. }
            | PrepareError::Fabric { .. }
            | PrepareError::Load { .. } => true,
            PrepareError::Image { why, .. } => matches!(**why, ContainerError::Engine(_)),
            PrepareError::Mistakes(_)
            | PrepareError::Scenario(_)
            | PrepareError::Refused { .. }
            | PrepareError::NoScript { .. }
            | PrepareError::SharedTable { .. } => false,
        }
    }

    /// The source of which nothing may be quoted, where a loader's words would.
    fn unquoted(&self) -> Option<&str> {
        let text = match self {
            PrepareError::Refused { text, .. } | PrepareError::Differs { text, .. } => {
                text.as_ref()
            }
            _ => None,
        };
        text.filter(|text| !text.is_quotable())
            .map(|text| text.name())
    }

    /// The errors without those that say the same again: a mistake is one mistake,
    /// however many backends and scenarios would load it.
    pub fn distinct(errors: impl IntoIterator<Item = PrepareError>) -> Vec<PrepareError> {
        let mut distinct: Vec<PrepareError> = Vec::new();
        let mut told = BTreeSet::new();
        for error in errors {
            if let PrepareError::Mistakes(mistakes) = error {
                let mut others = distinct.iter_mut().filter_map(|other| match other {
                    PrepareError::Mistakes(other) => Some(other),
                    _ => None,
                });
                let left = others.try_fold(mistakes, |mistakes, other| {
                    other.with(mistakes).map_or_else(Some, |()| None)
                });
                distinct.extend(left.map(PrepareError::Mistakes));
            } else if told.insert(format!("{error:?}")) {
                distinct.push(error);
            }
        }
        distinct
    }
}

impl Diagnostic for PrepareError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        if let Some(name) = self.unquoted() {
            return Some(Box::new(unquoted(name)));
        }
        match self {
            PrepareError::Mistakes(mistakes) => mistakes.help(),
            PrepareError::Scenario(error) => error.help(),
            PrepareError::Refused { words, others, .. } => {
                let words = (!words.is_empty()).then(|| format!("its words: {words}"));
                let others = (*others > 0).then(|| {
                    format!("it also refuses {others} later places, perhaps only because of these")
                });
                let told: Vec<String> = words.into_iter().chain(others).collect();
                (!told.is_empty()).then(|| Box::new(told.join("\n")) as Box<dyn std::fmt::Display>)
            }
            PrepareError::NoScript { .. } => Some(Box::new(
                "generated rules, and the rule that `helper` adds, are iptables rules",
            )),
            PrepareError::SharedTable { .. } => {
                Some(Box::new("give the script's table a name of its own"))
            }
            PrepareError::Differs { differences, .. } => {
                let list: Vec<String> = differences.iter().map(ToString::to_string).collect();
                Some(Box::new(list.join("\n")))
            }
            PrepareError::Image { help, .. } => Some(Box::new(*help)),
            PrepareError::Fabric { .. } | PrepareError::Load { .. } => {
                Some(Box::new("`fwlab doctor` tells what this machine lacks"))
            }
        }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        match self {
            PrepareError::Mistakes(mistakes) => mistakes.source_code(),
            PrepareError::Scenario(error) => error.source_code(),
            PrepareError::Refused { text, .. } | PrepareError::Differs { text, .. } => {
                text.as_deref().map(|text| text as &dyn SourceCode)
            }
            PrepareError::Image { file, .. } => Some(&**file),
            PrepareError::NoScript { .. }
            | PrepareError::SharedTable { .. }
            | PrepareError::Fabric { .. }
            | PrepareError::Load { .. } => None,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = |line: Option<SourceLine>, words: String| {
            line.map(|line| LabeledSpan::new_with_span(Some(words), line.start..line.end))
        };
        if self.unquoted().is_some() {
            return None;
        }
        match self {
            PrepareError::Mistakes(mistakes) => mistakes.labels(),
            PrepareError::Scenario(error) => error.labels(),
            PrepareError::Refused { complaints, .. } => {
                Some(Box::new(complaints.iter().filter_map(move |complaint| {
                    label(complaint.line, complaint.to_string())
                })))
            }
            PrepareError::Differs { differences, .. } => {
                Some(Box::new(differences.iter().filter_map(move |difference| {
                    label(difference.line, difference.to_string())
                })))
            }
            PrepareError::Image { span, .. } => Some(Box::new(std::iter::once(
                LabeledSpan::new_with_span(Some("here".into()), span.clone()),
            ))),
            PrepareError::NoScript { .. }
            | PrepareError::SharedTable { .. }
            | PrepareError::Fabric { .. }
            | PrepareError::Load { .. } => None,
        }
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match self {
            PrepareError::Mistakes(mistakes) => mistakes.related(),
            PrepareError::Scenario(error) => error.related(),
            _ => None,
        }
    }
}
