use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use fwlab_record::{
    DataSetup, EventId, Flow, NodeName, Outcome, Packet, Phase, Protection, Symptom, Way,
};

use super::packets::{ACK, SYN, SYN_ACK, address, control, first, flow, policy, tcp};
use crate::{
    ClientEnd, ConnectionId, Ending, Event, Finding, Said, SessionTracker, Stop, Terms, What, judge,
};

/// A session, told to a watch step by step.
pub(super) struct Told {
    pub(super) tracker: SessionTracker,
    pub(super) now: Duration,
    events: u64,
    pub(super) sequences: [u32; 2],
}

impl Told {
    pub(super) fn new(asked: DataSetup) -> Told {
        Told::by(asked, |_| {})
    }

    /// With terms that differ from the usual ones.
    pub(super) fn by(asked: DataSetup, differ: impl FnOnce(&mut Terms)) -> Told {
        let owner = |address: &str, node| (address.parse().expect("an address"), node);
        let mut terms = Terms {
            control: address("10.0.0.1:21"),
            listening: address("10.0.0.1:21"),
            client: NodeName::client(),
            server: NodeName::server(),
            asked,
            protection: Protection::Plain,
            upload: false,
            unannounced: Vec::new(),
            pausing: BTreeSet::new(),
            owners: [
                owner("10.0.0.2", NodeName::client()),
                owner("10.0.0.1", NodeName::server()),
            ]
            .into(),
        };
        differ(&mut terms);
        Told {
            tracker: SessionTracker::new(terms),
            now: Duration::from_secs(1),
            events: 0,
            sequences: [1, 1],
        }
    }

    /// A control connection that is up.
    pub(super) fn connected(asked: DataSetup) -> Told {
        let mut told = Told::new(asked);
        told.opened(control());
        told
    }

    /// A session that is logged in.
    pub(super) fn logged_in(asked: DataSetup) -> Told {
        let mut told = Told::connected(asked);
        told.hears(&["220 hi"]);
        for (command, answer) in [("USER a", "331 pw"), ("PASS b", "230 in")] {
            told.says(true, command);
            told.says(false, answer);
        }
        told
    }

    /// A session whose server has announced where the data connection goes, and its flow.
    pub(super) fn passive() -> (Told, Flow) {
        let mut told = Told::logged_in(DataSetup::Pasv);
        told.says(true, "PASV");
        told.hears(&["227 Entering (10,0,0,1,122,8)"]);
        (told, flow("10.0.0.2:5000", "10.0.0.1:31240"))
    }

    /// A session whose client has announced it, and its flow.
    pub(super) fn active() -> (Told, Flow) {
        let mut told = Told::logged_in(DataSetup::Port);
        told.says(true, "PORT 10,0,0,2,154,208");
        (told, flow("10.0.0.1:20", "10.0.0.2:39632"))
    }

    /// Lines of the server.
    pub(super) fn hears(&mut self, lines: &[&str]) {
        for line in lines {
            self.says(false, line);
        }
    }

    pub(super) fn later(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    pub(super) fn node_of(&self, address: SocketAddr) -> NodeName {
        self.tracker
            .owner_of(address.ip())
            .expect("an address of the lab")
            .clone()
    }

    /// A packet that leaves one node and comes in at the other.
    pub(super) fn passes(&mut self, flow: Flow, flags: u8) {
        let packet = tcp(flow, flags, first(flow), 0);
        let (sender, receiver) = (self.node_of(flow.from), self.node_of(flow.to));
        self.captured(&sender, false, &packet);
        self.captured(&receiver, true, &packet);
        self.later(1);
    }

    pub(super) fn opened(&mut self, flow: Flow) {
        self.passes(flow, SYN);
        self.passes(flow.reversed(), SYN_ACK);
        self.passes(flow, ACK);
    }

    pub(super) fn says(&mut self, client: bool, line: &str) -> Said {
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

    /// The policy of a node drops a packet.
    pub(super) fn drops(&mut self, node: &NodeName, packet: Packet) {
        self.stops(node, packet, false);
    }

    /// It rejects a packet, and its answer is another.
    pub(super) fn rejects(&mut self, node: &NodeName, packet: Packet) {
        self.stops(node, packet, true);
    }

    fn stops(&mut self, node: &NodeName, packet: Packet, rejects: bool) {
        let what = What::Stopped {
            by: policy(),
            rejects,
            packet,
            state: None,
            doubt: None,
        };
        self.told(node, what);
        self.later(1);
    }

    /// A packet is dropped, and again when TCP sends it again.
    pub(super) fn drops_for_good(&mut self, node: &NodeName, packet: Packet) {
        self.drops(node, packet);
        self.later(210);
        self.drops(node, packet);
    }

    /// What the judge says when the client has failed.
    #[track_caller]
    pub(super) fn ends(&mut self) -> Outcome {
        outcome(self.judged(&failed()))
    }

    /// It is that, in that phase.
    #[track_caller]
    pub(super) fn ends_in(&mut self, symptom: Symptom, phase: Phase) -> Outcome {
        let outcome = self.ends();
        assert_eq!((outcome.symptom, outcome.phase), (symptom, phase));
        outcome
    }

    pub(super) fn is_inconclusive(&mut self) -> bool {
        matches!(self.judged(&failed()), Finding::Inconclusive(_))
    }

    /// Whether a connection has died by which the cell is decided.
    pub(super) fn is_dead(&self) -> bool {
        self.tracker.deciding().is_some()
    }

    pub(super) fn judged(&mut self, end: &ClientEnd) -> Finding {
        judge(&mut self.tracker, &Ending::of(end.clone()))
    }

    /// The next event.
    pub(super) fn told(&mut self, node: &NodeName, what: What) -> Said {
        self.events += 1;
        self.tracker.take(&Event {
            id: EventId(self.events),
            at: self.now,
            node: node.clone(),
            what,
        })
    }

    pub(super) fn captured(&mut self, node: &NodeName, inbound: bool, packet: &Packet) {
        self.carried(node, inbound, packet, &[]);
    }

    pub(super) fn carried(
        &mut self,
        node: &NodeName,
        inbound: bool,
        packet: &Packet,
        bytes: &[u8],
    ) -> Said {
        let what = What::Captured {
            way: if inbound { Way::In } else { Way::Out },
            packet: *packet,
            swallowed: false,
            payload: bytes.to_vec(),
        };
        self.told(node, what)
    }

    pub(super) fn swallowed(&mut self, node: &NodeName, packet: &Packet) {
        let what = What::Captured {
            way: Way::Out,
            packet: *packet,
            swallowed: true,
            payload: Vec::new(),
        };
        self.told(node, what);
    }

    pub(super) fn sent(&mut self, packet: &Packet) {
        let node = NodeName::client();
        self.told(&node, What::Sent { packet: *packet });
    }

    pub(super) fn stop(&mut self, stop: Stop) {
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

    pub(super) fn may_be_stopped(&mut self, number: u64, stop: Stop) {
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

    pub(super) fn goes_on(&mut self, node: &NodeName, number: u64) {
        self.told(node, What::WentOn { number });
    }

    pub(super) fn redirected(&mut self, rule: Stop) {
        let Stop {
            node, by, packet, ..
        } = rule;
        self.told(&node, What::Translated { by, packet });
    }

    pub(super) fn expected(&mut self) {
        self.told(&NodeName::server(), What::Expected);
    }

    pub(super) fn sent_again(&mut self, id: ConnectionId) {
        let flow = self.tracker.known_as(id).expect("a flow");
        self.told(&NodeName::client(), What::SentAgain { flow });
    }
}

pub(super) fn failed() -> ClientEnd {
    ClientEnd::Failed("it failed".into())
}

#[track_caller]
pub(super) fn outcome(finding: Finding) -> Outcome {
    match finding {
        Finding::Outcome(outcome) => outcome,
        Finding::Inconclusive(why) => panic!("inconclusive: {why}"),
    }
}
