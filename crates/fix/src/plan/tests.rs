use fwlab_record::{ChainId, DataSetup, NodeName, Packet, TableFamily};

use super::*;

/// What is offered where rules at this side stop ICMP that tells of too large packets.
fn against_icmp(side: Side) -> Vec<Remedy> {
    let cause = Cause::Policy {
        node: NodeName::server(),
        backend: Backend::Nft,
        chain: ChainId {
            family: TableFamily::Ip,
            table: "filter".to_owned(),
            chain: "OUTPUT".to_owned(),
        },
        source_line: None,
        source_file: None,
        statement: "-P OUTPUT DROP".to_owned(),
        packet: Packet::Icmp {
            from: [192, 0, 2, 1].into(),
            to: [192, 0, 2, 2].into(),
            kind: 3,
            code: 4,
            about: None,
        },
    };
    let diagnosis = Diagnosis {
        connection: Role::Data(DataSetup::Pasv),
        opening: Opening::Later,
        node: NodeName::server(),
        state: None,
        why: Why::PacketTooBig,
        rests_on: Vec::new(),
    };
    let situation = Situation {
        cause: &cause,
        family: Family::Ipv4,
        side,
        control_port: 21,
        passive_ports: Err((50_000, 50_100)),
        connected: None,
        server: None,
        passed_on: None,
        backend: Backend::Nft,
        only: Only::default(),
        untracks: false,
        prefers_range: false,
    };
    remedies(&diagnosis, &situation)
}

/// What opens nothing stands first: where both do, the last one is taken away again.
#[test]
fn a_gateway_clamps_first_and_hosts_let_icmp_through() {
    let is_icmp = |remedy: &Remedy| {
        let what = Accepts::Icmp(Icmp::FragmentationNeeded);
        matches!(remedy, Remedy::Accept { what: found, .. } if *found == what)
    };
    let [clamp, icmp] = &against_icmp(Side::Gateway)[..] else {
        panic!("two remedies")
    };
    assert!(matches!(clamp, Remedy::ClampMss { .. }) && is_icmp(icmp));
    for side in [Side::Server, Side::Client] {
        let [icmp] = &against_icmp(side)[..] else {
            panic!("one remedy")
        };
        assert!(is_icmp(icmp), "{side:?}");
    }
}
