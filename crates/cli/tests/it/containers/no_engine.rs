//! No Docker: it is said, with what mends it; cells that need it are skipped and counted.

use fwlab_skipped::{Need, skipped};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

use super::go_between::{GIVES_UP, GoBetween, Planted, mute};
use crate::support::{Running, as_here, count, end_of, fwlab, is_root, lab, report};

/// Why there are no containers, and what mends it.
#[track_caller]
fn told_by(doctor: &str) -> (&str, &str) {
    let mut lines = doctor.lines();
    let mut after = lines
        .by_ref()
        .filter_map(|line| line.strip_prefix("✗ containers"));
    let why = after.next().unwrap_or_else(|| panic!("{doctor}"));
    (why.trim(), lines.next().expect("what mends it").trim())
}

/// What `doctor` and a run say, with that `DOCKER_HOST`: in either, why and what mends it.
#[track_caller]
fn assert_told(host: &str, why: &str, remedy: &str) {
    let Some(_lab) = lab() else { return };
    if !is_root("looking for Docker") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.json");
    let start = |arguments: &[&str]| {
        let mut command = fwlab();
        Running::start(command.env("DOCKER_HOST", host).args(arguments))
    };
    let run = [
        "run",
        "scenarios/seed/passive-client.toml",
        "--where=container",
        "--server=libunftp,proftpd",
        "--client=suppaftp",
        "--filter=data=pasv backend=nft",
    ];
    let to = format!("--report=json={}", file.display());
    // At once: each may wait for a deadline.
    let doctor = start(&["doctor"]);
    let skips = start(&[&run[..], &[&to]].concat());
    let requires = start(&[&run[..], &["--require=containers"]].concat());

    // Containers are no must: fwlab works without.
    let ended = doctor.end(GIVES_UP).with(0);
    let (said, then) = told_by(&ended.stdout);
    assert!(said.contains(why), "{said}");
    assert_eq!(then, remedy);
    assert!(!ended.stdout.contains("✓ image"), "{}", ended.stdout);

    let ended = skips.end(GIVES_UP).with(0);
    let cells = report(&file);
    assert_eq!((count(&cells, "met"), count(&cells, "skipped")), (2, 2));
    for line in cells.values().filter(|line| line["result"] == "skipped") {
        assert_eq!(line["server"], "proftpd");
        let said = line["why"].as_str().expect("a reason");
        assert!(said.contains(why) && said.contains(remedy), "{said}");
    }
    for words in ["2 met, 2 skipped", why] {
        assert!(ended.stdout.contains(words), "{}", ended.stdout);
    }

    let ended = requires.end(GIVES_UP).with(3);
    assert_eq!(
        ended.stdout, "",
        "no result is told where something required is missing"
    );
    for words in [why, remedy] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn a_socket_that_is_not_there() {
    assert_told(
        "unix:///nonexistent/docker.sock",
        "Docker is not here: there is no /nonexistent/docker.sock",
        "install it, and start it: sudo apt-get install docker.io && sudo systemctl start docker",
    );
}

#[test]
fn a_docker_on_another_machine() {
    assert_told(
        "tcp://192.0.2.1:2375",
        "DOCKER_HOST is tcp://192.0.2.1:2375, but fwlab can only use Docker on this machine",
        "unset DOCKER_HOST",
    );
}

#[test]
fn a_socket_where_nobody_listens_any_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let (listener, host) = mute(folder.path());
    // The file stays.
    drop(listener);
    let socket = host.trim_start_matches("unix://").to_owned();
    assert_told(
        &host,
        &format!("Docker does not listen at {socket}: Connection refused"),
        &format!("start the Docker that listens at {socket}"),
    );
}

#[test]
fn a_socket_where_nobody_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_listener, host) = mute(folder.path());
    let socket = host.trim_start_matches("unix://").to_owned();
    assert_told(
        &host,
        &format!("Docker says nothing at {socket} for 10s"),
        &format!("start the Docker that listens at {socket}"),
    );
}

#[test]
fn a_socket_of_something_else() {
    for garbage in [
        b"220 welcome to my FTP server\r\n".as_slice(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{\"a\":",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        b"",
    ] {
        let between = GoBetween::start(move |_| Planted::Bytes(garbage));
        let socket = between.host().trim_start_matches("unix://").to_owned();
        assert_told(
            &between.host(),
            &format!("Docker does not answer at {socket}: "),
            &format!("start the Docker that listens at {socket}"),
        );
        between.assert_planted();
    }
}

/// It answers whether it is there, and then no more.
#[test]
fn an_engine_that_stops_answering_has_a_deadline() {
    let between = GoBetween::start(|line| {
        if line.contains("/containers/json") {
            Planted::Silence
        } else {
            Planted::Nothing
        }
    });
    if super::docker::containers().is_none() {
        return;
    }
    assert_told(
        &between.host(),
        "what an earlier run left could not be removed",
        "docker ps --all --filter label=org.fwlab.owner",
    );
    between.assert_planted();
}

/// Root without the right to open everybody's files: a socket of somebody else's.
#[test]
fn a_socket_that_is_not_allowed() {
    let Some(_lab) = lab() else { return };
    if !is_root("a socket of somebody else's") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("ours");
    let socket = folder.path().join("docker.sock");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600)).expect("ours");
    std::os::unix::fs::chown(&socket, Some(65534), Some(65534)).expect("root may");
    let mut doctor = Command::new("setpriv");
    as_here(&mut doctor);
    let without = "-dac_override,-dac_read_search";
    doctor
        .args(["--bounding-set", without, "--inh-caps", without, "--"])
        .args([env!("CARGO_BIN_EXE_fwlab"), "doctor"])
        .env("DOCKER_HOST", format!("unix://{}", socket.display()));
    let ended = end_of(&mut doctor);
    let why = format!("this user may not use Docker's socket {}", socket.display());
    assert!(
        ended.stdout.contains(&why),
        "{}{}",
        ended.stdout,
        ended.stderr
    );
    assert!(
        ended.stdout.contains("run fwlab as root: sudo fwlab …"),
        "{}",
        ended.stdout
    );
}

/// Whatever the socket: an ordinary user has no right to a container's network.
#[test]
fn an_ordinary_user() {
    let Some(_lab) = lab() else { return };
    if !is_root("becoming another user") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).expect("ours");
    let copy = folder.path().join("fwlab");
    // By a process of its own: a file that this one has open for writing, other threads' children
    // have too, for a moment, and then it cannot be run.
    let copied = Command::new("cp")
        .args([env!("CARGO_BIN_EXE_fwlab").as_ref(), copy.as_path()])
        .status();
    assert!(copied.expect("cp is there").success());
    let nobody = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        as_here(&mut command);
        command
            .args([
                "--reuid",
                "65534",
                "--regid",
                "65534",
                "--clear-groups",
                "--",
            ])
            .arg(&copy)
            .args(arguments)
            .current_dir("/")
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .env_remove("DOCKER_HOST");
        Running::start(&mut command).end(Duration::from_secs(60))
    };
    let doctor = nobody(&["doctor"]);
    if doctor
        .stdout
        .contains("✗ privilege to make network namespaces")
    {
        skipped(Need::Machine, "user namespaces are shut here");
        return;
    }
    assert!(doctor.stdout.contains("✓ privilege"), "{doctor:?}");
    assert_eq!(
        told_by(&doctor.stdout),
        (
            "only root may give a container its network",
            "run fwlab as root: sudo fwlab …"
        )
    );
    let rules = folder.path().join("rules.v4");
    std::fs::write(&rules, "iptables -P INPUT ACCEPT\n").expect("it can be written");
    let rules = rules.to_str().expect("a path");
    let required = nobody(&["check", rules, "--at", "client", "--require", "containers"]).with(3);
    assert!(
        required.stderr.contains("only root may"),
        "{}",
        required.stderr
    );
}
