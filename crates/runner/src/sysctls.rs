use fwlab_fabric::try_sysctls;
use fwlab_model::Placed;
use fwlab_scenario::{Scenario, ScenarioError, Sysctl};

/// Tries a scenario's settings of every node in namespaces that are thrown away. What this kernel
/// does not know, or does not take, is a mistake with its place.
pub(crate) fn refused(scenario: &Scenario) -> Option<ScenarioError> {
    let mut mistakes = Vec::new();
    let topology = &scenario.deployment.topology;
    for node in &topology.nodes {
        let of_node = scenario.sysctls.iter();
        let of_node = of_node.filter(|sysctl| sysctl.node == node.name);
        let of_node: Vec<(&Sysctl, &String)> = of_node
            .filter_map(|sysctl| Some((sysctl, node.sysctls.get(&sysctl.name)?)))
            .collect();
        if of_node.is_empty() {
            continue;
        }
        let settings: Vec<(String, String)> = of_node
            .iter()
            .map(|(sysctl, value)| (sysctl.name.clone(), (*value).clone()))
            .collect();
        let interfaces: Vec<String> = topology
            .interfaces_in(&node.name)
            .map(|interface| interface.name.to_string())
            .collect();
        let tried = try_sysctls(&settings, &interfaces);
        for ((sysctl, _), tried) in of_node.into_iter().zip(tried) {
            if let Err(error) = tried {
                mistakes.push(Placed::here(sysctl.span.clone(), error.to_string()));
            }
        }
    }
    scenario.mistaken(mistakes)
}
