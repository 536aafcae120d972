use crate::words;

words! {
    /// What conntrack calls a packet: what `-m conntrack --ctstate` and `ct state` match.
    pub enum ConntrackState {
        /// It fits no connection and opens none.
        Invalid,
        /// It opens a connection.
        New,
        /// Its connection has seen packets both ways.
        Established,
        /// Its connection was expected, or it is an ICMP error about one.
        Related,
        /// It was taken out of conntrack (`-j CT --notrack`).
        Untracked,
    }
}
