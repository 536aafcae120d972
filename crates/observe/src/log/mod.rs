//! nfnetlink_log: what the kernel writes about single packets. Legacy's trace comes this way, and conntrack's own remarks.

mod bind;
mod record;

pub(crate) use bind::{GROUP, bind, unbind};
pub(crate) use record::Record;
