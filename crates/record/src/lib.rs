//! What fwlab says, as types: the words of the field, causes and outcomes, the evidence for them, and the record of a cell.
//!
//! This is the lowest crate, and the one that other programs depend on. It does no I/O and knows no async runtime. What it writes
//! it reads back as it was: a [`CellRecord`] is one line of the JSON report, and nothing else says the same in
//! another shape. Text is made from these types, and never read to learn what happened.
//!
//! Words have one spelling, the same in scenario files, filters and reports:
//!
//! ```
//! use fwlab_record::{DataSetup, Symptom};
//! assert_eq!(DataSetup::Epsv.to_string(), "epsv");
//! assert_eq!("data-timeout".parse::<Symptom>().unwrap(), Symptom::DataTimeout);
//! ```

mod announcement;
mod axes;
mod backend;
mod cause_kind;
mod cell;
mod chance;
mod conntrack_state;
mod data_setup;
mod evidence;
mod exit;
mod family;
pub mod ms;
mod name;
mod operation;
mod outcome;
mod packet;
mod peer;
mod phase;
mod place;
mod private;
mod protection;
mod role;
mod rule_id;
mod schema;
mod secret;
mod symptom;
mod tuple;
mod versions;
mod word;

pub use announcement::Announcement;
pub use axes::Axes;
pub use backend::Backend;
pub use cause_kind::CauseKind;
pub use cell::{CellRecord, Judgement, NotRun};
pub use chance::Chance;
pub use conntrack_state::ConntrackState;
pub use data_setup::DataSetup;
pub use evidence::{
    Became, EventId, Evidence, Fact, Matched, Seen, Source, Verdict, Walked, WalkedPlace, Way,
};
pub use exit::Exit;
pub use family::Family;
pub use name::{InterfaceName, NameError, NodeName};
pub use operation::Operation;
pub use outcome::{Cause, Outcome, line_in_words};
pub use packet::{Flow, Packet, TcpFlags};
pub use peer::PeerName;
pub use phase::Phase;
pub use place::Place;
pub use private::is_private;
pub use protection::Protection;
pub use role::Role;
pub use rule_id::{ChainId, RuleId, RuleOrdinal, TableFamily};
#[cfg(feature = "schema")]
pub use schema::record_schema;
pub use schema::{SCHEMA_VERSION, SchemaVersion};
#[doc(hidden)]
#[cfg(feature = "schema")]
pub use schemars;
pub use secret::Secret;
pub use symptom::Symptom;
pub use tuple::Tuple;
pub use versions::Versions;
