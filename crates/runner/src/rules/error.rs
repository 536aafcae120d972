use std::collections::BTreeSet;
use std::sync::Arc;

use fwlab_containers::ContainerError;
use fwlab_fabric::FabricError;
use fwlab_model::Placed;
use fwlab_model::ruleset::native::Complaint;
use fwlab_model::ruleset::{Difference, Mistakes, SourceLine, SourceText};
use fwlab_record::TableFamily;
use fwlab_scenario::ScenarioError;
use miette::Diagnostic;

use super::loader::LoadError;

/// Why a scenario, or a ruleset of one, cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum PrepareError {
    /// Its text has mistakes.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Mistakes(#[from] Mistakes),
    /// The scenario asks for what this kernel does not do.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(Box<ScenarioError>),
    /// The real loader refuses it.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Refused(Placed),
    /// It loaded, but not all of it is there.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Differs(Placed),
    /// The backend `native` loads scripts of nft, and nothing that was written for iptables.
    #[error("ruleset `{ruleset}` must be loaded by nft but is not an nft script")]
    #[diagnostic(help("generated rules, and the rule that `helper` adds, are iptables rules"))]
    NoScript {
        /// The ruleset's name.
        ruleset: String,
    },
    /// Two programs would load rules into one table.
    #[error(
        "ruleset `{ruleset}` has a table `{family} {table}` both from nft and from iptables-nft: it could not be \
         told whose rule stopped a packet there"
    )]
    #[diagnostic(help("give the script's table a different name"))]
    SharedTable {
        /// The ruleset's name.
        ruleset: String,
        /// The table's family.
        family: TableFamily,
        /// The table.
        table: String,
    },
    /// The image that is to load it cannot.
    #[error("{placed}")]
    #[diagnostic(forward(placed))]
    Image {
        /// Where the scenario names the image, and what to do about it.
        placed: Placed,
        /// Why not.
        why: Box<ContainerError>,
    },
    /// No throwaway node could be made.
    #[error(
        "there is no node to try the ruleset `{ruleset}` in: {}",
        crate::with_causes(source)
    )]
    #[diagnostic(help("`fwlab doctor` says what this machine lacks"))]
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
    #[diagnostic(help("`fwlab doctor` says what this machine lacks"))]
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
            PrepareError::Differs(_) | PrepareError::Fabric { .. } | PrepareError::Load { .. } => {
                true
            }
            PrepareError::Image { why, .. } => matches!(**why, ContainerError::Engine(_)),
            PrepareError::Mistakes(_)
            | PrepareError::Scenario(_)
            | PrepareError::Refused(_)
            | PrepareError::NoScript { .. }
            | PrepareError::SharedTable { .. } => false,
        }
    }

    /// A loader refuses a ruleset: what it said, at the lines of the source where that is known; its words that have
    /// no line; and how many complaints there were beside these that may only follow from them.
    pub(super) fn refused(
        ruleset: &str,
        loader: &str,
        source: Option<&Arc<SourceText>>,
        complaints: &[Complaint],
        words: &str,
        others: usize,
    ) -> PrepareError {
        let words = (!words.is_empty()).then(|| format!("its words: {words}"));
        let others = (others > 0).then(|| {
            format!("it also refuses {others} later places, perhaps only because of these")
        });
        let help: Vec<String> = words.into_iter().chain(others).collect();
        PrepareError::Refused(placed(
            format!("{loader} refuses ruleset `{ruleset}`"),
            source,
            complaints
                .iter()
                .map(|complaint| (complaint.line, complaint.to_string())),
            &help,
        ))
    }

    /// A loader loaded something else than a ruleset.
    pub(super) fn differs(
        ruleset: &str,
        loader: &str,
        source: Option<&Arc<SourceText>>,
        differences: &[Difference],
    ) -> PrepareError {
        let words = differences
            .iter()
            .map(|difference| (difference.line, difference.to_string()));
        let help: Vec<String> = words.clone().map(|(_, words)| words).collect();
        PrepareError::Differs(placed(
            format!(
                "{loader} loaded ruleset `{ruleset}`, but what the kernel lists is not what was asked"
            ),
            source,
            words,
            &help,
        ))
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

/// What a loader said of a source.
fn placed(
    message: String,
    source: Option<&Arc<SourceText>>,
    words: impl Iterator<Item = (Option<SourceLine>, String)>,
    help: &[String],
) -> Placed {
    let mut placed = Placed::new(message);
    if let Some(source) = source {
        placed = placed.of(Arc::clone(source));
    }
    for (line, words) in words {
        if let Some(line) = line {
            placed = placed.at(line.start..line.end, words);
        }
    }
    match help {
        [] => placed,
        help => placed.with_help(help.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use fwlab_model::ruleset::Source;
    use fwlab_model::ruleset::native::NativeScript;

    use super::*;

    fn refused(source: &Source) -> PrepareError {
        let script = NativeScript::read(source).expect("its form is right");
        let said = "/dev/stdin:1:5-10: Error: secret\n/dev/stdin: what has no place\n";
        let complaints = script.complaints(said);
        PrepareError::refused("r", "nft", Some(script.source()), &complaints, "secret", 2)
    }

    #[test]
    fn what_may_not_be_quoted_is_told_once_and_without_a_loaders_words() {
        let source = Source::new("r.nft", "add table inet secret\n");
        let hidden = refused(&source.clone().unquoted());
        assert!(hidden.labels().is_none());
        assert_eq!(
            hidden.help().map(|help| help.to_string()),
            Some(fwlab_model::ruleset::unquoted("r.nft"))
        );
        let open = refused(&source);
        assert_eq!(open.labels().map(Iterator::count), Some(1));
        // It is the same mistake, wherever the file was named.
        assert_eq!(PrepareError::distinct([hidden, open]).len(), 1);
    }
}
