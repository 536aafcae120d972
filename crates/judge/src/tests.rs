use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fwlab_record::{
    Announcement, Backend, Cause, CauseKind, ChainId, DataSetup, EventId, Family, Flow, NodeName,
    Outcome, Packet, Phase, Protection, RuleId, RuleOrdinal, Symptom, TcpFlags, Way,
};

use super::death::Ender;
use super::{
    ClientEnd, ConnectionId, Ending, Event, Finding, Said, Stop, StoppedBy, Terms, Watch, What,
    judge,
};

const SYN: u8 = TcpFlags::SYN;
const SYN_ACK: u8 = TcpFlags::SYN | TcpFlags::ACK;
const ACK: u8 = TcpFlags::ACK;
const RST: u8 = TcpFlags::RST | TcpFlags::ACK;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address and port")
}

fn flow(from: &str, to: &str) -> Flow {
    Flow {
        from: address(from),
        to: address(to),
    }
}

fn tcp(flow: Flow, flags: u8, sequence: u32, payload: u32) -> Packet {
    Packet::Tcp {
        flow,
        flags: TcpFlags(flags),
        sequence,
        acknowledgement: 0,
        payload,
    }
}

/// Each connection has a first sequence number of its own.
fn first(flow: Flow) -> u32 {
    u32::from(flow.from.port()) << 16 | u32::from(flow.to.port())
}

fn control() -> Flow {
    flow("10.0.0.2:40000", "10.0.0.1:21")
}

/// A session, told to a watch step by step.
struct Told {
    watch: Watch,
    now: Duration,
    events: u64,
    sequences: [u32; 2],
}

impl Told {
    fn new(asked: DataSetup) -> Told {
        Told::of(asked, false)
    }

    fn of(asked: DataSetup, upload: bool) -> Told {
        let owners: BTreeMap<IpAddr, NodeName> = [
            ("10.0.0.2".parse().expect("an address"), NodeName::client()),
            ("10.0.0.1".parse().expect("an address"), NodeName::server()),
        ]
        .into();
        Told {
            watch: Watch::new(Terms {
                control: address("10.0.0.1:21"),
                listening: address("10.0.0.1:21"),
                client: NodeName::client(),
                server: NodeName::server(),
                asked,
                protection: Protection::Plain,
                upload,
                unannounced: Vec::new(),
                pausing: BTreeSet::new(),
                owners,
            }),
            now: Duration::from_secs(1),
            events: 0,
            sequences: [1, 1],
        }
    }

    /// A control connection that is up.
    fn connected(asked: DataSetup) -> Told {
        let mut told = Told::new(asked);
        told.opened(control());
        told
    }

    /// A session that is logged in.
    fn logged_in(asked: DataSetup) -> Told {
        let mut told = Told::connected(asked);
        for (client, line) in [
            (false, "220 hi"),
            (true, "USER a"),
            (false, "331 pw"),
            (true, "PASS b"),
            (false, "230 in"),
        ] {
            told.says(client, line);
        }
        told
    }

    fn later(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    fn node_of(&self, address: SocketAddr) -> NodeName {
        self.watch
            .owner_of(address.ip())
            .expect("an address of the lab")
            .clone()
    }

    /// A packet that leaves one node and comes in at the other.
    fn passes(&mut self, flow: Flow, flags: u8) {
        let packet = tcp(flow, flags, first(flow), 0);
        let (sender, receiver) = (self.node_of(flow.from), self.node_of(flow.to));
        self.captured(&sender, false, &packet);
        self.captured(&receiver, true, &packet);
        self.later(1);
    }

    fn opened(&mut self, flow: Flow) {
        self.passes(flow, SYN);
        self.passes(flow.reversed(), SYN_ACK);
        self.passes(flow, ACK);
    }

    fn says(&mut self, client: bool, line: &str) -> Said {
        let flow = if client {
            control()
        } else {
            control().reversed()
        };
        let bytes = format!("{line}\r\n").into_bytes();
        let sequence = &mut self.sequences[usize::from(client)];
        let packet = tcp(flow, ACK, *sequence, bytes.len() as u32);
        *sequence += bytes.len() as u32;
        self.carried(&NodeName::client(), !client, &packet, &bytes)
    }

    fn stopped(&mut self, node: NodeName, packet: Packet, rejects: bool) {
        let what = What::Stopped {
            by: policy(),
            rejects,
            packet,
            state: None,
            doubt: None,
        };
        self.told(&node, what);
        self.later(1);
    }

    fn judged(&mut self, end: &ClientEnd) -> Finding {
        judge(&mut self.watch, &Ending::of(end.clone()))
    }

    /// The next event.
    fn told(&mut self, node: &NodeName, what: What) -> Said {
        self.events += 1;
        self.watch.take(&Event {
            id: EventId(self.events),
            at: self.now,
            node: node.clone(),
            what,
        })
    }

    fn captured(&mut self, node: &NodeName, inbound: bool, packet: &Packet) {
        self.carried(node, inbound, packet, &[]);
    }

    fn carried(&mut self, node: &NodeName, inbound: bool, packet: &Packet, bytes: &[u8]) -> Said {
        let what = What::Captured {
            way: if inbound { Way::In } else { Way::Out },
            packet: *packet,
            swallowed: false,
            payload: bytes.to_vec(),
        };
        self.told(node, what)
    }

    fn swallowed(&mut self, node: &NodeName, packet: &Packet) {
        let what = What::Captured {
            way: Way::Out,
            packet: *packet,
            swallowed: true,
            payload: Vec::new(),
        };
        self.told(node, what);
    }

    fn sent(&mut self, packet: &Packet) {
        let node = NodeName::client();
        self.told(&node, What::Sent { packet: *packet });
    }

    fn stop(&mut self, stop: Stop) {
        let Stop {
            node,
            by,
            rejects,
            packet,
            doubt,
            ..
        } = stop;
        let what = What::Stopped {
            by,
            rejects,
            packet,
            state: None,
            doubt,
        };
        self.told(&node, what);
    }

    fn may_be_stopped(&mut self, number: u64, stop: Stop) {
        let Stop {
            node,
            by,
            packet,
            doubt,
            ..
        } = stop;
        let what = What::HandedOn {
            number,
            by,
            packet,
            doubt,
        };
        self.told(&node, what);
    }

    fn goes_on(&mut self, node: &NodeName, number: u64) {
        self.told(node, What::WentOn { number });
    }

    fn redirected(&mut self, rule: Stop) {
        let Stop {
            node, by, packet, ..
        } = rule;
        self.told(&node, What::Translated { by, packet });
    }

    fn expected(&mut self) {
        self.told(&NodeName::server(), What::Expected);
    }

    fn sent_again(&mut self, id: ConnectionId) {
        let flow = self.watch.known_as(id).expect("a flow");
        self.told(&NodeName::client(), What::SentAgain { flow });
    }
}

fn chain() -> ChainId {
    ChainId {
        family: Family::Ipv4.into(),
        table: "filter".into(),
        chain: "INPUT".into(),
    }
}

fn policy() -> StoppedBy {
    StoppedBy::Policy {
        backend: Backend::Nft,
        chain: chain(),
        source_line: None,
        statement: "-P INPUT DROP".into(),
    }
}

fn rule(ordinal: u32) -> StoppedBy {
    StoppedBy::Rule {
        backend: Backend::Nft,
        rule: RuleId {
            chain: chain(),
            ordinal: RuleOrdinal(ordinal),
        },
        source_line: None,
        statement: "-j DROP".into(),
    }
}

fn failed() -> ClientEnd {
    ClientEnd::Failed("it failed".into())
}

#[track_caller]
fn outcome(finding: Finding) -> Outcome {
    match finding {
        Finding::Outcome(outcome) => outcome,
        Finding::Inconclusive(why) => panic!("inconclusive: {why}"),
    }
}

#[test]
fn a_dropped_control_syn_is_a_control_timeout() {
    let mut told = Told::new(DataSetup::Pasv);
    let syn = tcp(control(), SYN, first(control()), 0);
    told.captured(&NodeName::client(), false, &syn);
    told.stopped(NodeName::server(), syn, false);
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(
        (outcome.symptom, outcome.phase),
        (Symptom::ControlTimeout, Phase::ControlConnect)
    );
    assert_eq!(outcome.cause.kind(), CauseKind::Policy);
}

#[test]
fn a_syn_that_its_own_node_stops_is_on_no_wire_and_is_known_all_the_same() {
    let mut told = Told::new(DataSetup::Pasv);
    told.stopped(
        NodeName::client(),
        tcp(control(), SYN, first(control()), 0),
        false,
    );
    assert_eq!(
        outcome(told.judged(&failed())).symptom,
        Symptom::ControlTimeout
    );
}

#[test]
fn an_announced_data_syn_that_is_dropped_is_a_data_timeout_whatever_comes_first() {
    for announced_first in [true, false] {
        let mut told = Told::logged_in(DataSetup::Port);
        let data = flow("10.0.0.1:20", "10.0.0.2:39632");
        let announce = |told: &mut Told| told.says(true, "PORT 10,0,0,2,154,208");
        if announced_first {
            announce(&mut told);
        }
        told.stopped(NodeName::client(), tcp(data, SYN, 9, 0), false);
        if !announced_first {
            assert!(told.watch.deciding().is_none(), "nobody announced it yet");
            announce(&mut told);
        }
        assert!(told.watch.deciding().is_some());
        let outcome = outcome(told.judged(&failed()));
        assert_eq!(
            (outcome.symptom, outcome.phase),
            (Symptom::DataTimeout, Phase::DataConnect)
        );
    }
}

#[test]
fn the_servers_425_does_not_hide_the_rule() {
    let mut told = Told::logged_in(DataSetup::Port);
    told.says(true, "PORT 10,0,0,2,154,208");
    told.stopped(
        NodeName::client(),
        tcp(flow("10.0.0.1:20", "10.0.0.2:39632"), SYN, 9, 0),
        false,
    );
    told.says(false, "425 cannot connect");
    assert_eq!(
        outcome(told.judged(&failed())).cause.kind(),
        CauseKind::Policy
    );
}

#[test]
fn a_connection_that_nobody_announced_decides_nothing() {
    let mut told = Told::logged_in(DataSetup::Pasv);
    told.stopped(
        NodeName::server(),
        tcp(flow("10.0.0.2:5000", "10.0.0.1:8080"), SYN, 9, 0),
        false,
    );
    assert!(told.watch.deciding().is_none());
    assert!(matches!(told.judged(&failed()), Finding::Inconclusive(_)));
}

#[test]
fn a_connection_to_a_written_target_needs_no_announcement() {
    let mut told = Told::logged_in(DataSetup::Port);
    let attack = flow("10.0.0.1:20", "10.0.0.2:8080");
    let mut terms = told.watch.terms().clone();
    terms.unannounced = vec![address("10.0.0.2:8080")];
    told.watch = Watch::new(terms);
    told.stopped(NodeName::client(), tcp(attack, SYN, 9, 0), false);
    assert!(told.watch.deciding().is_some());
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(
        (outcome.symptom, outcome.phase),
        (Symptom::DataTimeout, Phase::DataConnect)
    );
}

#[test]
fn the_death_of_a_fallbacks_connection_does_not_decide() {
    let mut told = Told::logged_in(DataSetup::Epsv);
    told.says(true, "EPSV");
    told.says(false, "500 what");
    told.says(true, "PASV");
    told.says(false, "227 Entering (10,0,0,1,122,8)");
    told.stopped(
        NodeName::server(),
        tcp(flow("10.0.0.2:5000", "10.0.0.1:31240"), SYN, 9, 0),
        false,
    );
    assert!(told.watch.deciding().is_none());
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(
        (outcome.symptom, outcome.phase),
        (Symptom::Refused, Phase::Negotiate)
    );
}

fn passive_announced() -> (Told, Flow) {
    let mut told = Told::logged_in(DataSetup::Pasv);
    told.says(true, "PASV");
    told.says(false, "227 Entering (10,0,0,1,122,8)");
    (told, flow("10.0.0.2:5000", "10.0.0.1:31240"))
}

#[test]
fn a_dropped_syn_ack_counts_though_it_was_seen_on_the_wire() {
    let (mut told, data) = passive_announced();
    told.passes(data, SYN);
    told.passes(data.reversed(), SYN_ACK);
    told.stopped(
        NodeName::client(),
        tcp(data.reversed(), SYN_ACK, first(data.reversed()), 0),
        false,
    );
    assert_eq!(
        outcome(told.judged(&failed())).symptom,
        Symptom::DataTimeout
    );
}

#[test]
fn a_first_syn_that_is_dropped_and_a_second_that_passes_is_no_death() {
    let (mut told, data) = passive_announced();
    told.passes(data, SYN);
    told.stopped(NodeName::server(), tcp(data, SYN, first(data), 0), false);
    assert!(told.watch.deciding().is_some());
    told.later(1000);
    told.opened(data);
    assert!(told.watch.deciding().is_none());
}

#[test]
fn a_later_packet_must_be_dropped_again_and_not_at_once() {
    let (mut told, data) = passive_announced();
    told.opened(data);
    let packet = tcp(data.reversed(), ACK, 100, 1448);
    told.stopped(NodeName::client(), packet, false);
    told.stopped(NodeName::client(), packet, false);
    assert!(
        told.watch.deciding().is_none(),
        "two equal packets at once are no retransmission"
    );
    told.later(210);
    told.stopped(NodeName::client(), packet, false);
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(
        (outcome.symptom, outcome.phase),
        (Symptom::DataTimeout, Phase::Transfer)
    );
}

#[test]
fn a_reject_is_a_rejection_only_when_its_answer_arrives() {
    for answer_stopped in [false, true] {
        let (mut told, data) = passive_announced();
        told.passes(data, SYN);
        told.stopped(NodeName::server(), tcp(data, SYN, first(data), 0), true);
        let answer = tcp(data.reversed(), RST, 0, 0);
        if answer_stopped {
            told.stopped(NodeName::server(), answer, false);
        } else {
            told.passes(data.reversed(), RST);
        }
        let expected = if answer_stopped {
            Symptom::DataTimeout
        } else {
            Symptom::DataRejected
        };
        let outcome = outcome(told.judged(&failed()));
        assert_eq!(
            (outcome.symptom, outcome.cause.kind()),
            (expected, CauseKind::Policy)
        );
        assert_eq!(
            outcome.cause.packet(),
            Some(&tcp(data, SYN, first(data), 0))
        );
    }
}

#[test]
fn a_reset_that_no_rule_sent_is_the_hosts() {
    let (mut told, data) = passive_announced();
    told.passes(data, SYN);
    told.passes(data.reversed(), RST);
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(outcome.symptom, Symptom::DataRejected);
    assert!(matches!(outcome.cause, Cause::Host { node, .. } if node == NodeName::server()));
}

/// vsftpd's 227 over IPv6 names 0.0.0.0: who connects there reaches itself.
#[test]
fn what_is_announced_as_nowhere_is_the_openers_own_host() {
    for protection in [Protection::Plain, Protection::Explicit] {
        let mut told = Told::new(DataSetup::Pasv);
        let mut terms = told.watch.terms().clone();
        terms.protection = protection;
        told.watch = Watch::new(terms);
        told.opened(control());
        if protection == Protection::Plain {
            told.says(true, "PASV");
            told.says(false, "227 (0,0,0,0,195,80)");
        }
        let data = flow("127.0.0.1:5", "127.0.0.1:50000");
        for (packet, inbound) in [
            (tcp(data, SYN, first(data), 0), false),
            (tcp(data, SYN, first(data), 0), true),
            (tcp(data.reversed(), RST, 0, 0), false),
            (tcp(data.reversed(), RST, 0, 0), true),
        ] {
            told.captured(&NodeName::client(), inbound, &packet);
            told.later(1);
        }
        let outcome = outcome(told.judged(&failed()));
        assert_eq!(outcome.symptom, Symptom::DataRejected);
        assert_eq!(outcome.phase, Phase::DataConnect);
        assert!(
            matches!(outcome.cause, Cause::Host { node, .. } if node == NodeName::client()),
            "{protection}"
        );
    }
}

#[test]
fn a_reset_that_ends_a_connection_that_was_up_decides_nothing() {
    let (mut told, data) = passive_announced();
    told.opened(data);
    told.passes(data.reversed(), RST);
    assert!(told.watch.deciding().is_none());
}

#[test]
fn a_syn_that_never_arrives_and_that_no_rule_stopped_is_a_loss() {
    let (mut told, data) = passive_announced();
    told.captured(&NodeName::client(), false, &tcp(data, SYN, first(data), 0));
    let outcome = outcome(told.judged(&failed()));
    assert!(matches!(outcome.cause, Cause::Loss { node, .. } if node == NodeName::client()));
}

#[test]
fn the_phase_of_a_dead_control_connection_leaves_out_what_did_not_arrive() {
    let mut told = Told::connected(DataSetup::Pasv);
    let greeting = tcp(control().reversed(), ACK, 1, 8);
    told.says(false, "220 hi");
    told.stopped(NodeName::client(), greeting, false);
    told.later(210);
    told.stopped(NodeName::client(), greeting, false);
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(
        (outcome.symptom, outcome.phase),
        (Symptom::ControlTimeout, Phase::Greeting)
    );
}

#[test]
fn a_lost_final_reply_is_completion() {
    let (mut told, data) = passive_announced();
    told.opened(data);
    told.says(true, "RETR x");
    told.says(false, "150 here");
    let sequence = told.sequences[0];
    told.says(false, "226 done");
    let reply = tcp(control().reversed(), ACK, sequence, 10);
    told.stopped(NodeName::server(), reply, false);
    told.later(210);
    told.stopped(NodeName::server(), reply, false);
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(
        (outcome.symptom, outcome.phase),
        (Symptom::ControlTimeout, Phase::Completion)
    );
}

#[test]
fn a_refused_login_is_refused_at_login() {
    let mut told = Told::connected(DataSetup::Pasv);
    for (client, line) in [(false, "220 hi"), (true, "USER a"), (false, "530 no")] {
        told.says(client, line);
    }
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(
        (outcome.symptom, outcome.phase),
        (Symptom::Refused, Phase::Login)
    );
}

#[test]
fn a_failure_without_evidence_is_inconclusive() {
    let mut told = Told::logged_in(DataSetup::Pasv);
    assert!(matches!(told.judged(&failed()), Finding::Inconclusive(_)));
}

#[test]
fn lost_events_never_make_a_block_and_never_unmake_a_pass() {
    let mut told = Told::new(DataSetup::Pasv);
    told.stopped(
        NodeName::client(),
        tcp(control(), SYN, first(control()), 0),
        false,
    );
    told.told(&NodeName::client(), What::Lost);
    assert!(matches!(told.judged(&failed()), Finding::Inconclusive(_)));
    let passed = told.judged(&ClientEnd::Done);
    assert_eq!(outcome(passed).symptom, Symptom::Transferred);
}

fn gateway() -> NodeName {
    NodeName::gateway()
}

/// A session whose client has another address on the server's side of a gateway.
fn behind_a_gateway(asked: DataSetup) -> Told {
    let mut told = Told::new(asked);
    let mut terms = told.watch.terms().clone();
    terms
        .owners
        .insert("203.0.113.1".parse().expect("an address"), gateway());
    told.watch = Watch::new(terms);
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
        self.captured(&gateway(), true, &inside);
        self.captured(&gateway(), false, &outside);
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
    let id = told.watch.control().expect("it was opened");
    assert_eq!(told.watch.flows(id), [control(), outside()]);
    assert_eq!(told.watch.opener(id), Some(&NodeName::client()));
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
    told.captured(&NodeName::server(), false, &tcp(data, SYN, first(data), 0));
    // The gateway has given it its inside destination by the time a rule stops it.
    let inside = flow("10.0.0.1:20", "10.0.0.2:39632");
    told.stopped(gateway(), tcp(inside, SYN, first(data), 0), false);
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(outcome.symptom, Symptom::DataTimeout);
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
    told.says(false, "227 Entering (10,0,0,9,122,8)");
    let inside = flow("10.0.0.2:5000", "10.0.0.9:31240");
    told.translated(inside, flow("203.0.113.1:5000", "10.0.0.7:31240"), SYN);
    // In FORWARD the answer has the inside destination and still the server's own source.
    let answer = flow("10.0.0.7:31240", "10.0.0.2:5000");
    told.stopped(gateway(), tcp(answer, SYN_ACK, 99, 0), false);
    assert_eq!(
        outcome(told.judged(&failed())).symptom,
        Symptom::DataTimeout
    );
}

#[test]
fn what_leaves_to_where_nobody_is_is_lost_at_once() {
    let (mut told, data) = passive_announced();
    let syn = tcp(data, SYN, first(data), 0);
    told.captured(&NodeName::client(), false, &syn);
    assert!(told.watch.deciding().is_none());
    told.swallowed(&NodeName::client(), &syn);
    assert!(told.watch.deciding().is_some());
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(outcome.symptom, Symptom::DataTimeout);
    assert!(matches!(outcome.cause, Cause::Loss { node, .. } if node == NodeName::client()));
}

#[test]
fn a_lost_syn_ack_is_a_loss_and_the_servers_425_no_refusal() {
    let mut told = Told::logged_in(DataSetup::Port);
    told.says(true, "PORT 10,0,0,2,154,208");
    let data = flow("10.0.0.1:20", "10.0.0.2:39632");
    told.passes(data, SYN);
    let answer = tcp(data.reversed(), SYN_ACK, 3, 0);
    told.captured(&NodeName::client(), false, &answer);
    told.says(true, "RETR x");
    told.says(false, "425 cannot connect");
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(outcome.symptom, Symptom::DataTimeout);
    assert_eq!(outcome.cause.packet(), Some(&answer));
}

#[test]
fn under_tls_the_direction_tells_the_data_connection_and_the_client_the_refusal() {
    let mut told = Told::connected(DataSetup::Epsv);
    let mut terms = told.watch.terms().clone();
    terms.protection = Protection::Implicit;
    told.watch = Watch::new(terms);
    told.opened(control());
    let data = flow("10.0.0.2:5000", "10.0.0.1:31240");
    told.stopped(NodeName::server(), tcp(data, SYN, first(data), 0), false);
    assert_eq!(
        outcome(told.judged(&failed())).symptom,
        Symptom::DataTimeout
    );

    let mut told = Told::new(DataSetup::Port);
    let mut terms = told.watch.terms().clone();
    terms.protection = Protection::Explicit;
    told.watch = Watch::new(terms);
    told.opened(control());
    let mut seen = fwlab_ftp::wire::Dialogue::default();
    for (side, line) in [
        (fwlab_ftp::wire::Side::Server, "220 hi\r\n"),
        (fwlab_ftp::wire::Side::Client, "PORT 10,0,0,2,1,1\r\n"),
        (fwlab_ftp::wire::Side::Server, "500 Illegal PORT\r\n"),
    ] {
        seen.bytes(side, line.as_bytes());
    }
    told.watch.told_by_client(seen.progress().clone());
    let outcome = outcome(told.judged(&failed()));
    assert_eq!(
        (outcome.symptom, outcome.phase),
        (Symptom::Refused, Phase::Negotiate)
    );
}

mod again;
mod others;
mod showing;
