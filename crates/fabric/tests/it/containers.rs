//! Namespaces that somebody else made. No container engine is needed: a program in a
//! node of one fabric is to another fabric what a container is.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use fwlab_fabric::{
    ContainerRoot, Fabric, FabricError, NamespaceError, NetworkNamespace, Node, Privilege, Program,
    ProgramSpec, Scratch,
};
use fwlab_model::{NodeSpec, Topology};
use fwlab_record::NodeName;
use fwlab_skipped::{Need, skipped};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{build, can_build, eventually, pair};

/// A node without links, and a program in it that lives as long as it is held.
async fn elsewhere(files: Option<Scratch>) -> (Fabric, Program) {
    let mut topology = Topology::default();
    topology.nodes.push(NodeSpec::new(NodeName::server()));
    let fabric = build(&topology).await;
    let mut spec = crate::support::shell("exec sleep 600");
    spec.files = files;
    let program = server(&fabric).program(spec).await.expect("sleep");
    (fabric, program)
}

fn server(fabric: &Fabric) -> &Node {
    fabric.node(&NodeName::server()).expect("a server")
}

async fn interfaces(node: &Node) -> Vec<String> {
    let table = node.run(async || std::fs::read_to_string("/proc/thread-self/net/dev"));
    let table = table.await.expect("the node lives").expect("a table");
    let names = table.lines().skip(2).filter_map(|line| {
        let (name, _) = line.split_once(':')?;
        Some(name.trim().to_owned())
    });
    names.collect()
}

/// What a connection from client to server carries.
async fn carried(client: &Node, server: &Node, address: &'static str) -> String {
    let listener = server.run(async move || TcpListener::bind(address).await);
    let listener = listener.await.expect("a node").expect("a free port");
    // A socket belongs to its namespace; that it is served here is no matter.
    let send = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.write_all(b"hello").await.expect("it is read");
    };
    let read = client.run(async move || {
        let mut text = String::new();
        let mut stream = TcpStream::connect(address).await?;
        stream.read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    });
    let ((), text) = tokio::join!(send, read);
    text.expect("a node").expect("a connection")
}

#[tokio::test]
async fn an_adopted_namespace_is_a_node_like_any_other_and_stays() {
    if !can_build() {
        return;
    }
    let (other, program) = elsewhere(None).await;
    let before = interfaces(server(&other)).await;
    let namespace = NetworkNamespace::of_process(program.pid()).expect("it runs");
    let topology = pair(
        &["192.168.0.211/24", "fd00::211/64"],
        &["192.168.0.201/24", "fd00::201/64"],
    );
    for _ in 0..2 {
        let adopted = BTreeMap::from([(NodeName::server(), namespace.clone())]);
        let fabric = Fabric::build_with(&topology, adopted)
            .await
            .expect("it is free");
        let client = fabric.node(&NodeName::client()).expect("a client");
        for address in ["192.168.0.201:21", "[fd00::201]:21"] {
            // Listened for in the other fabric's node: it is one namespace.
            assert_eq!(carried(client, server(&other), address).await, "hello");
        }
        assert!(
            interfaces(server(&other))
                .await
                .contains(&"eth0".to_owned())
        );
        fabric.join().await;
        assert_eq!(interfaces(server(&other)).await, before);
    }
}

#[tokio::test]
async fn links_between_two_adopted_namespaces_go_with_the_fabric() {
    if !can_build() {
        return;
    }
    let (one, program) = elsewhere(None).await;
    let (other, other_program) = elsewhere(None).await;
    let before = interfaces(server(&one)).await;
    let namespace =
        |program: &Program| NetworkNamespace::of_process(program.pid()).expect("it runs");
    let adopted = BTreeMap::from([
        (NodeName::client(), namespace(&program)),
        (NodeName::server(), namespace(&other_program)),
    ]);
    let topology = pair(&["192.168.0.211/24"], &["192.168.0.201/24"]);
    let fabric = Fabric::build_with(&topology, adopted)
        .await
        .expect("they are free");
    assert!(interfaces(server(&one)).await.contains(&"eth0".to_owned()));
    assert_eq!(
        carried(server(&one), server(&other), "192.168.0.201:21").await,
        "hello"
    );
    drop(fabric);
    assert_eq!(interfaces(server(&one)).await, before);
    assert_eq!(interfaces(server(&other)).await, before);
}

#[tokio::test]
async fn no_lab_is_built_in_the_machine_s_own_namespace() {
    if !can_build() {
        return;
    }
    let own = NetworkNamespace::of_process(std::process::id());
    assert!(matches!(own, Err(NamespaceError::Own { .. })), "{own:?}");
    let nobody = NetworkNamespace::of_process(u32::MAX);
    assert!(
        matches!(nobody, Err(NamespaceError::Open { .. })),
        "{nobody:?}"
    );
}

#[tokio::test]
async fn a_namespace_for_no_node_is_a_mistake() {
    if !can_build() {
        return;
    }
    let (_other, program) = elsewhere(None).await;
    let namespace = NetworkNamespace::of_process(program.pid()).expect("it runs");
    let adopted = BTreeMap::from([(NodeName::gateway(), namespace)]);
    let topology = pair(&["192.168.0.211/24"], &["192.168.0.201/24"]);
    let refused = Fabric::build_with(&topology, adopted).await;
    assert!(matches!(&refused, Err(FabricError::NoSuchNode(name)) if *name == NodeName::gateway()));
}

fn is_root() -> bool {
    let root = matches!(Privilege::current(), Ok(Privilege::Root));
    if !root {
        skipped(Need::Machine, "only root may enter a container");
    }
    root
}

async fn shell(node: &Node, root: &ContainerRoot, files: Option<Scratch>, script: &str) -> String {
    let mut spec = ProgramSpec::new("/bin/sh")
        .arguments(["-c", script])
        .root(root.clone());
    spec.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    spec.working_directory = Some("/".into());
    spec.files = files;
    let mut program = node.program(spec).await.expect("a shell");
    let status = program.wait().await.expect("the node lives");
    let words =
        String::from_utf8_lossy(&[program.stdout(), program.stderr()].concat()).into_owned();
    assert!(status.success(), "{status}: {words}");
    words
}

#[tokio::test]
async fn a_program_finds_a_container_s_root_and_its_own_node_s_network() {
    if !can_build() || !is_root() {
        return;
    }
    let files = Scratch::new(1 << 20).expect("a scratch");
    files.write("word", b"of the container").expect("room");
    let (_other, container) = elsewhere(Some(files.clone())).await;
    let root = ContainerRoot::of_process(container.pid()).expect("it runs");
    let fabric = build(&pair(&["192.168.0.211/24"], &["192.168.0.201/24"])).await;
    let node = server(&fabric);
    let place = files.mount_point().display();

    let said = shell(
        node,
        &root,
        None,
        &format!("cat {place}/word; cat /proc/self/net/dev"),
    )
    .await;
    assert!(said.starts_with("of the container"), "{said}");
    assert!(said.contains("eth0"), "the node's network: {said}");

    // Nothing that one leaves is found by the next.
    let leave = format!(
        "echo x > /run/left && echo x > /tmp/left && ! (echo x > {place}/left) 2>/dev/null && echo left"
    );
    assert_eq!(shell(node, &root, None, &leave).await, "left\n");
    assert_eq!(
        shell(node, &root, None, "ls -A /run /tmp").await,
        "/run:\n\n/tmp:\n"
    );
    assert!(files.open("left").is_err());

    // It has files of its own, and a PID namespace of its own.
    let own = Scratch::new(1 << 20).expect("a scratch");
    let script = format!("echo own > {place}/word; ls /proc | grep -c '^[0-9]'");
    let processes = shell(node, &root, Some(own.clone()), &script).await;
    assert!(
        processes.trim().parse::<u32>().expect("a count") <= 4,
        "{processes}"
    );
    assert_eq!(own.read("word").expect("it was written"), b"own\n");
    assert_eq!(
        files.read("word").expect("it is there"),
        b"of the container"
    );
}

#[tokio::test]
async fn a_program_in_a_container_ends_with_its_handle() {
    if !can_build() || !is_root() {
        return;
    }
    let (_other, container) = elsewhere(None).await;
    let root = ContainerRoot::of_process(container.pid()).expect("it runs");
    let fabric = build(&pair(&["192.168.0.211/24"], &["192.168.0.201/24"])).await;
    let word = format!("61{}", std::process::id());
    let spec = ProgramSpec::new("/bin/sleep").arguments([&word]).root(root);
    let mut program = server(&fabric).program(spec.clone()).await.expect("sleep");
    let status = program.kill().await.expect("the node lives");
    assert_eq!(status.signal(), Some(9));
    drop(server(&fabric).program(spec).await.expect("sleep"));
    eventually("nothing of it is left", Duration::from_secs(10), || {
        crate::processes::processes_with(&word).is_empty()
    });
}

#[test]
fn the_machine_s_own_root_is_no_container() {
    if !is_root() {
        return;
    }
    let own = ContainerRoot::of_process(std::process::id());
    assert!(matches!(own, Err(NamespaceError::Own { .. })), "{own:?}");
}
