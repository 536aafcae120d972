use crate::words;

words! {
    /// What a transfer does once the session is logged in.
    pub enum Operation {
        /// RETR: the server sends a file.
        Retr,
        /// STOR: the client sends a file.
        Stor,
        /// APPE: the client sends the second half of a file that the server has the first half of.
        Appe,
        /// LIST: the server sends a directory listing.
        List,
        /// MLSD: the server sends a machine-readable directory listing (RFC 3659 section 7).
        Mlsd,
        /// REST and RETR: the server sends the second half of a file (RFC 3659 section 5).
        Rest,
    }
}

impl Operation {
    /// Whether file content flows from the client to the server.
    pub fn is_upload(self) -> bool {
        matches!(self, Operation::Stor | Operation::Appe)
    }

    /// Whether the data connection carries a directory listing rather than a file.
    pub fn is_listing(self) -> bool {
        matches!(self, Operation::List | Operation::Mlsd)
    }

    /// The FTP command that starts the transfer itself.
    pub fn command(self) -> &'static str {
        match self {
            Operation::Retr | Operation::Rest => "RETR",
            Operation::Stor => "STOR",
            Operation::Appe => "APPE",
            Operation::List => "LIST",
            Operation::Mlsd => "MLSD",
        }
    }
}
