use fwlab_record::{
    Backend, ChainId, Family, Flow, Packet, TcpFlags, Verdict, Walked, WalkedPlace, Way,
};

use super::*;

const INSIDE: &str = "10.0.0.2:40000 10.0.0.1:21";
const OUTSIDE: &str = "192.0.2.1:40000 10.0.0.1:21";

fn syn(flow: &str, sequence: u32) -> Packet {
    let (from, to) = flow.split_once(' ').expect("two ends");
    Packet::Tcp {
        flow: Flow {
            from: from.parse().expect("an address"),
            to: to.parse().expect("an address"),
        },
        flags: TcpFlags(TcpFlags::SYN),
        sequence,
        acknowledgement: 0,
        payload: 0,
    }
}

fn gateway() -> NodeName {
    NodeName::new("gateway").expect("a name")
}

fn wire(node: NodeName, way: Way, flow: &str) -> (NodeName, Seen) {
    let packet = syn(flow, 7);
    (node, Seen::Packet { way, packet })
}

fn stopped(node: NodeName) -> (NodeName, Seen) {
    let packet = syn(OUTSIDE, 7);
    (node, Seen::StoppedBetween { packet })
}

/// Facts in this order, a millisecond apart, and of each step its event, its course and whether it decided.
fn drawn(facts: Vec<(NodeName, Seen)>, deciding: Option<u64>) -> Vec<(u64, Course, bool)> {
    let facts = facts.into_iter().zip(0..);
    let facts = facts.map(|((node, what), event)| Fact {
        event: EventId(event),
        at: Duration::from_millis(event),
        node,
        connection: None,
        what,
        deciding: deciding == Some(event),
    });
    let sequence = Sequence::of(&Evidence {
        facts: facts.collect(),
        ..Evidence::default()
    });
    let steps = sequence.steps.into_iter();
    steps
        .map(|step| (step.event.0, step.course, step.deciding))
        .collect()
}

/// The server's wire is heard before the gateway's, and the gateway translates.
#[test]
fn a_packet_goes_from_node_to_node() {
    let (client, server) = (NodeName::client(), NodeName::server());
    let facts = vec![
        wire(client, Way::Out, INSIDE),
        wire(server, Way::In, OUTSIDE),
        wire(gateway(), Way::In, INSIDE),
        wire(gateway(), Way::Out, OUTSIDE),
    ];
    assert_eq!(
        drawn(facts, Some(1)),
        [
            (0, Course::Arrow { from: 0, to: 1 }, false),
            (3, Course::Arrow { from: 1, to: 2 }, true),
        ]
    );
}

#[test]
fn what_is_stopped_ends_where_it_was_and_the_next_one_is_another() {
    let (client, server) = (NodeName::client(), NodeName::server());
    let sent = || wire(client.clone(), Way::Out, INSIDE);
    let facts = vec![
        sent(),
        wire(gateway(), Way::In, INSIDE),
        stopped(gateway()),
        sent(),
        wire(gateway(), Way::In, INSIDE),
        wire(gateway(), Way::Out, OUTSIDE),
        wire(server.clone(), Way::In, OUTSIDE),
        stopped(server),
    ];
    assert_eq!(
        drawn(facts, Some(2)),
        [
            (2, Course::Stopped { from: 0, at: 1 }, true),
            (3, Course::Arrow { from: 0, to: 1 }, false),
            (7, Course::Stopped { from: 1, at: 2 }, false),
        ]
    );
}

#[test]
fn what_only_one_node_saw_is_a_note_there() {
    let (client, server) = (NodeName::client(), NodeName::server());
    let facts = vec![
        stopped(client.clone()),
        wire(client, Way::Out, INSIDE),
        wire(server, Way::Out, OUTSIDE),
    ];
    assert_eq!(
        drawn(facts, None),
        [
            (0, Course::Stopped { from: 0, at: 0 }, false),
            (1, Course::Note { at: 0 }, false),
            (2, Course::Note { at: 1 }, false),
        ]
    );
}

#[test]
fn what_is_said_goes_to_the_other_side() {
    let client = NodeName::client();
    let line = || "QUIT".to_owned();
    let facts = vec![
        (client.clone(), Seen::Command { line: line() }),
        (client.clone(), Seen::Reply { reply: line() }),
        (client.clone(), Seen::Secured),
        (client.clone(), encrypted(Way::Out)),
        (client, encrypted(Way::In)),
    ];
    assert_eq!(
        drawn(facts, None),
        [
            (0, Course::Arrow { from: 0, to: 1 }, false),
            (1, Course::Arrow { from: 1, to: 0 }, false),
            (2, Course::Note { at: 0 }, false),
            (3, Course::Arrow { from: 0, to: 1 }, false),
            (4, Course::Arrow { from: 1, to: 0 }, false),
        ]
    );
}

fn encrypted(way: Way) -> Seen {
    Seen::Encrypted { way, bytes: 45 }
}

#[test]
fn the_way_to_the_rule_that_decided_is_a_note_below_it() {
    let policy = Walked {
        backend: Backend::Nft,
        place: WalkedPlace::Policy(ChainId {
            family: Family::Ipv4.into(),
            table: "filter".into(),
            chain: "INPUT".into(),
        }),
        source_line: None,
        source_file: None,
        verdict: Some(Verdict::Drop),
        to_chain: None,
    };
    let fact = |event, (node, what), deciding| Fact {
        event: EventId(event),
        at: Duration::ZERO,
        node,
        connection: None,
        what,
        deciding,
    };
    let sequence = Sequence::of(&Evidence {
        facts: vec![
            fact(0, stopped(NodeName::client()), false),
            fact(1, stopped(NodeName::server()), true),
        ],
        walked: vec![policy],
        ..Evidence::default()
    });
    let steps = sequence.steps.iter();
    let steps: Vec<(u64, Course)> = steps.map(|step| (step.event.0, step.course)).collect();
    assert_eq!(
        steps,
        [
            (0, Course::Stopped { from: 0, at: 0 }),
            (1, Course::Stopped { from: 1, at: 1 }),
            (1, Course::Note { at: 1 }),
        ]
    );
    let text = "walked, by the rules that it matched: ipv4/filter/INPUT: policy DROP";
    assert_eq!(sequence.steps[2].text, text);
}
