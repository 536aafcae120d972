//! What is lost: packets outside netfilter, and the evidence itself.

use super::*;

fn is_loss_at_client(cause: &Cause) -> bool {
    matches!(cause, Cause::Loss { node, .. } if *node == NodeName::client())
}

#[test]
fn a_syn_that_never_arrives_and_that_no_rule_stopped_is_a_loss() {
    let (mut told, data) = Told::passive();
    told.captured(&NodeName::client(), false, &syn(data));
    assert!(is_loss_at_client(&told.ends().cause));
}

#[test]
fn what_leaves_to_where_nobody_is_is_lost_at_once() {
    let (mut told, data) = Told::passive();
    told.captured(&NodeName::client(), false, &syn(data));
    assert!(!told.is_dead());
    told.swallowed(&NodeName::client(), &syn(data));
    assert!(told.is_dead());
    let outcome = told.ends_in(Symptom::DataTimeout, Phase::DataConnect);
    assert!(is_loss_at_client(&outcome.cause));
}

#[test]
fn a_lost_syn_ack_is_a_loss_and_the_servers_425_no_refusal() {
    let (mut told, data) = Told::active();
    told.passes(data, SYN);
    told.captured(&NodeName::client(), false, &syn_ack(data));
    told.says(true, "RETR x");
    told.hears(&["425 cannot connect"]);
    let outcome = told.ends_in(Symptom::DataTimeout, Phase::DataConnect);
    assert_eq!(outcome.cause.packet(), Some(&syn_ack(data)));
}

#[test]
fn a_failure_without_evidence_is_inconclusive() {
    assert!(Told::logged_in(DataSetup::Pasv).is_inconclusive());
}

#[test]
fn lost_events_never_make_a_block_and_never_unmake_a_pass() {
    let mut told = Told::new(DataSetup::Pasv);
    told.drops(&NodeName::client(), syn(control()));
    told.told(&NodeName::client(), What::Lost);
    assert!(told.is_inconclusive());
    let passed = told.judged(&ClientEnd::Done);
    assert_eq!(outcome(passed).symptom, Symptom::Transferred);
}
