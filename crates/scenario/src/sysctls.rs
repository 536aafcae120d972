use std::ops::Range;

use fwlab_record::NodeName;

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
