//! Sets of ipset, which stand in a node before the rules that match on them.

use std::sync::Arc;

use fwlab_fabric::{Node, ToolCall, ToolOutput};
use fwlab_model::ruleset::Sets;
use fwlab_record::NodeName;

use super::error::PrepareError;
use super::loader::{DEADLINE, LoadError, Loader, words_of};
use super::prove::throwaway;

/// Sets, and the node that they stand in.
pub(crate) type SetsAt = (NodeName, Arc<Sets>);

/// What to do where ipset is missing.
pub(super) const NO_IPSET: &str =
    "no ipset on this machine: apt-get install ipset (Debian, Ubuntu), dnf install ipset (Fedora)";

impl Loader {
    /// Whether there is a program that makes sets.
    pub(super) fn makes_sets(&self) -> bool {
        self.tools.ipset.is_some()
    }

    /// Proves in a throwaway node that sets can be made.
    pub(super) async fn prove_sets(&self, name: &str, all: &[SetsAt]) -> Result<(), PrepareError> {
        for (_, sets) in all {
            let failed = |source| PrepareError::Load {
                ruleset: name.into(),
                source,
            };
            let fabric = throwaway(name).await?;
            let node = fabric.nodes().next().expect("there is one");
            let made = self.ipset(node, &["restore"], sets.text());
            let output = made.await.map_err(failed)?;
            if !output.status.success() {
                return Err(PrepareError::Mistakes(sets.mistakes(&words_of(&output))));
            }
        }
        Ok(())
    }

    /// Makes sets in a node, whatever they held there before.
    pub(super) async fn load_sets(&self, node: &Node, sets: &Sets) -> Result<(), LoadError> {
        let options = ["-exist", "restore"];
        let output = self.ipset(node, &options, sets.text_over_others()).await?;
        if output.status.success() {
            return Ok(());
        }
        Err(LoadError::Refused {
            argv: format!("ipset {}", options.join(" ")),
            status: output.status,
            stderr: words_of(&output),
        })
    }

    async fn ipset(
        &self,
        node: &Node,
        options: &[&str],
        text: String,
    ) -> Result<ToolOutput, LoadError> {
        let ipset = self.tools.ipset.as_ref().ok_or(LoadError::NoIpset)?;
        let call = ToolCall {
            deadline: DEADLINE,
            ..ToolCall::new(ipset)
                .arguments(options.iter().copied())
                .stdin(text)
        };
        Ok(node.tool(call).await?)
    }
}
