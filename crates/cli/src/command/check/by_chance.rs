//! Rules that open a range of passive ports, and a server of which nobody says that it keeps to it; and rules that decide by
//! chance themselves.

use std::collections::BTreeSet;

use fwlab_check::{Messages, Subject};
use fwlab_record::CellRecord;

use crate::report::{by_port_of_kernel, decided_by_chance, passive_ports_meant};
use crate::text::Page;

/// What outcomes rest on beside the rules.
pub(super) struct LeftToChance {
    /// The ranges that the rules open and that no server was asked to keep to.
    ranges: BTreeSet<(u16, u16)>,
    /// Whether rules decide by chance.
    by_rules: bool,
    /// Whether some ports that a kernel picks come to something else than the most.
    by_kernel: bool,
}

impl LeftToChance {
    pub(super) fn of(records: &[&CellRecord]) -> LeftToChance {
        let ranges = records
            .iter()
            .filter_map(|record| passive_ports_meant(record));
        LeftToChance {
            ranges: ranges.collect(),
            by_rules: records.iter().any(|record| decided_by_chance(record)),
            by_kernel: records.iter().any(|record| by_port_of_kernel(record)),
        }
    }

    /// Says it before the table, but for a range that the user was told of before.
    pub(super) fn tell(&self, subject: &Subject, said: &mut Messages) {
        let untold = |range: &&(u16, u16)| subject.told_range != Some(**range);
        for &(low, high) in self.ranges.iter().filter(untold) {
            let what = match subject.files.opens((low, high)) {
                true => format!("the rules open {low}:{high}"),
                false => format!("the rules tell the ports {low} to {high} from the rest"),
            };
            said.say(
                format!(
                    "{what}, but nothing says that the server's passive ports are these: how a passive transfer ends is chance"
                ),
                Some(&format!(
                    "give `--passive-ports {low}-{high}`, or the server's own settings"
                )),
            );
        }
    }

    /// What the mark in the table means.
    pub(super) fn legend(&self) -> Page {
        let mut page = self.legend_of_samples();
        if self.by_kernel {
            page.text(
                "  ~ before an outcome: so end transfers with most of the ports that a peer may pick; a note says which may differ\n",
            );
        }
        page
    }

    fn legend_of_samples(&self) -> Page {
        let on = match (self.ranges.is_empty(), self.by_rules) {
            (true, false) => return Page::default(),
            (false, false) => "the port that the server happened to pick",
            (true, true) => "a rule that decides by chance",
            (false, true) => {
                "the port that the server happened to pick, or on a rule that decides by chance"
            }
        };
        Page::from(format!(
            "  ~ depends on {on}: another run may end differently\n"
        ))
    }
}
