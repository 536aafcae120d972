use std::ops::Range;

use fwlab_fabric::try_sysctls;
use fwlab_record::NodeName;

use super::problem::Problems;
use super::{Scenario, ScenarioError};

/// A setting of a node's kernel, and where it stands. Its value is the topology's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    /// The node.
    pub node: NodeName,
    /// Its dotted name.
    pub name: String,
    /// Where its value stands in the file, in bytes.
    pub span: Range<usize>,
}

impl Scenario {
    /// Tries the settings of every node in namespaces that are thrown away. What this kernel
    /// does not know, or does not take, is a mistake with its place.
    pub(crate) fn try_sysctls(&self) -> Option<ScenarioError> {
        let mut problems = Problems::default();
        for node in &self.stage.topology.nodes {
            let of_node: Vec<&Sysctl> = self
                .sysctls
                .iter()
                .filter(|sysctl| sysctl.node == node.name)
                .collect();
            let settings: Vec<(String, String)> = of_node
                .iter()
                .filter_map(|sysctl| {
                    let value = node.sysctls.get(&sysctl.name)?;
                    Some((sysctl.name.clone(), value.clone()))
                })
                .collect();
            if settings.is_empty() {
                continue;
            }
            let interfaces: Vec<String> = self
                .stage
                .topology
                .interfaces_in(&node.name)
                .map(|interface| interface.name.to_string())
                .collect();
            let tried = try_sysctls(&settings, &interfaces);
            for (sysctl, tried) in of_node.into_iter().zip(tried) {
                if let Err(error) = tried {
                    problems.add(sysctl.span.clone(), error.to_string());
                }
            }
        }
        (!problems.is_empty()).then(|| problems.into_error(self.path.clone(), &self.text))
    }
}
