use std::net::{IpAddr, Ipv4Addr};

use fwlab_ftp::deviation::Sign;
use fwlab_ftp::wire::{Exchange, Reply, Side};
use fwlab_record::{Announcement, DataSetup, Flow, Role};

use super::watch::Watch;

/// Whether a deviation showed in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Showing {
    /// It did.
    Shows,
    /// It did not, though the session came as far; and what was seen in its place.
    Absent(String),
    /// The session did not come so far, or nobody could see it.
    Untold,
}

/// Looks for a deviation's sign in what was watched. `told` is what the client says was announced:
/// under TLS nothing else says it.
pub fn showing(sign: Sign, watch: &Watch, told: &[Announcement]) -> Showing {
    let looked = Looked { watch, told };
    match sign {
        Sign::Answers { verb, code } => looked.answers(verb, code),
        Sign::EndsTransfer { code } => looked.ends_transfer(code),
        Sign::AnnouncesNothing => looked.announces(None),
        Sign::Announces(address) => looked.announces(Some(address)),
        Sign::EndsSession { verb } => looked.ends_session(verb),
        Sign::ConnectsBeforeReply => looked.connects_before_reply(),
        Sign::ConnectsToItself => looked.connects_to_itself(),
        Sign::ConnectsElsewhere => looked.connects(false),
        Sign::RefusesElsewhere { code } => looked.refuses_elsewhere(code),
        Sign::ConnectsBack => looked.connects(true),
        Sign::ServesAnother => looked.serves_another(),
        Sign::Sends { verb, instead_of } => looked.sends(verb, instead_of),
        Sign::StaysAway => looked.stays_away(),
        Sign::LeavesUnread => looked.leaves_unread(),
    }
}

struct Looked<'a> {
    watch: &'a Watch,
    told: &'a [Announcement],
}

impl Looked<'_> {
    /// A command and its answer, as the client had them; an answer that did not reach it is taken
    /// from the server's wire.
    fn exchange(&self, verb: &str) -> Option<&Exchange> {
        let named = |exchange: &&Exchange| exchange.command.is(verb);
        let at_client = self.watch.progress().exchanges.iter().find(named);
        let at_server = self.watch.exchanges_at_server().iter().find(named);
        match at_client {
            Some(exchange) if exchange.answer.is_none() => at_server.or(at_client),
            at_client => at_client,
        }
    }

    fn answers(&self, verb: &str, code: u16) -> Showing {
        let answer = self
            .exchange(verb)
            .and_then(|exchange| exchange.answer.as_ref());
        match answer {
            Some(reply) if reply.code.number() == code => Showing::Shows,
            Some(reply) => Showing::Absent(format!("{verb} was answered with `{reply}`")),
            None => Showing::Untold,
        }
    }

    fn ends_transfer(&self, code: u16) -> Showing {
        match &self.watch.progress().completion {
            Some(reply) if reply.code.number() == code => Showing::Shows,
            Some(reply) => Showing::Absent(format!("the transfer was answered with `{reply}`")),
            None => Showing::Untold,
        }
    }

    fn announces(&self, address: Option<Ipv4Addr>) -> Showing {
        let answer = self
            .exchange("PASV")
            .and_then(|exchange| exchange.answer.as_ref());
        let Some(reply) = answer else {
            return Showing::Untold;
        };
        let announced = reply.announces().and_then(|one| one.address);
        if reply.code.number() == 227 && announced == address.map(IpAddr::V4) {
            Showing::Shows
        } else {
            Showing::Absent(format!("PASV was answered with `{reply}`"))
        }
    }

    fn ends_session(&self, verb: &str) -> Showing {
        let Some(exchange) = self.exchange(verb) else {
            return Showing::Untold;
        };
        match (&exchange.answer, self.watch.order().ended_by()) {
            (Some(reply), _) => Showing::Absent(format!("{verb} was answered with `{reply}`")),
            (None, Some(Side::Server)) => Showing::Shows,
            (None, _) => Showing::Untold,
        }
    }

    /// The connections whose SYN came in at the server, or went out there: the place of the SYN, and the
    /// connection as it is on that wire.
    fn at_server(&self, inbound: bool) -> impl Iterator<Item = (u64, Flow)> + '_ {
        let order = self.watch.order();
        let of_side = order
            .at_server()
            .filter(move |(_, _, came_in)| *came_in == inbound);
        of_side.map(|(place, flow, _)| (place, flow))
    }

    fn is_asked_data(&self, flow: &Flow) -> bool {
        let id = self.watch.id_of(flow);
        id.is_some_and(|id| self.watch.role(id) == Role::Data(self.watch.asked()))
    }

    /// Only where the SYN went out: one that the server's own rules stop is not on the wire.
    fn connects_before_reply(&self) -> Showing {
        let order = self.watch.order();
        if self.watch.terms().client == self.watch.terms().server {
            return Showing::Untold;
        }
        let opened = self
            .at_server(false)
            .find(|(_, flow)| self.is_asked_data(flow))
            .map(|(place, _)| place);
        match (opened, order.setup_granted()) {
            (Some(opened), Some(granted)) if opened > granted => Showing::Absent(format!(
                "the data connection was opened after the answer to {}",
                self.watch.asked().command()
            )),
            (Some(_), _) => Showing::Shows,
            (None, _) => Showing::Untold,
        }
    }

    fn connects_to_itself(&self) -> Showing {
        let verb = self.watch.asked().command();
        let to_itself = |(_, flow): (u64, Flow)| {
            let to = flow.to.ip();
            to.is_loopback() || self.watch.owner_of(to) == Some(&self.watch.terms().server)
        };
        if self.at_server(false).any(to_itself) {
            return Showing::Shows;
        }
        match self
            .exchange(verb)
            .and_then(|exchange| exchange.answer.as_ref())
        {
            Some(reply) => Showing::Absent(format!("{verb} was answered with `{reply}`")),
            None => Showing::Untold,
        }
    }

    /// The control connection on the server's wire.
    fn control_at_server(&self) -> Option<Flow> {
        let control = self.watch.control()?;
        let mut flows = self.at_server(true).map(|(_, flow)| flow);
        flows.find(|flow| self.watch.id_of(flow) == Some(control))
    }

    /// What PORT or EPRT named when it came to the server.
    fn named(&self) -> Option<Announcement> {
        let asked = |one: &&Announcement| one.setup == self.watch.asked();
        let captured = self.watch.announced_at_server().find(asked);
        captured.or_else(|| self.told.iter().find(asked)).copied()
    }

    /// Where the server connects to when PORT or EPRT names somebody else.
    fn connects(&self, back: bool) -> Showing {
        let (Some(control), Some(named)) = (self.control_at_server(), self.named()) else {
            return Showing::Untold;
        };
        let peer = control.from.ip();
        let Some(address) = named.address.filter(|address| *address != peer) else {
            return Showing::Untold;
        };
        // Among private addresses a server has no reason to doubt one of them.
        let public = !is_private(peer) && !is_private(control.to.ip());
        let in_doubt = is_private(address) && public;
        if back && !in_doubt {
            return Showing::Untold;
        }
        let wanted = if back { peer } else { address };
        let opened: Vec<Flow> = self
            .at_server(false)
            .map(|(_, flow)| flow)
            .filter(|flow| flow.to.port() == named.port)
            .collect();
        if opened.iter().any(|flow| flow.to.ip() == wanted) {
            return Showing::Shows;
        }
        if let Some(flow) = opened.first() {
            return Showing::Absent(format!("the data connection went to {}", flow.to));
        }
        let verb = self.watch.asked().command();
        match self
            .exchange(verb)
            .and_then(|exchange| exchange.answer.as_ref())
        {
            Some(reply) if reply.code.is_negative() => {
                Showing::Absent(format!("{verb} was answered with `{reply}`"))
            }
            _ => Showing::Untold,
        }
    }

    fn refuses_elsewhere(&self, code: u16) -> Showing {
        let (Some(control), Some(named)) = (self.control_at_server(), self.named()) else {
            return Showing::Untold;
        };
        match named.address {
            Some(address) if address != control.from.ip() => {
                self.answers(self.watch.asked().command(), code)
            }
            _ => Showing::Untold,
        }
    }

    fn serves_another(&self) -> Showing {
        let Some(control) = self.control_at_server() else {
            return Showing::Untold;
        };
        let from_another = self
            .at_server(true)
            .any(|(_, flow)| self.is_asked_data(&flow) && flow.from.ip() != control.from.ip());
        let completion = self.watch.progress().completion.as_ref();
        match completion.filter(|_| from_another) {
            Some(reply) if reply.code.is_completion() => Showing::Shows,
            Some(reply) => Showing::Absent(format!("the transfer was answered with `{reply}`")),
            None => Showing::Untold,
        }
    }

    fn sends(&self, verb: &str, instead_of: &str) -> Showing {
        if self.exchange(verb).is_some() {
            Showing::Shows
        } else if self.exchange(instead_of).is_some() {
            Showing::Absent(format!("{instead_of} was sent"))
        } else {
            Showing::Untold
        }
    }

    fn leaves_unread(&self) -> Showing {
        let progress = self.watch.progress();
        match (&progress.completion, self.watch.order().ended_by()) {
            (Some(reply), _) => Showing::Absent(format!("the final reply `{reply}` was read")),
            // A server that refuses may end the session too, and either of them be the first.
            (None, Some(_)) if progress.preliminary.is_some() => Showing::Shows,
            (None, _) => Showing::Untold,
        }
    }

    fn stays_away(&self) -> Showing {
        let answer = self
            .exchange("PASV")
            .and_then(|exchange| exchange.answer.as_ref());
        let Some(named) = answer.and_then(Reply::announces) else {
            return Showing::Untold;
        };
        if named.setup != DataSetup::Pasv || named.address == Some(self.watch.terms().control.ip())
        {
            return Showing::Untold;
        }
        match self.watch.asked_data().next() {
            None => Showing::Shows,
            Some(id) => {
                let to = self.watch.flows(id).first().map(|flow| flow.to);
                let to = to.map_or_else(String::new, |to| format!(" to {to}"));
                Showing::Absent(format!("a data connection was opened{to}"))
            }
        }
    }
}

/// RFC 1918.
fn is_private(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_private())
}
