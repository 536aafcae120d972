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

/// The same for several ranges: what was reserved before no longer is.
pub(crate) async fn reserve_all(
    node: &Node,
    ranges: impl IntoIterator<Item = RangeInclusive<u16>>,
) -> Result<(), SysctlError> {
    let ranges = ranges.into_iter().map(RangeInclusive::into_inner);
    let fixed = ranges.filter(|(first, last)| *first > 0 && first <= last && last - first < WIDEST);
    let fixed: Vec<String> = fixed
        .map(|(first, last)| format!("{first}-{last}"))
        .collect();
    if fixed.is_empty() {
        return Ok(());
    }
    node.set_sysctl("net.ipv4.ip_local_reserved_ports", &fixed.join(","))
        .await
}
