//! Rules of iptables, handed to the real loader in throwaway nodes until it has nothing more to refuse.

use std::sync::Arc;

use fwlab_fabric::{Fabric, ToolOutput};
use fwlab_model::ruleset::{Attempt, Correspondence, Listing, Next, Ruleset};
use fwlab_model::{NodeSpec, Topology};
use fwlab_record::{Backend, Family, NodeName};

use super::error::PrepareError;
use super::loader::{Counters, Loader, words_of};
use super::node_ruleset::file_of;
use super::prepare::left_out;
use super::proven::Proven;
use super::remembered::Remembered;
use super::sets::SetsAt;
use super::tools::command;
use super::{Doubt, Listed, NodeRuleset};

type Key = (Backend, Family, Vec<String>, Vec<String>);

/// What was listed of batches of which nothing was refused, with each rule's number.
struct Numbered {
    listing: Arc<Listing>,
    /// The same with numbers in comments, where the loader loses counters.
    commented: Option<Listing>,
}

/// By backend, family, batches and sets.
static PROVEN: Remembered<Key, Numbered> = Remembered::new();

/// A part of a ruleset, most likely: ufw's `user.rules`, for one.
pub const UNREACHED: &str = "no built-in chain has a rule, so no packet reaches any of these: are they only part of a ruleset? \
                         `iptables-save` prints all of it";

impl Loader {
    /// Proves that the rules of each family load, and reads what the kernel then has.
    pub(super) async fn prove(
        &self,
        name: &str,
        node: &NodeName,
        backend: Backend,
        rules: &Ruleset,
        (sets, skips): (&[SetsAt], bool),
    ) -> Result<Vec<Proven>, PrepareError> {
        let mut proven = Vec::new();
        for family in rules.families() {
            let trial = Trial {
                loader: self,
                name,
                sets,
                backend,
                family,
            };
            proven.push(trial.prove(node, rules, skips).await?);
        }
        Ok(proven)
    }
}

/// A ruleset's name, and what loads it.
struct Trial<'a> {
    loader: &'a Loader,
    name: &'a str,
    sets: &'a [SetsAt],
    backend: Backend,
    family: Family,
}

impl Trial<'_> {
    async fn prove(
        &self,
        node: &NodeName,
        rules: &Ruleset,
        skips: bool,
    ) -> Result<Proven, PrepareError> {
        let &Trial {
            backend, family, ..
        } = self;
        let mut attempt = Attempt::new(rules, family);
        let numbered = self.numbered(&mut attempt).await?;
        let mut notes = Vec::new();
        if let Some(source) = rules.source(family) {
            let told = attempt.left_out().into_iter();
            notes.extend(told.map(|note| format!("{}: {note}", source.name())));
        }
        match attempt.mistakes() {
            Some(mistakes) if skips => notes.extend(left_out(&mistakes)),
            Some(mistakes) => return Err(PrepareError::Mistakes(mistakes)),
            None => {}
        }
        if let Some(said) = attempt.refused_of_itself().into_iter().next() {
            return Err(self.refused(&said, rules));
        }
        let Numbered { listing, commented } = &*numbered;
        let lines = match commented {
            None => attempt.correspond(listing),
            Some(commented) => Ok(attempt
                .correspond_by_comments(listing, commented)
                .unwrap_or_else(|| {
                    notes.push(format!(
                        "{}-{backend} loses counters, by which fwlab knows lines: it cannot name the lines of these rules",
                        command(family)
                    ));
                    Correspondence::default()
                })),
        };
        let lines = lines.map_err(|differences| {
            let source = rules.source(family);
            PrepareError::differs(self.name, &self.restore(), source, &differences)
        })?;
        if listing.is_unreached() {
            notes.push(UNREACHED.to_owned());
        }
        let mut impurities = listing.impurities(&lines);
        if self.sets_stay(rules) {
            impurities.retain(|impurity| impurity.what != "-m set");
        }
        Ok(Proven {
            doubts: Doubt::of_iptables(node, backend, impurities).collect(),
            by_port: listing.by_port(&lines),
            by_push: listing.by_push(&lines),
            notes,
            part: NodeRuleset {
                node: node.clone(),
                input: attempt.input().batches().into(),
                listed: Listed::Iptables {
                    backend,
                    family,
                    listing: Arc::clone(listing),
                },
                lines: Arc::new(lines),
                file: rules.source(family).and_then(|text| file_of(text)),
            },
        })
    }

    /// Whether nothing changes what sets say: no element ends by itself, no rule adds one, and none asks what they counted.
    fn sets_stay(&self, rules: &Ruleset) -> bool {
        let changes = |word: &String| {
            let counts = ["--update", "--packets", "--bytes"];
            word == "SET" || counts.iter().any(|option| word.starts_with(option))
        };
        let mut commands = rules.families().flat_map(|family| rules.commands(family));
        let mut sets = self.sets.iter();
        !self.sets.is_empty()
            && !sets.any(|(_, sets)| sets.text().contains(" timeout "))
            && !commands.any(|command| command.words().iter().any(changes))
    }

    /// Loads until nothing more is refused; gives what is listed then.
    async fn numbered(&self, attempt: &mut Attempt<'_>) -> Result<Arc<Numbered>, PrepareError> {
        loop {
            let batches = attempt.input().batches();
            let sets = self.sets.iter().map(|(_, sets)| sets.text()).collect();
            let key = (self.backend, self.family, batches, sets);
            let next = if let Some(known) = PROVEN.get(&key) {
                match attempt.loaded() {
                    Next::Done => return Ok(known),
                    next => next,
                }
            } else {
                match self.load(&key.2).await? {
                    Err(output) => attempt.refused(&words_of(&output), &output.status.to_string()),
                    Ok(listing) => match attempt.loaded() {
                        Next::Done => {
                            let numbered = Arc::new(self.with_comments(attempt, listing).await?);
                            PROVEN.insert(key, Arc::clone(&numbered));
                            return Ok(numbered);
                        }
                        next => next,
                    },
                }
            };
            match next {
                Next::Again => {}
                Next::Done | Next::Enough => break,
                Next::Hopeless(said) => return Err(self.refused(&said, attempt.ruleset())),
            }
        }
        match attempt.mistakes() {
            Some(mistakes) => Err(PrepareError::Mistakes(mistakes)),
            None => Err(self.refused(&attempt.refused_of_itself().join("; "), attempt.ruleset())),
        }
    }

    async fn with_comments(
        &self,
        attempt: &Attempt<'_>,
        listing: Listing,
    ) -> Result<Numbered, PrepareError> {
        let mut commented = None;
        if listing.lost_numbers() {
            let batches = attempt.commented().batches();
            commented = Some(match self.load(&batches).await? {
                Ok(commented) => commented,
                // Not alike: then no line is known.
                Err(_) => Listing::empty(self.family),
            });
        }
        Ok(Numbered {
            listing: Arc::new(listing),
            commented,
        })
    }

    /// Loads batches in a node of their own, and lists what is there then.
    async fn load(
        &self,
        batches: &[String],
    ) -> Result<Result<Listing, Box<ToolOutput>>, PrepareError> {
        let failed = |source| PrepareError::Load {
            ruleset: self.name.into(),
            source,
        };
        let fabric = throwaway(self.name).await?;
        let node = fabric.nodes().next().expect("there is one");
        for (_, sets) in self.sets {
            self.loader.load_sets(node, sets).await.map_err(failed)?;
        }
        let (backend, family) = (self.backend, self.family);
        let restored = self
            .loader
            .restore(node, backend, family, batches, Counters::Shown);
        let (_, output) = restored.await.map_err(failed)?;
        if !output.status.success() {
            return Ok(Err(Box::new(output)));
        }
        let listed = self.loader.save(node, backend, family, Counters::Shown);
        let (listing, _) = listed.await.map_err(failed)?;
        Ok(Ok(listing))
    }

    fn restore(&self) -> String {
        format!("{}-{}-restore", command(self.family), self.backend)
    }

    fn refused(&self, words: &str, rules: &Ruleset) -> PrepareError {
        let source = rules.source(self.family);
        PrepareError::refused(self.name, &self.restore(), source, &[], words, 0)
    }
}

/// A node to try a ruleset in.
pub(super) async fn throwaway(ruleset: &str) -> Result<Fabric, PrepareError> {
    let topology = Topology {
        nodes: vec![NodeSpec::new("throwaway".parse().expect("a good name"))],
        links: Vec::new(),
    };
    let built = Fabric::build(&topology).await;
    built.map_err(|source| PrepareError::Fabric {
        ruleset: ruleset.into(),
        source,
    })
}
