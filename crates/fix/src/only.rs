//! For whom alone a rule is.

use std::collections::BTreeSet;

use fwlab_model::IpNet;
use fwlab_model::ruleset::Hook;
use fwlab_record::InterfaceName;

/// Peers that a rule is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Only {
    /// Whether packets to them are meant, and not those from them.
    pub leaving: bool,
    /// The interface that they are on.
    pub interface: Option<InterfaceName>,
    /// Their address, or their network.
    pub address: Option<IpNet>,
    /// On a router: the interface that the other end is on.
    pub far_interface: Option<InterfaceName>,
    /// The address of the other end, or its network.
    pub far_address: Option<IpNet>,
}

impl Only {
    /// The same for a chain that is reached from these hooks: a packet that comes in has no interface yet that it leaves by, and one that
    /// leaves the host has none that it came by. iptables refuses a rule that asks for it.
    #[must_use]
    pub fn fitting(mut self, hooks: &BTreeSet<Hook>) -> Only {
        let knows =
            |any_of: [Hook; 3]| hooks.is_empty() || any_of.iter().any(|hook| hooks.contains(hook));
        let comes = knows([Hook::Prerouting, Hook::Input, Hook::Forward]);
        let leaves = knows([Hook::Forward, Hook::Output, Hook::Postrouting]);
        let (near, far) = match self.leaving {
            false => (comes, leaves),
            true => (leaves, comes),
        };
        self.interface = self.interface.filter(|_| near);
        self.far_interface = self.far_interface.filter(|_| far);
        self
    }

    /// As iptables writes it, with a blank behind it.
    pub(crate) fn of_iptables(&self) -> String {
        self.in_words(
            |option, name| format!("{option} {name} "),
            |option, one| format!("{option} {} ", written(one)),
        )
    }

    /// The same as nft writes it.
    pub(crate) fn of_nft(&self) -> String {
        let word = |option: &str| match option {
            "-i" => "iifname",
            "-o" => "oifname",
            "-s" => "saddr",
            _ => "daddr",
        };
        self.in_words(
            |option, name| format!("{} \"{name}\" ", word(option)),
            |option, one| {
                let family = if one.addr().is_ipv4() { "ip" } else { "ip6" };
                format!("{family} {} {} ", word(option), written(one))
            },
        )
    }

    /// The interfaces and addresses that it names, by the options that iptables has for them.
    fn in_words(
        &self,
        interface: impl Fn(&str, &InterfaceName) -> String,
        address: impl Fn(&str, IpNet) -> String,
    ) -> String {
        let [near, far] = self.ends();
        let on = |option, name: &Option<InterfaceName>| {
            name.as_ref().map(|name| interface(option, name))
        };
        let of = |option, one: Option<IpNet>| one.map(|one| address(option, one));
        let parts = [
            on(near.0, &self.interface),
            on(far.0, &self.far_interface),
            of(near.1, self.address),
            of(far.1, self.far_address),
        ];
        parts.into_iter().flatten().collect()
    }

    /// The options of iptables for the interface and the address of either end.
    fn ends(&self) -> [(&'static str, &'static str); 2] {
        match self.leaving {
            false => [("-i", "-s"), ("-o", "-d")],
            true => [("-o", "-d"), ("-i", "-s")],
        }
    }
}

/// A network, or the one address that it is.
fn written(net: IpNet) -> String {
    match net.prefix_len() == net.max_prefix_len() {
        true => net.addr().to_string(),
        false => net.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_asked_for_what_its_packets_have() {
        let name = |name: &str| InterfaceName::new(name).ok();
        let only = Only {
            interface: name("wan"),
            far_interface: name("lan"),
            ..Only::default()
        };
        let asked = |leaving, hooks: &[Hook]| {
            let only = Only {
                leaving,
                ..only.clone()
            };
            let hooks = hooks.iter().copied().collect();
            only.fitting(&hooks).of_iptables()
        };
        assert_eq!(asked(false, &[Hook::Forward]), "-i wan -o lan ");
        assert_eq!(asked(false, &[]), "-i wan -o lan ");
        assert_eq!(asked(false, &[Hook::Input]), "-i wan ");
        assert_eq!(asked(false, &[Hook::Prerouting]), "-i wan ");
        assert_eq!(
            asked(false, &[Hook::Input, Hook::Forward]),
            "-i wan -o lan "
        );
        assert_eq!(asked(false, &[Hook::Postrouting]), "-o lan ");
        assert_eq!(asked(true, &[Hook::Output]), "-o wan ");
    }
}
