use fwlab_record::{CellRecord, Judgement};

use super::{Before, Sources};

/// What a report is told of its run beside the records.
#[derive(Debug)]
pub struct About {
    /// Which cells bring their evidence along.
    pub evidence: EvidenceOf,
    /// The files that the rules stand in.
    pub sources: Sources,
    /// An earlier run that it is held against.
    pub before: Option<Before>,
}

/// Which cells bring their evidence along in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum EvidenceOf {
    /// Those that missed their requirement or are unclear.
    Missed,
    /// All.
    All,
}

impl EvidenceOf {
    /// Whether this cell's evidence is told.
    pub(super) fn tells(self, record: &CellRecord) -> bool {
        self == EvidenceOf::All
            || matches!(
                record.judgement,
                Judgement::Missed { .. } | Judgement::Inconclusive { .. }
            )
    }
}
