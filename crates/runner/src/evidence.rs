use std::fmt;
use std::time::Duration;

use fwlab_model::NodeName;
use serde::Serialize;

/// What the kernel and the wire showed of a cell, in order of time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The lines.
    pub lines: Vec<EvidenceLine>,
    /// How many lines more there were than are kept.
    pub left_out: usize,
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvidenceLine {
    /// When, since the client was started.
    pub at: Duration,
    /// Where.
    pub node: NodeName,
    /// From which of the kernel's sources.
    pub source: EvidenceSource,
    /// What.
    pub text: String,
    /// Whether this decided the cell.
    pub deciding: bool,
}

/// Where evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceSource {
    /// A line of the FTP dialogue, from the capture.
    Ftp,
    /// A packet on a wire.
    Wire,
    /// A rule or policy, from the packet trace.
    Rules,
    /// An entry or expectation of conntrack.
    Conntrack,
    /// The lab itself: lost events, a socket that it closed.
    Lab,
}

impl fmt::Display for EvidenceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            EvidenceSource::Ftp => "ftp",
            EvidenceSource::Wire => "wire",
            EvidenceSource::Rules => "rules",
            EvidenceSource::Conntrack => "conntrack",
            EvidenceSource::Lab => "lab",
        })
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .lines
            .iter()
            .map(|line| line.node.as_str().len())
            .max()
            .unwrap_or(0);
        for line in &self.lines {
            let mark = if line.deciding { '▶' } else { ' ' };
            let ms = line.at.as_secs_f64() * 1e3;
            writeln!(
                f,
                "{mark} {ms:9.3} ms  {:width$}  {:9}  {}",
                line.node, line.source, line.text
            )?;
        }
        if self.left_out > 0 {
            writeln!(f, "  and {} lines more", self.left_out)?;
        }
        Ok(())
    }
}
