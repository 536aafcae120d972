use std::os::fd::AsFd;

use fwlab_fabric::netlink::{Batch, NetlinkSocket};
use nix::errno::Errno;

use crate::error::errno;

/// Sends requests that are answered with a yes or a no. What comes unasked meanwhile is left out.
pub(crate) fn request(socket: &NetlinkSocket<impl AsFd>, batch: Batch) -> Result<(), Errno> {
    socket
        .exchange(batch, |_| {})
        .map_err(|error| errno(error.source))
}
