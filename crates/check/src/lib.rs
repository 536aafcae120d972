//! From the files of a host to the transfers that show whom its rules let through.
//!
//! What `fwlab check`, `diff`, `fix`, `lint`, `explain` and the library's `Host` have in common. Nothing is
//! printed here: what there is to say is in [`Messages`], even if something is refused.
//!
//! | to | there is |
//! | --- | --- |
//! | read a host's files, recognising each by its content | [`read_files`], [`HostFiles`] |
//! | say where they are tried, on whom, and how | [`Terms`] |
//! | have both, with the server's settings | [`Subject`] |
//! | divide the host's peers into classes | [`Subject::told`], [`Subject::classes`] |
//! | have the cells of all classes | [`Subject::trial`] |

mod alike;
mod asked_families;
mod both_backends;
mod captured;
mod elsewhere;
mod expectation;
mod forwarded;
mod forwarded_range;
mod forwards;
mod given;
mod host_files;
mod includes;
mod listening;
mod messages;
mod opened;
mod peers;
mod proving;
mod question;
mod runs_own;
mod server_files;
mod serving;
mod sets;
mod starting;
mod subject;
mod terms;
mod transfers;
mod tried;

pub use expectation::{Expectation, all_known, all_settled, all_there};
pub use host_files::{Backends, HostFiles, read as read_files};
pub use messages::{Message, Messages};
pub use peers::everybody;
pub use server_files::are_given as has_server_settings;
pub use serving::Serving;
pub use sets::GivenSet;
pub use subject::{OfFamilies, Subject, Trial};
pub use terms::{At, ServerOptions, Terms, Whom};
pub use transfers::Transfers;
pub use tried::{OfClass, Tried, described, grouped};
