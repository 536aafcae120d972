use std::ops::RangeInclusive;

use fwlab_fabric::{Node, SysctlError};

/// The widest range that is kept out of the ephemeral ports. What is wider is
/// no fixed port any more, and without ephemeral ports nothing could connect.
const WIDEST: u16 = 1024;

/// Keeps ports that will be bound by number from being taken by chance: 39632,
/// for one, lies in the ephemeral range, and a control connection can take it.
pub(crate) async fn reserve_ports(
    node: &Node,
    ports: RangeInclusive<u16>,
) -> Result<(), SysctlError> {
    reserve_all(node, [ports]).await
}

/// The same for several ranges. What was reserved before stays so: by the other peer of this node, or by a scenario.
pub(crate) async fn reserve_all(
    node: &Node,
    ranges: impl IntoIterator<Item = RangeInclusive<u16>>,
) -> Result<(), SysctlError> {
    let is_fixed = |ports: &RangeInclusive<u16>| {
        let (first, last) = (*ports.start(), *ports.end());
        first > 0 && first <= last && last - first < WIDEST
    };
    let fixed: Vec<_> = ranges.into_iter().filter(is_fixed).collect();
    if fixed.is_empty() {
        return Ok(());
    }
    node.reserve_ports(&fixed).await
}
