use fwlab_model::ruleset::{ByPort, ByPush};

use super::{Doubt, NodeRuleset};

/// Rules of one node that load.
pub(super) struct Proven {
    pub(super) part: NodeRuleset,
    pub(super) doubts: Vec<Doubt>,
    pub(super) by_port: Vec<ByPort>,
    pub(super) by_push: Vec<ByPush>,
    pub(super) notes: Vec<String>,
}
