/// What an [`Observer`](crate::Observer) does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObserverSettings {
    /// TCP ports whose flows are traced and captured in full.
    pub control_ports: Vec<u16>,
    /// The size of each socket's receive buffer in bytes. Outside root's own user namespace the kernel caps it at
    /// `net.core.rmem_max` (about 200 kB), whatever stands here.
    pub receive_buffer: usize,
    /// Act as if the kernel had not these features.
    pub pretend_without: Vec<Newer>,
}

impl Default for ObserverSettings {
    /// FTP knows nothing of this crate nor this crate of FTP: no control ports; 32 MiB, which lost none of 20,000 SYNs in a debug build beside other work.
    fn default() -> Self {
        Self {
            control_ports: Vec::new(),
            receive_buffer: 32 << 20,
            pretend_without: Vec::new(),
        }
    }
}

/// Features that kernels got after 5.10. Each is used where it is found, and nothing needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Newer {
    /// The trace tells a packet's conntrack entry: nft's from 6.17 on, legacy's where the kernel was
    /// built with `CONFIG_NETFILTER_NETLINK_GLUE_CT`. Without it, take the conntrack events, or the tuple.
    TraceConntrack,
    /// A table can belong to a socket (5.12), so that the lab's own survives `flush ruleset`.
    /// Without it, load the ruleset before the observer starts.
    OwnedTable,
}
