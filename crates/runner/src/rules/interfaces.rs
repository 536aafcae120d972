use std::collections::BTreeSet;

use fwlab_record::NodeName;

use fwlab_scenario::Deployment;

/// Interfaces that rules name and the node that loads them does not have: such rules match nothing.
/// `+` at the end of a name, or `*` in a script of nft, stands for all that begin so.
pub(super) fn strange_interfaces(
    named: BTreeSet<String>,
    deployment: &Deployment,
    node: &NodeName,
) -> Option<String> {
    let here: Vec<&str> = deployment
        .topology
        .interfaces_in(node)
        .map(|interface| interface.name.as_str())
        .chain(["lo"])
        .collect();
    let is_here = |name: &String| match name.strip_suffix(['+', '*']) {
        Some(start) => here.iter().any(|interface| interface.starts_with(start)),
        None => here.contains(&name.as_str()),
    };
    let strange: Vec<String> = named.into_iter().filter(|name| !is_here(name)).collect();
    let (strange, here) = (strange.join(", "), here.join(", "));
    (!strange.is_empty()).then(|| {
        format!("the rules name {strange}, but {node} has {here}: they match nothing there")
    })
}
