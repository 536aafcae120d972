use std::{fmt, io};

use fwlab_fabric::NodeGone;
use fwlab_record::NodeName;
use nix::errno::Errno;

/// The kernel's evidence cannot be had, or no more.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// A system call failed.
    #[error("in node `{node}`: {step}{}", Hint(*step, *source))]
    Kernel {
        /// The node.
        node: NodeName,
        /// What was being done.
        step: Step,
        /// What the kernel answered.
        source: Errno,
    },
    /// The node's thread has ended.
    #[error(transparent)]
    NodeGone(#[from] NodeGone),
    /// The observer's task on the node's thread has ended: the node is being taken down.
    #[error("the observer of node `{node}` has ended")]
    Ended {
        /// The node.
        node: NodeName,
    },
}

/// What the kernel answered.
pub(crate) fn errno(error: io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}

/// What an observer was doing when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Opening a netlink socket of netfilter.
    OpenNetfilter,
    /// Subscribing to trace, conntrack and expectation events.
    Subscribe,
    /// Taking legacy's trace from nfnetlink_log, group 0.
    BindLog,
    /// Loading the lab's own table.
    LoadTable,
    /// Adding the rule that traces every packet.
    TraceEverything,
    /// Opening the packet socket.
    OpenCapture,
    /// Filtering the packet socket.
    FilterCapture,
    /// Setting the size of a receive buffer.
    SizeBuffer,
    /// Waiting for a socket.
    Register,
    /// Listing the rules of nf_tables.
    ListRules,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::OpenNetfilter => "opening a netfilter socket",
            Step::Subscribe => "subscribing to trace and conntrack events",
            Step::BindLog => "taking legacy's trace from nfnetlink_log group 0",
            Step::LoadTable => "loading the lab's own nf_tables table",
            Step::TraceEverything => "adding the rule that traces every packet",
            Step::OpenCapture => "opening a packet socket",
            Step::FilterCapture => "attaching a filter to the packet socket",
            Step::SizeBuffer => "setting the size of a receive buffer",
            Step::Register => "registering a socket with the node's runtime",
            Step::ListRules => "listing the rules of nf_tables",
        })
    }
}

/// What to do about a failure, where that is known.
struct Hint(Step, Errno);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hint(step, errno) = self;
        let hint = match (step, errno) {
            // The kernel's words for a group that is bound to another socket.
            (Step::BindLog, Errno::EPERM | Errno::EBUSY) => {
                "another observer or another process, such as ulogd, has taken it in this namespace: end that first"
            }
            (_, Errno::EPERM | Errno::EACCES) => {
                "no CAP_NET_ADMIN or CAP_NET_RAW in this network namespace: run as root, or where user namespaces are allowed"
            }
            (_, Errno::EMFILE | Errno::ENFILE) => "too many open files: raise `ulimit -n`",
            (Step::OpenNetfilter, _) => "load the kernel module nfnetlink",
            (Step::BindLog, _) => "load the kernel module nfnetlink_log",
            (Step::LoadTable, _) => {
                "load the kernel modules nf_tables, nft_limit and, before Linux 5.17, nft_counter"
            }
            (Step::OpenCapture, Errno::EAFNOSUPPORT) => "load the kernel module af_packet",
            _ => return Ok(()),
        };
        write!(f, " ({hint})")
    }
}
