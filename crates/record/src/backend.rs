use crate::words;

words! {
    /// The kernel interface that a ruleset is loaded through.
    pub enum Backend {
        /// iptables rules as nf_tables expressions (`iptables-nft`).
        Nft,
        /// iptables rules as xtables blobs (`iptables-legacy`).
        Legacy,
        /// An nft script, loaded by `nft`.
        Native,
    }
}

impl Backend {
    /// The backends that load iptables rules.
    pub const IPTABLES: [Backend; 2] = [Backend::Nft, Backend::Legacy];
}
