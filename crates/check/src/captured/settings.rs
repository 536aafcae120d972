//! The settings of a captured host's kernel that decide about transfers: the lab's host has them, too.

use fwlab_classes::Setting;
use fwlab_fabric::{SysctlError, try_sysctls};
use fwlab_host::Host;
use fwlab_record::{Family, InterfaceName};

/// Those of a host as a whole. Timeouts are not among them: no transfer here comes near one.
const OF_A_HOST: [&str; 14] = [
    "net.ipv4.ip_forward",
    "net.ipv4.ip_forward_use_pmtu",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_no_pmtu_disc",
    "net.ipv4.tcp_ecn",
    "net.ipv4.tcp_mtu_probing",
    "net.ipv4.tcp_sack",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_window_scaling",
    "net.netfilter.nf_conntrack_helper",
    "net.netfilter.nf_conntrack_tcp_be_liberal",
    "net.netfilter.nf_conntrack_tcp_ignore_invalid_rst",
    "net.netfilter.nf_conntrack_tcp_loose",
];

/// Those of each interface, and of all of them.
const OF_AN_INTERFACE: [(&str, &str); 5] = [
    ("ipv4", "accept_local"),
    ("ipv4", "forwarding"),
    ("ipv4", "route_localnet"),
    ("ipv4", "rp_filter"),
    ("ipv6", "forwarding"),
];

/// The setting by which conntrack assigns its helpers by itself.
pub(super) const HELPER: &str = "net.netfilter.nf_conntrack_helper";

/// Whether packets of a family may pass through the host; nothing where that is not known.
pub(crate) fn forwards(host: &Host, family: Family) -> Option<bool> {
    let name = forwarding(family);
    let value = host.sysctls.get(name)?;
    Some(value != "0")
}

/// The setting by which a host forwards packets of a family.
pub(crate) fn forwarding(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "net.ipv4.ip_forward",
        Family::Ipv6 => "net.ipv6.conf.all.forwarding",
    }
}

/// The host's settings that decide, in order of their names.
pub(super) fn of(host: &Host) -> Vec<Setting> {
    let settings = host.sysctls.iter();
    settings
        .filter(|(_, value)| is_numbers(value))
        .filter_map(|(name, value)| {
            let interface = match OF_A_HOST.contains(&name.as_str()) {
                true => None,
                false => of_an_interface(name)?,
            };
            Some(Setting {
                name: name.clone(),
                value: value.clone(),
                interface,
            })
        })
        .collect()
}

/// Which interface a setting is of, nothing for all of them, if it is one that decides.
fn of_an_interface(name: &str) -> Option<Option<InterfaceName>> {
    let words: Vec<&str> = name.split('.').collect();
    let [_, family, "conf", of, what] = words[..] else {
        return None;
    };
    if !name.starts_with("net.") || !OF_AN_INTERFACE.contains(&(family, what)) {
        return None;
    }
    match of {
        "all" => Some(None),
        // A new interface begins with them, and those of the host have their own.
        "default" => None,
        // In a word, `/` stands for a dot.
        of => InterfaceName::new(of.replace('/', ".")).ok().map(Some),
    }
}

/// Numbers, or ranges of them, as in `8080,9000-9010`.
fn is_numbers(value: &str) -> bool {
    let mut words = value.split_whitespace().peekable();
    words.peek().is_some()
        && words.all(|word| {
            let mut numbers = word.split([',', '-']);
            numbers.all(|number| number.parse::<u32>().is_ok())
        })
}

/// Forgets those that this kernel does not take, and says which they are and why.
pub(super) fn forget_refused(host: &mut Host) -> Vec<(Setting, SysctlError)> {
    let settings = of(host);
    let named: Vec<(String, String)> = settings
        .iter()
        .map(|setting| (setting.name.clone(), setting.value.clone()))
        .collect();
    let interfaces: Vec<String> = settings
        .iter()
        .filter_map(|setting| Some(setting.interface.as_ref()?.as_str().to_owned()))
        .collect();
    let tried = settings.into_iter().zip(try_sysctls(&named, &interfaces));
    let refused: Vec<(Setting, SysctlError)> = tried
        .filter_map(|(setting, tried)| Some((setting, tried.err()?)))
        .collect();
    for (setting, _) in &refused {
        host.sysctls.remove(&setting.name);
    }
    refused
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_decides_is_taken_by_its_interface() {
        let sysctls = [
            ("net.ipv4.conf.all.rp_filter", "1"),
            ("net.ipv4.conf.default.rp_filter", "2"),
            ("net.ipv4.conf.eth0/100.rp_filter", "0"),
            ("net.ipv4.conf.eth0.tag", "0"),
            ("net.ipv4.ip_forward", "1"),
            ("net.ipv4.ip_local_port_range", "32768\t60999"),
            ("net.ipv4.ip_local_reserved_ports", ""),
            ("net.ipv4.tcp_ecn", "2; reboot"),
            ("net.ipv6.conf.eth0.forwarding", "1"),
            ("net.netfilter.nf_conntrack_max", "65536"),
        ];
        let host = Host {
            sysctls: BTreeMap::from(sysctls.map(|(name, value)| (name.into(), value.into()))),
            ..Host::default()
        };
        let found = of(&host);
        let found = found.iter().map(|setting| {
            let interface = setting.interface.as_ref();
            (setting.name.as_str(), interface.map(InterfaceName::as_str))
        });
        assert_eq!(
            found.collect::<Vec<_>>(),
            [
                ("net.ipv4.conf.all.rp_filter", None),
                ("net.ipv4.conf.eth0/100.rp_filter", Some("eth0.100")),
                ("net.ipv4.ip_forward", None),
                ("net.ipv4.ip_local_port_range", None),
                ("net.ipv6.conf.eth0.forwarding", Some("eth0")),
            ]
        );
        assert!(is_numbers("8080,9000-9010") && !is_numbers("8080,") && !is_numbers("a"));
    }
}
