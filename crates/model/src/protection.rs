use crate::word::words;

words! {
    /// What hides the FTP dialogue from the firewall.
    pub enum Protection {
        /// Nothing: commands and replies are readable on the wire.
        Plain,
    }
}
