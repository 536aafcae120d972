use std::time::Duration;

use fwlab_fabric::{Fabric, Node, NodeGone, Privilege, ToolCall, ToolError, ToolOutput};
use fwlab_model::ruleset::Listing;
use fwlab_record::{Backend, Family, NodeName};

use super::batches::pieces;
use super::tools::{NoLoader, Tools, command};
use super::{Listed, PreparedRuleset};

/// A loader of 20,000 rules needs a second; one that needs longer hangs.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

/// Loads rulesets with the real programs.
#[derive(Debug, Clone)]
pub struct Loader {
    pub(super) tools: Tools,
}

/// Why rules could not be loaded into a node, or listed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The program for this backend and family is not there.
    #[error("no {}-{backend}-restore on this machine", command(*family))]
    NoTool {
        /// The backend.
        backend: Backend,
        /// The family.
        family: Family,
    },
    /// There is no nft.
    #[error("no nft on this machine")]
    NoNft,
    /// There is no ipset.
    #[error("no ipset on this machine")]
    NoIpset,
    /// The program could not be run.
    #[error("the loader could not be run")]
    Tool(#[from] ToolError),
    /// The node is gone.
    #[error(transparent)]
    Gone(#[from] NodeGone),
    /// The lab has no such node.
    #[error("no node `{0}` to load rules into")]
    NoNode(NodeName),
    /// The program refused the rules, which it had loaded before.
    #[error("{argv} ended with {status}: {stderr}")]
    Refused {
        /// What was run.
        argv: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its words.
        stderr: String,
    },
    /// The listing could not be read.
    #[error("what {argv} lists cannot be read: {why}")]
    Listing {
        /// What was run.
        argv: String,
        /// Why.
        why: String,
    },
}

/// Whether counters are loaded, or listed, too. Without, the same rules are always listed in the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counters {
    Shown,
    Hidden,
}

impl Counters {
    /// The option of `iptables-restore` and `iptables-save`.
    fn option(self) -> Option<&'static str> {
        (self == Counters::Shown).then_some("-c")
    }
}

impl Loader {
    /// Finds the programs on this machine.
    ///
    /// # Errors
    /// When there is not one.
    pub fn find() -> Result<Loader, NoLoader> {
        Tools::find().map(|tools| Loader { tools })
    }

    /// Loads a prepared ruleset into the nodes of a fabric.
    ///
    /// # Errors
    /// When it does not load after all.
    pub(crate) async fn load(
        &self,
        fabric: &Fabric,
        ruleset: &PreparedRuleset,
    ) -> Result<(), LoadError> {
        for (name, sets) in &ruleset.sets {
            let node = fabric.node(name);
            let node = node.ok_or_else(|| LoadError::NoNode(name.clone()))?;
            self.load_sets(node, sets).await?;
        }
        for part in &ruleset.parts {
            let node = fabric
                .node(&part.node)
                .ok_or_else(|| LoadError::NoNode(part.node.clone()))?;
            match &part.listed {
                Listed::Iptables {
                    backend, family, ..
                } => {
                    let input = &part.input;
                    let loaded = self.restore(node, *backend, *family, input, Counters::Hidden);
                    succeeded(loaded.await?)?;
                }
                Listed::Native(_) => {
                    for script in part.input.iter() {
                        succeeded(self.load_script(node, script).await?)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Hands batches to `iptables-restore`, one after another until one is refused.
    pub(super) async fn restore(
        &self,
        node: &Node,
        backend: Backend,
        family: Family,
        batches: &[String],
        counters: Counters,
    ) -> Result<(String, ToolOutput), LoadError> {
        let tool = self
            .tools
            .get(backend, family)
            .ok_or(LoadError::NoTool { backend, family })?;
        if backend == Backend::Legacy {
            fwlab_fabric::need_xtables();
        }
        let argv = tool.restore.display().to_string();
        let small_batches =
            backend == Backend::Nft && matches!(Privilege::current(), Ok(Privilege::UserNamespace));
        let batches: Vec<String> = match small_batches {
            true => batches.iter().flat_map(|batch| pieces(batch)).collect(),
            false => batches.to_vec(),
        };
        let mut output = None;
        for (at, batch) in batches.into_iter().enumerate() {
            let options = [(at > 0).then_some("--noflush"), counters.option()];
            let call = ToolCall {
                deadline: DEADLINE,
                ..ToolCall::new(&tool.restore)
                    .arguments(options.into_iter().flatten())
                    .stdin(batch)
            };
            let done = node.tool(call).await?;
            let success = done.status.success();
            output = Some(done);
            if !success {
                break;
            }
        }
        Ok((argv, output.expect("even nothing is one batch")))
    }

    /// What is listed, and in which words.
    pub(super) async fn save(
        &self,
        node: &Node,
        backend: Backend,
        family: Family,
        counters: Counters,
    ) -> Result<(Listing, String), LoadError> {
        let tool = self
            .tools
            .get(backend, family)
            .ok_or(LoadError::NoTool { backend, family })?;
        let argv = tool.save.display().to_string();
        let call = ToolCall {
            deadline: DEADLINE,
            ..ToolCall::new(&tool.save).arguments(counters.option())
        };
        let output = node.tool(call).await?;
        if !output.status.success() {
            return Err(LoadError::Refused {
                argv,
                status: output.status,
                stderr: words_of(&output),
            });
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match Listing::parse(&text, family) {
            Ok(listing) => Ok((listing, text)),
            Err(error) => Err(LoadError::Listing {
                argv,
                why: error.to_string(),
            }),
        }
    }
}

fn succeeded((argv, output): (String, ToolOutput)) -> Result<(), LoadError> {
    if output.status.success() {
        return Ok(());
    }
    Err(LoadError::Refused {
        argv,
        status: output.status,
        stderr: words_of(&output),
    })
}

pub(super) fn words_of(output: &ToolOutput) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}
