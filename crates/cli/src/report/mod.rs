//! Readers of a run's events: the terminal, and the reports that go to files, in the formats of one table ([`Format`]).

mod about;
mod before;
mod causes;
mod earlier;
mod file;
mod folder;
mod format;
mod gathered;
mod html;
mod json;
mod junit;
mod labels;
mod markdown;
mod matrix;
mod packets;
mod pcapng;
mod progress;
mod sarif;
mod sources;
mod streams;
mod terminal;
mod versions;
mod ways;

pub use about::{About, EvidenceOf};
pub use before::Before;
pub(crate) use causes::{cause_in_short, explained};
pub use earlier::{EarlierError, is_json_report, read_records, read_report};
pub use file::{ReportFile, ReportFileError, Taken};
pub use folder::FolderError;
pub use format::{Format, ReportTo, Reports};
pub use labels::Labels;
pub use matrix::{Shown, matrix};
pub(crate) use matrix::{by_port_of_kernel, decided_by_chance, passive_ports_meant};
pub use packets::{PacketFolder, pcapng};
pub use progress::Progress;
pub use sources::Sources;
pub(crate) use sources::{RulesText, is_below_here};
pub use streams::StreamFolder;
pub use terminal::{findings, is_finding, observed, summary_line};
pub(crate) use versions::named as named_versions;
pub(crate) use ways::{Way, Ways, way};

pub use crate::text::Page;
