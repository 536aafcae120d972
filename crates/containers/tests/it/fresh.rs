//! What two cells share of a warm container: a root file system that neither can change.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fwlab_fabric::{ContainerRoot, ProgramSpec};
use fwlab_record::Operation;
use tokio::sync::Mutex;

use crate::lab::{Lab, Network, peers};

/// The containers that wait are all of a process's: one test at a time.
static ONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn cells_share_a_container_and_nothing_else() {
    let _one = ONE.lock().await;
    let Some((server, client)) = peers().await else {
        return;
    };
    let containers = Waiting::of_this_process();
    assert_eq!(containers.len(), 2, "vsftpd's and the clients'");
    let before: Vec<_> = containers.iter().map(Waiting::state).collect();

    let first = Lab::build().await;
    let moved = first.transfer(&*server, &*client, Operation::Retr).await;
    moved.expect("peers").report.result.expect("it passes");
    let left = [
        Network::of(&first.server).await,
        Network::of(&first.client).await,
    ];
    for network in &left {
        assert_ne!(network.connections, "0", "{network:?}");
    }
    assert!(left.iter().any(Network::has_time_wait), "{left:?}");

    let second = Lab::build().await;
    for (node, left) in [&second.server, &second.client].into_iter().zip(&left) {
        let network = Network::of(node).await;
        assert_eq!((network.sockets.len(), &*network.connections), (0, "0"));
        assert_ne!(network.namespace, left.namespace);
    }
    // A file that one server was sent, the next has not got.
    for _ in 0..2 {
        let lab = Lab::build().await;
        let moved = lab.transfer(&*server, &*client, Operation::Stor).await;
        let moved = moved.expect("peers");
        moved.report.result.expect("it passes");
        assert_eq!(moved.stored, [false, true]);
    }

    assert_eq!(
        containers,
        Waiting::of_this_process(),
        "the same containers all along"
    );
    let after: Vec<_> = containers.iter().map(Waiting::state).collect();
    assert_eq!(before, after);
    drop((server, client));
    let settled = fwlab_containers::settle().await;
    settled.expect("Docker removes what it is asked to");
    assert_eq!(Waiting::of_this_process(), Vec::new());
}

/// What a program of a cell writes is its own, or refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_cannot_change_the_container_that_it_is_in() {
    let _one = ONE.lock().await;
    let Some(_peers) = peers().await else { return };
    let container = Waiting::of_this_process().remove(0);
    let before = container.state();
    let lab = Lab::build().await;
    let root = ContainerRoot::of_process(container.pid).expect("it runs");
    for (file, its_own) in [
        ("/etc/passwd", false),
        ("/usr/bin/left", false),
        ("/srv/left", false),
        ("/run/left", true),
        ("/tmp/left", true),
        // Empty again, for the next.
        ("/run/left", true),
    ] {
        let script = format!("echo left >>{file} && cat {file}");
        let spec = ProgramSpec::new("/bin/sh")
            .arguments(["-c", &script])
            .root(root.clone());
        let mut program = lab.client.program(spec).await.expect("a shell");
        let status = program.wait().await.expect("it ends");
        let said = String::from_utf8_lossy(&program.stdout()).into_owned();
        let words = String::from_utf8_lossy(&program.stderr()).into_owned();
        if its_own {
            assert_eq!(said, "left\n", "{file}: {status} {words}");
        } else {
            assert!(
                words.contains("Read-only file system"),
                "{file}: {status} {words}"
            );
        }
        assert_eq!(container.files(), before.1, "{file}");
    }
    assert_eq!(container.state(), before);
    drop(lab);
    let settled = fwlab_containers::settle().await;
    settled.expect("Docker removes what it is asked to");
}

/// A container that waits for cells.
#[derive(Debug, PartialEq, Eq)]
struct Waiting {
    id: String,
    pid: u32,
}

impl Waiting {
    /// Those of this process, by their label, in an order that stays.
    fn of_this_process() -> Vec<Waiting> {
        let format = "{{.Label \"org.fwlab.owner\"}} {{.ID}}";
        let listing = docker(&["ps", "--no-trunc", "--format", format]);
        let own = format!("{}-", std::process::id());
        let ids = listing.lines().filter_map(|line| {
            let (owner, id) = line.split_once(' ')?;
            owner.starts_with(&own).then(|| id.to_owned())
        });
        let mut all: Vec<Waiting> = ids
            .map(|id| {
                let pid = docker(&["inspect", "--format", "{{.State.Pid}}", &id]);
                let pid = pid.parse().expect("a process");
                Waiting { id, pid }
            })
            .collect();
        all.sort_by(|one, other| one.id.cmp(&other.id));
        all
    }

    /// What has changed in its file system, and what is in the places that it can write to.
    fn state(&self) -> (String, BTreeSet<PathBuf>) {
        (docker(&["diff", &self.id]), self.files())
    }

    /// What is in the places that it can write to.
    fn files(&self) -> BTreeSet<PathBuf> {
        let root = PathBuf::from(format!("/proc/{}/root", self.pid));
        let mut files = BTreeSet::new();
        for place in ["run", "tmp", "srv"] {
            walk(&root.join(place), &mut files);
        }
        files
    }
}

fn walk(folder: &Path, files: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            walk(&path, files);
        }
        files.insert(path);
    }
}

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output();
    let output = output.expect("docker's client is there");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {arguments:?}: {words}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
