//! What stops a packet is named: node, backend, table, chain, and rule or policy.

use std::net::SocketAddr;

use fwlab_record::{Backend, Family, Packet};

use crate::lab::{self, Lab, PORT, in_lab};
use crate::watch::{Stop, Watch, stopped_syn};

/// A ruleset that stops a SYN from the client to the server.
struct Case {
    node: &'static str,
    rules: &'static str,
    place: &'static str,
}

const CASES: [Case; 14] = [
    Case {
        node: "server",
        rules: "*filter\n:INPUT DROP [0:0]\nCOMMIT\n",
        place: "filter/INPUT policy",
    },
    Case {
        node: "server",
        rules: "*filter\n-A INPUT -p tcp --dport 7777 -j DROP\nCOMMIT\n",
        place: "filter/INPUT rule 1",
    },
    Case {
        node: "server",
        rules: "*filter\n-A INPUT -p tcp --dport 7777 -j REJECT --reject-with tcp-reset\nCOMMIT\n",
        place: "filter/INPUT rule 1",
    },
    Case {
        node: "client",
        rules: "*filter\n-A OUTPUT -p tcp -j REJECT\nCOMMIT\n",
        place: "filter/OUTPUT rule 1",
    },
    Case {
        node: "client",
        rules: "*filter\n:OUTPUT DROP [0:0]\nCOMMIT\n",
        place: "filter/OUTPUT policy",
    },
    Case {
        node: "gateway",
        rules: "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -p udp -j ACCEPT\nCOMMIT\n",
        place: "filter/FORWARD policy",
    },
    Case {
        node: "gateway",
        rules: "*filter\n-A FORWARD -i right -j ACCEPT\n-A FORWARD -o right -p tcp -j DROP\nCOMMIT\n",
        place: "filter/FORWARD rule 2",
    },
    Case {
        node: "gateway",
        rules: "*raw\n-A PREROUTING -p tcp --dport 7777 -j DROP\nCOMMIT\n",
        place: "raw/PREROUTING rule 1",
    },
    Case {
        node: "client",
        rules: "*mangle\n-A OUTPUT -j MARK --set-mark 1\n-A POSTROUTING -p tcp -m mark --mark 1 -j DROP\nCOMMIT\n",
        place: "mangle/POSTROUTING rule 1",
    },
    // In a user chain, behind a jump to another that returns.
    Case {
        node: "server",
        rules: "*filter\n:one - [0:0]\n:two - [0:0]\n-A INPUT -p tcp -j one\n-A one -p tcp -j two\n\
                -A one -p tcp -j DROP\n-A two -p tcp -j RETURN\nCOMMIT\n",
        place: "filter/one rule 2",
    },
    // Back from a user chain's end, so it is the policy.
    Case {
        node: "server",
        rules: "*filter\n:INPUT DROP [0:0]\n:one - [0:0]\n-A INPUT -p tcp -j one\n-A one -p udp -j ACCEPT\nCOMMIT\n",
        place: "filter/INPUT policy",
    },
    // A handle is not an ordinal.
    Case {
        node: "server",
        rules: "*filter\n-A INPUT -p tcp --dport 7777 -j DROP\nCOMMIT\n\
                *filter\n-I INPUT -p udp -j ACCEPT\n-I INPUT -p tcp -m mark --mark 9 -j ACCEPT\nCOMMIT\n",
        place: "filter/INPUT rule 3",
    },
    // Legacy's trace calls these two `policy` and `return`.
    Case {
        node: "server",
        rules: "*filter\n-A INPUT -p udp -j ACCEPT\n-A INPUT -j DROP\nCOMMIT\n",
        place: "filter/INPUT rule 2",
    },
    Case {
        node: "server",
        rules: "*filter\n:one - [0:0]\n-A INPUT -j one\n-A one -j LOG\n-A one -j DROP\nCOMMIT\n",
        place: "filter/one rule 2",
    },
];

fn each_case_is_named(backend: Backend, family: Family) {
    for case in &CASES {
        in_lab(async |lab| {
            lab.introduce(family).await;
            lab.restore(case.node, backend, family, case.rules).await;
            named(&lab, backend, family, case).await;
        });
    }
}

async fn named(lab: &Lab, backend: Backend, family: Family, case: &Case) {
    let mut watch = Watch::start(lab, case.node).await;
    let saved = lab.save(case.node, backend, family).await;
    lab.knock("client", SocketAddr::new(lab::server(family), PORT));
    let step = watch
        .until(case.rules, |seen| stopped_syn(seen, PORT, &saved))
        .await;
    let expected = Stop {
        backend,
        place: case.place.to_owned(),
    };
    assert_eq!(
        watch.stop_of(&step, &saved).await,
        expected,
        "{}",
        case.rules
    );
    assert_eq!(step.family, family);
    let Packet::Tcp {
        flow, payload: 0, ..
    } = step.packet
    else {
        panic!("a SYN has a flow and no payload: {:?}", step.packet);
    };
    assert_eq!(flow.from.ip(), lab::client(family));
    assert_eq!(flow.to.ip(), lab::server(family));
    let name =
        |interface: &Option<fwlab_observe::Interface>| interface.as_ref().map(ToString::to_string);
    let (input, output) = match (case.node, &*step.chain) {
        ("client", _) => (None, Some("wan")),
        ("gateway", "PREROUTING") => (Some("left"), None),
        ("gateway", _) => (Some("left"), Some("right")),
        _ => (Some("wan"), None),
    };
    assert_eq!(name(&step.input).as_deref(), input, "{}", case.rules);
    assert_eq!(name(&step.output).as_deref(), output, "{}", case.rules);
}

#[test]
fn nft_ipv4() {
    each_case_is_named(Backend::Nft, Family::Ipv4);
}

#[test]
fn nft_ipv6() {
    each_case_is_named(Backend::Nft, Family::Ipv6);
}

#[test]
fn legacy_ipv4() {
    each_case_is_named(Backend::Legacy, Family::Ipv4);
}

#[test]
fn legacy_ipv6() {
    each_case_is_named(Backend::Legacy, Family::Ipv6);
}
