//! A gateway that gives connections other addresses.

use super::*;

/// A session whose client has another address on the server's side of a gateway.
fn behind_a_gateway(asked: DataSetup) -> Told {
    let mut told = Told::by(asked, |terms| {
        let outside = outside().from.ip();
        terms.owners.insert(outside, NodeName::gateway());
    });
    told.translated(control(), outside(), SYN);
    told
}

fn outside() -> Flow {
    flow("203.0.113.1:40000", "10.0.0.1:21")
}

impl Told {
    /// A packet that crosses the gateway, which gives it another flow.
    fn translated(&mut self, inside: Flow, outside: Flow, flags: u8) {
        let (inside, outside) = (
            tcp(inside, flags, first(inside), 0),
            tcp(outside, flags, first(inside), 0),
        );
        self.captured(&NodeName::client(), false, &inside);
        self.captured(&NodeName::gateway(), true, &inside);
        self.captured(&NodeName::gateway(), false, &outside);
        self.captured(&NodeName::server(), true, &outside);
        self.later(1);
    }

    fn heard_by_server(&mut self, line: &str) -> Vec<(Announcement, Announcement)> {
        let bytes = format!("{line}\r\n").into_bytes();
        let packet = tcp(outside(), ACK, 1, bytes.len() as u32);
        let heard = self.carried(&NodeName::server(), true, &packet, &bytes);
        heard.rewritten
    }
}

#[test]
fn one_connection_has_two_flows_when_a_gateway_translates() {
    let told = behind_a_gateway(DataSetup::Port);
    let id = told.tracker.control().expect("it was opened");
    assert_eq!(told.tracker.flows(id), [control(), outside()]);
    assert_eq!(told.tracker.opener(id), Some(&NodeName::client()));
}

#[test]
fn an_announcement_counts_as_the_server_heard_it() {
    let mut told = behind_a_gateway(DataSetup::Port);
    told.says(true, "PORT 10,0,0,2,154,208");
    let rewritten = told.heard_by_server("PORT 203,0,113,1,154,208");
    let words = |announcement: &Announcement| announcement.to_string();
    let (client, server) = rewritten.first().expect("it was rewritten");
    assert_eq!(words(client), "PORT announces 10.0.0.2:39632");
    assert_eq!(words(server), "PORT announces 203.0.113.1:39632");
    let data = flow("10.0.0.1:20", "203.0.113.1:39632");
    told.captured(&NodeName::server(), false, &syn(data));
    // The gateway has given it its inside destination by the time a rule stops it.
    let inside = flow("10.0.0.1:20", "10.0.0.2:39632");
    told.drops(&NodeName::gateway(), tcp(inside, SYN, first(data), 0));
    let outcome = told.ends_in(Symptom::DataTimeout, Phase::DataConnect);
    assert_eq!(outcome.cause.kind(), CauseKind::Policy);
}

#[test]
fn what_the_server_hears_before_the_clients_syn_is_heard_of_is_not_lost() {
    let mut told = Told::new(DataSetup::Port);
    let at_server = tcp(outside(), SYN, first(control()), 0);
    told.captured(&NodeName::server(), true, &at_server);
    assert!(told.heard_by_server("PORT 203,0,113,1,154,208").is_empty());
    told.translated(control(), outside(), SYN);
    let heard = told.says(true, "PORT 10,0,0,2,154,208");
    assert_eq!(heard.rewritten.len(), 1);
    let heard = told.says(false, "200 fine");
    assert!(heard.rewritten.is_empty(), "it is told once");
}

#[test]
fn a_syn_ack_is_placed_between_two_translations() {
    let mut told = behind_a_gateway(DataSetup::Pasv);
    told.says(true, "PASV");
    told.hears(&["227 Entering (10,0,0,9,122,8)"]);
    let inside = flow("10.0.0.2:5000", "10.0.0.9:31240");
    told.translated(inside, flow("203.0.113.1:5000", "10.0.0.7:31240"), SYN);
    // In FORWARD the answer has the inside destination and still the server's own source.
    let answer = flow("10.0.0.7:31240", "10.0.0.2:5000");
    told.drops(&NodeName::gateway(), tcp(answer, SYN_ACK, 99, 0));
    assert_eq!(told.ends().symptom, Symptom::DataTimeout);
}
