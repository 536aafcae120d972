//! Ruleset text: parsed, rendered, generated, classified and compared.
//!
//! | to | there is |
//! | --- | --- |
//! | read a dump or pasted commands | [`parse`], [`recognise`] |
//! | say what is wrong with it, all at once | [`Mistakes`], [`Mistake`] |
//! | hand it to `iptables-restore` | [`Ruleset::render`] |
//! | find the line that the loader complains about | [`Rendered::complaints`] |
//! | read back what the kernel has | [`Listing::parse`] |
//! | know which line each loaded rule came from | [`correspond`] |
//! | know whether rules depend on addresses and states alone | [`Ruleset::impurities`] |
//! | make rules for a policy | [`generate`] |
//! | read a script of nft, and what the kernel made of it | [`native`] |
//! | put rules onto other interfaces, or add a helper | [`Ruleset::rename_interfaces`], [`Ruleset::with_helper`] |
//!
//! ```
//! use fwlab_record::Family;
//! use fwlab_model::ruleset::{Source, parse};
//!
//! let source = Source::new("pasted", "# iptables -P INPUT DROP\n# iptables -A INPUT -p tcp --sport 21 -j ACCEPT\n");
//! let ruleset = parse(&source, Family::Ipv4).unwrap().ruleset;
//! let rendered = ruleset.render(Family::Ipv4);
//! assert_eq!(rendered.text(), "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --sport 21 -j ACCEPT\nCOMMIT\n");
//! assert_eq!(rendered.source_line(3).unwrap().line, 2);
//! ```

mod apply;
mod builder;
mod by_port;
mod by_push;
mod chains;
mod check;
mod check_value;
mod commands;
mod complaint;
mod core;
mod correspond;
mod cycle;
mod dump_family;
mod expand;
mod extension;
mod faults;
mod generate;
mod helper;
mod jumps;
mod listing;
mod lookalike;
mod misplaced;
mod mistake;
pub mod native;
mod only;
mod parse;
mod pasted;
mod policy;
mod prompt;
mod prose;
mod purity;
mod quoting;
mod reached;
mod render;
mod rule;
mod same;
mod saved;
mod shell;
mod statement;
mod suggest;
mod tables;
mod text;
mod transform;
mod value;
mod walk;

pub use by_port::ByPort;
pub use by_push::ByPush;
pub use complaint::Complaint;
pub use correspond::{Correspondence, Difference, DifferenceKind, correspond};
pub use dump_family::dump_family;
pub use generate::generate;
pub use listing::{ListedChain, ListedRule, Listing, ListingError};
pub use mistake::{MISTAKES_TOLD, Mistake, MistakeKind, Mistakes, Note, unquoted};
pub use only::Only;
pub use parse::{Format, Parsed, parse, recognise};
pub use policy::{DefaultPolicy, Passive, Policy, RejectWith, Side};
pub use purity::{Dependence, Impurity};
pub use render::Rendered;
pub use rule::{Chain, Rule, Ruleset, SameFamily, Table};
pub use tables::{ChainPolicy, Hook, TableName};
pub use text::{Source, SourceLine, SourceText};
