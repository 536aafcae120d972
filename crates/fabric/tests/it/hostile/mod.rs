//! A program that does all that it can to reach what is not its own, in each place where a
//! program runs. It is this test binary once more.

mod attack;
mod files;
mod kernel;

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;
use std::time::Duration;

use fwlab_fabric::{Capabilities, ContainerRoot, Node, Privilege, ProgramSpec, Scratch, ToolCall};
use fwlab_record::NodeName;
use fwlab_skipped::{Need, skipped};

use crate::support::{build, can_build, ipv4_pair};
use attack::{ABSTRACT, ATTACKED, LAB, PLACE, Place, SECRET, SECRETS, SEGMENT};

/// What it must not find: files of the machine, a socket in its network namespace, a segment of
/// shared memory, this process.
struct Machine {
    files: Vec<PathBuf>,
    socket: UnixListener,
    name: String,
    segment: kernel::Segment,
}

impl Machine {
    fn new() -> Machine {
        let folders = [
            std::env::temp_dir(),
            std::env::current_dir().expect("a directory"),
            "/var/tmp".into(),
            "/dev/shm".into(),
        ];
        let own = format!(
            "fwlab-secret-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        );
        let mut files = Vec::new();
        for folder in folders {
            let path = folder.join(&own);
            if let Ok(mut file) = std::fs::File::create_new(&path) {
                file.write_all(SECRET.as_bytes()).expect("room");
                files.push(path);
            }
        }
        assert!(!files.is_empty(), "somewhere this user may write");
        let address = SocketAddr::from_abstract_name(own.as_bytes()).expect("a short name");
        Machine {
            files,
            socket: UnixListener::bind_addr(&address).expect("a free name"),
            name: own,
            segment: kernel::Segment::new(),
        }
    }

    /// What it is told of all this.
    fn environment(&self, place: Place) -> Vec<(OsString, OsString)> {
        let secrets = std::env::join_paths(&self.files).expect("no colons");
        vec![
            (PLACE.into(), place.word().into()),
            (SECRETS.into(), secrets),
            (ABSTRACT.into(), (&self.name).into()),
            (SEGMENT.into(), self.segment.key.to_string().into()),
            (LAB.into(), std::process::id().to_string().into()),
        ]
    }

    /// Nothing of it was touched.
    fn check(&self, place: &str) {
        for file in &self.files {
            let content = std::fs::read_to_string(file).expect("it is there");
            assert_eq!(content, SECRET, "{place}: {}", file.display());
        }
        self.socket.set_nonblocking(true).expect("a socket");
        assert!(self.socket.accept().is_err(), "{place}: nobody came");
        assert!(self.socket.as_raw_fd() >= 0);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn own_file() -> PathBuf {
    std::env::current_exe().expect("a test binary")
}

fn arguments() -> [&'static str; 3] {
    ["--exact", "hostile::attack::attack", "--nocapture"]
}

/// Nothing worked, and all of it was tried.
fn harmless(place: &str, said: &[u8], complained: &[u8]) {
    let text = String::from_utf8_lossy(&[said, complained].concat()).into_owned();
    let breaches: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("breach: "))
        .collect();
    assert_eq!(breaches, Vec::<&str>::new(), "{place}");
    assert!(text.contains(ATTACKED), "{place}: {text}");
}

async fn as_program(
    node: &Node,
    place: Place,
    machine: &Machine,
    old: bool,
    root: Option<ContainerRoot>,
) {
    let mut spec = ProgramSpec::new(own_file()).arguments(arguments());
    spec.environment = machine.environment(place);
    spec.files = Some(Scratch::new(16 << 20).expect("a scratch"));
    spec.as_on_5_10 = old;
    spec.root = root;
    spec.capabilities = match place {
        Place::Server => Capabilities::SERVER,
        Place::Container => Capabilities::INSTALLED_SERVER,
        Place::Client | Place::Loader => Capabilities::NONE,
    };
    let words = format!("{} (as on 5.10: {old})", place.word());
    let mut program = node.program(spec).await.expect(&words);
    program.wait().await.expect("the node lives");
    harmless(&words, &program.stdout(), &program.stderr());
    machine.check(&words);
}

#[tokio::test]
async fn a_hostile_program_reaches_nothing() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let node = fabric.node(&NodeName::server()).expect("a server");
    let machine = Machine::new();
    for old in [false, true] {
        for place in [Place::Server, Place::Client] {
            as_program(node, place, &machine, old, None).await;
        }
        let call = ToolCall {
            environment: machine.environment(Place::Loader),
            deadline: Duration::from_secs(60),
            as_on_5_10: old,
            ..ToolCall::new(own_file()).arguments(arguments())
        };
        let output = node.tool(call).await.expect("it runs");
        harmless("loader", &output.stdout, &output.stderr);
        machine.check("loader");
    }
}

#[test]
fn a_hostile_program_that_is_asked_for_its_version_reaches_nothing() {
    if !can_build() {
        return;
    }
    let machine = Machine::new();
    let mut spec = ProgramSpec::new(own_file()).arguments(arguments());
    spec.environment = machine.environment(Place::Client);
    let said = spec.said_alone(Duration::from_secs(60)).expect("it runs");
    harmless("alone", &said, b"");
    machine.check("alone");
}

/// A program in a node of one fabric is to another what a container is.
#[tokio::test]
async fn a_hostile_program_in_a_container_reaches_nothing() {
    if !can_build() {
        return;
    }
    if !matches!(Privilege::current(), Ok(Privilege::Root)) {
        skipped(Need::Machine, "only root may enter a container");
        return;
    }
    // What a program finds empty in every container hides this file, too.
    let hidden = ["/tmp", "/run"];
    if hidden.iter().any(|folder| own_file().starts_with(folder)) {
        skipped(
            Need::Machine,
            format_args!("{} is not found in a container", own_file().display()),
        );
        return;
    }
    let elsewhere = build(&ipv4_pair()).await;
    let mut idle = ProgramSpec::new("/bin/sleep").arguments(["600"]);
    idle.sees = vec![own_file()];
    let idle = elsewhere
        .node(&NodeName::client())
        .expect("a client")
        .program(idle);
    let idle = idle.await.expect("sleep");
    let root = ContainerRoot::of_process(idle.pid()).expect("it runs");
    let fabric = build(&ipv4_pair()).await;
    let node = fabric.node(&NodeName::server()).expect("a server");
    let machine = Machine::new();
    for old in [false, true] {
        as_program(node, Place::Container, &machine, old, Some(root.clone())).await;
    }
}
