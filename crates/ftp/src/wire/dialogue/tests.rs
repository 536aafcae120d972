use fwlab_record::{DataSetup, Phase};
use proptest::prelude::*;

use super::*;
use crate::wire::{MAX_HELD, MAX_LINE, MAX_REPLY_TEXT};

/// A whole session, `C` and `S` lines in turn.
fn play(dialogue: &mut Dialogue, script: &[(Side, &str)]) -> Vec<Event> {
    script
        .iter()
        .flat_map(|(side, line)| dialogue.bytes(*side, format!("{line}\r\n").as_bytes()))
        .collect()
}

const LOGIN: [(Side, &str); 5] = [
    (Side::Server, "220 ready"),
    (Side::Client, "USER anonymous"),
    (Side::Server, "331 password"),
    (Side::Client, "PASS x"),
    (Side::Server, "230 in"),
];

#[test]
fn the_phases_of_a_transfer() {
    let mut dialogue = Dialogue::default();
    assert_eq!(dialogue.progress().phase(), Phase::Greeting);
    play(&mut dialogue, &LOGIN[..1]);
    assert_eq!(dialogue.progress().phase(), Phase::Login);
    play(&mut dialogue, &LOGIN[1..]);
    assert_eq!(dialogue.progress().phase(), Phase::Negotiate);
    let steps = [
        (Side::Client, "pasv", Phase::Negotiate),
        (
            Side::Server,
            "227 ok (192,168,0,201,122,8)",
            Phase::DataConnect,
        ),
        (Side::Client, "retr x", Phase::DataConnect),
        (Side::Server, "150 sending", Phase::Transfer),
        (Side::Server, "226 done", Phase::Completion),
    ];
    for (side, line, phase) in steps {
        play(&mut dialogue, &[(side, line)]);
        assert_eq!(dialogue.progress().phase(), phase, "after {line}");
    }
    let progress = dialogue.progress();
    assert!(progress.is_complete());
    assert_eq!(progress.transfer.as_ref().unwrap().to_line(), b"retr x");
    assert_eq!(
        progress.preliminary.as_ref().unwrap().to_string(),
        "150 sending"
    );
    assert_eq!(progress.setups.len(), 1);
    assert_eq!(dialogue.pending().count(), 0);
}

#[test]
fn all_four_announcements() {
    let mut dialogue = Dialogue::default();
    play(&mut dialogue, &LOGIN);
    let events = play(
        &mut dialogue,
        &[
            (Side::Client, "PORT 192,168,0,211,154,208"),
            (Side::Server, "200 ok"),
            (Side::Client, "EPRT |1|192.168.0.211|39632|"),
            (Side::Server, "200 ok"),
            (Side::Client, "PASV"),
            (Side::Server, "227 =192,168,0,201,122,8"),
            (Side::Client, "EPSV"),
            (Side::Server, "229 ok (|||31240|)"),
            (Side::Client, "PORT 1,2,3"),
            (Side::Client, "EPSV ALL"),
        ],
    );
    let announced: Vec<String> = events
        .iter()
        .filter_map(|event| match event {
            Event::Announced(announced) => Some(announced.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(
        announced,
        [
            "PORT announces 192.168.0.211:39632",
            "EPRT announces 192.168.0.211:39632",
            "227 announces 192.168.0.201:31240",
            "229 announces port 31240 of the server",
        ]
    );
    let asked: Vec<_> = dialogue.progress().setups.iter().map(|s| s.setup).collect();
    use DataSetup::*;
    assert_eq!(asked, [Port, Eprt, Pasv, Epsv, Port]);
}

#[test]
fn pipelined_commands_get_their_own_replies() {
    let mut dialogue = Dialogue::default();
    play(&mut dialogue, &LOGIN);
    let events = play(
        &mut dialogue,
        &[
            (Side::Client, "EPSV"),
            (Side::Client, "LIST"),
            (Side::Server, "229 ok (|||31240|)"),
            (Side::Server, "150 here"),
            (Side::Server, "226 done"),
            (Side::Server, "421 idle"),
        ],
    );
    let answered: Vec<Option<String>> = events
        .iter()
        .filter_map(|event| match event {
            Event::Reply { to, .. } => Some(to.as_ref().map(Command::verb)),
            _ => None,
        })
        .collect();
    let to = |verb: &str| Some(verb.to_owned());
    assert_eq!(answered, [to("EPSV"), to("LIST"), to("LIST"), None]);
    assert_eq!(
        dialogue.progress().latest.as_ref().unwrap().code.number(),
        421
    );
}

#[test]
fn a_refused_setup_and_the_clients_fallback() {
    let mut dialogue = Dialogue::default();
    play(&mut dialogue, &LOGIN);
    play(
        &mut dialogue,
        &[(Side::Client, "EPSV"), (Side::Server, "500 what")],
    );
    assert_eq!(dialogue.progress().phase(), Phase::Negotiate);
    play(
        &mut dialogue,
        &[(Side::Client, "PASV"), (Side::Server, "227 (1,2,3,4,5,6)")],
    );
    let progress = dialogue.progress();
    assert!(progress.is_set_up());
    assert_eq!(
        progress.setups[0].answer.as_ref().unwrap().code.number(),
        500
    );
}

/// After CCC each side goes on in the clear behind its last record.
#[test]
fn what_follows_ccc_is_read() {
    let mut dialogue = Dialogue::default();
    play(&mut dialogue, &LOGIN[..1]);
    let auth = [(Side::Client, "AUTH TLS"), (Side::Server, "234 go on")];
    play(&mut dialogue, &auth);
    let record = b"\x17\x03\x03\x00\x07USER x\n";
    for side in [Side::Client, Side::Server] {
        assert_eq!(dialogue.bytes(side, record), []);
    }
    let line = [&record[..], b"PASV\r\n"].concat();
    assert!(matches!(
        &dialogue.bytes(Side::Client, &line)[..],
        [Event::Command(command)] if command.is("PASV")
    ));
    let events = play(
        &mut dialogue,
        &[(Side::Server, "227 ok (192,168,0,201,122,8)")],
    );
    assert!(matches!(events[1], Event::Announced(_)), "{events:?}");
    assert!(dialogue.progress().is_set_up());
    assert_eq!(dialogue.progress().phase(), Phase::DataConnect);
}

/// What an end of the connection knows, TLS or not.
#[test]
fn in_the_clear_nothing_is_hidden() {
    let mut dialogue = Dialogue::in_the_clear();
    play(&mut dialogue, &LOGIN[..1]);
    let auth = [(Side::Client, "AUTH TLS"), (Side::Server, "234 go on")];
    let secured = |events: &[Event]| {
        let secured = events.iter().filter(|event| **event == Event::Secured);
        secured.count()
    };
    assert_eq!(secured(&play(&mut dialogue, &auth)), 1);
    assert_eq!(dialogue.progress().phase(), Phase::AuthTls);
    let protect = [(Side::Client, "PBSZ 0"), (Side::Server, "200 ok")];
    assert_eq!(secured(&play(&mut dialogue, &protect)), 0);
    assert_eq!(dialogue.progress().phase(), Phase::Login);
    play(&mut dialogue, &LOGIN[1..]);
    play(
        &mut dialogue,
        &[(Side::Client, "EPSV"), (Side::Server, "229 ok (|||31240|)")],
    );
    assert!(dialogue.progress().is_set_up());
    assert_eq!(dialogue.progress().phase(), Phase::DataConnect);
}

#[test]
fn tls_hides_what_follows() {
    let mut dialogue = Dialogue::default();
    play(&mut dialogue, &LOGIN[..1]);
    let events = play(
        &mut dialogue,
        &[
            (Side::Client, "AUTH TLS"),
            (Side::Server, "234 go"),
            (Side::Client, "PORT 1,2,3,4,5,6"),
        ],
    );
    assert_eq!(events.last(), Some(&Event::Secured));
    assert_eq!(dialogue.progress().phase(), Phase::AuthTls);
}

#[test]
fn a_flood_without_an_end_stays_small() {
    let mut dialogue = Dialogue::default();
    let flood = vec![b'2'; 1 << 20];
    for _ in 0..16 {
        assert!(dialogue.bytes(Side::Server, &flood).is_empty());
    }
    let events = dialogue.bytes(Side::Server, b"\r\n220 ready\r\n");
    let [Event::NoReply { line }, Event::Reply { .. }] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(line.len(), MAX_LINE);
}

#[test]
fn a_gap_in_the_capture_costs_one_line() {
    let mut dialogue = Dialogue::default();
    dialogue.syn(Side::Server, 99);
    dialogue.segment(Side::Server, 100, b"220-rea");
    let late = b"dy\r\n220 x\r\n".repeat(1 + MAX_HELD / 11);
    let events = dialogue.segment(Side::Server, 200, &late);
    assert_eq!(events[0], Event::Gap { from: Side::Server });
    assert!(dialogue.progress().is_greeted());
}

fn any_side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Client), Just(Side::Server)]
}

/// Lines near enough to FTP to reach every branch.
fn any_line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "(PORT|EPRT|PASV|EPSV|RETR|AUTH|USER|epsv) ?[0-9,|.a]{0,24}\r?\n"
            .prop_map(String::into_bytes),
        "[1-6][0-9]{2}[ -](\\(\\|\\|\\|)?[0-9,|)]{0,24}\r?\n".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_followed_without_a_panic_and_in_bounds(
        pieces in proptest::collection::vec((any_side(), any::<u32>(), any::<bool>(), any_line()), 0..60),
    ) {
        let mut dialogue = Dialogue::default();
        for (side, sequence, captured, bytes) in pieces {
            if captured {
                dialogue.segment(side, sequence % 500, &bytes);
            } else {
                dialogue.bytes(side, &bytes);
            }
            let _ = dialogue.progress().phase();
            prop_assert!(dialogue.pending().count() <= MAX_PENDING);
            let kept = dialogue.progress().latest.iter().flat_map(|reply| &reply.lines);
            prop_assert!(kept.map(String::len).sum::<usize>() <= 3 * (MAX_REPLY_TEXT + MAX_LINE));
        }
    }

    /// Where the segments are cut does not show.
    #[test]
    fn segmentation_does_not_matter(
        lines in proptest::collection::vec(any_line(), 0..12),
        cuts in proptest::collection::vec(0_usize..400, 0..12),
    ) {
        let stream = lines.concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let (mut whole, mut cut) = (Dialogue::default(), Dialogue::default());
        for side in [Side::Server, Side::Client] {
            let expected = whole.bytes(side, &stream);
            let got: Vec<Event> = cuts
                .windows(2)
                .flat_map(|pair| cut.segment(side, 7 + pair[0] as u32, &stream[pair[0]..pair[1]]))
                .collect();
            prop_assert_eq!(got, expected);
        }
        prop_assert_eq!(whole.progress(), cut.progress());
    }
}

#[test]
fn a_server_without_end_is_noticed_in_whatever_way_it_speaks() {
    let many = |line: &str| line.repeat(1_001).into_bytes();
    let one = format!("220 {}", "x".repeat(64 << 10)).into_bytes();
    let within = b"220-a\r\n".repeat(500);
    for flood in [
        many("220-a\r\n"),
        many("220 a\r\n"),
        many("garbage\n"),
        many("\n"),
        one,
    ] {
        let mut dialogue = Dialogue::default();
        // In pieces, as it comes.
        for piece in flood.chunks(1460) {
            dialogue.bytes(Side::Server, piece);
        }
        let why = dialogue.progress().flood().expect("it is noticed");
        assert!(why.contains("more than 1000 lines or 64 KiB"), "{why}");
    }
    // What a command asks for is not added to what was said before.
    let mut dialogue = Dialogue::default();
    for _ in 0..10 {
        dialogue.bytes(Side::Server, &within);
        dialogue.bytes(Side::Client, b"NOOP\r\n");
    }
    assert_eq!(dialogue.progress().flood(), None);
}

/// Found by the fuzz target `dialogue`: what came in one segment with the 234 was taken for nothing.
#[test]
fn what_follows_a_234_in_its_segment_is_tls() {
    let said = b"220 ready\r\n234 go\r\n\x15\x03\x03\x00\x02\x01\x00200 clear\r\n";
    let mut whole = Dialogue::default();
    let mut cut = Dialogue::default();
    whole.bytes(Side::Client, b"AUTH TLS\r\n");
    cut.bytes(Side::Client, b"AUTH TLS\r\n");
    let mut events = Vec::new();
    for byte in said.chunks(1) {
        events.extend(cut.bytes(Side::Server, byte));
    }
    assert_eq!(whole.bytes(Side::Server, said), events);
    assert!(matches!(&events[..], [.., Event::Reply { reply, .. }] if reply.code.number() == 200));
}

/// A TLS record of so many bytes, its header included.
fn record(bytes: u8) -> Vec<u8> {
    let mut record = vec![22, 3, 3, 0, bytes - 5];
    record.resize(usize::from(bytes), b'\n');
    record
}

#[test]
fn what_tls_hides_is_counted_once_and_ends_with_ccc() {
    let mut dialogue = Dialogue::default();
    play(&mut dialogue, &LOGIN[..1]);
    let auth = [(Side::Client, "AUTH TLS"), (Side::Server, "234 go on")];
    play(&mut dialogue, &auth);
    assert_eq!(dialogue.hidden(Side::Client), 0);
    dialogue.syn(Side::Client, 99);
    let mut sent = Dialogue::default();
    sent.progress.secured = true;
    sent.syn(Side::Client, 99);
    for _ in 0..2 {
        assert_eq!(sent.segment(Side::Client, 100, &record(30)), []);
        assert_eq!(sent.hidden(Side::Client), 30);
    }
    dialogue.bytes(Side::Server, &record(40));
    dialogue.bytes(Side::Server, b"250 in the clear\r\n");
    assert_eq!(dialogue.hidden(Side::Server), 40);
    let is_hidden = [Side::Client, Side::Server].map(|side| dialogue.is_hidden_from_start(side));
    assert_eq!(is_hidden, [false; 2]);
}

#[test]
fn tls_from_the_first_byte_is_counted_too() {
    let mut dialogue = Dialogue::default();
    dialogue.bytes(Side::Client, &record(50));
    dialogue.bytes(Side::Server, &record(60)[..20]);
    dialogue.bytes(Side::Client, &record(10));
    assert_eq!(dialogue.hidden(Side::Client), 60);
    assert_eq!(dialogue.hidden(Side::Server), 20);
    assert!(dialogue.is_hidden_from_start(Side::Client));
    assert!(dialogue.is_hidden_from_start(Side::Server));
    // What follows a gap may be anything.
    let mut gap = Dialogue::default();
    gap.gap(Side::Client, &mut Vec::new());
    gap.bytes(Side::Client, &record(50));
    assert_eq!(gap.hidden(Side::Client), 0);
}
