//! Rules that open a range of passive ports, and a server of which nobody says that it keeps to it.

use std::collections::BTreeSet;

use fwlab_check::{HostFiles, Messages};
use fwlab_record::CellRecord;

use crate::report::passive_ports_meant;
use crate::text::Page;

/// The ranges that the rules open and that no server was asked to keep to.
pub(super) struct OpenRanges(BTreeSet<(u16, u16)>);

impl OpenRanges {
    pub(super) fn of(records: &[&CellRecord]) -> OpenRanges {
        OpenRanges(
            records
                .iter()
                .filter_map(|record| passive_ports_meant(record))
                .collect(),
        )
    }

    /// Says it before the table.
    pub(super) fn tell(&self, files: &HostFiles, said: &mut Messages) {
        for &(low, high) in &self.0 {
            let what = match files.opens((low, high)) {
                true => format!("the rules open {low}:{high}"),
                false => format!("the rules tell the ports {low} to {high} from the rest"),
            };
            said.say(
                format!(
                    "{what}, and nobody says that the server's passive ports are these: what becomes of a passive transfer is chance"
                ),
                Some(&format!(
                    "give `--passive-ports {low}-{high}`, or the server's own settings"
                )),
            );
        }
    }

    /// What the mark in the table means.
    pub(super) fn legend(&self) -> Page {
        match self.0.is_empty() {
            true => Page::default(),
            false => Page::from(
                "  ~ rests on the port that the server happened to pick: another run may come to another end\n".to_owned(),
            ),
        }
    }
}
