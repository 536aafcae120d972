//! A diagnosis in plain sentences.

use fwlab_record::Role;

use crate::{Diagnosis, Opening, Why};

impl Why {
    /// Its kind, in a word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Why::ControlRefused => "control-refused",
            Why::ByMatch { .. } => "by-match",
            Why::EstablishedRefused => "established-refused",
            Why::RelatedRefused => "related-refused",
            Why::NoHelper { .. } => "no-helper",
            Why::ControlUntracked => "control-untracked",
            Why::Stateless => "stateless",
            Why::HiddenByTls => "hidden-by-tls",
            Why::NotExpected(_) => "not-expected",
            Why::Invalid => "invalid",
            Why::Untracked => "untracked",
            Why::Forgotten => "forgotten",
            Why::NeighbourDiscovery => "neighbour-discovery",
            Why::PacketTooBig => "packet-too-big",
            Why::AnnouncedElsewhere { .. } => "announced-elsewhere",
            Why::AddressRefused { .. } => "address-refused",
            Why::FromElsewhere { .. } => "from-elsewhere",
            Why::NotForwarded => "not-forwarded",
            Why::TimeExceeded => "time-exceeded",
            Why::NotLedOn => "not-led-on",
            Why::AnsweredPast { .. } => "answered-past",
            Why::NoWayBack { .. } => "no-way-back",
            Why::SentElsewhere { .. } => "sent-elsewhere",
            Why::NobodyListens => "nobody-listens",
            Why::Closed => "closed",
            Why::Said(_) => "said",
            Why::Unknown => "unknown",
        }
    }
}

impl Diagnosis {
    fn is_active(&self) -> bool {
        matches!(self.connection, Role::Data(setup) if setup.is_active())
    }

    fn is_of_reply(&self) -> bool {
        matches!(self.why, Why::AddressRefused { .. })
    }

    fn is_new_data(&self) -> bool {
        matches!(self.connection, Role::Data(_)) && self.opening == Opening::Opens
    }

    /// Why it was stopped, and what would have let it through where that is known.
    pub fn sentences(&self) -> String {
        match self.would_pass() {
            Some(would_pass) => format!("{} {would_pass}", self.why()),
            None => self.why(),
        }
    }

    /// Why it was stopped: one sentence.
    pub fn why(&self) -> String {
        let what = match (self.connection, self.opening) {
            (Role::Control, Opening::Opens) => "The control connection",
            (Role::Control, _) => "A packet of the control connection",
            (Role::Data(setup), Opening::Opens) if setup.is_active() => {
                "The data connection, which the server opens to the client,"
            }
            (Role::Data(_), Opening::Opens) => {
                "The data connection, which the client opens to the server,"
            }
            (Role::Data(_), Opening::Answers) => "The answer that opens the data connection",
            (Role::Data(_), Opening::Later) => "A packet of the data connection",
            (Role::Other, _) => "The packet",
        };
        let active = self.is_active();
        match &self.why {
            Why::ControlRefused => {
                format!("{what} was not let through: no rule before this one accepts it.")
            }
            Why::ByMatch { looks_at, .. } => format!(
                "{what} met a rule that stops some packets but not others, by `{looks_at}`, and no rule before this one accepts it."
            ),
            Why::EstablishedRefused if self.state.is_none() => format!(
                "{what} belongs to a connection that was let through when it was opened, but no rule before this one accepts it."
            ),
            Why::EstablishedRefused => format!(
                "{what} belongs to a connection that was let through and that conntrack calls ESTABLISHED, but no rule before this one accepts that."
            ),
            Why::RelatedRefused => format!(
                "{what} was expected by conntrack's helper, which makes it RELATED, but no rule before this one accepts that."
            ),
            Why::NoHelper { unmet } => {
                let unmet = unmet.as_ref().map_or_else(String::new, |unmet| format!("; {unmet}"));
                format!(
                    "{what} is NEW to conntrack, like any stranger's: no helper reads the control connection, so it was not expected{unmet}."
                )
            }
            Why::ControlUntracked => format!(
                "{what} is NEW to conntrack, like any stranger's: a rule or the order of chains keeps the control connection untracked, so no helper reads it and this connection was not expected."
            ),
            Why::Stateless if self.is_new_data() => format!(
                "{what} looks like a stranger's to these rules: the control connection is not tracked there, so this one was not expected, and no rule before this one accepts it."
            ),
            Why::Stateless => format!(
                "{what} looks like a stranger's to these rules: its connection is not tracked there, and no rule before this one accepts it."
            ),
            Why::HiddenByTls => format!(
                "{what} is NEW to conntrack, like any stranger's: TLS hides the announcement, so no helper can read it."
            ),
            Why::NotExpected(why) => format!("{what} was not expected by any helper: {why}."),
            Why::Invalid => {
                format!("{what} is INVALID to conntrack: it fits no known connection.")
            }
            Why::Untracked => {
                format!("{what} is UNTRACKED: a rule took its connection out of conntrack.")
            }
            Why::Forgotten => format!(
                "{what} is NEW to conntrack, although its connection is not: conntrack has no entry for it any more, or never had one, and no rule before this one accepts it."
            ),
            Why::NeighbourDiscovery => {
                "The ICMPv6 messages by which neighbours find each other were stopped: without them, no IPv6 packet reaches a neighbour."
                    .to_owned()
            }
            Why::PacketTooBig => {
                "The ICMP message that tells a sender to send smaller packets was stopped, so the sender keeps sending packets that are too large."
                    .to_owned()
            }
            Why::AnnouncedElsewhere { announced, known } if active => format!(
                "{what} went to {announced}, which the client announced; the server knows the client as {known}."
            ),
            Why::AnnouncedElsewhere { announced, known } => format!(
                "{what} went to {announced}, which the server announced; the client knows the server as {known}."
            ),
            Why::AddressRefused {
                announced,
                known,
                reply,
            } => format!(
                "The client announced {announced}, but the server knows it as {known} and refused: {reply}"
            ),
            Why::FromElsewhere { came, known, reply } => {
                let reply = reply.as_ref().map_or_else(String::new, |reply| format!(" The peer refused it: {reply}"));
                format!(
                    "The data connection came from {came}, but the control connection is with {known}: address translation made them differ.{reply}"
                )
            }
            Why::NotForwarded => format!(
                "{what} came to {}, which forwards the control connection to the server, but not this one.",
                self.node
            ),
            Why::TimeExceeded => format!(
                "{what} was dropped on the way because its time to live had run out: a rule sets or lowers it (`-j TTL`, `-j HL`, `ip ttl set`), or the path is longer than its sender allows."
            ),
            Why::NotLedOn => format!(
                "The control connection reached {} itself, which refused it: no rule forwarded it to the server.",
                self.node
            ),
            Why::AnsweredPast { from, known } => format!(
                "The server answered the client directly, from {from}, and not through the gateway, because both are in one network; the client waits for an answer from {known}, to which it had connected."
            ),
            Why::NoWayBack { address } => format!(
                "{what} went to {address}, the private address that it came from; hosts outside are taken to have no route back to it."
            ),
            Why::SentElsewhere { redirected: true } => format!(
                "{what} was redirected to a port of the host itself. No program listens there in the lab; on the real host, a proxy may."
            ),
            Why::SentElsewhere { redirected: false } => {
                format!(
                    "{what} was sent elsewhere by address translation, and failed there."
                )
            }
            Why::NobodyListens => {
                format!("{what} reached a host that refused it: no rule was involved.")
            }
            Why::Closed => {
                "A peer closed the connection too early: no rule was involved."
                    .to_owned()
            }
            Why::Said(reply) => format!("The peer itself refused: {reply}"),
            Why::Unknown => format!("{what} was stopped; the evidence does not say more."),
        }
    }

    /// What would have let it through, as the field knows it: one sentence. Nothing where that is not known.
    pub fn would_pass(&self) -> Option<String> {
        let active = self.is_active();
        let passes = match &self.why {
            Why::ControlRefused => {
                "It would pass if a rule before that one accepted TCP to the control port here."
            }
            Why::ByMatch { .. } => {
                "It would pass where that match does not hold, or if a rule before that one accepted it."
            }
            Why::EstablishedRefused => {
                "It would pass if a rule before that one accepted what is ESTABLISHED."
            }
            Why::RelatedRefused => {
                "It would pass if a rule before that one accepted what the helper ftp makes RELATED."
            }
            Why::Stateless if self.opening != Opening::Opens => {
                "It would pass if its connection were tracked and what is ESTABLISHED accepted, or if the rules accepted it by its ports in both directions."
            }
            Why::NoHelper { .. } | Why::Stateless if active => {
                "It would pass if the helper ftp were assigned to the control connection and the rules accepted what it makes RELATED."
            }
            Why::ControlUntracked if active => {
                "It would pass if the control connection were tracked, the helper ftp were assigned to it, and the rules accepted what it makes RELATED."
            }
            Why::ControlUntracked => {
                "It would pass if the control connection were tracked, the helper ftp were assigned to it, and \
                 the rules accepted what it makes RELATED; or if the server kept to a range of passive ports \
                 that the rules open."
            }
            Why::NoHelper { .. } | Why::Stateless => {
                "It would pass if the helper ftp were assigned to the control connection and the rules accepted \
                 what it makes RELATED; or if the server kept to a range of passive ports that the rules open."
            }
            Why::HiddenByTls if active => {
                "Only its ports tell it from a stranger's connection: with TLS, use passive transfers."
            }
            Why::HiddenByTls => {
                "It would pass if the server kept to a range of passive ports that the rules open: no helper can see into TLS."
            }
            Why::Forgotten => {
                "It would pass while conntrack keeps the entry of its connection, or if the rules accepted it by its ports in both directions."
            }
            Why::NeighbourDiscovery => {
                "It would pass if a rule before that one accepted ICMPv6 of the types 133 to 136."
            }
            Why::PacketTooBig => {
                "It would pass if a rule before that one accepted ICMP `fragmentation-needed` (of IPv6: `packet-too-big`), or if a gateway \
                 clamped the MSS to the path's MTU."
            }
            Why::AddressRefused {
                announced, known, ..
            } if announced.is_ipv4() != known.is_ipv4() => {
                "PORT and PASV carry only IPv4 addresses: it would pass with EPRT or EPSV."
            }
            Why::AnnouncedElsewhere { .. } | Why::AddressRefused { .. }
                if active || self.is_of_reply() =>
            {
                "In plain FTP, a helper on the gateway in front of the client rewrites what it announces; passive transfers do not need that."
            }
            Why::FromElsewhere { .. } if active => {
                "It would pass if address translation gave the connections that the server opens the address \
                 that its clients connect to: in plain FTP, a helper on the gateway does that, otherwise a rule; \
                 passive transfers do not need it."
            }
            Why::FromElsewhere { .. } => {
                "It would pass if address translation gave all connections of a client the same address."
            }
            Why::TimeExceeded => "It would pass if no rule changed its time to live.",
            Why::NotLedOn => {
                "It would pass if an address translation rule, such as DNAT, forwarded it from the address that the client connects to."
            }
            Why::AnsweredPast { .. } => {
                "It would pass if the gateway also gave its own address to what it forwards from that network: source translation, such as MASQUERADE."
            }
            Why::NoWayBack { .. } => {
                "It would pass if the gateway gave its own address to what leaves it: source translation, such as MASQUERADE."
            }
            Why::NotForwarded => {
                "It would pass if the gateway also forwarded a range of passive ports that the server keeps to; \
                 or, in plain FTP, with a helper on the gateway, if the server announces its own address."
            }
            Why::AnnouncedElsewhere { .. } | Why::AddressRefused { .. } => {
                "It would pass if the server announced the address that its clients connect to; in plain FTP, a helper on the \
                 gateway rewrites what it announces."
            }
            Why::Untracked => {
                "It would pass if its connection were tracked, or accepted as UNTRACKED in both directions."
            }
            Why::SentElsewhere { redirected: true } => {
                "It would pass if that rule exempted FTP connections, or if an FTP proxy listened there."
            }
            Why::NotExpected(_)
            | Why::Invalid
            | Why::SentElsewhere { redirected: false }
            | Why::NobodyListens
            | Why::Closed
            | Why::Said(_)
            | Why::Unknown => return None,
        };
        Some(passes.to_owned())
    }
}
