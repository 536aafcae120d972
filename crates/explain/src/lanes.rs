//! Where and in which words a fact is told, in a timeline and in a sequence.

use fwlab_record::{Fact, NodeName, Packet, Seen, Way};

/// The nodes, from the client's side to the server's.
pub(crate) fn lanes(facts: &[Fact]) -> Vec<NodeName> {
    let mut nodes = vec![NodeName::client()];
    for fact in facts {
        let node = place(fact);
        if !nodes.contains(&node) && node != NodeName::server() {
            nodes.push(node);
        }
    }
    nodes.push(NodeName::server());
    nodes
}

/// What was said is said by whoever says it, wherever it was read.
pub(crate) fn place(fact: &Fact) -> NodeName {
    match &fact.what {
        Seen::Reply { .. } | Seen::NoReply { .. } | Seen::Encrypted { way: Way::In, .. } => {
            NodeName::server()
        }
        _ => fact.node.clone(),
    }
}

/// What was seen, where its node is told beside it.
pub(crate) fn words(fact: &Fact) -> String {
    match &fact.what {
        Seen::Command { line } => format!("› {line}"),
        Seen::Reply { reply } => format!("‹ {reply}"),
        Seen::Encrypted { way, bytes } => {
            let sign = match way {
                Way::Out => '›',
                Way::In => '‹',
            };
            format!("{sign} encrypted, {bytes} bytes")
        }
        Seen::Packet { way, packet } if matches!(packet, Packet::Tcp { .. }) => {
            let verb = match way {
                Way::Out => "sends",
                Way::In => "gets",
            };
            format!("{verb} {}", opening(packet))
        }
        Seen::Stopped { cause, state } => {
            let state = state.map(|state| format!(" ({})", state.word().to_uppercase()));
            format!("✗ {cause}{}", state.unwrap_or_default())
        }
        other => other.to_string(),
    }
}

/// A packet that opens or ends a connection: of these, what they carry says nothing.
pub(crate) fn opening(packet: &Packet) -> String {
    match packet {
        Packet::Tcp { flow, flags, .. } => format!("{flags} {flow}"),
        other => other.to_string(),
    }
}
