use fwlab_ftp::wire::{
    Command, Dialogue, Event, ExtendedPort, FactLine, HostPort, MAX_LINE, MAX_PENDING,
    MAX_REPLY_TEXT, Reply, Side, extended_passive_port,
};

use crate::repeated::takes_no_longer_than_it_is_long;

/// Both directions of a control connection, in pieces: commands, replies, announcements, TLS.
///
/// Cut into single bytes they mean the same, and everything that is kept of them is bounded. An input is
/// pieces, each a byte of whose lowest bit says who sent it, a byte of length, and the bytes.
pub fn dialogue(input: &[u8]) {
    let mut pieces = Vec::new();
    let mut unread = input;
    while let [side, length, rest @ ..] = unread {
        let side = if side & 1 == 0 {
            Side::Server
        } else {
            Side::Client
        };
        let (bytes, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        pieces.push((side, bytes));
        unread = rest;
    }
    for whole in [Dialogue::in_the_clear(), Dialogue::default()] {
        told(whole, &pieces);
    }
    for side in [Side::Server, Side::Client] {
        alone(side, input);
    }
    takes_no_longer_than_it_is_long(input, |repeated| {
        let _ = Dialogue::default().bytes(Side::Server, repeated);
    });
}

fn told(mut whole: Dialogue, pieces: &[(Side, &[u8])]) {
    let mut cut = whole.clone();
    let mut events = Vec::new();
    let mut cut_events = Vec::new();
    for (side, bytes) in pieces {
        events.extend(whole.bytes(*side, bytes));
        for byte in bytes.chunks(1) {
            cut_events.extend(cut.bytes(*side, byte));
        }
        assert!(whole.pending().count() <= MAX_PENDING);
    }
    assert_eq!(events, cut_events);
    assert_eq!(whole.progress(), cut.progress());
    for event in &events {
        bounded(event);
    }
}

fn bounded(event: &Event) {
    // U+FFFD takes three bytes in place of one.
    match event {
        Event::Command(command) => {
            let line = command.to_line();
            assert!(line.len() <= MAX_LINE);
            assert_eq!(Command::parse(&line).as_ref(), Some(command));
            let argument = command.argument_text();
            let _ = (
                argument.parse::<HostPort>(),
                argument.parse::<ExtendedPort>(),
            );
            let _ = command.to_string();
        }
        Event::Reply { reply, .. } => {
            assert!(!reply.lines.is_empty());
            let text: usize = reply.lines.iter().map(String::len).sum();
            assert!(text <= 3 * (MAX_REPLY_TEXT + MAX_LINE));
            let _ = extended_passive_port(&reply.text());
            let _ = reply.announces();
        }
        Event::NoReply { line } => assert!(line.len() <= 3 * MAX_LINE),
        Event::Announced(announced) => assert!(!announced.to_string().is_empty()),
        Event::Gap { .. } => panic!("bytes in order have no gap"),
        Event::Secured => {}
    }
}

/// The same bytes from one side alone, and as a log of replies and a listing.
fn alone(side: Side, input: &[u8]) {
    let mut dialogue = Dialogue::in_the_clear();
    let events = dialogue.bytes(side, input);
    let lines = input.iter().filter(|byte| **byte == b'\n').count();
    // A line is one event at most, and one more where it announces something or begins TLS.
    assert!(events.len() <= 3 * lines);
    assert!(Reply::parse_all(input).len() <= lines + 1);
    if let Ok(text) = std::str::from_utf8(input) {
        for line in text.lines() {
            if let Ok(facts) = line.parse::<FactLine>() {
                assert!(line.ends_with(&facts.name));
                let _ = facts.size();
            }
        }
    }
}
