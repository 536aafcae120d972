//! Resets, and who sent them.

use super::*;

#[test]
fn a_reject_is_a_rejection_only_when_its_answer_arrives() {
    for answer_stopped in [false, true] {
        let (mut told, data) = Told::passive();
        told.passes(data, SYN);
        told.rejects(&NodeName::server(), syn(data));
        let expected = if answer_stopped {
            let answer = tcp(data.reversed(), RST, 0, 0);
            told.drops(&NodeName::server(), answer);
            Symptom::DataTimeout
        } else {
            told.passes(data.reversed(), RST);
            Symptom::DataRejected
        };
        let outcome = told.ends_in(expected, Phase::DataConnect);
        assert_eq!(outcome.cause.kind(), CauseKind::Policy);
        assert_eq!(outcome.cause.packet(), Some(&syn(data)));
    }
}

#[test]
fn a_reset_that_no_rule_sent_is_the_hosts() {
    let (mut told, data) = Told::passive();
    told.passes(data, SYN);
    told.passes(data.reversed(), RST);
    let outcome = told.ends_in(Symptom::DataRejected, Phase::DataConnect);
    assert!(matches!(outcome.cause, Cause::Host { node, .. } if node == NodeName::server()));
}

/// vsftpd's 227 over IPv6 names 0.0.0.0: who connects there reaches itself.
#[test]
fn what_is_announced_as_nowhere_is_the_openers_own_host() {
    for protection in [Protection::Plain, Protection::Explicit] {
        let mut told = Told::by(DataSetup::Pasv, |terms| terms.protection = protection);
        told.opened(control());
        if protection == Protection::Plain {
            told.says(true, "PASV");
            told.hears(&["227 (0,0,0,0,195,80)"]);
        }
        let data = flow("127.0.0.1:5", "127.0.0.1:50000");
        for packet in [syn(data), tcp(data.reversed(), RST, 0, 0)] {
            for inbound in [false, true] {
                told.captured(&NodeName::client(), inbound, &packet);
                told.later(1);
            }
        }
        let outcome = told.ends_in(Symptom::DataRejected, Phase::DataConnect);
        assert!(
            matches!(outcome.cause, Cause::Host { node, .. } if node == NodeName::client()),
            "{protection}"
        );
    }
}

#[test]
fn a_reset_that_ends_a_connection_that_was_up_decides_nothing() {
    let (mut told, data) = Told::passive();
    told.opened(data);
    told.passes(data.reversed(), RST);
    assert!(!told.is_dead());
}
