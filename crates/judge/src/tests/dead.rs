//! Packets that are dropped for good, and those that are not.

use super::*;

#[test]
fn a_dropped_control_syn_is_a_control_timeout() {
    let mut told = Told::new(DataSetup::Pasv);
    told.captured(&NodeName::client(), false, &syn(control()));
    told.drops(&NodeName::server(), syn(control()));
    let outcome = told.ends_in(Symptom::ControlTimeout, Phase::ControlConnect);
    assert_eq!(outcome.cause.kind(), CauseKind::Policy);
}

#[test]
fn a_syn_that_its_own_node_stops_is_on_no_wire_and_is_known_all_the_same() {
    let mut told = Told::new(DataSetup::Pasv);
    told.drops(&NodeName::client(), syn(control()));
    assert_eq!(told.ends().symptom, Symptom::ControlTimeout);
}

#[test]
fn a_dropped_syn_ack_counts_though_it_was_seen_on_the_wire() {
    let (mut told, data) = Told::passive();
    told.passes(data, SYN);
    told.passes(data.reversed(), SYN_ACK);
    told.drops(&NodeName::client(), syn_ack(data));
    assert_eq!(told.ends().symptom, Symptom::DataTimeout);
}

#[test]
fn a_first_syn_that_is_dropped_and_a_second_that_passes_is_no_death() {
    let (mut told, data) = Told::passive();
    told.passes(data, SYN);
    told.drops(&NodeName::server(), syn(data));
    assert!(told.is_dead());
    told.later(1000);
    told.opened(data);
    assert!(!told.is_dead());
}

#[test]
fn a_later_packet_must_be_dropped_again_and_not_at_once() {
    let (mut told, data) = Told::passive();
    told.opened(data);
    let packet = tcp(data.reversed(), ACK, 100, 1448);
    told.drops(&NodeName::client(), packet);
    told.drops(&NodeName::client(), packet);
    assert!(
        !told.is_dead(),
        "two equal packets at once are no retransmission"
    );
    told.later(210);
    told.drops(&NodeName::client(), packet);
    told.ends_in(Symptom::DataTimeout, Phase::Transfer);
}

#[test]
fn the_phase_of_a_dead_control_connection_leaves_out_what_did_not_arrive() {
    let mut told = Told::connected(DataSetup::Pasv);
    told.hears(&["220 hi"]);
    let greeting = tcp(control().reversed(), ACK, 1, 8);
    told.drops_for_good(&NodeName::client(), greeting);
    told.ends_in(Symptom::ControlTimeout, Phase::Greeting);
}

#[test]
fn a_lost_final_reply_is_completion() {
    let (mut told, data) = Told::passive();
    told.opened(data);
    told.says(true, "RETR x");
    told.hears(&["150 here"]);
    let sequence = told.sequences[0];
    told.hears(&["226 done"]);
    let reply = tcp(control().reversed(), ACK, sequence, 10);
    told.drops_for_good(&NodeName::server(), reply);
    told.ends_in(Symptom::ControlTimeout, Phase::Completion);
}

/// The end of the handshake is stopped, and when the client gives up its FIN opens the connection to the server, which greets it.
#[test]
fn what_is_said_to_a_client_that_has_left_is_no_progress() {
    let mut told = Told::new(DataSetup::Pasv);
    told.passes(control(), SYN);
    told.passes(control().reversed(), SYN_ACK);
    let last = tcp(control(), ACK, first(control()).wrapping_add(1), 0);
    told.drops_for_good(&NodeName::server(), last);
    told.passes(control(), TcpFlags::FIN | ACK);
    told.hears(&["220 hi"]);
    told.ends_in(Symptom::ControlTimeout, Phase::Greeting);
}
