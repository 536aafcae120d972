//! The proof: what was asked for passes, all other transfers are blocked, and no other port can be connected to.

use std::collections::BTreeSet;
use std::net::IpAddr;

use fwlab_check::{At, HostFiles, ServerOptions, Subject, Terms, Trial};
use fwlab_fix::Remedy;
use fwlab_model::ruleset::{Nat, Side, Source};
use fwlab_record::{
    Backend, Evidence, Exit, Family, Judgement, NodeName, Packet, Protection, Seen, Way,
};
use fwlab_runner::{Knock, RunSettings};
use fwlab_text::one_line;

use super::asked::Asked;
use crate::command::check::told;
use crate::command::execute::{ready, runtime};
use crate::command::exit::{complain, telling};
use crate::command::trial::{Bench, Candidate, PORTS, passes};

/// Rules that were made.
pub(super) struct Made {
    pub(super) text: String,
    pub(super) families: Vec<Family>,
    pub(super) backends: &'static [Backend],
    /// The family in which a gateway that masquerades does so.
    pub(super) masquerades: Family,
}

/// Tries the rules, and says how much was tried.
///
/// # Errors
/// When they do not do what was asked for, or that is not known: then why is said.
pub(super) fn prove(made: &Made, at: At, asked: &Asked) -> Result<(), Exit> {
    let terms = &Terms {
        at: Some(at),
        families: made.families.clone(),
        protections: vec![Protection::Plain, Protection::Explicit],
        server_options: ServerOptions {
            control_port: Some(asked.control_port),
            passive_ports: asked.passive_ports,
            ..ServerOptions::default()
        },
        ..Terms::default()
    };
    let source = Source::new("the rules", made.text.as_str());
    let files = HostFiles::of_rules(source, made.families.clone(), made.backends);
    let subject = telling(|said| Subject::of(files, at, terms, said))?;
    let loader = ready()?;
    let told = told(&subject, &loader, terms)?;
    let Trial { tried, planned } = telling(|said| {
        let all = subject.all_classes(&told, terms, said);
        subject.trial(&all, terms, &[], said)
    })?;
    let runtime = runtime()?;
    let bench = Bench {
        subject: &subject,
        settings: RunSettings {
            keep_going: true,
            keep_evidence: asked.nat.is_some(),
            ..RunSettings::default()
        },
        loader,
        runtime: &runtime,
        tried: &tried,
        planned: &planned,
        everybody: planned.len(),
    };
    let candidate = announcing(&bench, asked);
    let transfers = transfers(&bench, &candidate, asked, made)?;
    let ports = new_connections(&bench, asked)?;
    let backends: Vec<&str> = made.backends.iter().map(|backend| backend.word()).collect();
    complain(
        format!(
            "tried with {}: {transfers} transfers, and new connections to {ports} ports: what you asked for passed, and nothing else did",
            backends.join(" and ")
        ),
        Some(match asked.side {
            Side::Gateway if asked.nat.is_some() => {
                "the rules let through only FTP. Before you load them, add whatever else the gateway needs, such as your own way in"
            }
            Side::Gateway => {
                "the rules let through only FTP, from either side to the other. Before you load them, add interfaces or addresses and whatever else the host needs"
            }
            _ => {
                "the rules let through only FTP. Before you load them, add whatever else the host needs, such as your own way in"
            }
        }),
    );
    Ok(())
}

/// The rules, with a server behind a gateway that announces the address that clients connect to, if it keeps to a range of ports: under
/// TLS, nobody else can.
fn announcing(bench: &Bench<'_>, asked: &Asked) -> Candidate {
    let none = Candidate::none(bench.subject);
    let connected = bench
        .tried
        .iter()
        .find_map(|tried| match tried.representative().far_address {
            Some(IpAddr::V4(address)) => Some(address),
            _ => None,
        });
    let is_forwarded = matches!(asked.nat, Some(Nat::Forward { .. }));
    let announced = connected.filter(|_| is_forwarded && asked.passive_ports.is_some());
    let remedy = announced.map(|address| Remedy::Advertise { address });
    let with = remedy.and_then(|remedy| none.with(bench.subject, vec![remedy]).ok());
    with.unwrap_or(none)
}

/// Whether transfers pass as they are to. Gives how many were tried.
fn transfers(
    bench: &Bench<'_>,
    candidate: &Candidate,
    asked: &Asked,
    made: &Made,
) -> Result<usize, Exit> {
    let records = bench.run(candidate, |_| true)?;
    let unproven = |why: String| {
        complain(
            format!("the rules are not printed, because they could not be proven: {why}"),
            None,
        );
        Exit::Lab
    };
    let mut known = BTreeSet::new();
    let mut all = BTreeSet::new();
    let mut tried = 0;
    for (at, record) in &records {
        let (axes, class) = (&record.axes, &bench.tried[*at]);
        let kind = (
            axes.backend,
            axes.family,
            axes.protection,
            axes.data.is_active(),
        );
        all.insert(kind);
        match &record.judgement {
            Judgement::Skipped { .. } => continue,
            Judgement::Inconclusive { why } => {
                return Err(unproven(format!("{}: {}", one_line(axes), one_line(why))));
            }
            _ => {}
        }
        if record.judgement.outcome().is_none() || passes(record) != asked.is_to_pass(axes, class) {
            let was = if passes(record) {
                "passes"
            } else {
                "does not pass"
            };
            return Err(unproven(format!(
                "{} {was} for {}",
                one_line(axes),
                bench.whom(&[*at])
            )));
        }
        let translates = matches!(asked.nat, Some(Nat::Masquerade { .. }));
        let translates = translates && made.masquerades == axes.family;
        if translates && passes(record) && !hides_its_client(&record.evidence) {
            return Err(unproven(format!(
                "{} passes, but the server sees the client's own address",
                one_line(axes)
            )));
        }
        known.insert(kind);
        tried += 1;
    }
    if let Some((backend, family, protection, active)) = all.difference(&known).next() {
        let way = if *active { "active" } else { "passive" };
        return Err(unproven(format!(
            "no {way} transfer could be tried with {backend}, {family}, {protection}; `fwlab doctor` says what is missing"
        )));
    }
    Ok(tried)
}

/// Whether the address that a server was connected to from is not the client's.
fn hides_its_client(evidence: &Evidence) -> bool {
    let first = |node: &NodeName, way: Way| {
        evidence.facts.iter().find_map(|fact| match &fact.what {
            Seen::Packet {
                way: went,
                packet: Packet::Tcp { flow, .. },
            } if fact.node == *node && *went == way => Some(flow.from.ip()),
            _ => None,
        })
    };
    let own = first(&NodeName::client(), Way::Out);
    let seen = first(&NodeName::server(), Way::In);
    own.zip(seen).is_some_and(|(own, seen)| own != seen)
}

/// Whether new connections come through to the control port and the passive ports alone. Gives how many ports were tried.
fn new_connections(bench: &Bench<'_>, asked: &Asked) -> Result<usize, Exit> {
    let (low, high) = asked.passive_ports.unwrap_or((1, 0));
    let is_open = |port: u16| port == asked.control_port || (low..=high).contains(&port);
    let mut ports: BTreeSet<u16> = PORTS.into();
    ports.extend([asked.control_port, 1]);
    let beside = [
        low.checked_sub(1),
        Some(low),
        Some(high),
        high.checked_add(1),
    ];
    ports.extend(beside.into_iter().flatten().filter(|port| *port > 0));
    let knocks: Vec<Knock> = ports
        .iter()
        .flat_map(|to| [None, Some(20)].map(|from| Knock { from, to: *to }))
        .filter(|knock| knock.from != Some(knock.to))
        .collect();
    let none = Candidate::none(bench.subject);
    let places = bench.one_of_each_class();
    let swept = places.iter().map(|at| bench.reach(&none, *at, &knocks));
    let swept = bench
        .runtime
        .block_on(futures::future::try_join_all(swept))?;
    for (at, reach) in places.iter().zip(&swept) {
        let class = &bench.tried[*at];
        let opens = [asked.opens_to_servers(class), asked.opens_to_clients(class)];
        let is_data =
            |knock: &Knock| asked.lets_out() && knock.from == Some(20) && knock.to >= 1024;
        let mut of_server = reach.of_server.standing();
        let wrong = of_server.find(|knock| !(opens[0] && is_open(knock.to)));
        let mut of_client = reach.of_client.standing();
        let of_client = of_client.find(|knock| !(opens[1] && is_open(knock.to) || is_data(knock)));
        if let Some(Knock { to: port, .. }) = wrong.or(of_client) {
            complain(
                format!(
                    "the rules are not printed, because they let a new connection through to port {port}"
                ),
                None,
            );
            return Err(Exit::Lab);
        }
    }
    Ok(ports.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fwlab_record::{EventId, Fact, Flow, TcpFlags};

    use super::*;

    fn fact(node: NodeName, way: Way, from: [u8; 4]) -> Fact {
        let flow = Flow {
            from: (from, 40_000).into(),
            to: ([203, 0, 113, 9], 21).into(),
        };
        Fact {
            event: EventId(1),
            at: Duration::ZERO,
            node,
            connection: None,
            what: Seen::Packet {
                way,
                packet: Packet::Tcp {
                    flow,
                    flags: TcpFlags(2),
                    sequence: 1,
                    acknowledgement: 0,
                    payload: 0,
                },
            },
            deciding: false,
        }
    }

    /// A gateway that lets the client's own address through does not masquerade, whatever passes.
    #[test]
    fn a_client_is_hidden_where_the_server_sees_another_address() {
        let own = [10, 0, 0, 2];
        let seen = |from: &[[u8; 4]]| {
            let came = from
                .iter()
                .map(|from| fact(NodeName::server(), Way::In, *from));
            let sent = fact(NodeName::client(), Way::Out, own);
            let facts = std::iter::once(sent).chain(came).collect();
            hides_its_client(&Evidence::new(facts, 0, None))
        };
        assert!(seen(&[[198, 51, 100, 1]]));
        assert!(!seen(&[own]));
        // Nobody knows.
        assert!(!seen(&[]));
    }
}
