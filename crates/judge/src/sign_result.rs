use std::net::{IpAddr, Ipv4Addr};

use fwlab_ftp::deviation::Sign;
use fwlab_ftp::wire::{Exchange, Reply, Side};
use fwlab_record::{Announcement, DataSetup, Flow, Role};

use super::tracker::SessionTracker;

/// Whether a deviation showed in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignResult {
    /// It did.
    Shows,
    /// It did not, though the session came as far; and what was seen in its place.
    Absent(String),
    /// The session did not come so far, or nobody could see it.
    Untold,
}

/// Looks for a deviation's sign in what was watched. `told` is what the client says was announced:
/// under TLS nothing else says it.
pub fn sign_result(sign: Sign, tracker: &SessionTracker, told: &[Announcement]) -> SignResult {
    let detector = SignDetector { tracker, told };
    match sign {
        Sign::Answers { verb, code } => detector.answers(verb, code),
        Sign::EndsTransfer { code } => detector.ends_transfer(code),
        Sign::AnnouncesNothing => detector.announces(None),
        Sign::Announces(address) => detector.announces(Some(address)),
        Sign::EndsSession { verb } => detector.ends_session(verb),
        Sign::ConnectsBeforeReply => detector.connects_before_reply(),
        Sign::ConnectsToItself => detector.connects_to_itself(),
        Sign::ConnectsElsewhere => detector.connects(false),
        Sign::RefusesElsewhere { code } => detector.refuses_elsewhere(code),
        Sign::ConnectsBack => detector.connects(true),
        Sign::ServesAnother => detector.serves_another(),
        Sign::Sends { verb, instead_of } => detector.sends(verb, instead_of),
        Sign::StaysAway => detector.stays_away(),
        Sign::LeavesUnread => detector.leaves_unread(),
    }
}

struct SignDetector<'a> {
    tracker: &'a SessionTracker,
    told: &'a [Announcement],
}

impl SignDetector<'_> {
    /// A command and its answer, as the client had them; an answer that did not reach it is taken
    /// from the server's wire.
    fn exchange(&self, verb: &str) -> Option<&Exchange> {
        let named = |exchange: &&Exchange| exchange.command.is(verb);
        let at_client = self.tracker.progress().exchanges.iter().find(named);
        let at_server = self.tracker.exchanges_at_server().iter().find(named);
        match at_client {
            Some(exchange) if exchange.answer.is_none() => at_server.or(at_client),
            at_client => at_client,
        }
    }

    fn answers(&self, verb: &str, code: u16) -> SignResult {
        let answer = self
            .exchange(verb)
            .and_then(|exchange| exchange.answer.as_ref());
        match answer {
            Some(reply) if reply.code.number() == code => SignResult::Shows,
            Some(reply) => SignResult::Absent(format!("{verb} was answered with `{reply}`")),
            None => SignResult::Untold,
        }
    }

    fn ends_transfer(&self, code: u16) -> SignResult {
        match &self.tracker.progress().completion {
            Some(reply) if reply.code.number() == code => SignResult::Shows,
            Some(reply) => SignResult::Absent(format!("the transfer was answered with `{reply}`")),
            None => SignResult::Untold,
        }
    }

    fn announces(&self, address: Option<Ipv4Addr>) -> SignResult {
        let answer = self
            .exchange("PASV")
            .and_then(|exchange| exchange.answer.as_ref());
        let Some(reply) = answer else {
            return SignResult::Untold;
        };
        let announced = reply.announces().and_then(|one| one.address);
        if reply.code.number() == 227 && announced == address.map(IpAddr::V4) {
            SignResult::Shows
        } else {
            SignResult::Absent(format!("PASV was answered with `{reply}`"))
        }
    }

    fn ends_session(&self, verb: &str) -> SignResult {
        let Some(exchange) = self.exchange(verb) else {
            return SignResult::Untold;
        };
        match (&exchange.answer, self.tracker.order().ended_by()) {
            (Some(reply), _) => SignResult::Absent(format!("{verb} was answered with `{reply}`")),
            (None, Some(Side::Server)) => SignResult::Shows,
            (None, _) => SignResult::Untold,
        }
    }

    /// The connections whose SYN came in at the server, or went out there: the place of the SYN, and the
    /// connection as it is on that wire.
    fn at_server(&self, inbound: bool) -> impl Iterator<Item = (u64, Flow)> + '_ {
        let order = self.tracker.order();
        let of_side = order
            .at_server()
            .filter(move |(_, _, came_in)| *came_in == inbound);
        of_side.map(|(place, flow, _)| (place, flow))
    }

    fn is_asked_data(&self, flow: &Flow) -> bool {
        let id = self.tracker.id_of(flow);
        id.is_some_and(|id| self.tracker.role(id) == Role::Data(self.tracker.asked()))
    }

    /// Only where the SYN went out: one that the server's own rules stop is not on the wire.
    fn connects_before_reply(&self) -> SignResult {
        let order = self.tracker.order();
        if self.tracker.terms().client == self.tracker.terms().server {
            return SignResult::Untold;
        }
        let opened = self
            .at_server(false)
            .find(|(_, flow)| self.is_asked_data(flow))
            .map(|(place, _)| place);
        match (opened, order.setup_granted()) {
            (Some(opened), Some(granted)) if opened > granted => SignResult::Absent(format!(
                "the data connection was opened after the answer to {}",
                self.tracker.asked().command()
            )),
            (Some(_), _) => SignResult::Shows,
            (None, _) => SignResult::Untold,
        }
    }

    fn connects_to_itself(&self) -> SignResult {
        let verb = self.tracker.asked().command();
        let to_itself = |(_, flow): (u64, Flow)| {
            let to = flow.to.ip();
            to.is_loopback() || self.tracker.owner_of(to) == Some(&self.tracker.terms().server)
        };
        if self.at_server(false).any(to_itself) {
            return SignResult::Shows;
        }
        match self
            .exchange(verb)
            .and_then(|exchange| exchange.answer.as_ref())
        {
            Some(reply) => SignResult::Absent(format!("{verb} was answered with `{reply}`")),
            None => SignResult::Untold,
        }
    }

    /// The control connection on the server's wire.
    fn control_at_server(&self) -> Option<Flow> {
        let control = self.tracker.control()?;
        let mut flows = self.at_server(true).map(|(_, flow)| flow);
        flows.find(|flow| self.tracker.id_of(flow) == Some(control))
    }

    /// What PORT or EPRT named when it came to the server.
    fn named(&self) -> Option<Announcement> {
        let asked = |one: &&Announcement| one.setup == self.tracker.asked();
        let captured = self.tracker.announced_at_server().find(asked);
        captured.or_else(|| self.told.iter().find(asked)).copied()
    }

    /// Where the server connects to when PORT or EPRT names somebody else.
    fn connects(&self, back: bool) -> SignResult {
        let (Some(control), Some(named)) = (self.control_at_server(), self.named()) else {
            return SignResult::Untold;
        };
        let peer = control.from.ip();
        let Some(address) = named.address.filter(|address| *address != peer) else {
            return SignResult::Untold;
        };
        // Among private addresses a server has no reason to doubt one of them.
        let public = !is_private(peer) && !is_private(control.to.ip());
        let in_doubt = is_private(address) && public;
        if back && !in_doubt {
            return SignResult::Untold;
        }
        let wanted = if back { peer } else { address };
        let opened: Vec<Flow> = self
            .at_server(false)
            .map(|(_, flow)| flow)
            .filter(|flow| flow.to.port() == named.port)
            .collect();
        if opened.iter().any(|flow| flow.to.ip() == wanted) {
            return SignResult::Shows;
        }
        if let Some(flow) = opened.first() {
            return SignResult::Absent(format!("the data connection went to {}", flow.to));
        }
        let verb = self.tracker.asked().command();
        match self
            .exchange(verb)
            .and_then(|exchange| exchange.answer.as_ref())
        {
            Some(reply) if reply.code.is_negative() => {
                SignResult::Absent(format!("{verb} was answered with `{reply}`"))
            }
            _ => SignResult::Untold,
        }
    }

    fn refuses_elsewhere(&self, code: u16) -> SignResult {
        let (Some(control), Some(named)) = (self.control_at_server(), self.named()) else {
            return SignResult::Untold;
        };
        match named.address {
            Some(address) if address != control.from.ip() => {
                self.answers(self.tracker.asked().command(), code)
            }
            _ => SignResult::Untold,
        }
    }

    fn serves_another(&self) -> SignResult {
        let Some(control) = self.control_at_server() else {
            return SignResult::Untold;
        };
        let from_another = self
            .at_server(true)
            .any(|(_, flow)| self.is_asked_data(&flow) && flow.from.ip() != control.from.ip());
        let completion = self.tracker.progress().completion.as_ref();
        match completion.filter(|_| from_another) {
            Some(reply) if reply.code.is_completion() => SignResult::Shows,
            Some(reply) => SignResult::Absent(format!("the transfer was answered with `{reply}`")),
            None => SignResult::Untold,
        }
    }

    fn sends(&self, verb: &str, instead_of: &str) -> SignResult {
        if self.exchange(verb).is_some() {
            SignResult::Shows
        } else if self.exchange(instead_of).is_some() {
            SignResult::Absent(format!("{instead_of} was sent"))
        } else {
            SignResult::Untold
        }
    }

    fn leaves_unread(&self) -> SignResult {
        let progress = self.tracker.progress();
        match (&progress.completion, self.tracker.order().ended_by()) {
            (Some(reply), _) => SignResult::Absent(format!("the final reply `{reply}` was read")),
            // A server that refuses may end the session too, and either of them be the first.
            (None, Some(_)) if progress.preliminary.is_some() => SignResult::Shows,
            (None, _) => SignResult::Untold,
        }
    }

    fn stays_away(&self) -> SignResult {
        let answer = self
            .exchange("PASV")
            .and_then(|exchange| exchange.answer.as_ref());
        let Some(named) = answer.and_then(Reply::announces) else {
            return SignResult::Untold;
        };
        if named.setup != DataSetup::Pasv
            || named.address == Some(self.tracker.terms().control.ip())
        {
            return SignResult::Untold;
        }
        match self.tracker.asked_data().next() {
            None => SignResult::Shows,
            Some(id) => {
                let to = self.tracker.flows(id).first().map(|flow| flow.to);
                let to = to.map_or_else(String::new, |to| format!(" to {to}"));
                SignResult::Absent(format!("a data connection was opened{to}"))
            }
        }
    }
}

/// RFC 1918.
fn is_private(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_private())
}
