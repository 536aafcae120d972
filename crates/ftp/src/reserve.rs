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
    let (first, last) = ports.into_inner();
    if first == 0 || last < first || last - first >= WIDEST {
        return Ok(());
    }
    node.set_sysctl(
        "net.ipv4.ip_local_reserved_ports",
        &format!("{first}-{last}"),
    )
    .await
}
