use crate::words;

words! {
    /// What hides the FTP dialogue from the firewall.
    pub enum Protection {
        /// Nothing: commands and replies are readable on the wire.
        Plain,
        /// TLS that the client asks for by AUTH TLS; data too, by PROT P (RFC 4217).
        Explicit,
        /// TLS from the first byte, by custom on port 990; data too.
        Implicit,
        /// Explicit TLS until the login is over, then CCC: commands are readable again,
        /// and data is not (RFC 4217 section 4.3).
        Ccc,
    }
}

impl Protection {
    /// Whether the transfer itself goes through TLS.
    pub fn protects_data(self) -> bool {
        self != Protection::Plain
    }

    /// Whether the commands that agree on the data connection are hidden from the wire.
    pub fn hides_setup(self) -> bool {
        matches!(self, Protection::Explicit | Protection::Implicit)
    }
}
