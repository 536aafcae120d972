//! What is sent again, and when that settles a connection's fate.

use std::time::Duration;

use super::*;
use crate::{Doubted, Role};

fn dropped(told: &Told, by: StoppedBy, packet: Packet) -> Stop {
    Stop {
        event: EventId(0),
        at: told.now,
        node: NodeName::server(),
        by,
        rejects: false,
        packet,
        doubt: None,
    }
}

fn is_settled(told: &Told) -> bool {
    told.tracker.deciding().is_some_and(|(_, role, failure)| {
        role == Role::Control && failure.settled && !failure.heard
    })
}

fn wants_it_again(told: &Told) -> bool {
    told.tracker.wanted_again().next().is_some()
}

/// The lab sends the control connection's SYN again.
fn again(told: &mut Told) {
    let id = told.tracker.wanted_again().next().expect("it is wanted");
    told.sent_again(id);
    told.sent(&syn(control()));
    told.later(1);
}

#[test]
fn a_stop_is_final_when_the_same_rule_stops_what_is_sent_again() {
    let mut told = Told::new(DataSetup::Pasv);
    told.sent(&syn(control()));
    told.stop(dropped(&told, rule(2), syn(control())));
    assert!(!is_settled(&told), "once is not twice");
    again(&mut told);
    assert!(!wants_it_again(&told), "it is under way");
    told.stop(dropped(&told, rule(2), syn(control())));
    assert!(is_settled(&told));
    assert!(!wants_it_again(&told));
}

#[test]
fn another_rule_or_a_change_in_between_asks_for_more() {
    for changes in [false, true] {
        let mut told = Told::new(DataSetup::Pasv);
        told.sent(&syn(control()));
        told.stop(dropped(&told, rule(2), syn(control())));
        again(&mut told);
        let second = if changes {
            told.expected();
            rule(2)
        } else {
            rule(5)
        };
        told.stop(dropped(&told, second.clone(), syn(control())));
        assert!(!is_settled(&told));
        again(&mut told);
        told.stop(dropped(&told, second, syn(control())));
        assert!(is_settled(&told), "changes: {changes}");
        // What is named is the first that kept it from going on.
        let (_, _, failure) = told.tracker.deciding().expect("it is dead");
        let Ender::Stop(stop) = failure.by else {
            panic!("{failure:?}")
        };
        assert_eq!(stop.by, rule(2));
    }
}

#[test]
fn what_passes_when_sent_again_is_no_death() {
    let mut told = Told::new(DataSetup::Pasv);
    told.sent(&syn(control()));
    told.stop(dropped(&told, rule(2), syn(control())));
    again(&mut told);
    told.opened(control());
    assert!(told.tracker.deciding().is_none());
    assert!(!wants_it_again(&told));
}

#[test]
fn where_a_rule_may_decide_otherwise_the_timers_of_tcp_tell() {
    for of_sender in [false, true] {
        let mut told = Told::new(DataSetup::Pasv);
        let mut stop = dropped(&told, rule(2), syn(control()));
        stop.doubt = Some(Doubted {
            of_sender,
            why: "`-m something`".into(),
        });
        for _ in 0..2 {
            told.sent(&syn(control()));
            stop.at = told.now;
            told.stop(stop.clone());
            assert!(!wants_it_again(&told));
            told.later(1_000);
        }
        assert_eq!(is_settled(&told), of_sender);
        assert!(
            told.tracker.deciding().is_some(),
            "at the end it is the cause"
        );
    }
}

#[test]
fn what_is_rejected_is_sent_again_when_its_answer_is_stopped() {
    let mut told = Told::new(DataSetup::Pasv);
    told.sent(&syn(control()));
    let mut stop = dropped(&told, rule(2), syn(control()));
    stop.rejects = true;
    told.stop(stop);
    assert!(!wants_it_again(&told), "its sender may yet be told");
    let answer = tcp(control().reversed(), RST, 0, 0);
    told.stop(dropped(&told, rule(3), answer));
    assert!(wants_it_again(&told));
}

#[test]
fn a_syn_ack_that_is_rejected_is_heard_by_nobody_who_waits() {
    let mut told = Told::new(DataSetup::Pasv);
    told.sent(&syn(control()));
    told.passes(control(), SYN);
    let syn_ack = tcp(control().reversed(), SYN_ACK, 7, 0);
    let mut stop = dropped(&told, rule(1), syn_ack);
    stop.rejects = true;
    told.stop(stop);
    assert!(wants_it_again(&told));
    // The reset goes to the server, which sent the SYN-ACK.
    let reset = tcp(control(), RST, 1, 0);
    told.captured(&NodeName::server(), true, &reset);
    let outcome = told.ends();
    assert_eq!(outcome.symptom, Symptom::ControlTimeout);
    assert_eq!(outcome.cause.packet(), Some(&syn_ack));
}

#[test]
fn a_stop_and_an_answer_that_are_heard_of_before_their_connection_are_not_forgotten() {
    let mut told = Told::new(DataSetup::Pasv);
    let reset = tcp(control().reversed(), RST, 0, 0);
    told.captured(&NodeName::client(), true, &reset);
    let mut stop = dropped(&told, rule(2), tcp(control(), ACK, 2, 0));
    stop.rejects = true;
    told.stop(stop);
    assert!(told.tracker.deciding().is_none(), "of what connection?");
    told.passes(control(), SYN);
    told.passes(control().reversed(), SYN_ACK);
    told.ends_in(Symptom::ControlRejected, Phase::Greeting);
}

#[test]
fn a_syn_ack_from_a_port_that_was_on_no_wire_is_placed_by_what_it_acknowledges() {
    let mut told = Told::new(DataSetup::Pasv);
    told.passes(control(), SYN);
    let mut syn_ack = tcp(flow("10.0.0.1:2121", "10.0.0.2:40000"), SYN_ACK, 7, 0);
    if let Packet::Tcp {
        acknowledgement, ..
    } = &mut syn_ack
    {
        *acknowledgement = first(control()) + 1;
    }
    told.stop(dropped(&told, rule(1), syn_ack));
    let outcome = told.ends();
    assert_eq!(outcome.symptom, Symptom::ControlTimeout);
    assert_eq!(outcome.cause.packet(), Some(&syn_ack));
}

/// vsftpd's FIN is dropped, and its 226 overtakes it: whether the client waits for the end of the data only its silence tells.
#[test]
fn the_end_of_a_stream_that_nobody_may_wait_for_is_final_after_a_silence() {
    let silent_after = |reply_after: u64| {
        let mut told = Told::by(DataSetup::Pasv, |terms| terms.upload = true);
        told.opened(control());
        told.says(false, "227 Entering Passive Mode (10,0,0,1,195,80).");
        let data = flow("10.0.0.2:40001", "10.0.0.1:50000");
        told.opened(data);
        let fin = |psh: u8| tcp(data.reversed(), TcpFlags::FIN | ACK | psh, 9, 0);
        let began = told.now;
        let is_settled = |told: &Told| {
            let deciding = told.tracker.deciding();
            deciding.is_some_and(|(_, _, failure)| failure.settled)
        };
        // TCP's own timer, doubled each time.
        for after in [0, 200, 600, 1_400, 3_000, 6_200] {
            told.now = began + Duration::from_millis(after);
            // The probe of a lost tail goes as the first, and what follows with PSH.
            let psh = if after > 200 { TcpFlags::PSH } else { 0 };
            told.stop(dropped(&told, rule(1), fin(psh)));
            if is_settled(&told) {
                return Some(after);
            }
            if (after..after * 2 + 200).contains(&reply_after) {
                told.now = began + Duration::from_millis(reply_after);
                told.says(false, "226 Transfer complete.");
            }
        }
        None
    };
    assert_eq!(silent_after(50), Some(3_000));
    assert_eq!(silent_after(1_500), Some(6_200));
}
