use std::fmt;

/// Something that a kernel may or may not do for a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ability {
    /// Set what a network namespace has for itself (`/proc/sys/net`).
    Settings,
    /// Start programs in a root file system of their own.
    Programs,
    /// Load rules through `iptables-nft-restore`.
    NftRules,
    /// Load rules through `iptables-legacy-restore`.
    LegacyRules,
    /// Trace packets through nf_tables rules (`meta nftrace`).
    PacketTrace,
    /// Receive log messages in user space (nflog): how legacy rules are traced.
    PacketLog,
    /// Follow FTP's control connection (`nf_conntrack_ftp`).
    FtpHelper,
    /// Tell of connections as they come and go (`nf_conntrack_events`).
    ConntrackEvents,
    /// End a socket from outside (`SOCK_DESTROY`).
    SocketDestroy,
}

impl Ability {
    /// All of them.
    pub const ALL: [Ability; 9] = [
        Ability::Settings,
        Ability::Programs,
        Ability::NftRules,
        Ability::LegacyRules,
        Ability::PacketTrace,
        Ability::PacketLog,
        Ability::FtpHelper,
        Ability::ConntrackEvents,
        Ability::SocketDestroy,
    ];

    /// Whether no lab works without it.
    pub fn is_needed(self) -> bool {
        matches!(self, Ability::Settings | Ability::Programs)
    }

    /// The kernel's option for it.
    pub fn option(self) -> &'static str {
        match self {
            Ability::Settings => "CONFIG_SYSCTL",
            Ability::Programs => "CONFIG_NAMESPACES",
            Ability::NftRules => "CONFIG_NFT_COMPAT",
            Ability::LegacyRules => "CONFIG_IP_NF_IPTABLES_LEGACY",
            Ability::PacketTrace => "CONFIG_NF_TABLES_INET",
            Ability::PacketLog => "CONFIG_NETFILTER_NETLINK_LOG",
            Ability::FtpHelper => "CONFIG_NF_CONNTRACK_FTP",
            Ability::ConntrackEvents => "CONFIG_NF_CONNTRACK_EVENTS",
            Ability::SocketDestroy => "CONFIG_INET_DIAG_DESTROY",
        }
    }

    /// The kernel's modules for it, for a machine that does not load modules for
    /// ordinary users; none where it is never a module.
    pub(crate) fn modules(self) -> &'static [&'static str] {
        match self {
            Ability::Settings | Ability::Programs => &[],
            Ability::NftRules => &["nf_tables", "nft_compat"],
            Ability::LegacyRules => &["iptable_filter", "ip6table_filter"],
            Ability::PacketTrace => &["nf_tables"],
            Ability::PacketLog => &["nfnetlink_log"],
            Ability::FtpHelper => &["nf_conntrack_ftp", "nft_ct"],
            Ability::ConntrackEvents => &["nf_conntrack_netlink"],
            Ability::SocketDestroy => &["tcp_diag"],
        }
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ability::Settings => "settings of network namespaces",
            Ability::Programs => "programs in a root of their own",
            Ability::NftRules => "iptables rules as nf_tables",
            Ability::LegacyRules => "iptables rules as xtables",
            Ability::PacketTrace => "packet trace",
            Ability::PacketLog => "packet log",
            Ability::FtpHelper => "FTP connection tracking helper",
            Ability::ConntrackEvents => "connection tracking events",
            Ability::SocketDestroy => "ending sockets from outside",
        })
    }
}
