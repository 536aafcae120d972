use std::fmt;
use std::time::Duration;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Axes, Chance, Evidence, Outcome, Place, SchemaVersion, Versions, ms};

/// A cell of a run, and what became of it: one line of the JSON report, as it stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct CellRecord {
    /// The version of this shape.
    pub schema: SchemaVersion,
    /// Its place in the matrix.
    #[serde(flatten)]
    pub axes: Axes,
    /// Where its server ran; nothing for one that is missing.
    pub server_place: Option<Place>,
    /// Where its client ran.
    pub client_place: Option<Place>,
    /// What became of it.
    #[serde(flatten)]
    pub judgement: Judgement,
    /// What was required of it, in words; nothing where nothing was.
    pub requirement: Option<String>,
    /// Things to know about it that change nothing: full patience and why, a fallback of the client.
    pub notes: Vec<String>,
    /// What of it was chance; a note each says how.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chance: Vec<Chance>,
    /// What it ran on and with.
    #[serde(default, skip_serializing_if = "Versions::is_empty")]
    pub versions: Versions,
    /// How long it took.
    #[serde(rename = "ms", with = "ms")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub took: Duration,
    /// What the kernel and the wire showed; empty for a cell that was not run, and where nobody asked for it.
    #[serde(default, skip_serializing_if = "Evidence::is_empty")]
    pub evidence: Evidence,
}

/// What became of a cell, held against its requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "result", rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Judgement {
    /// The outcome is what was required; or a peer did what is recorded of it, which others do not, so that it could not, or
    /// need not, be: notes name the deviation.
    Met {
        /// What happened, where the lab could tell: of a peer that deviated it need not.
        #[serde(flatten)]
        outcome: Option<Outcome>,
        /// Whether a peer deviated.
        #[serde(default, skip_serializing_if = "is_false")]
        deviated: bool,
    },
    /// It is not.
    Missed {
        /// What happened.
        #[serde(flatten)]
        outcome: Outcome,
        /// In what it differs.
        why: String,
    },
    /// Nothing was required.
    Reported(Outcome),
    /// The lab could not tell.
    Inconclusive {
        /// Why.
        why: String,
    },
    /// The cell cannot be run here.
    Skipped {
        /// Why.
        why: String,
    },
    /// The run ended before the cell did.
    NotRun(NotRun),
}

/// Why the run ended before a cell did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct NotRun {
    /// In words.
    pub why: String,
    /// By what it was interrupted, a signal's name; nothing where it was to stop at the first cell that missed its
    /// requirement or was inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted_by: Option<String>,
    /// Whether the cell was being run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub begun: bool,
}

impl NotRun {
    /// It was to stop at the first cell that missed its requirement or was inconclusive.
    pub fn stopped() -> NotRun {
        NotRun {
            why: "the run stopped at a cell that missed its requirement or was inconclusive"
                .to_owned(),
            interrupted_by: None,
            begun: false,
        }
    }

    /// It was interrupted by a signal, before the cell began or while it was being run.
    pub fn interrupted(by: &str, begun: bool) -> NotRun {
        let when = if begun {
            "while this cell was running"
        } else {
            "before this cell began"
        };
        NotRun {
            why: format!("the run was interrupted by {by} {when}"),
            interrupted_by: Some(by.to_owned()),
            begun,
        }
    }
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Judgement {
    /// The outcome is what was required.
    pub fn met(outcome: Outcome) -> Judgement {
        Judgement::Met {
            outcome: Some(outcome),
            deviated: false,
        }
    }

    /// A peer did what is recorded of it, and others do not.
    pub fn deviated(outcome: Option<Outcome>) -> Judgement {
        Judgement::Met {
            outcome,
            deviated: true,
        }
    }

    /// The result as it is written in reports.
    pub fn word(&self) -> &'static str {
        self.into()
    }

    /// What happened, where the lab could tell.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Judgement::Reported(outcome) | Judgement::Missed { outcome, .. } => Some(outcome),
            Judgement::Met { outcome, .. } => outcome.as_ref(),
            Judgement::Inconclusive { .. } | Judgement::Skipped { .. } | Judgement::NotRun(_) => {
                None
            }
        }
    }

    /// The same, without the rest.
    pub fn into_outcome(self) -> Option<Outcome> {
        match self {
            Judgement::Reported(outcome) | Judgement::Missed { outcome, .. } => Some(outcome),
            Judgement::Met { outcome, .. } => outcome,
            Judgement::Inconclusive { .. } | Judgement::Skipped { .. } | Judgement::NotRun(_) => {
                None
            }
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Backend, Cause, ChainId, DataSetup, EventId, Fact, Family, Flow, NodeName, Operation,
        Packet, PeerName, Phase, Protection, Role, RuleId, RuleOrdinal, Seen, Symptom, TcpFlags,
        Verdict, Walked, WalkedPlace, Way,
    };

    fn packet() -> Packet {
        Packet::Tcp {
            flow: Flow {
                from: "10.0.0.2:40000".parse().expect("an address"),
                to: "[2001:db8::1]:21".parse().expect("an address"),
            },
            flags: TcpFlags(TcpFlags::SYN),
            sequence: u32::MAX,
            acknowledgement: 0,
            payload: 0,
        }
    }

    fn chain() -> ChainId {
        ChainId {
            family: Family::Ipv4.into(),
            table: "a/b".into(),
            chain: "INPUT".into(),
        }
    }

    fn blocked(cause: Cause) -> Outcome {
        Outcome {
            symptom: Symptom::DataTimeout,
            phase: Phase::DataConnect,
            cause,
            event: Some(EventId(7)),
            came_through: Some(DataSetup::Pasv),
        }
    }

    fn causes() -> [Cause; 4] {
        let node = NodeName::server();
        let by_rule = |led_to| Cause::Rule {
            node: node.clone(),
            backend: Backend::Native,
            rule: RuleId {
                chain: chain(),
                ordinal: RuleOrdinal(3),
            },
            source_line: None,
            source_file: None,
            statement: "drop".into(),
            packet: packet(),
            led_to,
        };
        [
            Cause::None,
            by_rule(Some(Box::new(Cause::Loss {
                node: node.clone(),
                packet: packet(),
            }))),
            Cause::Policy {
                node: node.clone(),
                backend: Backend::Legacy,
                chain: chain(),
                source_line: Some(4),
                source_file: None,
                statement: "-P INPUT DROP".into(),
                packet: packet(),
            },
            Cause::Reply {
                reply: "530 no".into(),
            },
        ]
    }

    fn walked() -> Vec<Walked> {
        let rule = RuleId {
            chain: chain(),
            ordinal: RuleOrdinal(3),
        };
        let step = |place, verdict| Walked {
            backend: Backend::Nft,
            place,
            source_line: None,
            source_file: None,
            verdict,
            to_chain: None,
        };
        let jump = Walked {
            source_line: Some(3),
            source_file: Some("rules.v4".into()),
            to_chain: Some("ftp".into()),
            ..step(WalkedPlace::Rule(rule), Some(Verdict::Jump))
        };
        let unsaid = step(WalkedPlace::SomeRule(chain()), None);
        let policy = step(WalkedPlace::Policy(chain()), Some(Verdict::Drop));
        vec![jump, unsaid, policy]
    }

    fn record(judgement: Judgement) -> CellRecord {
        let node = NodeName::client();
        CellRecord {
            schema: SchemaVersion,
            axes: Axes {
                scenario: "a/b".into(),
                ruleset: "r".into(),
                backend: Backend::Nft,
                server: PeerName::PureFtpd,
                client: PeerName::Curl,
                data: DataSetup::Epsv,
                protection: Protection::Ccc,
                family: Family::Ipv6,
                operation: Operation::Stor,
            },
            server_place: Some(Place::Container),
            client_place: None,
            judgement,
            requirement: None,
            notes: vec!["a note".into()],
            chance: vec![Chance::Push],
            versions: Versions::default(),
            took: Duration::from_micros(1_234_567),
            evidence: Evidence {
                facts: vec![Fact {
                    event: EventId(7),
                    at: Duration::from_micros(12),
                    node: node.clone(),
                    connection: Some(Role::Data(DataSetup::Epsv)),
                    what: Seen::Packet {
                        way: Way::Out,
                        packet: packet(),
                    },
                    deciding: true,
                }],
                left_out: 3,
                matched: vec![crate::Matched {
                    node: node.clone(),
                    backend: Backend::Nft,
                    rule: RuleId {
                        chain: chain(),
                        ordinal: RuleOrdinal(3),
                    },
                    source_line: Some(3),
                    times: 2,
                }],
                walked: walked(),
            },
        }
    }

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let mut judgements = vec![
            Judgement::deviated(None),
            Judgement::Inconclusive { why: "w".into() },
            Judgement::Skipped { why: "w".into() },
            Judgement::NotRun(NotRun::stopped()),
            Judgement::NotRun(NotRun::interrupted("SIGINT", true)),
        ];
        for cause in causes() {
            judgements.push(Judgement::met(blocked(cause.clone())));
            judgements.push(Judgement::deviated(Some(blocked(cause.clone()))));
            judgements.push(Judgement::Reported(blocked(cause.clone())));
            judgements.push(Judgement::Missed {
                outcome: blocked(cause),
                why: "w".into(),
            });
        }
        for judgement in judgements {
            let record = record(judgement);
            let line = serde_json::to_string(&record).expect("it is JSON");
            assert!(
                line.starts_with("{\"schema\":2,\"scenario\":\"a/b\""),
                "{line}"
            );
            let again: CellRecord = serde_json::from_str(&line).expect(&line);
            assert_eq!(again, record, "{line}");
        }
    }

    #[test]
    fn a_record_of_another_version_is_not_read() {
        let record = record(Judgement::deviated(None));
        let line = serde_json::to_string(&record).expect("it is JSON");
        let other = line.replacen("\"schema\":2", "\"schema\":3", 1);
        let error = serde_json::from_str::<CellRecord>(&other).expect_err("it is another's");
        let said = "a record of version 3, and this reads version 2";
        assert!(error.to_string().contains(said), "{error}");
    }

    #[test]
    fn people_find_rules_by_their_id() {
        let [_, rule, policy, _] = causes();
        let id =
            |cause: &Cause| serde_json::to_value(cause).expect("it is JSON")["rule_id"].clone();
        assert_eq!(id(&rule), "ipv4/a/b/INPUT/3");
        assert_eq!(id(&policy), "ipv4/a/b/INPUT/policy");
    }
}
