//! Ruleset text: parsed, rendered, generated, classified and compared.
//!
//! | to | there is |
//! | --- | --- |
//! | read a dump or pasted commands | [`parse`], [`recognise`] |
//! | say what is wrong with it, all at once | [`Mistakes`], [`Mistake`] |
//! | hand it to `iptables-restore`, and know what that refuses and why | [`Attempt`] |
//! | read back what the kernel has | [`Listing::parse`] |
//! | know which line each loaded rule came from | [`Attempt::correspond`] |
//! | know whether rules depend on addresses and states alone | [`Listing::impurities`] |
//! | know which hosts rules tell apart | [`Listing::told`], [`native::NativeListing::told`] |
//! | know what each rule asks that a transfer can meet | [`Listing::asks`], [`native::NativeListing::asks`] |
//! | make rules for a policy | [`generate`], [`native::generate`] |
//! | read a script of nft, and what the kernel made of it | [`native`] |
//! | put rules onto other interfaces, or add a helper | [`Ruleset::rename_interfaces`], [`Ruleset::with_helper`] |
//!
//! ```
//! use fwlab_record::Family;
//! use fwlab_model::ruleset::{Source, parse};
//!
//! let source = Source::new("pasted", "# iptables -P INPUT DROP\n# iptables -A INPUT -p tcp --sport 21 -j ACCEPT\n");
//! let ruleset = parse(&source, Family::Ipv4).ruleset;
//! assert_eq!(ruleset.render(Family::Ipv4), "*filter\n-P INPUT DROP\n-A INPUT -p tcp --sport 21 -j ACCEPT\nCOMMIT\n");
//! assert_eq!(ruleset.commands(Family::Ipv4)[1].source().unwrap().line, 2);
//! ```

mod accepted;
mod apart;
mod around;
mod asks;
mod attempt;
mod beside;
mod both_families;
mod by_port;
mod by_push;
mod command;
mod commands;
mod complaint;
mod constants;
mod core;
mod correspond;
mod dump_family;
mod extension;
mod faults;
mod fence;
mod free_text;
mod front_end;
mod generate;
mod helper;
mod helpers;
mod heredoc;
mod html;
mod input;
mod listing;
mod lookalike;
mod missing_sets;
mod mistake;
mod nat;
pub mod native;
mod number;
mod only;
mod over_lines;
mod parse;
mod pasted;
mod place;
mod policy;
mod prompt;
mod purity;
mod quotation;
mod quoting;
mod reached;
mod reading;
mod refusal;
mod refused;
mod root_prompt;
mod rules;
mod rules_files;
mod saved;
mod script;
mod sets;
mod shell;
mod split_option;
mod statement;
mod suggest;
mod tables;
mod template;
mod text;
mod transform;
mod unrelated;
mod users;
mod walk;

pub use apart::{Addresses, Condition, Told};
pub use around::around_notes;
pub use asks::Asks;
pub use attempt::{Attempt, Next};
pub use both_families::by_family;
pub use by_port::{ByPort, PortEnd};
pub use by_push::ByPush;
pub use command::Command;
pub use correspond::{Correspondence, Difference, DifferenceKind};
pub use dump_family::dump_family;
pub use generate::{generate, generate_commands, generate_translating};
pub use input::Input;
pub use listing::{ListedChain, ListedRule, Listing, ListingError};
pub use mistake::{MISTAKES_TOLD, Mistake, MistakeKind, Mistakes, Note, unquoted};
pub use nat::Nat;
pub use only::Only;
pub use parse::{Format, Parsed, parse, recognise, why_empty};
pub use policy::{Active, DefaultPolicy, Passive, Policy, RejectWith, Side};
pub use purity::{Dependence, Impurity};
pub use rules::{Ruleset, SameFamily};
pub use sets::Sets;
pub use suggest::nearest;
pub use tables::{ChainPolicy, Hook, TableName};
pub use text::{Source, SourceLine, SourceText};
