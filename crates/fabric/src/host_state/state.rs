use std::collections::{BTreeMap, BTreeSet};

use super::connections::{Connection, connections};
use super::{links, processes, rules, settings};

/// What could be seen of the network namespace that the calling thread is in, and of
/// this process's descendants: taken before and after a lab, to prove that the lab
/// left nothing and changed nothing.
///
/// What an ordinary user may not see of the host (its rules, its connections) is not
/// in it; nor could that user's lab have changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostState {
    things: BTreeMap<Kind, BTreeSet<String>>,
    settings: BTreeMap<String, String>,
    connections: BTreeSet<Connection>,
    /// The host's own addresses and the networks on its links.
    networks: Vec<fwlab_model::IpNet>,
}

/// Kinds of things of which none may come and none may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Interface,
    Address,
    Route,
    Rule,
    NamedNamespace,
    Mount,
    Process,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Interface => "interface",
            Kind::Address => "address",
            Kind::Route => "route",
            Kind::Rule => "rule",
            Kind::NamedNamespace => "named namespace",
            Kind::Mount => "mount",
            Kind::Process => "process",
        }
    }
}

impl HostState {
    /// Looks at everything. It blocks, and runs the tools that list rules.
    pub fn capture() -> HostState {
        let (addresses, networks) = links::addresses();
        HostState {
            things: BTreeMap::from([
                (Kind::Interface, links::interfaces()),
                (Kind::Address, addresses),
                (Kind::Route, links::routes()),
                (Kind::Rule, rules::listings()),
                (Kind::NamedNamespace, processes::named_namespaces()),
                (Kind::Mount, processes::mounts()),
                (Kind::Process, processes::descendants()),
            ]),
            settings: settings::values(),
            connections: connections(),
            networks,
        }
    }

    /// What came, went or changed between this state and a later one, a line each;
    /// none when the host is untouched.
    pub fn differences(&self, later: &HostState) -> Vec<String> {
        let mut differences = Vec::new();
        for (kind, before) in &self.things {
            let after = &later.things[kind];
            for gone in before.difference(after) {
                // A child that was there before may end at any time.
                if *kind != Kind::Process {
                    differences.push(format!("{} gone: {gone}", kind.name()));
                }
            }
            for new in after.difference(before) {
                differences.push(format!("{} new: {new}", kind.name()));
            }
        }
        // A name that is on one side only is no change of a value: settings come with
        // interfaces, which are compared above, and with kernel modules, which the
        // kernel loads by itself when a lab's rules need them.
        for (name, before) in &self.settings {
            if let Some(after) = later.settings.get(name)
                && before != after
            {
                differences.push(format!("sysctl {name}: {before} became {after}"));
            }
        }
        // The host's own traffic comes and goes all the time. A connection between
        // two addresses that are neither the host's nor on its links cannot be its
        // own: it leaked from a lab.
        for connection in later.connections.difference(&self.connections) {
            let known = [connection.from, connection.to].iter().any(|address| {
                later
                    .networks
                    .iter()
                    .any(|network| network.contains(address))
            });
            if !known {
                differences.push(format!("connection new: {connection}"));
            }
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> HostState {
        let kinds = [
            Kind::Interface,
            Kind::Address,
            Kind::Route,
            Kind::Rule,
            Kind::NamedNamespace,
            Kind::Mount,
            Kind::Process,
        ];
        HostState {
            things: kinds.map(|kind| (kind, BTreeSet::new())).into(),
            settings: BTreeMap::new(),
            connections: BTreeSet::new(),
            networks: vec!["10.0.0.0/8".parse().unwrap()],
        }
    }

    fn with(kind: Kind, thing: &str) -> HostState {
        let mut state = empty();
        state.things.insert(kind, [thing.to_owned()].into());
        state
    }

    #[test]
    fn what_comes_and_what_goes_is_told() {
        assert_eq!(empty().differences(&empty()), Vec::<String>::new());
        let rule = with(Kind::Rule, "-A INPUT");
        assert_eq!(empty().differences(&rule), ["rule new: -A INPUT"]);
        assert_eq!(rule.differences(&empty()), ["rule gone: -A INPUT"]);
        let process = with(Kind::Process, "1 sleep");
        assert_eq!(empty().differences(&process), ["process new: 1 sleep"]);
        assert_eq!(process.differences(&empty()), Vec::<String>::new());
    }

    #[test]
    fn a_setting_counts_when_both_sides_have_it() {
        let set = |value: &str| {
            let mut state = empty();
            state.settings.insert("net.x".into(), value.into());
            state
        };
        assert_eq!(
            set("0").differences(&set("1")),
            ["sysctl net.x: 0 became 1"]
        );
        assert_eq!(empty().differences(&set("1")), Vec::<String>::new());
    }

    #[test]
    fn a_connection_counts_when_it_cannot_be_the_host_s_own() {
        let with = |from: &str| {
            let mut state = empty();
            state.connections.insert(Connection {
                protocol: 6,
                from: from.parse().unwrap(),
                from_port: 40000,
                to: "192.168.0.201".parse().unwrap(),
                to_port: 21,
            });
            state
        };
        assert_eq!(empty().differences(&with("10.1.1.1")), Vec::<String>::new());
        assert_eq!(empty().differences(&with("192.168.0.211")).len(), 1);
    }
}
