use std::net::Ipv4Addr;

use fwlab_ftp::deviation::Sign;
use fwlab_ftp::wire::Side;

use super::*;
use crate::{SignResult, sign_result};

impl Told {
    /// A line on both wires.
    fn exchanges(&mut self, side: Side, line: &str) {
        let client = side == Side::Client;
        let flow = if client {
            control()
        } else {
            control().reversed()
        };
        let bytes = format!("{line}\r\n").into_bytes();
        let packet = tcp(
            flow,
            ACK,
            self.sequences[usize::from(client)],
            bytes.len() as u32,
        );
        self.says(client, line);
        self.carried(&NodeName::server(), client, &packet, &bytes);
        self.later(1);
    }

    fn shows(&self, sign: Sign) -> SignResult {
        sign_result(sign, &self.tracker, &[])
    }
}

/// Logged in, on both wires.
fn session(asked: DataSetup) -> Told {
    let mut told = Told::connected(asked);
    for (side, line) in [
        (Side::Server, "220 hi"),
        (Side::Client, "USER a"),
        (Side::Server, "230 in"),
    ] {
        told.exchanges(side, line);
    }
    told
}

#[track_caller]
fn assert_absent(sign_result: SignResult, part: &str) {
    let SignResult::Absent(seen) = sign_result else {
        panic!("{sign_result:?}, not absent");
    };
    assert!(seen.contains(part), "{seen}");
}

const EPRT_500: Sign = Sign::Answers {
    verb: "EPRT",
    code: 500,
};

#[test]
fn an_answer_shows_is_another_one_or_has_not_come() {
    let mut told = session(DataSetup::Eprt);
    assert_eq!(told.shows(EPRT_500), SignResult::Untold);
    told.exchanges(Side::Client, "EPRT |1|10.0.0.2|39632|");
    assert_eq!(told.shows(EPRT_500), SignResult::Untold);
    let mut grown = session(DataSetup::Eprt);
    grown.exchanges(Side::Client, "EPRT |1|10.0.0.2|39632|");
    grown.exchanges(Side::Server, "200 at last");
    assert_absent(
        grown.shows(EPRT_500),
        "EPRT was answered with `200 at last`",
    );
    told.exchanges(Side::Server, "500 what?");
    assert_eq!(told.shows(EPRT_500), SignResult::Shows);
}

/// Rules may keep an answer from the client.
#[test]
fn an_answer_that_did_not_reach_the_client_was_given_all_the_same() {
    let mut told = session(DataSetup::Eprt);
    told.exchanges(Side::Client, "EPRT |1|10.0.0.2|39632|");
    let bytes = b"500 what?\r\n";
    let sequence = told.sequences[0];
    let packet = tcp(control().reversed(), ACK, sequence, bytes.len() as u32);
    told.carried(&NodeName::server(), false, &packet, bytes);
    assert_eq!(told.shows(EPRT_500), SignResult::Shows);
}

#[test]
fn a_227_names_nothing_or_that_address_or_another() {
    let nowhere = Sign::Announces(Ipv4Addr::UNSPECIFIED);
    for (reply, names_nothing, names_nowhere) in [
        ("227 ready (1,129,191).", true, false),
        ("227 ready (0,0,0,0,129,191).", false, true),
        ("227 ready (10,0,0,1,129,191).", false, false),
        ("425 not over IPv6", false, false),
    ] {
        let mut told = session(DataSetup::Pasv);
        told.exchanges(Side::Client, "PASV");
        told.exchanges(Side::Server, reply);
        for (sign, expected) in [
            (Sign::AnnouncesNothing, names_nothing),
            (nowhere, names_nowhere),
        ] {
            match told.shows(sign) {
                SignResult::Shows => assert!(expected, "{reply}: {sign:?}"),
                sign_result => {
                    assert!(!expected, "{reply}: {sign:?}");
                    assert_absent(sign_result, reply);
                }
            }
        }
    }
}

#[test]
fn who_ends_the_session_is_told_apart() {
    let sign = Sign::EndsSession { verb: "PASV" };
    let fin = |told: &mut Told, flow: Flow| {
        told.passes(flow, TcpFlags::FIN | TcpFlags::ACK);
    };
    let mut told = session(DataSetup::Pasv);
    fin(&mut told, control().reversed());
    assert_eq!(told.shows(sign), SignResult::Untold, "PASV was not sent");
    let mut told = session(DataSetup::Pasv);
    told.exchanges(Side::Client, "PASV");
    assert_eq!(told.shows(sign), SignResult::Untold);
    fin(&mut told, control());
    fin(&mut told, control().reversed());
    assert_eq!(told.shows(sign), SignResult::Untold, "the client was first");
    let mut told = session(DataSetup::Pasv);
    told.exchanges(Side::Client, "PASV");
    fin(&mut told, control().reversed());
    assert_eq!(told.shows(sign), SignResult::Shows);
}

#[test]
fn the_order_of_syn_and_reply_is_that_of_the_servers_wire() {
    let data = flow("10.0.0.1:20", "10.0.0.2:39632");
    let sign = Sign::ConnectsBeforeReply;
    let mut told = session(DataSetup::Port);
    told.exchanges(Side::Client, "PORT 10,0,0,2,154,208");
    assert_eq!(told.shows(sign), SignResult::Untold);
    told.opened(data);
    assert_eq!(told.shows(sign), SignResult::Shows, "and no answer yet");
    told.exchanges(Side::Server, "200 connected");
    assert_eq!(told.shows(sign), SignResult::Shows);

    let mut told = session(DataSetup::Port);
    told.exchanges(Side::Client, "PORT 10,0,0,2,154,208");
    told.exchanges(Side::Server, "200 later");
    assert_eq!(told.shows(sign), SignResult::Untold, "nothing was opened");
    told.opened(data);
    assert_absent(told.shows(sign), "opened after the answer to PORT");
}

/// A SYN that the server's own rules stop is on no wire, and its place in the order unknown.
#[test]
fn a_stopped_syn_has_no_place_in_the_order() {
    let data = flow("10.0.0.1:20", "10.0.0.2:39632");
    let mut told = session(DataSetup::Port);
    told.exchanges(Side::Client, "PORT 10,0,0,2,154,208");
    told.exchanges(Side::Server, "425 no");
    told.drops(&NodeName::server(), syn(data));
    assert_eq!(told.shows(Sign::ConnectsBeforeReply), SignResult::Untold);
}

#[test]
fn where_a_server_connects_to_shows_only_where_port_names_somebody_else() {
    let elsewhere = "PORT 192,168,7,9,154,208";
    let own = "PORT 10,0,0,2,154,208";
    let there = flow("10.0.0.1:20", "192.168.7.9:39632");
    let back = flow("10.0.0.1:20", "10.0.0.2:39632");
    let shown = |port: &str, opened: Option<Flow>, reply: &str| {
        let mut told = session(DataSetup::Port);
        told.exchanges(Side::Client, port);
        if let Some(flow) = opened {
            let syn = tcp(flow, SYN, first(flow), 0);
            told.captured(&NodeName::server(), false, &syn);
        }
        told.exchanges(Side::Server, reply);
        told.shows(Sign::ConnectsElsewhere)
    };
    assert_eq!(shown(own, Some(back), "200 fine"), SignResult::Untold);
    assert_eq!(shown(elsewhere, None, "200 fine"), SignResult::Untold);
    assert_eq!(shown(elsewhere, Some(there), "200 fine"), SignResult::Shows);
    assert_absent(shown(elsewhere, Some(back), "200 fine"), "went to 10.0.0.2");
    assert_absent(shown(elsewhere, None, "500 illegal"), "500 illegal");
}

/// A gateway gives the client another address: only the server's own wire says which.
#[test]
fn behind_nat_the_servers_own_wire_says_who_it_talks_to() {
    let own = flow("10.0.0.2:40000", "203.0.113.10:21");
    let seen = flow("203.0.113.1:40000", "203.0.113.10:21");
    let session = |asked: DataSetup| {
        let mut told = Told::by(asked, |terms| {
            terms.control = own.to;
            terms.listening = own.to;
            terms.owners = [
                (own.from.ip(), NodeName::client()),
                (own.to.ip(), NodeName::server()),
            ]
            .into();
        });
        let (client, server) = (NodeName::client(), NodeName::server());
        for (node, inbound, flow) in [(client, false, own), (server, true, seen)] {
            let syn = tcp(flow, SYN, 77, 0);
            told.captured(&node, inbound, &syn);
        }
        told
    };
    let says = |told: &mut Told, side: Side, line: &str| {
        let client = side == Side::Client;
        let flow = if client { own } else { own.reversed() };
        let bytes = format!("{line}\r\n").into_bytes();
        let sequence = &mut told.sequences[usize::from(client)];
        let packet = tcp(flow, ACK, *sequence, bytes.len() as u32);
        *sequence += bytes.len() as u32;
        told.carried(&NodeName::client(), !client, &packet, &bytes);
        told.carried(&NodeName::server(), client, &packet, &bytes);
    };
    let syn = |told: &mut Told, inbound: bool, flow: Flow| {
        let syn = tcp(flow, SYN, first(flow), 0);
        told.captured(&NodeName::server(), inbound, &syn);
    };

    let mut told = session(DataSetup::Port);
    says(&mut told, Side::Server, "220 hi");
    says(&mut told, Side::Client, "PORT 10,0,0,2,154,208");
    assert_eq!(told.shows(Sign::ConnectsBack), SignResult::Untold);
    let refuses = |code| Sign::RefusesElsewhere { code };
    assert_eq!(told.shows(refuses(501)), SignResult::Untold);
    let mut refused = session(DataSetup::Port);
    says(&mut refused, Side::Server, "220 hi");
    says(&mut refused, Side::Client, "PORT 10,0,0,2,154,208");
    says(&mut refused, Side::Server, "500 illegal");
    assert_absent(refused.shows(Sign::ConnectsBack), "500 illegal");
    assert_eq!(refused.shows(refuses(500)), SignResult::Shows);
    assert_absent(refused.shows(refuses(501)), "500 illegal");
    let mut own = session(DataSetup::Port);
    says(&mut own, Side::Server, "220 hi");
    says(&mut own, Side::Client, "PORT 203,0,113,1,154,208");
    says(&mut own, Side::Server, "500 illegal");
    assert_eq!(own.shows(refuses(500)), SignResult::Untold);
    let back = flow("203.0.113.10:20", "203.0.113.1:39632");
    syn(&mut told, false, back);
    assert_eq!(told.shows(Sign::ConnectsBack), SignResult::Shows);
    assert_absent(told.shows(Sign::ConnectsElsewhere), "203.0.113.1");

    for (from, reply, shows) in [
        ("203.0.113.2:40001", "226 done", true),
        ("203.0.113.2:40001", "425 who are you", false),
        ("203.0.113.1:40001", "226 done", false),
    ] {
        let mut told = session(DataSetup::Pasv);
        for (side, line) in [
            (Side::Server, "220 hi"),
            (Side::Client, "PASV"),
            (Side::Server, "227 ready (203,0,113,10,154,208)"),
            (Side::Client, "RETR file"),
        ] {
            says(&mut told, side, line);
        }
        syn(&mut told, true, flow(from, "203.0.113.10:39632"));
        assert_eq!(told.shows(Sign::ServesAnother), SignResult::Untold);
        says(&mut told, Side::Server, reply);
        match told.shows(Sign::ServesAnother) {
            SignResult::Shows => assert!(shows, "{from} {reply}"),
            SignResult::Absent(seen) => assert!(!shows && seen.contains("425"), "{seen}"),
            SignResult::Untold => assert!(from.starts_with("203.0.113.1:"), "{from}"),
        }
    }
}

#[test]
fn what_a_client_sends_is_told_from_what_it_should() {
    let sign = Sign::Sends {
        verb: "PORT",
        instead_of: "EPRT",
    };
    let mut told = session(DataSetup::Eprt);
    assert_eq!(told.shows(sign), SignResult::Untold);
    told.exchanges(Side::Client, "EPRT |1|10.0.0.2|39632|");
    assert_absent(told.shows(sign), "EPRT was sent");
    let mut told = session(DataSetup::Eprt);
    told.exchanges(Side::Client, "PORT 10,0,0,2,154,208");
    assert_eq!(told.shows(sign), SignResult::Shows);
}

#[test]
fn a_client_that_leaves_unread_has_no_final_reply_when_all_is_over() {
    let fin = TcpFlags::FIN | TcpFlags::ACK;
    let session = || {
        let mut told = session(DataSetup::Pasv);
        told.exchanges(Side::Client, "RETR file");
        told.exchanges(Side::Server, "150 here it comes");
        told
    };
    let mut told = session();
    assert_eq!(told.shows(Sign::LeavesUnread), SignResult::Untold);
    told.passes(control(), fin);
    assert_eq!(told.shows(Sign::LeavesUnread), SignResult::Shows);
    let mut told = session();
    told.passes(control().reversed(), fin);
    assert_eq!(told.shows(Sign::LeavesUnread), SignResult::Shows);
    let mut told = session();
    told.exchanges(Side::Server, "522 not resumed");
    told.passes(control(), fin);
    assert_absent(told.shows(Sign::LeavesUnread), "`522 not resumed` was read");
}

#[test]
fn a_client_stays_away_only_from_another_address() {
    let mut told = session(DataSetup::Pasv);
    told.exchanges(Side::Client, "PASV");
    told.exchanges(Side::Server, "227 ready (10,0,0,1,154,208)");
    assert_eq!(told.shows(Sign::StaysAway), SignResult::Untold);
    let mut told = session(DataSetup::Pasv);
    told.exchanges(Side::Client, "PASV");
    told.exchanges(Side::Server, "227 ready (192,168,7,9,154,208)");
    assert_eq!(told.shows(Sign::StaysAway), SignResult::Shows);
    let data = flow("10.0.0.2:40001", "192.168.7.9:39632");
    let syn = tcp(data, SYN, first(data), 0);
    told.captured(&NodeName::client(), false, &syn);
    assert_absent(told.shows(Sign::StaysAway), "192.168.7.9:39632");
}
