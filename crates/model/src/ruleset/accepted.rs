//! What a policy accepts of TCP, whichever language its rules are written in.

use super::only::PortRange;
use super::policy::{Active, Passive, Policy, Side};
use super::tables::Hook;

/// Packets of TCP that a rule accepts.
pub(super) struct Accepted {
    /// Where.
    pub(super) hook: Hook,
    pub(super) from: Option<PortRange>,
    pub(super) to: Option<PortRange>,
    /// What conntrack calls them.
    pub(super) states: &'static [&'static str],
    /// Whether they are of a connection that FTP's helper expected.
    pub(super) by_helper: bool,
}

impl Accepted {
    /// Whether they open connections, whoever sends them.
    pub(super) fn opens(&self) -> bool {
        self.states.contains(&"NEW")
    }
}

/// Which way a packet goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

const HIGH: PortRange = (1024, u16::MAX);
const NEW: &[&str] = &["NEW", "ESTABLISHED"];
const NEW_OR_RELATED: &[&str] = &["NEW", "RELATED", "ESTABLISHED"];
const RELATED: &[&str] = &["RELATED", "ESTABLISHED"];
const ESTABLISHED: &[&str] = &["ESTABLISHED"];

/// The fewest rules of TCP that hold a policy, in order.
pub(super) fn accepted(policy: &Policy) -> Vec<Accepted> {
    let mut found = Vec::new();
    let mut pass = |way, [from, to]: [Option<PortRange>; 2], states, by_helper| {
        found.push(Accepted {
            hook: hook(policy.firewall, way),
            from,
            to,
            states,
            by_helper,
        });
    };
    let control = Some((policy.control_port, policy.control_port));
    pass(Way::ToServer, [None, control], NEW, false);
    pass(Way::ToClient, [control, None], ESTABLISHED, false);
    if policy.active() {
        let source = policy.data_source_port.map(|port| (port, port));
        let (states, by_helper) = match policy.active {
            Active::Stateful => (RELATED, true),
            Active::StaticPort if policy.helper => (NEW_OR_RELATED, false),
            Active::StaticPort => (NEW, false),
        };
        pass(Way::ToClient, [source, Some(HIGH)], states, by_helper);
        pass(Way::ToServer, [Some(HIGH), source], ESTABLISHED, by_helper);
    }
    match &policy.passive {
        _ if !policy.passive() => {}
        Passive::Stateful => {
            pass(Way::ToServer, [Some(HIGH), Some(HIGH)], RELATED, true);
            pass(Way::ToClient, [Some(HIGH), Some(HIGH)], ESTABLISHED, true);
        }
        Passive::StaticRange(range) if range.is_empty() => {}
        Passive::StaticRange(range) => {
            let range = Some((*range.start(), *range.end()));
            // With a helper the connection is RELATED, without one NEW.
            let states = if policy.helper { NEW_OR_RELATED } else { NEW };
            pass(Way::ToServer, [None, range], states, false);
            pass(Way::ToClient, [range, None], ESTABLISHED, false);
        }
    }
    found
}

fn hook(firewall: Side, way: Way) -> Hook {
    match (firewall, way) {
        (Side::Client, Way::ToServer) | (Side::Server, Way::ToClient) => Hook::Output,
        (Side::Client, Way::ToClient) | (Side::Server, Way::ToServer) => Hook::Input,
        (Side::Gateway, _) => Hook::Forward,
    }
}
