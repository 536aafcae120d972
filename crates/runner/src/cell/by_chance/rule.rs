use fwlab_judge::Finding;
use fwlab_record::Chance;

use super::{ByChance, NAMED};
use crate::cell::session::Session;

/// The rules that decide by chance, as `-m statistic` does, and were asked about the cell's packets.
pub(super) fn rule(finding: &Finding, session: &Session<'_>) -> Option<ByChance> {
    if !matches!(finding, Finding::Outcome(_)) {
        return None;
    }
    let met: Vec<&str> = session
        .resolver()
        .met_by_chance()
        .map(|doubt| doubt.why.as_str())
        .collect();
    let told = met
        .iter()
        .take(NAMED)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    let more = match met.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!met.is_empty()).then(|| ByChance {
        chance: Chance::Rule,
        note: format!(
            "rules that this transfer's packets met decide by chance ({told}{more}): the same transfer may end differently next time"
        ),
    })
}
