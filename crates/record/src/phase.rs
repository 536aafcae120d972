use crate::words;

words! {
    /// How far a transfer came. The phases follow one another in this order.
    pub enum Phase {
        /// The client's TCP connection to the control port.
        ControlConnect,
        /// The server's 220.
        Greeting,
        /// AUTH TLS and the handshake on the control connection.
        AuthTls,
        /// USER and PASS up to 230.
        Login,
        /// PORT, EPRT, PASV or EPSV up to the agreement on an endpoint.
        Negotiate,
        /// The TCP connection for the data.
        DataConnect,
        /// The TLS handshake on the data connection.
        DataTls,
        /// The bytes.
        Transfer,
        /// The final reply, 226.
        Completion,
    }
}
