use crate::words;

words! {
    /// What kind of thing kept a transfer from going on, as it is written in reports and requirements.
    pub enum CauseKind {
        /// Nothing did.
        None,
        /// A rule.
        Rule,
        /// A chain's policy.
        Policy,
        /// The conntrack helper itself.
        Helper,
        /// A host refused.
        Host,
        /// A packet was lost outside netfilter.
        Loss,
        /// An FTP reply.
        Reply,
    }
}
