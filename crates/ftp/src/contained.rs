use fwlab_fabric::NetworkNamespace;

/// A peer that was made ready for one cell and is in its node already: a container with
/// a network namespace of its own. Dropping it takes the container away.
pub struct Contained<P: ?Sized> {
    /// The peer.
    pub peer: Box<P>,
    /// What is to be its node, with
    /// [`Fabric::build_with`](fwlab_fabric::Fabric::build_with).
    pub namespace: NetworkNamespace,
}
