//! ICMP errors about a connection that is open.

use super::*;

fn error_about(flow: Flow) -> Packet {
    Packet::Icmp {
        from: flow.to.ip(),
        to: flow.from.ip(),
        kind: 3,
        code: 10,
        about: Some(flow),
    }
}

/// The opener's packet with that many bytes is rejected when the connection has just opened, and the error comes in at the
/// opener, or is stopped.
fn rejected(payload: u32, error_stopped: bool) -> (Told, Flow) {
    let (mut told, data) = Told::passive();
    told.passes(data, SYN);
    told.passes(data.reversed(), SYN_ACK);
    let packet = Packet::Tcp {
        flow: data,
        flags: TcpFlags(ACK),
        sequence: first(data).wrapping_add(1),
        acknowledgement: first(data.reversed()).wrapping_add(1),
        payload,
    };
    told.captured(&NodeName::client(), false, &packet);
    told.rejects(&NodeName::server(), packet);
    let error = error_about(data);
    told.captured(&NodeName::client(), true, &error);
    if error_stopped {
        told.drops(&NodeName::client(), error);
    }
    (told, data)
}

#[test]
fn whether_an_error_about_the_end_of_the_handshake_is_told_is_chance() {
    let (mut told, _) = rejected(0, false);
    assert_eq!(told.tracker.late_error(), Some(&NodeName::client()));
    told.ends_in(Symptom::DataRejected, Phase::DataConnect);
}

#[test]
fn an_error_that_does_not_come_in_is_told_to_nobody() {
    let (told, _) = rejected(0, true);
    assert_eq!(told.tracker.late_error(), None);
}

#[test]
fn who_sends_data_has_asked_before_how_its_connect_ended() {
    let (told, _) = rejected(100, false);
    assert_eq!(told.tracker.late_error(), None);
}

#[test]
fn data_is_sent_on_a_connection_that_was_opened() {
    let (mut told, data) = Told::passive();
    told.passes(data, SYN);
    assert_eq!(told.tracker.data_sent_as().next(), None);
    told.passes(data.reversed(), SYN_ACK);
    assert!(told.tracker.data_sent_as().eq([data.reversed()]));
}

/// The server asks how its connect ended, hears of the error, and says that it cannot connect.
#[test]
fn a_server_that_was_told_and_says_425_does_not_hide_the_rule() {
    let (mut told, data) = Told::active();
    told.passes(data, SYN);
    told.passes(data.reversed(), SYN_ACK);
    let last = tcp(data, ACK, first(data).wrapping_add(1), 0);
    told.rejects(&NodeName::client(), last);
    told.captured(&NodeName::server(), true, &error_about(data));
    told.says(true, "RETR x");
    told.hears(&["425 Failed to establish connection."]);
    let outcome = told.ends_in(Symptom::DataRejected, Phase::DataConnect);
    assert_eq!(outcome.cause.packet(), Some(&last));
}

/// What it was told is one thing, and that it has no such file another.
#[test]
fn another_reply_is_a_refusal_all_the_same() {
    let (mut told, _) = rejected(0, false);
    told.says(true, "RETR x");
    told.hears(&["550 no such file"]);
    told.ends_in(Symptom::Refused, Phase::Negotiate);
}
