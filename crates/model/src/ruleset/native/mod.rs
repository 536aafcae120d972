//! Scripts of nft: read as far as the lab must, loaded as they are, and what the kernel then lists.
//!
//! A script is not parsed into rules: nft does that, and what it makes of it stands in the [`NativeListing`].
//! What is read of the text is its structure, which tells the line that each listed rule came from.

mod asks;
mod by_push;
mod calls;
mod complaint;
mod echo;
mod effect;
mod expression;
mod flowtables;
mod generate;
mod helpers;
mod listing;
mod of_iptables;
mod ports_apart;
mod purity;
mod script;
mod statements;
mod token;
mod unprinted;
mod users;
mod written;

pub use complaint::Complaint;
pub use echo::Echo;
pub use generate::generate;
pub use listing::{NativeChain, NativeListing, NativeListingError, NativeRule};
pub use purity::{NativeImpurity, NativePlace};
pub use script::NativeScript;

/// The table by which the lab marks the packets whose way it follows, of family `inet`. A script must not name it.
pub const LAB_TABLE: &str = "fwlab-observe";

/// Where the lab's trace begins, at the hooks prerouting and output: before raw (-300), behind the reassembly of
/// fragments (-400); see `enum nf_ip_hook_priorities`.
pub const LAB_PRIORITY: i32 = -350;
