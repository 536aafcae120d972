//! Why the cells of the whole tree did not pass, as it is told: held against what their evidence says, and against what
//! the scenarios were written to show.

use std::collections::{BTreeMap, BTreeSet};

use fwlab_explain::{Diagnosis, Why};
use fwlab_record::{
    CellRecord, Evidence, NodeName, Packet, Protection, Role, Seen, Symptom, is_private,
};

use crate::support::{lab, tree};

/// What scenarios were written to show: a scenario and its ruleset, which of its cells (`plain`, `tls`, and `active`,
/// `passive` or all), and the one reason why they fail.
const WRITTEN_FOR: &[(&str, &str, &str, &str)] = &[
    ("seed/passive-client", "verbatim", "plain all", "no-helper"),
    (
        "seed/active-client",
        "with-helper",
        "plain passive",
        "related-refused",
    ),
    (
        "seed/active-server",
        "verbatim",
        "plain all",
        "control-refused",
    ),
    ("policies/server", "no-helper", "plain all", "no-helper"),
    (
        "policies/gateway",
        "active",
        "plain passive",
        "related-refused",
    ),
    (
        "policies/client",
        "passive-static",
        "plain active",
        "no-helper",
    ),
    (
        "regressions/endash",
        "rules",
        "plain all",
        "control-refused",
    ),
    (
        "regressions/gw-rules-in-input",
        "rules",
        "tls all",
        "control-refused",
    ),
    (
        "regressions/srv-ct-helper",
        "rules",
        "tls passive",
        "hidden-by-tls",
    ),
    (
        "regressions/gw-forward-helper",
        "rules",
        "tls all",
        "hidden-by-tls",
    ),
    (
        "regressions/srv-related-no-helper",
        "rules",
        "plain passive",
        "no-helper",
    ),
    (
        "regressions/srv-helper-in-output",
        "rules",
        "plain passive",
        "no-helper",
    ),
    (
        "regressions/ctrl-2121-helper21-only",
        "rules",
        "plain passive",
        "no-helper",
    ),
    (
        "regressions/srv-drop-before-related",
        "rules",
        "plain passive",
        "related-refused",
    ),
    (
        "regressions/srv-notrack21",
        "rules",
        "plain passive",
        "stateless",
    ),
    ("regressions/split-port", "rules", "plain active", "invalid"),
    (
        "regressions/pipelined-port",
        "rules",
        "plain active",
        "not-expected",
    ),
    (
        "regressions/dnat-no-helper",
        "rules",
        "plain active",
        "from-elsewhere",
    ),
    (
        "regressions/dnat-helper",
        "rules",
        "tls active",
        "from-elsewhere",
    ),
    (
        "regressions/dnat-range-pasvaddress",
        "rules",
        "plain active",
        "from-elsewhere",
    ),
    (
        "regressions/masq-pool-bad-ip",
        "rules",
        "plain passive",
        "from-elsewhere",
    ),
    (
        "front-ends/kube-proxy-node-port",
        "control",
        "plain passive",
        "not-forwarded",
    ),
    (
        "front-ends/docker-announced",
        "control",
        "plain passive",
        "not-forwarded",
    ),
    (
        "regressions/ct-zone-helper",
        "control-alone",
        "plain passive",
        "not-expected",
    ),
    ("front-ends/ufw", "closed", "tls all", "control-refused"),
    ("front-ends/ufw", "modules", "plain passive", "no-helper"),
    ("front-ends/ufw", "ftp", "tls passive", "hidden-by-tls"),
    (
        "outcomes/neighbours",
        "in",
        "plain all",
        "neighbour-discovery",
    ),
    (
        "outcomes/path-mtu",
        "out-icmp-drop",
        "plain all",
        "packet-too-big",
    ),
    (
        "outcomes/path-mtu",
        "server-policy",
        "plain all",
        "packet-too-big",
    ),
    (
        "outcomes/dnat-away",
        "to-nobody",
        "plain all",
        "sent-elsewhere",
    ),
];

/// The cells that did not pass, with why.
fn diagnosed() -> Vec<(CellRecord, Diagnosis)> {
    let cells = tree().values();
    let records = cells.map(|line| {
        serde_json::from_value::<CellRecord>(line.clone()).expect("it is a cell's record")
    });
    let mut found = Vec::new();
    for record in records {
        match Diagnosis::of(&record) {
            Some(diagnosis) => found.push((record, diagnosis)),
            None => {
                let outcome = record.judgement.outcome();
                let passed = outcome.is_none_or(|one| one.symptom == Symptom::Transferred);
                assert!(passed, "{}: no reason", record.axes);
            }
        }
    }
    assert!(found.len() > 1_000, "{}", found.len());
    found
}

#[test]
fn the_reason_is_what_a_scenario_was_written_for() {
    let Some(_lab) = lab() else { return };
    let mut told: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for (record, diagnosis) in diagnosed() {
        let axes = &record.axes;
        let secured = if axes.protection == Protection::Plain {
            "plain"
        } else {
            "tls"
        };
        let ways = [
            if axes.data.is_active() {
                "active"
            } else {
                "passive"
            },
            "all",
        ];
        for (at, (scenario, ruleset, cells, _)) in WRITTEN_FOR.iter().enumerate() {
            let is_of = ways.iter().any(|way| *cells == format!("{secured} {way}"));
            if axes.scenario == *scenario && axes.ruleset == *ruleset && is_of {
                told.entry(at)
                    .or_default()
                    .insert(diagnosis.why.word().to_owned());
            }
        }
    }
    for (at, (scenario, ruleset, cells, why)) in WRITTEN_FOR.iter().enumerate() {
        let found = told.get(&at).cloned().unwrap_or_default();
        let expected = BTreeSet::from([(*why).to_owned()]);
        assert_eq!(found, expected, "{scenario} {ruleset} {cells}");
    }
}

/// What must stand in the evidence for a reason to be true.
#[test]
fn every_reason_of_the_tree_rests_on_its_evidence() {
    let Some(_lab) = lab() else { return };
    for (record, diagnosis) in diagnosed() {
        let axes = &record.axes;
        let evidence = &record.evidence;
        let of_data = matches!(diagnosis.connection, Role::Data(_));
        let says =
            |what: &dyn Fn(&Seen) -> bool| evidence.facts.iter().any(|fact| what(&fact.what));
        let holds = match &diagnosis.why {
            Why::ControlRefused => diagnosis.is_of_control(),
            Why::NoHelper { .. } | Why::ControlUntracked => {
                of_data && axes.protection == Protection::Plain
            }
            Why::HiddenByTls => of_data && axes.protection != Protection::Plain,
            Why::RelatedRefused => {
                of_data && says(&|what| matches!(what, Seen::Expectation { .. }))
            }
            Why::AnnouncedElsewhere { announced, known } => {
                of_data && announced != known && goes_to(evidence, *announced)
            }
            Why::AddressRefused {
                announced, known, ..
            } => announced != known,
            Why::FromElsewhere { came, known, .. } => came != known,
            Why::NotForwarded => {
                of_data && says(&|what| matches!(what, Seen::SentElsewhere { .. }))
            }
            Why::ByMatch { looks_at, .. } => !looks_at.is_empty(),
            Why::NoWayBack { address } => is_private(*address),
            Why::TimeExceeded => says(&|what| {
                matches!(
                    what,
                    Seen::Packet {
                        packet: Packet::Icmp { .. },
                        ..
                    }
                )
            }),
            Why::AnsweredPast { from, known } => from != known,
            Why::NotLedOn => diagnosis.is_of_control() && diagnosis.node == NodeName::gateway(),
            Why::Said(reply) => !reply.is_empty(),
            Why::EstablishedRefused
            | Why::Stateless
            | Why::NotExpected(_)
            | Why::Invalid
            | Why::Untracked
            | Why::Forgotten
            | Why::NeighbourDiscovery
            | Why::PacketTooBig
            | Why::SentElsewhere { .. }
            | Why::NobodyListens
            | Why::Closed => true,
            Why::Unknown => false,
        };
        assert!(holds, "{axes}: {}", diagnosis.sentences());
        let exists = |event| evidence.facts.iter().any(|fact| fact.event == event);
        for event in &diagnosis.rests_on {
            assert!(
                exists(*event),
                "{axes}: event {} is not in the evidence",
                event.0
            );
        }
    }
}

/// Whether a packet of a data connection went there.
fn goes_to(evidence: &Evidence, address: std::net::IpAddr) -> bool {
    evidence.facts.iter().any(|fact| {
        let flow = match fact.what.packet() {
            Some(fwlab_record::Packet::Tcp { flow, .. }) => flow,
            _ => return false,
        };
        matches!(fact.connection, Some(Role::Data(_))) && flow.to.ip() == address
    })
}
