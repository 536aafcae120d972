//! The project's figures. Prints them and fails on none: `scripts/bench`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fwlab_fabric::{Fabric, Privilege};
use fwlab_ftp::{Content, PassiveAddress, PeerName, ServerSettings, TransferSpec};
use fwlab_model::{DataSetup, Family, NodeName, Operation, Protection};
use fwlab_runner::filter::Filter;
use fwlab_runner::plan::{Cell, Overrides, cells};
use fwlab_runner::scenario::Scenario;
use fwlab_runner::{Judgement, Loader, Run, RunEvent, RunSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;

/// The article's passive ruleset with the helper, and without: one passes, one does not.
const CELL: &str = r#"
description = "The cell that figures are of"
[topology]
shape = "client-firewall"
client = "192.168.0.211/24"
server = "192.168.0.201/24"
[[ruleset]]
name = "passes"
file = "passive.rules"
helper = true
[[ruleset]]
name = "blocked"
file = "passive.rules"
[matrix]
data = "pasv"
[[require]]
ruleset = "passes"
symptom = "transferred"
[[require]]
ruleset = "blocked"
symptom = "data-timeout"
"#;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let wanted =
        |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let privilege = Privilege::current().expect("namespaces can be made here");
    let _ = fwlab_fabric::raise_open_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{cores} cores, {privilege:?}, everything fresh for each cell, early patience\n");
    if wanted("rate") {
        for backend in ["nft", "legacy"] {
            let rates: Vec<f64> = (0..3).map(|_| rate(&runtime, backend, 600)).collect();
            figure(
                &format!("passing cells a second, {backend}"),
                median(rates),
                "/s",
            );
        }
    }
    if wanted("single") {
        for backend in ["nft", "legacy"] {
            let passing = median(single(&runtime, backend, "passes", 60));
            let blocked = median(single(&runtime, backend, "blocked", 60));
            figure(&format!("one passing cell alone, {backend}"), passing, "ms");
            figure(&format!("one blocked cell alone, {backend}"), blocked, "ms");
            figure(
                &format!("blocked to passing, {backend}"),
                blocked / passing,
                "times",
            );
        }
    }
    if wanted("tree") {
        let (took, count) = tree(&runtime);
        figure(&format!("the scenario tree, {count} cells run"), took, "s");
    }
    if wanted("large") {
        let (ftp, plain) = large(&runtime);
        figure("100 MiB by RETR", 100.0 / ftp, "MiB/s");
        figure("100 MiB by a plain TCP copy", 100.0 / plain, "MiB/s");
        figure("RETR to plain copy", plain / ftp, "times");
    }
    if wanted("soak") {
        soak(&runtime);
    }
    if wanted("shell") {
        shell(&runtime, privilege);
    }
}

fn figure(what: &str, value: f64, unit: &str) {
    println!("{what:44} {value:10.2} {unit}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn cell(backend: &str, ruleset: &str) -> Cell {
    let path = root().join("lab/rulesets/seed/figures.toml");
    let scenario =
        Arc::new(Scenario::parse("figures", &path, CELL).expect("the bench's own scenario"));
    let filter =
        Filter::parse(&[format!("backend={backend} ruleset={ruleset}")]).expect("a filter");
    cells(&scenario, &Overrides::default(), &filter).remove(0)
}

fn prepared(runtime: &Runtime, cells: Vec<Cell>, settings: RunSettings) -> Run {
    let loader = Loader::find().expect("iptables is there");
    runtime
        .block_on(Run::prepare(cells, loader, settings))
        .expect("the rules load")
}

/// Runs cells and gives each one's time in ms; a cell that does not meet its requirement ends the bench.
fn run(runtime: &Runtime, run: &Run) -> Vec<f64> {
    runtime.block_on(async {
        let (sender, mut events) = unbounded_channel();
        let read = async {
            let mut times = Vec::new();
            while let Some(event) = events.recv().await {
                if let RunEvent::Finished { record, .. } = event {
                    match &record.judgement {
                        Judgement::Met(_)
                        | Judgement::Deviated { .. }
                        | Judgement::Skipped { .. } => {}
                        other => panic!("{}: {other:?}\n{}", record.axes, record.evidence),
                    }
                    times.push(record.took.as_secs_f64() * 1e3);
                }
            }
            times
        };
        let (_, times) = tokio::join!(run.all(sender), read);
        times
    })
}

fn rate(runtime: &Runtime, backend: &str, count: usize) -> f64 {
    let prepared = prepared(
        runtime,
        vec![cell(backend, "passes"); count],
        RunSettings::default(),
    );
    let started = Instant::now();
    run(runtime, &prepared);
    runtime.block_on(Run::settle());
    count as f64 / started.elapsed().as_secs_f64()
}

fn single(runtime: &Runtime, backend: &str, ruleset: &str, count: usize) -> Vec<f64> {
    let settings = RunSettings {
        jobs: 1,
        ..RunSettings::default()
    };
    let times = run(
        runtime,
        &prepared(runtime, vec![cell(backend, ruleset); count], settings),
    );
    runtime.block_on(Run::settle());
    times
}

fn tree(runtime: &Runtime) -> (f64, usize) {
    let scenarios = fwlab::collect::scenarios(&[root().join("scenarios")])
        .expect("the project's own scenarios");
    let started = Instant::now();
    let cells: Vec<Cell> = scenarios
        .iter()
        .flat_map(|scenario| cells(scenario, &Overrides::default(), &Filter::default()))
        .collect();
    let count = run(runtime, &prepared(runtime, cells, RunSettings::default())).len();
    runtime.block_on(Run::settle());
    (started.elapsed().as_secs_f64(), count)
}

/// Seconds for 100 MiB by RETR, and by a plain copy, between the same two namespaces: medians of five.
fn large(runtime: &Runtime) -> (f64, f64) {
    const SIZE: u64 = 100 << 20;
    let stage = &cell("nft", "passes").scenario.stage.clone();
    let connect_to = stage
        .connect_to(Family::Ipv4)
        .expect("the shapes have addresses of IPv4");
    let (mut ftp, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        runtime.block_on(async {
            let fabric = Fabric::build(&stage.topology).await.expect("a fabric");
            let node = |name| fabric.node(&name).expect("a node of the stage").clone();
            let (client, server) = (node(NodeName::client()), node(NodeName::server()));
            let spec = TransferSpec {
                server: connect_to,
                login: fwlab_ftp::Login::Anonymous,
                data_setup: DataSetup::Pasv,
                protection: Protection::Plain,
                session_reuse: true,
                passive_address: PassiveAddress::Announced,
                operation: Operation::Retr,
                content: Content::new("large", SIZE).expect("within the limit"),
                active_ports: None,
                patience: fwlab_ftp::Patience {
                    connect: Duration::from_secs(5),
                    silence: Duration::from_secs(5),
                    whole: Duration::from_secs(60),
                },
                pace: None,
                pauses: None,
            };
            let settings = ServerSettings::for_transfer(&spec);
            let _running = fwlab_ftp::server(PeerName::Libunftp)
                .expect("embedded")
                .start(&server, &settings)
                .await
                .expect("it starts");
            let suppaftp = fwlab_ftp::client(PeerName::Suppaftp).expect("embedded");
            // The digest to compare with is made once, and is no part of a transfer.
            spec.content.digest(0..SIZE);
            let started = Instant::now();
            let report = suppaftp.transfer(&client, &spec).await.expect("no fault");
            ftp.push(started.elapsed().as_secs_f64());
            spec.verify(&report.result.expect("it passes"), None)
                .expect("the right bytes");

            let address = (connect_to.ip(), 5001);
            let sender = server.run(async move || {
                let listener = tokio::net::TcpListener::bind(address)
                    .await
                    .expect("a free port");
                Ok::<_, std::io::Error>(tokio::task::spawn_local(async move {
                    let (mut stream, _) = listener.accept().await.expect("a connection");
                    let piece = vec![7_u8; 256 * 1024];
                    for _ in 0..SIZE / piece.len() as u64 {
                        stream.write_all(&piece).await.expect("it is read");
                    }
                }))
            });
            // The task goes on in the node; only that it listens is waited for.
            drop(sender.await.map(|task| task.map(|_| ())));
            let received = client.run(async move || {
                let started = Instant::now();
                let mut stream = tokio::net::TcpStream::connect(address)
                    .await
                    .expect("somebody listens");
                let mut piece = vec![0; 256 * 1024];
                let mut bytes = 0;
                while bytes < SIZE {
                    bytes += stream.read(&mut piece).await.expect("it is sent") as u64;
                }
                started.elapsed().as_secs_f64()
            });
            plain.push(received.await.expect("the node is there"));
            drop(fabric);
        });
    }
    (median(ftp), median(plain))
}

fn soak(runtime: &Runtime) {
    let prepared = prepared(
        runtime,
        vec![cell("nft", "passes"); 1000],
        RunSettings::default(),
    );
    for round in 1..=5 {
        run(runtime, &prepared);
        runtime.block_on(Run::settle());
        let status = std::fs::read_to_string("/proc/self/status").expect("proc is there");
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("a line of memory")
            .trim();
        let files = std::fs::read_dir("/proc/self/fd")
            .expect("proc is there")
            .count();
        println!(
            "after {:4} cells: resident {resident}, {files} open files",
            round * 1000
        );
    }
}

/// The same cell by a shell script, and how many times fwlab is quicker.
fn shell(runtime: &Runtime, privilege: Privilege) {
    if privilege != Privilege::Root {
        println!("the shell script beside it: skipped, it works as root alone");
        return;
    }
    let peers =
        fwlab_fabric::Peers::find("vsftpd").filter(|_| fwlab_fabric::find_tool("curl").is_some());
    let Some(vsftpd) = peers else {
        println!("the shell script beside it: skipped, vsftpd or curl is not here");
        return;
    };
    let work = tempfile::tempdir().expect("a folder");
    // The server reads it as a user of its own.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(work.path(), open).expect("it is ours");
    std::fs::create_dir(work.path().join("root")).expect("a folder");
    std::fs::create_dir(work.path().join("empty")).expect("a folder");
    std::fs::write(work.path().join("root/fwlab.bin"), vec![7_u8; 300_000]).expect("a file");
    let config = format!(
        "listen=YES\nbackground=NO\nanonymous_enable=YES\nlocal_enable=NO\nanon_root={0}/root\nno_anon_password=YES\n\
         seccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\nxferlog_enable=NO\nftp_username=daemon\nnopriv_user=nobody\n\
         secure_chroot_dir={0}/empty\nallow_writeable_chroot=YES\n",
        work.path().display()
    );
    std::fs::write(work.path().join("vsftpd.conf"), config).expect("a file");
    let start = |number: usize, kind: &str| {
        let mut command = Command::new(root().join("crates/fwlab/benches/cell.sh"));
        command
            .args([number.to_string().as_str(), kind])
            .arg(work.path())
            .env("VSFTPD", &vsftpd.path);
        if let Some(libraries) = &vsftpd.library_path {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell")
    };
    let timed = |number: usize, kind: &str| {
        let started = Instant::now();
        let status = start(number, kind).wait().expect("it ends");
        assert!(status.success(), "the shell's {kind} cell failed");
        started.elapsed().as_secs_f64() * 1e3
    };
    let alone = median((0..15).map(|number| timed(number, "pass")).collect());
    let blocked = median((0..3).map(|number| timed(number, "blocked")).collect());
    let started = Instant::now();
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let timed = &timed;
            scope.spawn(move || {
                (0..10).for_each(|round| {
                    timed(100 + worker * 10 + round, "pass");
                })
            });
        }
    });
    let many = 80.0 / started.elapsed().as_secs_f64();
    let ours_alone = median(single(runtime, "nft", "passes", 30));
    let ours_blocked = median(single(runtime, "nft", "blocked", 30));
    let ours_many = rate(runtime, "nft", 400);
    figure("shell: one passing cell alone", alone, "ms");
    figure("shell to fwlab", alone / ours_alone, "times");
    figure("shell: one blocked cell alone, --max-time 5", blocked, "ms");
    figure("shell to fwlab", blocked / ours_blocked, "times");
    figure("shell: passing cells a second, 8 workers", many, "/s");
    figure("fwlab to shell", ours_many / many, "times");
}
