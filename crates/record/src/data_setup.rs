use crate::words;

words! {
    /// How the two sides agree on the data connection (RFC 959 section 4.1.2,
    /// RFC 2428 sections 2 and 3).
    pub enum DataSetup {
        /// PORT: the client names an IPv4 address and port, the server connects.
        Port,
        /// EPRT: the client names an address and port of any family, the server connects.
        Eprt,
        /// PASV: the server names an IPv4 address and port, the client connects.
        Pasv,
        /// EPSV: the server names a port, the client connects to the address it already has.
        Epsv,
    }
}

impl DataSetup {
    /// Whether the server opens the data connection ("active" FTP).
    pub fn is_active(self) -> bool {
        matches!(self, DataSetup::Port | DataSetup::Eprt)
    }

    /// The FTP command that starts this setup.
    pub fn command(self) -> &'static str {
        match self {
            DataSetup::Port => "PORT",
            DataSetup::Eprt => "EPRT",
            DataSetup::Pasv => "PASV",
            DataSetup::Epsv => "EPSV",
        }
    }
}
