use fwlab_ftp::peer_entry;
use fwlab_record::PeerName;

use crate::Image;

/// How much of a container one cell takes over from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum ContainerReuse {
    /// The root file system, which no cell can change. Network, processes and files are
    /// each cell's own.
    #[default]
    Warm,
    /// Nothing: each cell has containers of its own, started as their images say.
    Cold,
}

/// The image that a peer is in; `None`: it cannot run in a container.
pub fn image_of(peer: PeerName) -> Option<Image> {
    let word = peer_entry(peer).image()?;
    Image::ALL.into_iter().find(|image| image.word() == word)
}
