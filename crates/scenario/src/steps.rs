use fwlab_ftp::Moment;
use fwlab_record::NodeName;

/// Something that is done while a session is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When; `None`: when everything is set up, before the client connects.
    pub at: Option<Moment>,
    /// What.
    pub action: Action,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Loads the ruleset with this index on the firewall's node, over the one that is there.
    Load(usize),
    /// Forgets every connection that conntrack knows on a node.
    FlushConntrack(NodeName),
    /// Waits until conntrack on a node has forgotten the control connection.
    AwaitExpiry(NodeName),
}
