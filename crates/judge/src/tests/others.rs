//! What ends a connection beside rules that stop its packets.

use super::*;
use crate::Finding;

fn at_gateway(told: &mut Told, packet: Packet, rejects: bool) -> Stop {
    Stop {
        event: EventId(0),
        at: told.now,
        node: NodeName::gateway(),
        by: policy(),
        rejects,
        packet,
        doubt: None,
    }
}

/// A router forgets the connection, gets the server's last words itself, and resets.
#[test]
fn a_reset_by_a_host_in_between_is_that_hosts_and_not_heard_by_the_client() {
    let mut told = Told::connected(DataSetup::Pasv);
    for (client, line) in [(false, "220 hi"), (true, "RETR x"), (false, "150 here")] {
        told.says(client, line);
    }
    let reset = tcp(control(), TcpFlags::RST, 9, 0);
    told.captured(&NodeName::gateway(), false, &reset);
    told.captured(&NodeName::server(), true, &reset);
    let outcome = told.ends_in(Symptom::ControlTimeout, Phase::Completion);
    assert!(matches!(outcome.cause, Cause::Host { node, .. } if node == NodeName::gateway()));
}

#[test]
fn an_icmp_error_ends_no_connection_that_is_open() {
    let (mut told, data) = Told::passive();
    told.opened(data);
    let packet = tcp(data, ACK, 100, 1448);
    let stop = at_gateway(&mut told, packet, true);
    told.stop(stop);
    let error = Packet::Icmp {
        from: "10.0.0.1".parse().expect("an address"),
        to: "10.0.0.2".parse().expect("an address"),
        kind: 3,
        code: 10,
        about: Some(data),
    };
    told.captured(&NodeName::client(), true, &error);
    assert!(told.tracker.deciding().is_none());
    told.later(210);
    let stop = at_gateway(&mut told, packet, true);
    told.stop(stop);
    assert_eq!(told.ends().symptom, Symptom::DataTimeout);
}

#[test]
fn what_the_other_side_has_acknowledged_was_stopped_by_nothing() {
    let (mut told, data) = Told::passive();
    told.opened(data);
    let packet = tcp(data, ACK, 100, 50);
    for _ in 0..2 {
        let stop = at_gateway(&mut told, packet, false);
        told.stop(stop);
        told.later(210);
    }
    assert!(told.tracker.deciding().is_some());
    let mut acknowledges = tcp(data.reversed(), ACK, 1, 0);
    if let Packet::Tcp {
        acknowledgement, ..
    } = &mut acknowledges
    {
        *acknowledgement = 150;
    }
    told.captured(&NodeName::server(), false, &acknowledges);
    assert!(told.tracker.deciding().is_none());
}

/// An acknowledgement repeats what it acknowledges: of two that acknowledge different bytes neither is the other again.
#[test]
fn acknowledgements_of_different_bytes_are_different_packets() {
    let (mut told, data) = Told::passive();
    told.opened(data);
    for acknowledged in [1_000, 2_000] {
        let mut packet = tcp(data, ACK, 100, 0);
        if let Packet::Tcp {
            acknowledgement, ..
        } = &mut packet
        {
            *acknowledgement = acknowledged;
        }
        let stop = at_gateway(&mut told, packet, false);
        told.stop(stop);
        told.later(210);
    }
    assert!(told.tracker.deciding().is_none());
}

#[test]
fn the_rule_that_stops_what_tells_of_a_narrow_link_is_the_cause() {
    let (mut told, data) = Told::passive();
    told.opened(data);
    let too_big = Packet::Icmp {
        from: "10.0.0.9".parse().expect("an address"),
        to: "10.0.0.1".parse().expect("an address"),
        kind: 3,
        code: 4,
        about: Some(data.reversed()),
    };
    for _ in 0..2 {
        let stop = at_gateway(&mut told, too_big, false);
        told.stop(stop);
        told.later(210);
    }
    let outcome = told.ends_in(Symptom::DataTimeout, Phase::Transfer);
    assert_eq!(outcome.cause.packet(), Some(&too_big));
}

#[test]
fn who_learns_no_hardware_address_meets_the_rule_that_stopped_the_question() {
    let mut told = Told::new(DataSetup::Pasv);
    let asks = Packet::Icmp {
        from: "fd00::2".parse().expect("an address"),
        to: "ff02::1:ff00:1".parse().expect("an address"),
        kind: 135,
        code: 0,
        about: None,
    };
    told.sent(&syn(control()));
    told.drops(&NodeName::server(), asks);
    let no_way = Packet::Icmp {
        from: "10.0.0.2".parse().expect("an address"),
        to: "10.0.0.2".parse().expect("an address"),
        kind: 3,
        code: 1,
        about: Some(control()),
    };
    for inbound in [false, true] {
        told.captured(&NodeName::client(), inbound, &no_way);
    }
    let outcome = told.ends();
    assert_eq!(outcome.cause.packet(), Some(&asks));
}

#[test]
fn a_rule_that_sends_a_connection_elsewhere_is_the_cause_of_what_it_meets_there() {
    for meant in [false, true] {
        let before = if meant {
            // The client connects to the gateway, which is to hand it on.
            flow("10.0.0.2:40000", "203.0.113.1:21")
        } else {
            control()
        };
        let mut told = Told::by(DataSetup::Pasv, |terms| {
            let outside = "203.0.113.1".parse().expect("an address");
            terms.owners.insert(outside, NodeName::gateway());
            terms.control = before.to;
        });
        let syn = tcp(before, SYN, 77, 0);
        told.captured(&NodeName::client(), false, &syn);
        told.captured(&NodeName::gateway(), true, &syn);
        let mut rule = at_gateway(&mut told, syn, false);
        rule.by = super::rule(1);
        told.redirected(rule);
        if meant {
            let after = flow("10.0.0.2:40000", "10.0.0.1:21");
            told.captured(&NodeName::gateway(), false, &tcp(after, SYN, 77, 0));
            told.captured(&NodeName::server(), true, &tcp(after, SYN, 77, 0));
        }
        let reset = tcp(before.reversed(), RST, 0, 0);
        told.captured(&NodeName::gateway(), false, &reset);
        told.captured(&NodeName::client(), true, &reset);
        let outcome = told.ends();
        assert_eq!(outcome.symptom, Symptom::ControlRejected);
        let host =
            matches!(&outcome.cause, Cause::Host { node, .. } if *node == NodeName::gateway());
        let led = matches!(&outcome.cause, Cause::Rule { led_to: Some(led_to), .. } if led_to.kind() == CauseKind::Host);
        assert_eq!((host, led), (meant, !meant), "{outcome}");
    }
}

#[test]
fn what_is_handed_on_and_goes_on_was_not_stopped() {
    let mut told = Told::new(DataSetup::Pasv);
    let syn = tcp(control(), SYN, first(control()), 0);
    let stop = at_gateway(&mut told, syn, false);
    told.may_be_stopped(4, stop);
    assert!(told.tracker.deciding().is_some());
    told.goes_on(&NodeName::gateway(), 4);
    assert!(told.tracker.deciding().is_none());
}

#[test]
fn done_without_a_final_reply_is_not_done() {
    let mut told = Told::logged_in(DataSetup::Pasv);
    for (client, line) in [(true, "RETR x"), (false, "150 here")] {
        told.says(client, line);
    }
    let finding = told.judged(&ClientEnd::Done);
    assert!(matches!(finding, Finding::Inconclusive(_)), "{finding:?}");
    told.says(false, "226 done");
    assert_eq!(
        outcome(told.judged(&ClientEnd::Done)).symptom,
        Symptom::Transferred
    );
}

#[test]
fn a_server_that_closes_says_no() {
    let mut told = Told::logged_in(DataSetup::Pasv);
    told.passes(control().reversed(), TcpFlags::FIN | ACK);
    let outcome = told.ends();
    assert_eq!(outcome.symptom, Symptom::ControlRejected);
    assert!(matches!(outcome.cause, Cause::Host { node, .. } if node == NodeName::server()));
}

/// The table of neighbours is one for the whole machine: when it is full, nobody answers who asks for an address.
#[test]
fn a_node_that_was_not_found_is_no_refusal_unless_a_rule_says_so() {
    let unreachable = |about| Packet::Icmp {
        from: "10.0.0.2".parse().expect("an address"),
        to: "10.0.0.2".parse().expect("an address"),
        kind: 3,
        code: 1,
        about: Some(about),
    };
    let judged = |rejects: bool, to: &str| {
        let mut told = Told::new(DataSetup::Pasv);
        let flow = flow("10.0.0.2:40000", to);
        told.sent(&syn(flow));
        if rejects {
            told.rejects(&NodeName::client(), syn(flow));
        }
        for inbound in [false, true] {
            told.captured(&NodeName::client(), inbound, &unreachable(flow));
        }
        told
    };
    let mut told = judged(false, "10.0.0.1:21");
    let Finding::Inconclusive(why) = told.judged(&failed()) else {
        panic!("it is a fault of the lab")
    };
    assert!(
        why.starts_with("nobody told the hardware address of 10.0.0.1"),
        "{why}"
    );
    let outcome = judged(true, "10.0.0.1:21").ends();
    assert_eq!(outcome.cause.kind(), CauseKind::Policy);
}
