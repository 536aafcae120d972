use std::collections::VecDeque;

use fwlab_record::{Backend, ConntrackState, Packet, TableFamily};

use super::nft::NftStep;
use super::{LegacyPlace, NftMessage, PacketId, TracePlace, TraceStep, TraceVerdict};
use crate::headers::{Headers, PacketMark};
use crate::interface::{Interface, Interfaces};
use crate::log::Record;
use crate::names::Names;
use crate::table::TABLE;

/// Packets on their way that are remembered. More than can be between two hooks at one time,
/// save for those that wait in a queue of user space.
const REMEMBERED: usize = 256;

/// ICMP messages that are remembered: more than can be between a log and the trace behind it.
const LEARNT: usize = 64;

/// Makes steps out of messages: gives each packet a number, and to each step
/// the headers that the kernel sent with the first message of a chain only.
///
/// The lab's own table is the first that a packet meets and so its message says that a way begins;
/// it is no step itself. Legacy's messages have no packet id: they are joined by what
/// neither NAT nor mangling changes.
#[derive(Debug, Default)]
pub(crate) struct Joiner {
    packets: u64,
    passing: VecDeque<Passing>,
    names: Names,
    interfaces: Interfaces,
    /// Whether to pass on what the messages say of conntrack.
    with_state: bool,
    /// ICMP messages that were logged in whole, the latest last.
    whole: VecDeque<Headers>,
}

/// A packet between its first message and its last.
#[derive(Debug)]
struct Passing {
    id: PacketId,
    trace_id: Option<u32>,
    mark: PacketMark,
    packet: Packet,
    input: Option<Interface>,
    output: Option<Interface>,
    state: Option<ConntrackState>,
}

impl Joiner {
    pub(crate) fn new(with_state: bool) -> Joiner {
        Joiner {
            with_state,
            ..Joiner::default()
        }
    }

    /// Takes a message of nf_tables; `None` when it is no step: the lab's own table, the end of
    /// a chain, or the rest of a packet whose beginning was lost.
    pub(crate) fn nft(&mut self, message: NftMessage<'_>) -> Option<TraceStep> {
        let own = message.table == TABLE && message.table_family == TableFamily::Inet;
        if let Some(headers) = message.headers {
            let input = message.input.map(|index| self.interfaces.get(index));
            let output = message.output.map(|index| self.interfaces.get(index));
            let known = self
                .by_trace_id(message.id)
                .filter(|at| !own && self.passing[*at].mark == headers.mark);
            let at = known.unwrap_or_else(|| self.begin(Some(message.id), headers));
            let packet = self.in_whole(headers);
            let passing = &mut self.passing[at];
            passing.packet = packet;
            passing.input = input;
            passing.output = output;
            passing.state = message.state.filter(|_| self.with_state);
        }
        if own {
            return None;
        }
        let at = self.by_trace_id(message.id)?;
        let (place, verdict) = match message.step {
            NftStep::Rule {
                handle,
                code,
                chain,
            } => (
                TracePlace::Rule { handle },
                verdict(code, chain, &mut self.names),
            ),
            NftStep::Policy { code } => (TracePlace::Policy, verdict(code, "", &mut self.names)),
            NftStep::End => return None,
        };
        let passing = &self.passing[at];
        let step = TraceStep {
            backend: Backend::Nft,
            family: message.family.unwrap_or_else(|| passing.packet.family()),
            table_family: message.table_family,
            table: self.names.get(message.table),
            chain: self.names.get(message.chain),
            at: place,
            verdict,
            packet_id: passing.id,
            packet: passing.packet,
            input: passing.input.clone(),
            output: passing.output.clone(),
            state: passing.state,
        };
        if step.is_drop() {
            self.passing.remove(at);
        }
        Some(step)
    }

    /// Takes an ICMP message as it was logged, before its trace.
    pub(crate) fn learn(&mut self, headers: &Headers) {
        if self.whole.len() >= LEARNT {
            self.whole.pop_front();
        }
        self.whole.push_back(*headers);
    }

    /// A packet whose headers a trace message has, with what that cuts off: what an ICMP error is about.
    fn in_whole(&self, headers: Headers) -> Packet {
        let Packet::Icmp { about: None, .. } = headers.packet else {
            return headers.packet;
        };
        let mut learnt = self.whole.iter().rev();
        let about = learnt
            .find(|whole| whole.mark == headers.mark)
            .and_then(|whole| match whole.packet {
                Packet::Icmp { about, .. } => about,
                _ => None,
            });
        match headers.packet {
            Packet::Icmp {
                from,
                to,
                kind,
                code,
                ..
            } => Packet::Icmp {
                from,
                to,
                kind,
                code,
                about,
            },
            other => other,
        }
    }

    /// Takes a record of legacy's trace.
    pub(crate) fn legacy(&mut self, record: &Record<'_>, place: LegacyPlace<'_>) -> TraceStep {
        let at = self
            .by_mark(&record.headers)
            .unwrap_or_else(|| self.begin(None, record.headers));
        TraceStep {
            backend: Backend::Legacy,
            family: record.family,
            table_family: record.family.into(),
            table: self.names.get(place.table),
            chain: self.names.get(place.chain),
            at: TracePlace::Line {
                number: place.number,
            },
            verdict: TraceVerdict::Unsaid,
            packet_id: self.passing[at].id,
            packet: record.headers.packet,
            input: record.input.map(|index| self.interfaces.get(index)),
            output: record.output.map(|index| self.interfaces.get(index)),
            state: record.state.filter(|_| self.with_state),
        }
    }

    /// Which packet these headers are of; `None` when it was not traced.
    pub(crate) fn packet_id(&self, headers: &Headers) -> Option<PacketId> {
        self.by_mark(headers).map(|at| self.passing[at].id)
    }

    fn by_mark(&self, headers: &Headers) -> Option<usize> {
        self.passing
            .iter()
            .rposition(|passing| passing.mark == headers.mark)
    }

    fn by_trace_id(&self, id: u32) -> Option<usize> {
        self.passing
            .iter()
            .rposition(|passing| passing.trace_id == Some(id))
    }

    fn begin(&mut self, trace_id: Option<u32>, headers: Headers) -> usize {
        if self.passing.len() == REMEMBERED {
            self.passing.pop_front();
        }
        self.packets += 1;
        self.passing.push_back(Passing {
            id: PacketId(self.packets),
            trace_id,
            mark: headers.mark,
            packet: headers.packet,
            input: None,
            output: None,
            state: None,
        });
        self.passing.len() - 1
    }
}

/// Reads a verdict (`enum nft_verdicts` in `nf_tables.h`, `NF_*` in `netfilter.h`). Their lower byte
/// counts; the upper part of a drop is an errno, of a queue its number.
fn verdict(code: i32, chain: &str, names: &mut Names) -> TraceVerdict {
    match code {
        -1 | -2 => TraceVerdict::Continue,
        -3 => TraceVerdict::Jump(names.get(chain)),
        -4 => TraceVerdict::Goto(names.get(chain)),
        -5 => TraceVerdict::Return,
        _ => match code & 0xff {
            0 => TraceVerdict::Drop,
            1 => TraceVerdict::Accept,
            2 => TraceVerdict::Stolen,
            3 => TraceVerdict::Queue,
            _ => TraceVerdict::Other(code),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::tests::tcp4;
    use fwlab_record::{Family, TcpFlags};

    fn headers(identification: u16) -> Headers {
        Headers::read(&tcp4(identification, TcpFlags::SYN, 1, b"")).expect("whole headers")
    }

    fn nft<'a>(
        id: u32,
        table: &'a str,
        step: NftStep<'a>,
        headers: Option<Headers>,
    ) -> NftMessage<'a> {
        NftMessage {
            id,
            table_family: if table == TABLE {
                TableFamily::Inet
            } else {
                TableFamily::Ip
            },
            family: Some(Family::Ipv4),
            table,
            chain: "INPUT",
            step,
            headers,
            input: None,
            output: None,
            state: None,
        }
    }

    fn legacy(joiner: &mut Joiner, headers: Headers) -> TraceStep {
        let record = Record {
            family: Family::Ipv4,
            prefix: "TRACE: filter:INPUT:rule:1 ",
            headers,
            bytes: &[],
            input: None,
            output: None,
            state: None,
        };
        let place = LegacyPlace::read(record.prefix).expect("a place");
        joiner.legacy(&record, place)
    }

    const ACCEPT: NftStep<'static> = NftStep::Policy { code: 1 };
    const MARK: NftStep<'static> = NftStep::Rule {
        handle: 1,
        code: 1,
        chain: "",
    };

    #[test]
    fn a_later_message_gets_the_headers_of_the_first() {
        let mut joiner = Joiner::default();
        assert_eq!(joiner.nft(nft(5, TABLE, MARK, Some(headers(1)))), None);
        assert_eq!(
            joiner.nft(nft(5, "filter", NftStep::End, Some(headers(1)))),
            None
        );
        let step = joiner.nft(nft(5, "filter", ACCEPT, None)).expect("a step");
        assert_eq!(step.packet, headers(1).packet);
        assert_eq!(step.packet_id, PacketId(1));
        assert_eq!(step.verdict, TraceVerdict::Accept);
    }

    #[test]
    fn a_trace_id_that_comes_again_is_another_packet() {
        let mut joiner = Joiner::default();
        joiner.nft(nft(5, TABLE, MARK, Some(headers(1))));
        let first = joiner.nft(nft(5, "filter", ACCEPT, Some(headers(1))));
        joiner.nft(nft(5, TABLE, MARK, Some(headers(2))));
        let second = joiner.nft(nft(5, "filter", ACCEPT, Some(headers(2))));
        assert_ne!(
            first.expect("a step").packet_id,
            second.expect("a step").packet_id
        );
    }

    #[test]
    fn a_packet_that_only_the_users_rules_trace_is_not_taken_for_an_earlier_one() {
        let mut joiner = Joiner::default();
        joiner.nft(nft(5, TABLE, MARK, Some(headers(1))));
        let step = joiner
            .nft(nft(5, "raw", ACCEPT, Some(headers(2))))
            .expect("a step");
        assert_eq!(step.packet_id, PacketId(2));
    }

    #[test]
    fn both_backends_speak_of_one_packet() {
        let mut joiner = Joiner::default();
        joiner.nft(nft(5, TABLE, MARK, Some(headers(1))));
        joiner.nft(nft(6, TABLE, MARK, Some(headers(2))));
        let legacy = legacy(&mut joiner, headers(1));
        let nft = joiner
            .nft(nft(5, "filter", ACCEPT, Some(headers(1))))
            .expect("a step");
        assert_eq!(legacy.packet_id, nft.packet_id);
    }

    #[test]
    fn what_lost_its_beginning_is_no_step() {
        let mut joiner = Joiner::default();
        assert_eq!(joiner.nft(nft(5, "filter", ACCEPT, None)), None);
    }

    #[test]
    fn a_drop_may_carry_an_errno() {
        let mut names = Names::default();
        assert_eq!(verdict(-(13 << 16), "", &mut names), TraceVerdict::Drop);
        assert_eq!(verdict(3 | 7 << 16, "", &mut names), TraceVerdict::Queue);
    }

    #[test]
    fn no_more_is_remembered_than_needed() {
        let mut joiner = Joiner::default();
        for id in 0..1000 {
            joiner.nft(nft(id, TABLE, MARK, Some(headers(1))));
        }
        assert_eq!(joiner.passing.len(), REMEMBERED);
    }
}
