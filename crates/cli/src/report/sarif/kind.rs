use fwlab_explain::{Diagnosis, Why};
use fwlab_record::{CellRecord, Judgement, Symptom};

/// What kind of thing became of a cell: a rule, as SARIF calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    /// Its word.
    pub(super) id: &'static str,
    /// In a sentence.
    pub(super) described: &'static str,
}

impl Kind {
    /// Why a cell's packet was stopped, where the evidence tells that; else what the client's user sees.
    pub(super) fn of(record: &CellRecord) -> Kind {
        let Some(outcome) = record.judgement.outcome() else {
            return Kind {
                id: "inconclusive",
                described: "The lab could not tell how the transfer ended.",
            };
        };
        let known = Diagnosis::of(record).and_then(|diagnosis| Kind::of_why(&diagnosis.why));
        known.unwrap_or_else(|| Kind::of_symptom(outcome.symptom))
    }

    fn of_why(why: &Why) -> Option<Kind> {
        let described = match why {
            Why::ControlRefused => "The rules do not let the control connection through.",
            Why::EstablishedRefused => "A later packet of an accepted connection is not accepted.",
            Why::RelatedRefused => {
                "The helper expected the data connection, but no rule accepts it for that."
            }
            Why::ControlUntracked => {
                "The control connection is not tracked, so no conntrack helper expects the data connection."
            }
            Why::NoHelper { .. } => {
                "No conntrack helper reads the control connection, so the data connection is a stranger's."
            }
            Why::ByMatch { .. } => {
                "A rule stopped some packets of a connection, or some connections, but not others."
            }
            Why::Stateless => {
                "The connection is not tracked there, and the rules do not accept it."
            }
            Why::HiddenByTls => {
                "TLS hides the data connection's announcement from the conntrack helper."
            }
            Why::NotExpected(_) => "The conntrack helper did not expect the data connection.",
            Why::Invalid => "Conntrack could not place a packet.",
            Why::Untracked => "A rule took the connection out of conntrack.",
            Why::Forgotten => "Conntrack has no entry of a connection that began earlier.",
            Why::NeighbourDiscovery => {
                "The ICMPv6 messages by which neighbours find each other are stopped."
            }
            Why::PacketTooBig => {
                "The ICMP message that tells a sender to send smaller packets is stopped."
            }
            Why::AnnouncedElsewhere { .. } | Why::AddressRefused { .. } => {
                "A peer announced an address by which the other does not know it."
            }
            Why::FromElsewhere { .. } => {
                "Address translation gave the data connection another address than the control connection."
            }
            Why::NotForwarded => {
                "The gateway forwards the control connection to the server, but not the data connection."
            }
            Why::TimeExceeded => "A packet's time to live ran out on the way.",
            Why::NotLedOn => "A gateway answered itself and forwarded no connection to the server.",
            Why::AnsweredPast { .. } => {
                "A server answered a client in its own network directly, not through the gateway that the client had connected to."
            }
            Why::NoWayBack { .. } => {
                "A connection left a gateway with a private address, so nobody could answer it."
            }
            Why::SentElsewhere { .. } => "Address translation sent the connection elsewhere.",
            Why::NobodyListens => "A host refused.",
            Why::Closed => "A peer closed the connection too early.",
            Why::Said(_) => "The peer refused in an FTP reply.",
            Why::Unknown => return None,
        };
        let id = why.word();
        Some(Kind { id, described })
    }

    fn of_symptom(symptom: Symptom) -> Kind {
        let described = match symptom {
            Symptom::Transferred => "The transfer passed.",
            Symptom::DataTimeout => "The data connection never came up, or stalled.",
            Symptom::DataRejected => "The data connection was rejected.",
            Symptom::ControlTimeout => "The control connection never came up, or stalled.",
            Symptom::ControlRejected => "The control connection was rejected.",
            Symptom::Refused => "The peer refused in an FTP reply.",
        };
        let id = symptom.word();
        Kind { id, described }
    }
}

/// How much a result matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// A requirement was missed.
    Error,
    /// The lab could not tell.
    Warning,
    /// A transfer was blocked, and nothing was required of it.
    Note,
}

impl Level {
    /// That of a cell; nothing for one that is no result.
    pub(super) fn of(judgement: &Judgement) -> Option<Level> {
        match judgement {
            Judgement::Missed { .. } => Some(Level::Error),
            Judgement::Inconclusive { .. } => Some(Level::Warning),
            Judgement::Reported(outcome) => {
                (outcome.symptom != Symptom::Transferred).then_some(Level::Note)
            }
            Judgement::Met { .. } | Judgement::Skipped { .. } | Judgement::NotRun(_) => None,
        }
    }

    /// As SARIF has it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}
