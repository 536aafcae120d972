use std::net::IpAddr;

use fwlab_model::IpNet;
use fwlab_record::InterfaceName;
use serde::Deserialize;

use super::answer::Answered;
use super::link::interface;
use crate::reading::Reading;

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The interface.
    pub interface: InterfaceName,
    /// The address, with the length of its network's prefix.
    pub net: IpNet,
    /// The other end's, where the two are a network of their own.
    pub peer: Option<IpNet>,
    /// Whether it stands behind another of its network.
    pub is_secondary: bool,
}

impl Address {
    /// The network that can be reached by it.
    pub fn network(&self) -> IpNet {
        self.peer.unwrap_or(self.net).trunc()
    }
}

#[derive(Deserialize)]
struct JsonLink {
    ifname: Option<InterfaceName>,
    #[serde(default)]
    addr_info: Vec<JsonAddress>,
}

#[derive(Deserialize)]
struct JsonAddress {
    local: Option<IpAddr>,
    /// The other end's.
    address: Option<IpAddr>,
    prefixlen: Option<u8>,
    #[serde(default)]
    secondary: bool,
}

impl Answered<'_> {
    pub(crate) fn addresses(&self, reading: &mut Reading<'_>) -> Vec<Address> {
        if self.is_json() {
            let links: Vec<JsonLink> = self.json(reading);
            return links
                .into_iter()
                .filter_map(|link| Some((link.ifname?, link.addr_info)))
                .flat_map(|(name, infos)| infos.into_iter().map(move |info| (name.clone(), info)))
                .filter_map(|(name, info)| self.address_of(reading, name, &info))
                .collect();
        }
        let mut addresses = Vec::new();
        let mut current: Option<InterfaceName> = None;
        for (line, text) in self.text() {
            if !text.starts_with([' ', '\t']) {
                let name = interface(&text).map(|(name, _)| name);
                current = name.and_then(|name| self.valid(reading, line, name, "interface name"));
                if name.is_none() {
                    self.not_understood(reading, line, &text);
                }
                continue;
            }
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            if let (["inet" | "inet6", net, rest @ ..], Some(interface)) = (&words[..], &current) {
                let Some(net) = self.net(reading, line, net) else {
                    continue;
                };
                let peer = match rest {
                    ["peer", peer, ..] => self.net(reading, line, peer),
                    _ => None,
                };
                addresses.push(Address {
                    interface: interface.clone(),
                    net,
                    peer,
                    is_secondary: rest.contains(&"secondary"),
                });
            }
        }
        addresses
    }

    fn address_of(
        &self,
        reading: &mut Reading<'_>,
        interface: InterfaceName,
        info: &JsonAddress,
    ) -> Option<Address> {
        let (local, length) = (info.local?, info.prefixlen?);
        let with_length = |address: IpAddr| IpNet::new(address, length).ok();
        let Some(net) = with_length(local) else {
            let message = format!("{local}/{length} is not a network");
            self.mistake(reading, self.begins, &message);
            return None;
        };
        // In words the length stands behind the peer, and the address is one alone.
        let peer = info.address.and_then(with_length);
        Some(Address {
            interface,
            net: if peer.is_some() { local.into() } else { net },
            peer,
            is_secondary: info.secondary,
        })
    }
}
