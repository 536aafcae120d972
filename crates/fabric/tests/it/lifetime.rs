use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use fwlab_fabric::{Fabric, ProgramSpec, Scratch};
use fwlab_record::NodeName;

use crate::processes::processes_with;
use crate::support::{build, can_build, eventually, ipv4_pair, shell, trio};

const HOLDER: &str = "FWLAB_TEST_HOLDER";

/// The threads of all processes, as process and thread, each with the network namespace that it is in.
fn threads() -> BTreeMap<(String, String), String> {
    let list = |folder: &str| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    list("/proc")
        .flat_map(|process| {
            let tasks = process.path().join("task");
            let process = name(&process);
            let tasks = list(&tasks.to_string_lossy()).map(move |task| (process.clone(), task));
            tasks.collect::<Vec<_>>()
        })
        .filter_map(|(process, task)| {
            let link = std::fs::read_link(task.path().join("ns/net")).ok()?;
            Some(((process, name(&task)), link.to_string_lossy().into_owned()))
        })
        .collect()
}

#[tokio::test]
async fn a_dropped_fabric_ends_its_nodes_jobs_and_handles() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let client = fabric.node(&NodeName::client()).expect("a client").clone();
    // `PID/task/TID`; the number of a namespace that is gone goes to the next lab.
    let thread = client
        .run(async || std::fs::read_link("/proc/thread-self"))
        .await
        .expect("the node lives")
        .expect("a thread");
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
    let thread = std::path::Path::new("/proc").join(thread);
    eventually("the node's thread is gone", limit, || !thread.exists());
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
    assert_eq!(spawners_of(holder.id()).len(), 1);
    // Those of other labs on this machine, which come and go meanwhile and get the numbers of those that are gone, are not meant.
    let own = std::fs::read_link("/proc/self/ns/net").expect("a namespace");
    let pid = holder.id().to_string();
    let before = threads();
    let of_holder = before.iter().filter(|((process, _), _)| *process == pid);
    let during: BTreeSet<&String> = of_holder
        .map(|(_, namespace)| namespace)
        .filter(|namespace| own.to_string_lossy() != namespace.as_str())
        .collect();
    assert!(during.len() >= 5, "two and three nodes: {during:?}");
    let inside = before.iter().filter(|(_, one)| during.contains(one));
    let inside: Vec<_> = inside.collect();
    holder.kill().expect("it runs");
    holder.wait().expect("it ran");
    eventually("no process is left", limit, || {
        processes_with("7077").is_empty()
    });
    eventually("no spawner is left", limit, || {
        spawners_of(holder.id()).is_empty()
    });
    eventually("nobody is left in the namespaces", limit, || {
        let now = threads();
        inside
            .iter()
            .all(|(thread, namespace)| now.get(thread) != Some(namespace))
    });
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    assert!(!mounts.contains("fwlab"), "{mounts}");
}

/// The processes that programs of that process are forked from.
fn spawners_of(lab: u32) -> Vec<u32> {
    let variable = format!("FWLAB_SPAWNER={lab}\0");
    let processes = std::fs::read_dir("/proc").expect("/proc");
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let text = String::from_utf8_lossy(&environment);
            // Holders are copies of it, under a name of their own.
            let name = std::fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
            name == b"fwlab-spawner\n" && text.split_inclusive('\0').any(|one| one == variable)
        })
        .collect()
}

/// The process that others are forked from is there from the first one on; when somebody
/// kills it, those that run go on, and the next are forked from another.
#[test]
fn a_spawner_lives_as_long_as_nodes_and_is_replaced() {
    if !can_build() {
        return;
    }
    if std::env::var_os(HOLDER).is_none() {
        // In a process of its own: other tests start programs, too.
        let output = Command::new(std::env::current_exe().expect("a test binary"))
            .args([
                "--exact",
                "lifetime::a_spawner_lives_as_long_as_nodes_and_is_replaced",
                "--nocapture",
            ])
            .env(HOLDER, "1")
            .output()
            .expect("the test binary runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{output:?}"
        );
        return;
    }
    let own = std::process::id();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let fabric = build(&ipv4_pair()).await;
        let server = fabric.node(&NodeName::server()).expect("a server");
        let sleep = || ProgramSpec::new("/bin/sleep").arguments(["1000"]);
        assert_eq!(spawners_of(own), Vec::<u32>::new(), "nothing was started");
        let mut first = server.program(sleep()).await.expect("it starts");
        let [spawner] = spawners_of(own)[..] else {
            panic!("{:?}", spawners_of(own));
        };
        let mut second = server.program(sleep()).await.expect("it starts");
        assert_eq!(spawners_of(own), [spawner], "both are of one");
        let pid = nix::unistd::Pid::from_raw(spawner.cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it lives");
        // Its name goes first, then its files are closed, by which the lab knows; what is left is a zombie.
        eventually("it is gone", Duration::from_secs(10), || {
            let stat = std::fs::read_to_string(format!("/proc/{spawner}/stat"));
            stat.is_ok_and(|stat| stat.contains(") Z "))
        });
        let mut third = server.program(sleep()).await.expect("of another");
        let others = spawners_of(own);
        assert!(others.len() == 1 && others != [spawner], "{others:?}");
        for program in [&mut first, &mut second] {
            let waited = tokio::time::timeout(Duration::from_millis(20), program.wait()).await;
            assert!(waited.is_err(), "it still runs: {waited:?}");
            program.kill().await.expect("the node lives");
        }
        assert_eq!(spawners_of(own), others);
        let of_node = server
            .run(async || std::fs::read_link("/proc/thread-self/ns/net"))
            .await
            .expect("the node lives");
        let of_spawner =
            std::fs::read_link(format!("/proc/{}/ns/net", others[0])).expect("it lives");
        assert_ne!(
            of_spawner,
            of_node.expect("a namespace"),
            "it keeps none alive"
        );
        third.kill().await.expect("the node lives");
        assert_eq!(spawners_of(own), others, "the next is forked from the same");
        fabric.join().await;
        Fabric::all_ended().await;
        assert_eq!(spawners_of(own), Vec::<u32>::new(), "no node is left");
    });
}

/// Somebody has set it for himself, and would wonder why nothing happens.
#[test]
fn the_spawner_s_variable_is_refused_where_there_is_no_lab() {
    let output = Command::new(std::env::current_exe().expect("a test binary"))
        .arg("--list")
        .env("FWLAB_SPAWNER", "1")
        .output()
        .expect("the test binary runs");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("unset it"), "{text}");
}

fn hold() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _held = runtime.block_on(async {
        let (one, other) = (build(&ipv4_pair()).await, build(&trio()).await);
        let scratch = Scratch::new(1 << 20).expect("a scratch");
        scratch.write("file", b"content").expect("a file");
        let spec = shell("setsid sleep 70771 & (setsid sleep 70772 &) & exec sleep 70773");
        let server = other.node(&NodeName::server()).expect("a server");
        let program = server.program(spec.files(scratch.clone())).await;
        (one, program.expect("a shell"), scratch, other)
    });
    println!("held");
    loop {
        std::thread::park();
    }
}
