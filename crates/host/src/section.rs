use fwlab_record::{Backend, Family, words};

words! {
    /// What a part of the file is about. There are no others.
    pub enum SectionName {
        /// The host's name.
        Hostname,
        /// The kernel's name, release and machine.
        Kernel,
        /// `/etc/os-release`.
        System,
        /// When the host was read.
        Time,
        /// The versions of programs.
        Versions,
        /// Rules of iptables-nft for IPv4.
        IptablesNft,
        /// Rules of iptables-nft for IPv6.
        Ip6tablesNft,
        /// Rules of iptables-legacy for IPv4.
        IptablesLegacy,
        /// Rules of iptables-legacy for IPv6.
        Ip6tablesLegacy,
        /// The ruleset of nft.
        Nft,
        /// Sets of ipset.
        Ipset,
        /// Interfaces.
        Links,
        /// Their addresses.
        Addresses,
        /// The main table of routes of IPv4.
        Routes,
        /// The main table of routes of IPv6.
        Routes6,
        /// Which table of routes is used when, for IPv4.
        Rules,
        /// The same for IPv6.
        Rules6,
        /// Settings below `net`.
        Sysctls,
        /// The kernel's modules for packets.
        Modules,
        /// Their parameters.
        Parameters,
        /// A file of an FTP server's settings.
        FtpConfig,
        /// Sockets that wait for FTP.
        Listening,
    }
}

impl SectionName {
    /// Whether a file can have several: one for each of a server's files.
    pub(crate) fn can_repeat(self) -> bool {
        self == SectionName::FtpConfig
    }

    /// Whether it is kept as text, and not taken apart.
    pub(crate) fn is_text(self) -> bool {
        use SectionName::{FtpConfig, Ipset, Nft};
        self.iptables().is_some() || matches!(self, Nft | Ipset | FtpConfig)
    }

    /// The loader and the family of a dump of iptables.
    pub fn iptables(self) -> Option<(Backend, Family)> {
        match self {
            SectionName::IptablesNft => Some((Backend::Nft, Family::Ipv4)),
            SectionName::Ip6tablesNft => Some((Backend::Nft, Family::Ipv6)),
            SectionName::IptablesLegacy => Some((Backend::Legacy, Family::Ipv4)),
            SectionName::Ip6tablesLegacy => Some((Backend::Legacy, Family::Ipv6)),
            _ => None,
        }
    }

    /// What a message calls it, after the program that rules of this kind come from.
    pub(crate) fn title(self) -> &'static str {
        match self {
            SectionName::IptablesNft => "iptables-save (nft)",
            SectionName::Ip6tablesNft => "ip6tables-save (nft)",
            SectionName::IptablesLegacy => "iptables-save (legacy)",
            SectionName::Ip6tablesLegacy => "ip6tables-save (legacy)",
            SectionName::Nft => "nft list ruleset",
            SectionName::Ipset => "ipset save",
            other => other.word(),
        }
    }
}
