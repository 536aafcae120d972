use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use fwlab_fabric::{Fabric, ProgramSpec, Scratch};
use fwlab_model::NodeName;

use crate::processes::processes_with;
use crate::support::{build, can_build, eventually, ipv4_pair, trio};

const HOLDER: &str = "FWLAB_TEST_HOLDER";

/// The network namespaces that some process's thread is in.
fn namespaces() -> BTreeSet<String> {
    let list = |folder: &str| std::fs::read_dir(folder).into_iter().flatten().flatten();
    list("/proc")
        .filter(|entry| entry.path().join("task").exists())
        .flat_map(|entry| list(&entry.path().join("task").to_string_lossy()).collect::<Vec<_>>())
        .filter_map(|task| std::fs::read_link(task.path().join("ns/net")).ok())
        .map(|link| link.to_string_lossy().into_owned())
        .collect()
}

#[tokio::test]
async fn a_dropped_fabric_ends_its_nodes_jobs_and_handles() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let client = fabric.node(&NodeName::client()).expect("a client").clone();
    let namespace = client
        .run(async || std::fs::read_link("/proc/thread-self/ns/net"))
        .await
        .expect("the node lives")
        .expect("a namespace")
        .to_string_lossy()
        .into_owned();
    let (held, dropped) = tokio::sync::oneshot::channel::<()>();
    client
        .spawn(async move || {
            let _held = held;
            std::future::pending::<()>().await;
        })
        .expect("the node lives");
    let waiting = tokio::spawn({
        let client = client.clone();
        async move {
            client
                .run(async || std::future::pending::<()>().await)
                .await
        }
    });
    // Dropping waits for nobody, not even for a thread that is busy.
    let (busy, at_work) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    client
        .spawn(async move || {
            busy.send(()).expect("the test waits");
            released.recv().expect("the test lives");
        })
        .expect("the node lives");
    at_work.await.expect("it is at work");
    drop(fabric);
    release.send(()).expect("it is still at work");
    assert!(dropped.await.is_err(), "its tasks are dropped");
    assert!(
        waiting.await.expect("no panic").is_err(),
        "who waits is told"
    );
    Fabric::all_ended().await;
    assert!(client.run(async || ()).await.is_err());
    assert!(client.spawn(async || ()).is_err());
    let limit = Duration::from_secs(5);
    eventually("the namespace is gone", limit, || {
        !namespaces().contains(&namespace)
    });
}

#[tokio::test]
async fn a_job_ends_when_nobody_waits_and_its_panic_goes_on_in_who_does() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let client = fabric.node(&NodeName::client()).expect("a client").clone();
    let (held, dropped) = tokio::sync::oneshot::channel::<()>();
    let job = client.run(async move || {
        let _held = held;
        std::future::pending::<()>().await;
    });
    let early = tokio::time::timeout(Duration::from_millis(20), job).await;
    assert!(early.is_err());
    assert!(dropped.await.is_err());
    let task = client.spawn(async || std::future::pending::<()>().await);
    task.expect("the node lives").abort();
    let panicking = tokio::spawn({
        let client = client.clone();
        async move { client.run(async || panic!("a job's own")).await }
    });
    assert!(panicking.await.is_err_and(|error| error.is_panic()));
    assert!(
        client.run(async || ()).await.is_ok(),
        "the node outlives it"
    );
}

/// What a killed lab held: two fabrics, programs with sessions of their own, files.
#[test]
fn kill_nine_leaves_nothing() {
    if !can_build() {
        return;
    }
    if std::env::var_os(HOLDER).is_some() {
        return hold();
    }
    let before = namespaces();
    let mut holder = Command::new(std::env::current_exe().expect("a test binary"))
        .args([
            "--exact",
            "lifetime::kill_nine_leaves_nothing",
            "--nocapture",
        ])
        .env(HOLDER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test binary runs");
    let stdout = BufReader::new(holder.stdout.take().expect("a pipe"));
    let ready = stdout
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("held"));
    assert!(ready, "the holder holds a lab");
    let limit = Duration::from_secs(10);
    eventually("all programs run", limit, || {
        (1..=3).all(|last| processes_with(&format!("\x007077{last}\0")).len() == 1)
    });
    let during: BTreeSet<_> = namespaces().difference(&before).cloned().collect();
    assert!(during.len() >= 5, "two and three nodes: {during:?}");
    holder.kill().expect("it runs");
    holder.wait().expect("it ran");
    eventually("no process is left", limit, || {
        processes_with("7077").is_empty()
    });
    eventually("no namespace is left", limit, || {
        namespaces().is_disjoint(&during)
    });
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    assert!(!mounts.contains("fwlab"), "{mounts}");
}

fn hold() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _held = runtime.block_on(async {
        let (one, other) = (build(&ipv4_pair()).await, build(&trio()).await);
        let scratch = Scratch::new(1 << 20).expect("a scratch");
        scratch.write("file", b"content").expect("a file");
        let spec = ProgramSpec {
            environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
            ..ProgramSpec::new("/bin/sh").arguments([
                "-c",
                "setsid sleep 70771 & (setsid sleep 70772 &) & exec sleep 70773",
            ])
        };
        let server = other.node(&NodeName::server()).expect("a server");
        let program = server.program(spec.files(scratch.clone())).await;
        (one, program.expect("a shell"), scratch, other)
    });
    println!("held");
    loop {
        std::thread::park();
    }
}
