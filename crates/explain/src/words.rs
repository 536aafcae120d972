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
            Why::SentElsewhere => "sent-elsewhere",
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
                "{what} met a rule that stops some packets and not others, by `{looks_at}`, and no rule before this one accepts it."
            ),
            Why::EstablishedRefused if self.state.is_none() => format!(
                "{what} is of a connection that was let through when it was opened, and no rule before this one accepts it."
            ),
            Why::EstablishedRefused => format!(
                "{what} is of a connection that was let through, which conntrack calls ESTABLISHED, and no rule before this one accepts that."
            ),
            Why::RelatedRefused => format!(
                "{what} was expected by conntrack's helper, which makes it RELATED, and no rule before this one accepts that."
            ),
            Why::NoHelper { unmet } => {
                let unmet = unmet.as_ref().map_or_else(String::new, |unmet| format!("; {unmet}"));
                format!(
                    "{what} is NEW to conntrack, as a stranger's would be: no helper reads the control connection, so nobody expected it{unmet}."
                )
            }
            Why::ControlUntracked => format!(
                "{what} is NEW to conntrack, as a stranger's would be: the control connection is not tracked, as a rule or the order of chains has it, so no helper reads it and nobody expected this one."
            ),
            Why::Stateless if self.is_new_data() => format!(
                "{what} is a stranger's to these rules: the control connection is not tracked there, so nobody expected it, and no rule before this one accepts it."
            ),
            Why::Stateless => format!(
                "{what} is a stranger's to these rules: its connection is not tracked there, and no rule before this one accepts it."
            ),
            Why::HiddenByTls => format!(
                "{what} is NEW to conntrack, as a stranger's would be: TLS hides the announcement, and no helper can read it."
            ),
            Why::NotExpected(why) => format!("{what} was expected by no helper: {why}."),
            Why::Invalid => {
                format!("{what} is INVALID to conntrack: it fits no connection that it knows.")
            }
            Why::Untracked => {
                format!("{what} is UNTRACKED: a rule took its connection out of conntrack.")
            }
            Why::Forgotten => format!(
                "{what} is NEW to conntrack, although its connection is not: conntrack has no entry of it any more, or never had one, and no rule before this one accepts it."
            ),
            Why::NeighbourDiscovery => {
                "ICMPv6 by which neighbours find each other was stopped: without it no packet of IPv6 comes to them."
                    .to_owned()
            }
            Why::PacketTooBig => {
                "The ICMP message that tells a sender to send smaller packets was stopped, and so it goes on sending too large ones."
                    .to_owned()
            }
            Why::AnnouncedElsewhere { announced, known } if active => format!(
                "{what} went to {announced}, which the client announced; the server knows the client by {known}."
            ),
            Why::AnnouncedElsewhere { announced, known } => format!(
                "{what} went to {announced}, which the server announced; the client knows the server by {known}."
            ),
            Why::AddressRefused {
                announced,
                known,
                reply,
            } => format!(
                "The client announced {announced}, the server knows it by {known}, and said no: {reply}"
            ),
            Why::FromElsewhere { came, known, reply } => {
                let reply = reply.as_ref().map_or_else(String::new, |reply| format!(" The peer said no to it: {reply}"));
                format!(
                    "The data connection came from {came}, and the control connection is with {known}: address translation made them differ.{reply}"
                )
            }
            Why::NotForwarded => format!(
                "{what} came to {}, which leads the control connection on to the server, and not this one.",
                self.node
            ),
            Why::TimeExceeded => format!(
                "{what} was dropped on its way, since its time to live had run out: a rule sets or lowers that (`-j TTL`, `-j HL`, `ip ttl set`), or the way is longer than its sender allows."
            ),
            Why::NotLedOn => format!(
                "The control connection came to {} itself, which answered no: no rule led it on to the server.",
                self.node
            ),
            Why::AnsweredPast { from, known } => format!(
                "The server answered the client past the gateway, from {from}, since both are in one network; the client waits for an answer from {known}, to which it had connected."
            ),
            Why::NoWayBack { address } => format!(
                "{what} went to {address}, the private address that it came from; nobody out there is taken to have a way back to it."
            ),
            Why::SentElsewhere => {
                format!(
                    "{what} was sent elsewhere by address translation, and came to nothing there."
                )
            }
            Why::NobodyListens => {
                format!("{what} came to a host that answered no: no rule had a part in it.")
            }
            Why::Closed => {
                "A peer closed the connection before its time, and no rule had a part in that."
                    .to_owned()
            }
            Why::Said(reply) => format!("The peer said no itself: {reply}"),
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
                "It would pass if a rule before that one accepted what is RELATED by the helper ftp."
            }
            Why::Stateless if self.opening != Opening::Opens => {
                "It would pass with its connection tracked and what is ESTABLISHED accepted, or accepted by its ports both ways."
            }
            Why::NoHelper { .. } | Why::Stateless if active => {
                "It would pass with the helper ftp assigned to the control connection, and what is RELATED by it accepted."
            }
            Why::ControlUntracked if active => {
                "It would pass with the control connection tracked, the helper ftp assigned to it, and what is RELATED by that accepted."
            }
            Why::ControlUntracked => {
                "It would pass with the control connection tracked, the helper ftp assigned to it and what is RELATED by that accepted; or with a \
                 range of passive ports that the server keeps to and the rules open."
            }
            Why::NoHelper { .. } | Why::Stateless => {
                "It would pass with the helper ftp assigned to the control connection and what is RELATED by it accepted; or with a \
                 range of passive ports that the server keeps to and the rules open."
            }
            Why::HiddenByTls if active => {
                "Nothing but its ports tells it from a stranger's connection: with TLS, use passive transfers."
            }
            Why::HiddenByTls => {
                "It would pass with a range of passive ports that the server keeps to and the rules open: no helper sees into TLS."
            }
            Why::Forgotten => {
                "It would pass while conntrack keeps the entry of its connection, or if the rules accepted it by its ports both ways."
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
                "PORT and PASV have addresses of IPv4 alone: it would pass by EPRT or EPSV."
            }
            Why::AnnouncedElsewhere { .. } | Why::AddressRefused { .. }
                if active || self.is_of_reply() =>
            {
                "In plain FTP, a helper on the gateway in front of the client rewrites what it announces; passive transfers need none of it."
            }
            Why::FromElsewhere { .. } if active => {
                "It would pass if address translation gave what the server opens the address that its clients connect to: in plain FTP a \
                 helper on the gateway does that, otherwise a rule; passive transfers need none of it."
            }
            Why::FromElsewhere { .. } => {
                "It would pass if address translation gave all connections of a client the same address."
            }
            Why::TimeExceeded => "It would pass if no rule changed its time to live.",
            Why::NotLedOn => {
                "It would pass if a rule of address translation, as DNAT, led it on from the address that the client connects to."
            }
            Why::AnsweredPast { .. } => {
                "It would pass if the gateway gave what it leads on from that network an address of its own, too: source translation, as MASQUERADE does."
            }
            Why::NoWayBack { .. } => {
                "It would pass if the gateway gave what leaves it an address of its own: source translation, as MASQUERADE does."
            }
            Why::NotForwarded => {
                "It would pass if a range of passive ports that the server keeps to were led on to it, too; or, in plain FTP, by a helper on \
                 the gateway that reads an address which is the server's own."
            }
            Why::AnnouncedElsewhere { .. } | Why::AddressRefused { .. } => {
                "It would pass if the server announced the address that its clients connect to; in plain FTP, a helper on the \
                 gateway rewrites what it announces."
            }
            Why::Untracked => {
                "It would pass if its connection were tracked, or accepted as UNTRACKED in both directions."
            }
            Why::NotExpected(_)
            | Why::Invalid
            | Why::SentElsewhere
            | Why::NobodyListens
            | Why::Closed
            | Why::Said(_)
            | Why::Unknown => return None,
        };
        Some(passes.to_owned())
    }
}
