//! The causes of what did not pass, each once, and what is said of it.

use std::collections::BTreeMap;

use fwlab_explain::{Diagnosis, Why};
use fwlab_record::{Cause, CellRecord, Flow, Packet, line_in_words};

/// Cells by what stopped them, in the order of the causes' words.
pub(super) fn by_cause<'a>(records: &[&'a CellRecord]) -> BTreeMap<String, Vec<&'a CellRecord>> {
    let mut causes: BTreeMap<String, Vec<&CellRecord>> = BTreeMap::new();
    for record in records {
        let outcome = record.judgement.outcome();
        if let Some(outcome) = outcome.filter(|outcome| outcome.cause != Cause::None) {
            let cause = cause_in_short(&outcome.cause);
            causes.entry(cause).or_default().push(record);
        }
    }
    causes
}

/// Why the cells of one cause were stopped, and what would have let them through; each once, as far as their evidence tells.
pub(crate) fn explained(cells: &[&CellRecord]) -> Vec<String> {
    Told::of_all(cells).iter().map(Told::sentences).collect()
}

/// Why a cell was stopped, and what would have let it through, in sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) why: String,
    pub(super) would_pass: Option<String>,
    /// Whether words of a peer or of the kernel are in it.
    pub(super) quotes: bool,
}

impl Told {
    /// Of a cell, as far as its evidence tells.
    pub(super) fn of(record: &CellRecord) -> Option<Told> {
        let diagnosis = Diagnosis::of(record)?;
        (diagnosis.why != Why::Unknown).then(|| Told {
            why: diagnosis.why(),
            would_pass: diagnosis.would_pass(),
            quotes: matches!(diagnosis.why, Why::Said(_) | Why::NotExpected(_)),
        })
    }

    /// Of cells of one cause, each once.
    pub(super) fn of_all(cells: &[&CellRecord]) -> Vec<Told> {
        let mut all: Vec<Told> = Vec::new();
        for told in cells.iter().filter_map(|cell| Told::of(cell)) {
            if !all.contains(&told) {
                all.push(told);
            }
        }
        all
    }

    /// Its sentences.
    pub(super) fn sentences(&self) -> String {
        match &self.would_pass {
            Some(would_pass) => format!("{} {would_pass}", self.why),
            None => self.why.clone(),
        }
    }
}

/// Why a cell was inconclusive, without what differs from cell to cell: the client's own words.
pub(super) fn reason(why: &str) -> &str {
    why.split("; the client:").next().unwrap_or(why)
}

/// A cause without what differs from cell to cell: the packet's ports and numbers.
pub(crate) fn cause_in_short(cause: &Cause) -> String {
    let in_short = |flow: &Flow| match flow.to.port() {
        port @ ..1024 => format!("{} → {}:{port}", flow.from.ip(), flow.to.ip()),
        _ => format!("{} → {}, a high port", flow.from.ip(), flow.to.ip()),
    };
    let packet = |packet: &Packet| match packet {
        Packet::Tcp { flow, flags, .. } => format!("{flags} {}", in_short(flow)),
        Packet::Icmp {
            from,
            to,
            kind,
            code,
            about: Some(about),
        } => format!(
            "ICMP type {kind} code {code} {from} → {to} about {}",
            in_short(about)
        ),
        other => other.to_string(),
    };
    let line = |line: &Option<u32>, file: &Option<String>| {
        line_in_words(*line, file.as_deref())
            .map(|line| format!(", {line}"))
            .unwrap_or_default()
    };
    match cause {
        Cause::Rule {
            node,
            rule,
            source_line,
            source_file,
            statement,
            packet: met,
            led_to,
            ..
        } => {
            let line = line(source_line, source_file);
            let did = match led_to {
                None => format!("stopped {}", packet(met)),
                Some(then) => format!("sent {} elsewhere: {}", packet(met), cause_in_short(then)),
            };
            format!("{node}: {rule}{line} `{statement}` {did}")
        }
        Cause::Policy {
            node,
            chain,
            source_line,
            source_file,
            statement,
            packet: stopped,
            ..
        } => {
            format!(
                "{node}: {chain}{} `{statement}` stopped {}",
                line(source_line, source_file),
                packet(stopped)
            )
        }
        Cause::Host {
            node,
            packet: answer,
        } => format!("{node} answered {}", packet(answer)),
        Cause::Helper { node, packet: lost } => {
            format!("{node}: the conntrack helper dropped {}", packet(lost))
        }
        Cause::Loss { node, packet: lost } => format!("lost after {node}: {}", packet(lost)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use fwlab_record::NodeName;

    use super::*;

    #[test]
    fn answers_about_connections_of_one_kind_are_one_cause() {
        let told = [40000, 40001].map(|port| {
            let client = std::net::Ipv4Addr::new(10, 77, 1, 2).into();
            let server = std::net::Ipv4Addr::new(203, 0, 113, 10).into();
            cause_in_short(&Cause::Host {
                node: NodeName::gateway(),
                packet: Packet::Icmp {
                    from: server,
                    to: client,
                    kind: 3,
                    code: 0,
                    about: Some(Flow {
                        from: (client, port).into(),
                        to: (server, 21).into(),
                    }),
                },
            })
        });
        assert_eq!(
            told,
            ["gateway answered ICMP type 3 code 0 203.0.113.10 → 10.77.1.2 about 10.77.1.2 → 203.0.113.10:21";
                2]
        );
    }
}
