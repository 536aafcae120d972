use fwlab_fabric::{Fabric, FabricError, SysctlError, try_sysctls};
use fwlab_record::NodeName;

use crate::support::{build, can_build, ipv4_pair};

async fn read(fabric: &Fabric, file: &'static str) -> String {
    let client = fabric.node(&NodeName::client()).expect("a client");
    let value = client
        .run(async move || std::fs::read_to_string(file))
        .await
        .expect("the node lives");
    value.expect("a sysctl").trim().to_owned()
}

#[tokio::test]
async fn a_node_s_sysctls_are_its_own() {
    if !can_build() {
        return;
    }
    let outside = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_retries").expect("IPv4");
    let mut topology = ipv4_pair();
    topology.nodes[0].sysctls.extend([
        ("net.ipv4.tcp_syn_retries".to_owned(), "3".to_owned()),
        ("net.ipv4.conf.eth0.rp_filter".to_owned(), "2".to_owned()),
    ]);
    let fabric = build(&topology).await;
    assert_eq!(
        read(&fabric, "/proc/sys/net/ipv4/tcp_syn_retries").await,
        "3"
    );
    assert_eq!(
        read(&fabric, "/proc/sys/net/ipv4/conf/eth0/rp_filter").await,
        "2"
    );
    let client = fabric.node(&NodeName::client()).expect("a client");
    client
        .set_sysctl("net.ipv4.ip_local_port_range", "39632 39633")
        .await
        .expect("it is a namespace's own");
    let range = read(&fabric, "/proc/sys/net/ipv4/ip_local_port_range").await;
    assert_eq!(range, "39632\t39633");
    let after = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_retries").expect("IPv4");
    assert_eq!(outside, after, "the host's own is as it was");
}

#[tokio::test]
async fn ports_are_reserved_beside_those_that_are() {
    if !can_build() {
        return;
    }
    let mut topology = ipv4_pair();
    topology.nodes[0].sysctls.insert(
        "net.ipv4.ip_local_reserved_ports".to_owned(),
        "40000-40100".to_owned(),
    );
    let fabric = build(&topology).await;
    let client = fabric.node(&NodeName::client()).expect("a client");
    let [one, other] = [[50000..=50003], [40101..=40101]];
    let (one, other) = tokio::join!(client.reserve_ports(&one), client.reserve_ports(&other));
    one.expect("ports");
    other.expect("ports");
    let reserved = read(&fabric, "/proc/sys/net/ipv4/ip_local_reserved_ports").await;
    assert_eq!(reserved, "40000-40101,50000-50003");
}

#[tokio::test]
async fn what_is_not_a_namespace_s_own_is_refused_with_the_reason() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let client = fabric.node(&NodeName::client()).expect("a client");
    for name in [
        "net.netfilter.nf_conntrack_max",
        "net.netfilter.nf_conntrack_expect_max",
        "net.netfilter.nf_conntrack_buckets",
        "vm.swappiness",
        "kernel.hostname",
        // Registered for the first namespace only.
        "net.ipv4.tcp_mem",
        "net.core.netdev_max_backlog",
        // Every namespace shows it, and it is the machine's.
        "net.netfilter.nf_hooks_lwtunnel",
        "net.ipv4",
    ] {
        let error = client.set_sysctl(name, "1").await.expect_err(name);
        assert!(
            matches!(error, SysctlError::WholeMachine(_)),
            "{name}: {error}"
        );
    }
    let unknown = client.set_sysctl("net.ipv4.no_such_thing", "1").await;
    assert!(
        matches!(unknown, Err(SysctlError::Unknown(_))),
        "{unknown:?}"
    );
    let folder = client.set_sysctl("net.ipv4.conf", "1").await;
    assert!(matches!(folder, Err(SysctlError::Unknown(_))), "{folder:?}");
    for name in ["net.//.//.kernel.hostname", "net/ipv4/ip_forward", "net..x"] {
        let error = client.set_sysctl(name, "1").await.expect_err(name);
        assert!(
            matches!(error, SysctlError::Malformed(_)),
            "{name}: {error}"
        );
    }
    let value = client.set_sysctl("net.ipv4.ip_forward", "maybe").await;
    assert!(matches!(value, Err(SysctlError::Value { .. })), "{value:?}");
}

#[tokio::test]
async fn a_topology_s_bad_sysctl_fails_the_build() {
    if !can_build() {
        return;
    }
    let mut topology = ipv4_pair();
    let nodes = &mut topology.nodes;
    nodes[1]
        .sysctls
        .insert("net.ipv4.no_such_thing".into(), "1".into());
    match Fabric::build(&topology).await {
        Err(FabricError::Sysctl { node, .. }) => assert_eq!(node, NodeName::server()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings_are_tried_before_there_is_a_node() {
    if !can_build() {
        return;
    }
    let outside = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_retries").expect("IPv4");
    let settings = [
        ("net.ipv4.ip_forward", "1"),
        ("net.ipv4.tcp_syn_retries", "4"),
        ("net.ipv4.conf.e0/7.rp_filter", "2"),
        ("net.netfilter.nf_conntrack_tcp_timeout_established", "2"),
        ("net.netfilter.nf_conntrack_tcp_loose", "0"),
        ("net.ipv4.no_such_thing", "1"),
        ("net.ipv4.conf.e1.rp_filter", "1"),
        ("net.ipv4.ip_forward", "maybe"),
        ("net.ipv4.tcp_mem", "1"),
        ("net.netfilter.nf_conntrack_max", "1"),
        ("net..x", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let tried = try_sysctls(&settings, &["e0.7".to_owned()]);
    assert!(tried[..5].iter().all(Result::is_ok), "{tried:?}");
    assert!(
        matches!(
            &tried[5..],
            [
                Err(SysctlError::Unknown(_)),
                Err(SysctlError::Unknown(_)),
                Err(SysctlError::Value { .. }),
                Err(SysctlError::WholeMachine(_)),
                Err(SysctlError::WholeMachine(_)),
                Err(SysctlError::Malformed(_)),
            ]
        ),
        "{tried:?}"
    );
    let after = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_syn_retries").expect("IPv4");
    assert_eq!(outside, after, "the host's own is as it was");
}
