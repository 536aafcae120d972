//! The network of a firewall that is known.

use std::net::IpAddr;

use fwlab_model::IpNet;
use fwlab_model::ruleset::Addresses;
use fwlab_record::{Family, InterfaceName};

/// The interfaces, addresses and routes of the host that the firewall is on.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Its interfaces that peers can be on, each with its addresses.
    pub interfaces: Vec<(InterfaceName, Vec<IpNet>)>,
    /// The largest packet of its interfaces, in bytes.
    pub mtus: Vec<(InterfaceName, u32)>,
    /// Its routes: where packets for a prefix leave.
    pub routes: Vec<(IpNet, InterfaceName)>,
    /// Which addresses are behind which interface, as numbers: ranges that do not overlap.
    pub behind: Vec<Behind>,
    /// Settings of its kernel.
    pub sysctls: Vec<Setting>,
}

/// A setting of a host's kernel (sysctl).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its dotted name; in a word, `/` stands for a dot.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The interface that it is of; nothing where it is of the host.
    pub interface: Option<InterfaceName>,
}

/// Addresses of a family that are behind an interface.
#[derive(Debug, Clone)]
pub struct Behind {
    /// The interface.
    pub interface: InterfaceName,
    /// The family.
    pub family: Family,
    /// The first and the last.
    pub range: (u128, u128),
}

impl Network {
    /// The interface that an address is behind.
    pub fn towards(&self, address: IpAddr) -> Option<InterfaceName> {
        let number = Addresses::number(address);
        let mut behind = self.behind.iter();
        let found = behind.find(|one| {
            one.family == Family::of(address) && (one.range.0..=one.range.1).contains(&number)
        });
        found.map(|one| one.interface.clone())
    }

    /// The addresses of an interface in a family.
    pub(crate) fn on(&self, interface: &InterfaceName, family: Family) -> Vec<IpNet> {
        let mut interfaces = self.interfaces.iter();
        let found = interfaces.find(|(name, _)| name == interface);
        let addresses = found
            .map(|(_, addresses)| addresses.iter())
            .into_iter()
            .flatten();
        let of_family = addresses.filter(|net| Family::of(net.addr()) == family);
        of_family.copied().collect()
    }

    /// The interfaces that have addresses of a family.
    pub(crate) fn spoken(&self, family: Family) -> impl Iterator<Item = &InterfaceName> {
        let names = self.interfaces.iter().map(|(name, _)| name);
        names.filter(move |name| !self.on(name, family).is_empty())
    }

    /// Its own addresses of a family, each with its interface.
    pub(crate) fn own(&self, family: Family) -> impl Iterator<Item = (&InterfaceName, IpAddr)> {
        self.spoken(family).flat_map(move |name| {
            let addresses = self.on(name, family).into_iter();
            addresses.map(move |net| (name, net.addr()))
        })
    }
}
