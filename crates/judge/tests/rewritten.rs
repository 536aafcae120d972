//! The scenarios of sequence adjustment do what they are for: an announcement gets another length on its way, and the session goes
//! on behind it. Were the lengths equal, a kernel that adjusts nothing would pass them, too.

use std::cmp::Ordering;

use fwlab_judge::{Stream, What};
use fwlab_record::{NodeName, Packet, Way};

use crate::recorded::streams;

mod recorded;

/// The lines of the control connection that a node sent or got, put together by the numbers of their bytes.
#[track_caller]
fn said(stream: &Stream, node: &NodeName, way: Way) -> Vec<String> {
    let mut first = None;
    let mut bytes: Vec<Option<u8>> = Vec::new();
    for event in stream.events.iter().filter(|event| event.node == *node) {
        let What::Captured {
            way: went,
            packet: Packet::Tcp { sequence, .. },
            payload,
            ..
        } = &event.what
        else {
            continue;
        };
        if *went != way || payload.is_empty() {
            continue;
        }
        // What a busy machine sends twice has the same numbers.
        let at = sequence.wrapping_sub(*first.get_or_insert(*sequence)) as usize;
        bytes.resize(bytes.len().max(at + payload.len()), None);
        for (byte, place) in payload.iter().zip(&mut bytes[at..]) {
            assert!(
                place.is_none_or(|before| before == *byte),
                "{}",
                stream.cell
            );
            *place = Some(*byte);
        }
    }
    let bytes: Option<Vec<u8>> = bytes.into_iter().collect();
    let bytes = bytes.unwrap_or_else(|| panic!("{}: a byte is missing", stream.cell));
    let text = String::from_utf8(bytes).expect("it is text");
    text.lines().map(str::to_owned).collect()
}

/// Of each cell with an announcement of these verbs: from sender to receiver it becomes so. Gives the number of announcements.
#[track_caller]
fn becomes(
    scenario: &str,
    of_ruleset: &str,
    [sender, receiver]: [NodeName; 2],
    verbs: &[&str],
    ordering: Ordering,
) -> usize {
    let mut count = 0;
    for stream in streams(scenario) {
        let cell = &stream.cell;
        let mut parts = cell.split("::");
        if !parts.nth(1).expect("a ruleset").starts_with(of_ruleset) {
            continue;
        }
        let sent = said(&stream, &sender, Way::Out);
        let got = said(&stream, &receiver, Way::In);
        assert_eq!(sent.len(), got.len(), "{cell}");
        let mut behind = 0;
        for (sent, got) in sent.iter().zip(&got) {
            if verbs.iter().any(|verb| sent.starts_with(verb)) {
                assert_eq!(
                    got.len().cmp(&sent.len()),
                    ordering,
                    "{cell}: {sent} became {got}"
                );
                count += 1;
                behind = 0;
            } else {
                behind += 1;
            }
        }
        // What follows the last announcement arrives, too: 150, 226 and 221, or RETR and QUIT.
        assert!(behind >= 2, "{cell}: {behind} lines behind it");
    }
    count
}

#[test]
fn announcements_get_longer_and_shorter_and_the_session_goes_on() {
    let to_client = || [NodeName::server(), NodeName::client()];
    let to_server = || [NodeName::client(), NodeName::server()];
    let reply = &["227"][..];
    let commands = &["PORT", "EPRT"][..];
    for (scenario, ruleset, way, verbs, ordering) in [
        (
            "nft-helper-after-dnat",
            "helper",
            to_client(),
            reply,
            Ordering::Greater,
        ),
        (
            "nft-helper-after-dnat-shorter",
            "helper",
            to_client(),
            reply,
            Ordering::Less,
        ),
        (
            "nft-helper-after-snat",
            "longer",
            to_server(),
            commands,
            Ordering::Greater,
        ),
        (
            "nft-helper-after-snat",
            "shorter",
            to_server(),
            commands,
            Ordering::Less,
        ),
    ] {
        let count = becomes(
            &format!("regressions/{scenario}"),
            ruleset,
            way,
            verbs,
            ordering,
        );
        // Two rulesets; of each cell of the scripted client two announcements.
        assert!(count >= 6, "{scenario} {ruleset}: {count}");
    }
}
