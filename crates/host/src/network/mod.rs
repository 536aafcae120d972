//! Links, addresses, routes and policy rules, from what `ip` answers: in its JSON, and as people read it, from iproute2 and
//! from busybox; and from the script itself, in the same words, where there is no `ip`.

mod address;
mod answer;
mod link;
mod lookup;
mod policy;
mod route;

pub use address::Address;
pub(crate) use answer::Answered;
pub use link::Link;
pub use policy::PolicyRule;
pub use route::{Hop, Route, RouteKind};
