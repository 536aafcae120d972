//! What the host is like before and after, and what it can do.
//!
//! The proof that a lab leaves the host alone runs in a process of its own: other
//! tests' children are descendants of this one.

use std::process::Command;

use fwlab_fabric::{
    Ability, Fabric, HostState, Machine, Peers, Privilege, Scratch, ToolCall, find_tool,
    raise_open_file_limit,
};
use fwlab_record::{Backend, Family, Flow, NodeName};
use fwlab_skipped::{Need, skipped};

use crate::support::{build, can_build, shell, trio};

const ALONE: &str = "FWLAB_TEST_ALONE";

#[test]
fn a_lab_leaves_the_host_as_it_was() {
    if !can_build() {
        return;
    }
    if std::env::var_os(ALONE).is_none() {
        let output = Command::new(std::env::current_exe().expect("a test binary"))
            .args([
                "--exact",
                "host::a_lab_leaves_the_host_as_it_was",
                "--nocapture",
            ])
            .env(ALONE, "1")
            .output()
            .expect("the test binary runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        return;
    }
    let before = HostState::capture();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(everything());
    runtime.block_on(Fabric::all_ended());
    let differences = before.differences(&HostState::capture());
    assert_eq!(differences, Vec::<String>::new());
}

/// Rules, sysctls, connections, programs and files in every node.
async fn everything() {
    let fabric = build(&trio()).await;
    for node in fabric.nodes() {
        node.set_sysctl("net.ipv4.ip_local_port_range", "39632 39633")
            .await
            .expect("a namespace's own");
        for backend in ["nft", "legacy"] {
            let Some(tool) = find_tool(&format!("iptables-{backend}-restore")) else {
                continue;
            };
            let rules = "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n*filter\n:INPUT DROP\n\
                         -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n";
            let output = node.tool(ToolCall::new(tool).stdin(rules)).await;
            assert!(output.expect("it runs").status.success());
        }
        let scratch = Scratch::new(1 << 20).expect("a scratch");
        let spec = shell("echo x > answer; exec sleep 1000").files(scratch);
        let mut program = node.program(spec).await.expect("a shell");
        node.run(async || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = listener.local_addr().expect("an address");
            drop(std::net::TcpStream::connect_timeout(
                &address,
                std::time::Duration::from_millis(20),
            ));
        })
        .await
        .expect("the node lives");
        let nobody = Flow {
            from: "10.9.9.9:1".parse().expect("an address"),
            to: "10.9.9.9:2".parse().expect("an address"),
        };
        assert!(!node.destroy_tcp(nobody).await.expect("the kernel can"));
        program.kill().await.expect("the node lives");
    }
    fabric.join().await;
}

#[tokio::test]
async fn what_a_namespace_is_given_shows_as_a_difference() {
    if !can_build() {
        return;
    }
    let fabric: Fabric = build(&trio()).await;
    let gateway = fabric.node(&NodeName::gateway()).expect("a gateway");
    let capture = async || {
        let state = gateway.run(async || HostState::capture()).await;
        state.expect("the node lives")
    };
    let before = capture().await;
    let ip = async |words: &'static [&str]| {
        let call = ToolCall::new(find_tool("ip").expect("iproute2")).arguments(words);
        let output = gateway.tool(call).await.expect("ip runs");
        assert!(output.status.success(), "{output:?}");
    };
    ip(&[
        "link",
        "add",
        "fwlab-new",
        "type",
        "veth",
        "peer",
        "fwlab-far",
    ])
    .await;
    ip(&["addr", "add", "10.0.3.1/24", "dev", "inside"]).await;
    ip(&["route", "add", "172.16.0.0/16", "via", "10.0.1.2"]).await;
    gateway
        .set_sysctl("net.ipv4.tcp_syn_retries", "1")
        .await
        .expect("a namespace's own");
    if let Some(tool) = find_tool("iptables-nft-restore") {
        let rules = "*filter\n-A INPUT -j DROP\nCOMMIT\n";
        let restored = gateway.tool(ToolCall::new(tool).stdin(rules)).await;
        assert!(restored.expect("it runs").status.success());
    }
    let differences = before.differences(&capture().await);
    for expected in [
        "interface new: fwlab-new",
        "address new: 10.0.3.1/24",
        "route new: 172.16.0.0/16 via 10.0.1.2",
        "sysctl /proc/sys/net/ipv4/tcp_syn_retries: 6 became 1",
        "rule new: iptables-nft-save",
    ] {
        let told = differences.iter().any(|line| line.starts_with(expected));
        assert!(told, "{expected} in {differences:#?}");
    }
}

/// Holds on this project's machines, and says what is missing elsewhere.
#[test]
fn the_machine_is_examined_for_real() {
    let machine = Machine::examine();
    for missing in machine.missing() {
        eprintln!(
            "missing: {} ({}): {}",
            missing.what, missing.why, missing.remedy
        );
        assert!(!missing.what.is_empty() && !missing.why.is_empty() && !missing.remedy.is_empty());
    }
    assert!(
        machine.kernel.starts_with(|c: char| c.is_ascii_digit()),
        "{}",
        machine.kernel
    );
    match Privilege::current() {
        Ok(privilege) => assert_eq!(machine.privilege.as_ref().ok(), Some(&privilege)),
        Err(_) => assert!(machine.privilege.is_err() && !machine.missing()[0].optional),
    }
    for backend in Backend::IPTABLES
        .iter()
        .filter(|backend| machine.has_backend(**backend))
    {
        let tool = machine
            .restore(*backend, Family::Ipv6)
            .expect("the backend is there");
        assert!(tool.version.is_some(), "{tool:?}");
    }
    assert_eq!(
        machine.tool("nft").is_none(),
        machine
            .missing()
            .iter()
            .any(|missing| missing.what == "nft")
    );
    if let Some(nft) = machine.tool("nft") {
        assert!(nft.version.is_some(), "{nft:?}");
        assert_eq!(
            machine.has_backend(Backend::Native),
            machine.can(Ability::PacketTrace)
        );
    }
    for ability in Ability::ALL {
        if let Some(Err(reason)) = machine.abilities.get(&ability) {
            skipped(Need::Machine, format_args!("{ability}: {reason}"));
        }
    }
    assert_eq!(Peers::find("no-such-peer"), None);
}

#[test]
fn the_limit_of_open_files_is_what_it_may_be() {
    let limit = raise_open_file_limit().expect("the kernel lets it");
    let limits = std::fs::read_to_string("/proc/self/limits").expect("limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    assert_eq!(soft, Some(limit));
}
