use std::time::Duration;

use arbitrary::Unstructured;
use fwlab_record::{
    Axes, Backend, Cause, CellRecord, ChainId, Chance, DataSetup, Evidence, Family, Judgement,
    NodeName, Operation, Outcome, Packet, PeerName, Phase, Place, Protection, RuleId, RuleOrdinal,
    SchemaVersion, Symptom, TableFamily, Versions,
};
use serde_json::Value;

/// A run record, with texts as rules, replies and programs may bring them into it.
///
/// Its line of JSON is one line, and reads back to the same texts; so do outcome and rule on their own.
pub fn record(input: &[u8]) {
    let _ = written(&mut Unstructured::new(input));
}

fn written(unread: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let outcome = outcome(unread)?;
    let judgement = match unread.arbitrary::<u8>()? % 4 {
        0 => Judgement::met(outcome.clone()),
        1 => Judgement::Missed {
            outcome: outcome.clone(),
            why: unread.arbitrary()?,
        },
        2 => Judgement::Inconclusive {
            why: unread.arbitrary()?,
        },
        _ => Judgement::Reported(outcome.clone()),
    };
    let record = CellRecord {
        schema: SchemaVersion,
        axes: Axes {
            scenario: unread.arbitrary()?,
            ruleset: unread.arbitrary()?,
            backend: Backend::Nft,
            server: PeerName::Vsftpd,
            client: PeerName::Curl,
            data: *unread.choose(DataSetup::ALL)?,
            protection: Protection::Plain,
            family: Family::Ipv4,
            operation: Operation::Retr,
        },
        server_place: None,
        client_place: Some(Place::Container),
        judgement,
        requirement: unread.arbitrary()?,
        evidence: Evidence::default(),
        versions: Versions {
            server: unread.arbitrary()?,
            ..Versions::default()
        },
        took: Duration::from_micros(unread.arbitrary::<u32>()?.into()),
        notes: unread.arbitrary()?,
        chance: vec![*unread.choose(Chance::ALL)?],
    };
    let line = serde_json::to_string(&record).expect("a record is JSON");
    assert!(!line.contains('\n') && !line.contains('\r'), "{line}");
    let again: CellRecord = serde_json::from_str(&line).expect("what was written is read");
    assert_eq!(again, record);
    let read: Value = serde_json::from_str(&line).expect("what was written is read");
    assert_eq!(read["scenario"], record.axes.scenario.as_str());
    assert_eq!(read["ruleset"], record.axes.ruleset.as_str());
    assert_eq!(read["notes"], serde_json::json!(record.notes));
    assert_eq!(read["result"], record.judgement.word());
    assert_eq!(read["requirement"].as_str(), record.requirement.as_deref());
    if let Judgement::Inconclusive { why } = &record.judgement {
        assert_eq!(read["why"], why.as_str());
        assert!(read["cause"].is_null());
    }
    let json = serde_json::to_string(&outcome).expect("an outcome is JSON");
    let again: Outcome = serde_json::from_str(&json).expect("what was written is read");
    assert_eq!(again, outcome);
    Ok(())
}

fn outcome(unread: &mut Unstructured<'_>) -> arbitrary::Result<Outcome> {
    let cause = match unread.arbitrary::<u8>()? % 3 {
        0 => Cause::None,
        1 => Cause::Reply {
            reply: unread.arbitrary()?,
        },
        _ => Cause::Rule {
            node: NodeName::server(),
            backend: Backend::Legacy,
            rule: rule(unread)?,
            source_line: unread.arbitrary()?,
            source_file: unread.arbitrary()?,
            statement: unread.arbitrary()?,
            packet: Packet::Other {
                from: std::net::IpAddr::from(unread.arbitrary::<[u8; 4]>()?),
                to: std::net::IpAddr::from(unread.arbitrary::<[u8; 16]>()?),
                number: unread.arbitrary()?,
            },
            led_to: None,
        },
    };
    Ok(Outcome {
        symptom: *unread.choose(Symptom::ALL)?,
        phase: *unread.choose(Phase::ALL)?,
        cause,
        event: None,
        came_through: None,
    })
}

fn rule(unread: &mut Unstructured<'_>) -> arbitrary::Result<RuleId> {
    let chain = ChainId {
        family: *unread.choose(TableFamily::ALL)?,
        table: unread.arbitrary()?,
        chain: unread.arbitrary()?,
    };
    assert!(chain.is_named(&chain.to_string()), "{chain:?}");
    Ok(RuleId {
        chain,
        ordinal: RuleOrdinal(unread.arbitrary()?),
    })
}
