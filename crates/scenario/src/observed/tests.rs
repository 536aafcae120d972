use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use fwlab_record::{
    CauseKind, Flow, NodeName, Packet, Phase, RuleId, RuleOrdinal, Symptom, TableFamily, TcpFlags,
};

use super::*;
use crate::filter::Filter;
use crate::plan::{Overrides, cells, idle_requirements};

const SCENARIO: &str = r#"
description = "Three rulesets, and one of them is nft's."
topology = { shape = "server-firewall" }
[[ruleset]]
name = "a"
text = "iptables -P INPUT DROP"
[[ruleset]]
name = "b\"\u202e"
text = "iptables -P INPUT DROP"
backends = ["nft"]
[[ruleset]]
name = "c"
text = '''
table inet t { }
'''
[matrix]
servers = ["libunftp", "vsftpd"]
families = ["ipv4", "ipv6"]
data = ["port", "pasv", "epsv"]
"#;

fn read(text: &str) -> Arc<Scenario> {
    let scenario = Scenario::prepare("s", Path::new("s.toml"), text);
    Arc::new(scenario.unwrap_or_else(|error| panic!("{:#?}\n{text}", error.problems)))
}

fn axes_of(scenario: &Arc<Scenario>) -> Vec<Axes> {
    let cells = cells(scenario, &Overrides::default(), &Filter::default());
    cells.into_iter().map(|cell| cell.axes).collect()
}

fn packet() -> Packet {
    Packet::Tcp {
        flow: Flow {
            from: "10.0.0.2:40000".parse().expect("an address"),
            to: "10.0.0.1:21".parse().expect("an address"),
        },
        flags: TcpFlags(TcpFlags::SYN),
        sequence: 1,
        acknowledgement: 0,
        payload: 0,
    }
}

fn chain(family: TableFamily) -> ChainId {
    ChainId {
        family,
        table: "filter".into(),
        chain: "INPUT".into(),
    }
}

fn by_rule(ordinal: u32, led_to: Option<Cause>) -> Cause {
    Cause::Rule {
        node: NodeName::server(),
        backend: Backend::Nft,
        rule: RuleId {
            chain: chain(TableFamily::Ipv4),
            ordinal: RuleOrdinal(ordinal),
        },
        source_line: Some(5),
        source_file: None,
        statement: "-j DROP".into(),
        packet: packet(),
        led_to: led_to.map(Box::new),
    }
}

fn outcome(cause: Cause) -> Outcome {
    let passed = cause == Cause::None;
    Outcome {
        symptom: match passed {
            true => Symptom::Transferred,
            false => Symptom::DataTimeout,
        },
        phase: match passed {
            true => Phase::Completion,
            false => Phase::DataConnect,
        },
        cause,
        event: None,
        came_through: None,
    }
}

/// One outcome for each thing that can be required, no two of them the same to a requirement.
fn outcomes() -> Vec<Outcome> {
    let node = NodeName::client();
    let packet = packet();
    let mut outcomes: Vec<Outcome> = [
        Cause::None,
        by_rule(1, None),
        by_rule(2, None),
        by_rule(1, Some(by_rule(3, None))),
        Cause::Policy {
            node: node.clone(),
            backend: Backend::Nft,
            chain: chain(TableFamily::Ipv4),
            source_line: None,
            source_file: None,
            statement: "-P INPUT DROP".into(),
            packet,
        },
        Cause::Policy {
            node: NodeName::server(),
            backend: Backend::Native,
            chain: chain(TableFamily::Inet),
            source_line: None,
            source_file: None,
            statement: "policy drop".into(),
            packet,
        },
        Cause::Helper {
            node: node.clone(),
            packet,
        },
        Cause::Host {
            node: node.clone(),
            packet,
        },
        Cause::Loss { node, packet },
        Cause::Reply {
            reply: "530 no".into(),
        },
        Cause::Reply {
            reply: "425 no".into(),
        },
    ]
    .into_iter()
    .map(outcome)
    .collect();
    outcomes.push(Outcome {
        symptom: Symptom::DataRejected,
        ..outcomes[1].clone()
    });
    outcomes.push(Outcome {
        phase: Phase::Transfer,
        ..outcomes[1].clone()
    });
    outcomes
}

/// The file with the blocks for these outcomes, read again.
fn written(observed: &HashMap<Axes, Outcome>) -> (Arc<Scenario>, usize) {
    let scenario = read(SCENARIO);
    let cells = axes_of(&scenario);
    let found = cells
        .iter()
        .filter_map(|axes| Some((axes, observed.get(axes)?)));
    let blocks = requirements(&scenario, found);
    let again = read(&format!("{SCENARIO}\n{}", blocks.join("\n")));
    assert_eq!(idle_requirements(&again), []);
    (again, blocks.len())
}

/// Each cell meets what is required of it, and so does no other outcome; of a cell that was not observed nothing is required.
fn holds(scenario: &Arc<Scenario>, observed: &HashMap<Axes, Outcome>) {
    for cell in cells(scenario, &Overrides::default(), &Filter::default()) {
        let axes = &cell.axes;
        match (observed.get(axes), &cell.requirement) {
            (None, None) => {}
            (Some(own), Some(requirement)) => {
                for outcome in &outcomes() {
                    let met = requirement.differences(outcome).is_empty();
                    assert_eq!(met, outcome == own, "{axes}: {requirement}; {outcome}");
                }
            }
            (observed, required) => panic!("{axes}: {observed:?}, {required:?}"),
        }
    }
}

#[test]
fn whatever_was_observed_is_required_and_nothing_else() {
    let cells = axes_of(&read(SCENARIO));
    let outcomes = outcomes();
    let mut state = 1_u64;
    let mut below = |most: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % most
    };
    for round in 0..120 {
        // Few outcomes give large blocks, many give small ones.
        let few = 1 + below(outcomes.len());
        let mut observed = HashMap::new();
        for axes in &cells {
            if round % 3 == 0 || below(4) > 0 {
                observed.insert(axes.clone(), outcomes[below(few)].clone());
            }
        }
        let (scenario, _) = written(&observed);
        holds(&scenario, &observed);
    }
}

/// What differs by one axis alone takes a block a value.
#[test]
fn cells_that_agree_share_a_block() {
    let cells = axes_of(&read(SCENARIO));
    let outcomes = outcomes();
    let all = |pick: &dyn Fn(&Axes) -> usize| -> usize {
        let observed = cells
            .iter()
            .map(|axes| (axes.clone(), outcomes[pick(axes)].clone()));
        written(&observed.collect()).1
    };
    assert_eq!(all(&|_| 0), 1);
    // One of `a` by either backend, and one of those that have no other.
    let legacy = |axes: &Axes| usize::from(axes.backend == Backend::Legacy);
    assert_eq!(all(&legacy), 3);
    assert_eq!(all(&|axes| usize::from(axes.ruleset == "a")), 2);
    assert_eq!(all(&|axes| usize::from(axes.data.word() == "pasv")), 2);
    let two = |axes: &Axes| axes.ruleset == "a" && axes.data.word() == "pasv";
    assert_eq!(all(&|axes| usize::from(two(axes))), 3);
}

#[test]
fn a_block_stands_as_the_file_has_it() {
    let scenario = read(SCENARIO);
    let cells = axes_of(&scenario);
    let outcomes = outcomes();
    let observed = cells.iter().map(|axes| {
        let is_native = axes.backend == Backend::Native;
        let place = match axes.ruleset.as_str() {
            "a" if axes.data.word() == "port" => 1,
            "a" => 0,
            _ if is_native => 5,
            _ => 9,
        };
        (axes, &outcomes[place])
    });
    let blocks = requirements(&scenario, observed).join("\n");
    assert_eq!(
        blocks,
        r#"[[require]]
ruleset = "a"
data = "port"
symptom = "data-timeout"
phase = "data-connect"
cause = { kind = "rule", node = "server", chain = "filter/INPUT", ordinal = 1 }

[[require]]
ruleset = "a"
data = ["pasv", "epsv"]
symptom = "transferred"

[[require]]
ruleset = "b\"\U0000202E"
symptom = "data-timeout"
phase = "data-connect"
cause = { kind = "reply", reply = 530 }

[[require]]
ruleset = "c"
symptom = "data-timeout"
phase = "data-connect"
cause = { kind = "policy", node = "server", chain = "inet/filter/INPUT" }
"#
    );
}

/// Where rules of another backend stand beside a ruleset, the cause says whose rule it is.
#[test]
fn beside_other_rules_the_backend_is_required() {
    let text = SCENARIO.replacen(
        "name = \"a\"\n",
        "name = \"a\"\nbeside = { backend = \"legacy\", text = \"*filter\\nCOMMIT\\n\" }\nbackends = [\"nft\"]\n",
        1,
    );
    let scenario = read(&text);
    let cells = axes_of(&scenario);
    let stopped = outcome(by_rule(1, None));
    let observed = cells.iter().filter(|axes| axes.ruleset == "a");
    let blocks = requirements(&scenario, observed.map(|axes| (axes, &stopped)));
    let [block] = &blocks[..] else {
        panic!("{blocks:?}")
    };
    assert!(
        block.contains("kind = \"rule\", backend = \"nft\","),
        "{block}"
    );
    assert_eq!(stopped.cause.kind(), CauseKind::Rule);
}
