use fwlab_explain::Diagnosis;
use fwlab_record::{CellRecord, Judgement, Symptom};

/// The cells that the lab could not tell of.
const INCONCLUSIVE: &str = "inconclusive";

/// What kind of thing became of a cell: why its packet was stopped, where the evidence tells that; else what the client's user
/// sees.
pub(super) fn of(record: &CellRecord) -> &'static str {
    let Some(outcome) = record.judgement.outcome() else {
        return INCONCLUSIVE;
    };
    let diagnosis = Diagnosis::of(record).map(|diagnosis| diagnosis.why.word());
    let known = diagnosis.filter(|word| *word != "unknown");
    known.unwrap_or(outcome.symptom.word())
}

/// A kind in a sentence.
pub(super) fn described(kind: &str) -> &'static str {
    match kind {
        INCONCLUSIVE => "The lab could not tell what became of the transfer.",
        "control-refused" => "The rules do not let the control connection in.",
        "established-refused" => "A packet of a connection that was let through is not accepted.",
        "related-refused" => {
            "The helper expected the data connection, and no rule accepts it for that."
        }
        "no-helper" => {
            "No conntrack helper reads the control connection, so the data connection is a stranger's."
        }
        "stateless" => {
            "The rules do not ask for connection tracking, and do not accept the data connection."
        }
        "hidden-by-tls" => {
            "TLS hides the data connection's announcement from the conntrack helper."
        }
        "not-expected" => "The conntrack helper did not expect the data connection.",
        "invalid" => "Conntrack could not place a packet.",
        "untracked" => "A rule took the connection out of conntrack.",
        "announced-elsewhere" => {
            "The server announced an address that its clients do not know it by."
        }
        "sent-elsewhere" => "Address translation sent the connection elsewhere.",
        "nobody-listens" => "A host answered no.",
        "said" => "The peer said no in an FTP reply.",
        word => match word.parse() {
            Ok(Symptom::Transferred) => "The transfer passed.",
            Ok(Symptom::DataTimeout) => "The data connection never came up, or stalled.",
            Ok(Symptom::DataRejected) => "The data connection was rejected.",
            Ok(Symptom::ControlTimeout) => "The control connection never came up, or stalled.",
            Ok(Symptom::ControlRejected) => "The control connection was rejected.",
            Ok(Symptom::Refused) => "The peer said no in an FTP reply.",
            Err(_) => "The transfer did not pass.",
        },
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
