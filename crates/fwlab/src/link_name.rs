//! Which of the interfaces that rules name the lab's own link is.

use std::collections::BTreeSet;

use fwlab_record::InterfaceName;

/// What rules say of the interface that peers come in on, where the lab has one link.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LinkName {
    /// They name none, or what they name is no name.
    Unnamed,
    /// They name one: the lab's link takes its name.
    Named(InterfaceName),
    /// They name one that is for containers, guests or a tunnel, and no host's way to the network. The lab's link is
    /// another, that they do not name.
    Virtual(String),
    /// They name several.
    Several(Vec<String>),
}

/// How the names of interfaces begin that a program makes for its containers, guests and tunnels.
const VIRTUAL: [&str; 21] = [
    "br-",
    "cali",
    "cilium",
    "cni",
    "docker",
    "dummy",
    "flannel",
    "ifb",
    "kube-",
    "lxcbr",
    "lxdbr",
    "nodelocaldns",
    "podman",
    "sit",
    "tap",
    "tun",
    "veth",
    "virbr",
    "vnet",
    "weave",
    "wg",
];

impl LinkName {
    /// Of the interfaces that rules name, `eth+` or `eth*` for all that begin so.
    pub(crate) fn of(named: &BTreeSet<String>) -> LinkName {
        let used: Vec<&String> = named.iter().filter(|name| *name != "lo").collect();
        let [only] = used[..] else {
            return match used.is_empty() {
                true => LinkName::Unnamed,
                false => LinkName::Several(used.into_iter().cloned().collect()),
            };
        };
        let begin = only.trim_end_matches(['+', '*']);
        if VIRTUAL.iter().any(|known| begin.starts_with(known)) {
            return LinkName::Virtual(only.clone());
        }
        let name = if begin == only.as_str() {
            begin.to_owned()
        } else {
            format!("{begin}0")
        };
        InterfaceName::new(name).map_or(LinkName::Unnamed, LinkName::Named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> LinkName {
        LinkName::of(&names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn named(name: &str) -> LinkName {
        LinkName::Named(InterfaceName::new(name).expect("a name"))
    }

    #[test]
    fn the_link_is_named_as_the_only_interface() {
        assert_eq!(of(&[]), LinkName::Unnamed);
        assert_eq!(of(&["lo"]), LinkName::Unnamed);
        assert_eq!(of(&["lo", "ens3"]), named("ens3"));
        assert_eq!(of(&["eth+"]), named("eth0"));
        assert_eq!(of(&["eth*"]), named("eth0"));
        let several = vec!["eth0".to_owned(), "eth1".to_owned()];
        assert_eq!(of(&["eth1", "eth0"]), LinkName::Several(several));
    }

    #[test]
    fn a_bridge_of_containers_is_not_the_way_to_the_network() {
        for name in ["docker0", "virbr0", "br-3f2a", "tun+", "wg0"] {
            assert_eq!(of(&[name]), LinkName::Virtual(name.to_owned()));
        }
        assert_eq!(of(&["br0"]), named("br0"));
    }
}
