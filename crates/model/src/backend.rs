use crate::word::words;

words! {
    /// The kernel interface that a ruleset is loaded through.
    pub enum Backend {
        /// iptables rules as nf_tables expressions (`iptables-nft`).
        Nft,
        /// iptables rules as xtables blobs (`iptables-legacy`).
        Legacy,
    }
}
