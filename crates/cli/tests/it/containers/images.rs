//! Images are made when they are first needed, by one process at a time, and an interrupted build
//! leaves nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fwlab_containers::Image;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::bad_images::run_at;
use super::docker::{containers, docker};
use super::go_between::{GoBetween, Planted};
use crate::support::{Running, end_of, eventually, fwlab};

const SOON: Duration = Duration::from_secs(30);

/// A build that went well, as far as Docker says.
const BUILT: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n\
    {\"stream\":\"Step 1/2 : FROM base\"}\n{\"stream\":\"Successfully tagged it\\n\"}\n";

/// One process builds at a time, and the builds of these tests are all alike in Docker.
fn one() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether Docker is asked if an image is there.
fn asks_for(line: &str, image: &str) -> bool {
    line.starts_with("GET ") && line.contains(&format!("/images/{image}/json"))
}

fn builds(line: &str) -> bool {
    line.starts_with("POST ") && line.contains("/build?")
}

/// A Docker that has an image only once it was asked to build it.
fn without(image: Image) -> (GoBetween, Arc<AtomicBool>) {
    let built = Arc::<AtomicBool>::default();
    let is_built = Arc::clone(&built);
    let image = image.to_string();
    let between = GoBetween::start(move |line| {
        if builds(line) {
            is_built.store(true, Ordering::Relaxed);
            return Planted::Bytes(BUILT);
        }
        match asks_for(line, &image) && !is_built.load(Ordering::Relaxed) {
            true => Planted::Answer(404, "No such image"),
            false => Planted::Nothing,
        }
    });
    (between, built)
}

#[test]
fn an_image_is_built_when_a_cell_first_needs_it() {
    let Some(_containers) = containers() else {
        return;
    };
    let _one = one();
    let image = Image::Vsftpd;
    let (between, built) = without(image);
    let (ended, cell) = run_at(&between, &[]);
    assert_eq!(
        (&cell["result"], ended.code),
        (&"met".into(), Some(0)),
        "{ended:?}"
    );
    assert!(built.load(Ordering::Relaxed));
    let told = format!(
        "fwlab: building images that are missing, once: {image}; --no-build skips their cells\n"
    );
    assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    assert!(
        ended.stderr.contains(&format!("fwlab: {image} built in ")),
        "{}",
        ended.stderr
    );
    // Nothing is said where nothing is built.
    let (ended, _) = run_at(&between, &["--no-build"]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
}

#[test]
fn no_image_is_built_where_none_is_to_be() {
    let Some(_containers) = containers() else {
        return;
    };
    let _one = one();
    let image = Image::Vsftpd;
    let (between, built) = without(image);
    let (ended, cell) = run_at(&between, &["--no-build"]);
    assert_eq!(
        (&cell["result"], ended.code),
        (&"skipped".into(), Some(3)),
        "{ended:?}"
    );
    let why = cell["why"].as_str().expect("a reason");
    assert!(
        why.contains(&format!(
            "there is no image {image}: build it: fwlab images"
        )),
        "{why}"
    );
    assert!(!built.load(Ordering::Relaxed));
    assert_eq!(ended.stderr, "");
}

/// It is told before the run, and in the cells that need it.
#[test]
fn an_image_that_cannot_be_built_is_told_with_the_reason() {
    let Some(_containers) = containers() else {
        return;
    };
    let _one = one();
    let image = Image::Vsftpd;
    let name = image.to_string();
    let no_room = "no space left on device";
    let plan = move |line: &str| match line {
        line if builds(line) => {
            Planted::Answer(500, "mkdir /var/lib/docker/tmp: no space left on device")
        }
        line if asks_for(line, &name) => Planted::Answer(404, "No such image"),
        _ => Planted::Nothing,
    };
    let between = GoBetween::start(plan);
    let (ended, cell) = run_at(&between, &[]);
    assert_eq!(
        (&cell["result"], ended.code),
        (&"skipped".into(), Some(3)),
        "{ended:?}"
    );
    assert!(
        ended
            .stderr
            .contains(&format!("fwlab: {image} was not built")),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains(no_room), "{}", ended.stderr);
    let why = cell["why"].as_str().expect("a reason");
    for words in [
        &*format!("there is no image {image}, and it could not be built"),
        no_room,
    ] {
        assert!(why.contains(words), "{words} in {why}");
    }
    let mut required = fwlab();
    required
        .env("DOCKER_HOST", between.host())
        .args([
            "run",
            "scenarios/seed/active-client.toml",
            "--server",
            "vsftpd",
        ])
        .args(["--require", "containers"]);
    let ended = end_of(&mut required).with(3);
    assert_eq!(ended.stdout, "", "nothing was run");
    assert!(ended.stderr.contains(no_room), "{}", ended.stderr);
}

/// A Docker that lacks the clients' image, and in which a build of it does not come to an end: its
/// first command takes long.
fn slow() -> GoBetween {
    let name = Image::Client.to_string();
    GoBetween::start(move |line| match line {
        // As long as what it stands for, so that the archive that it is in stays one.
        line if builds(line) => Planted::Swapped {
            from: "apt-get update".into(),
            to: "sleep 600;true".into(),
        },
        line if asks_for(line, &name) => Planted::Answer(404, "No such image"),
        _ => Planted::Nothing,
    })
}

/// `fwlab images`, when its build is at work.
fn building(between: &GoBetween) -> Running {
    let mut images = fwlab();
    images
        .env("DOCKER_HOST", between.host())
        .args(["images", "--peer=curl"]);
    let running = Running::start(&mut images);
    eventually("a step of the build runs", SOON, step_runs);
    running
}

/// Whether a command of an unfinished build runs: other steps have containers, too, which do not.
fn step_runs() -> bool {
    !docker(&["ps", "--quiet", "--filter", UNFINISHED]).is_empty()
}

const UNFINISHED: &str = "label=org.fwlab.build=unfinished";

/// What unfinished builds have in Docker.
#[derive(Debug, PartialEq, Eq, Default)]
struct Left {
    containers: Vec<String>,
    images: Vec<String>,
}

fn left_of_builds() -> Left {
    let label = UNFINISHED;
    let lines = |text: String| text.lines().map(str::to_owned).collect();
    Left {
        containers: lines(docker(&["ps", "--all", "--quiet", "--filter", label])),
        images: lines(docker(&[
            "images",
            "--quiet",
            "--filter",
            "dangling=true",
            "--filter",
            label,
        ])),
    }
}

fn interrupted_by(signal: Signal) {
    let Some(_containers) = containers() else {
        return;
    };
    let _one = one();
    let between = slow();
    let running = building(&between);
    running.signal(signal);
    let ended = running.end(SOON).with(3);
    assert_eq!(
        ended.stderr,
        "fwlab: interrupted; nothing is left running\n"
    );
    // At its end, and not some time later.
    assert_eq!(left_of_builds(), Left::default());
}

#[test]
fn an_interrupted_build_leaves_nothing_in_docker() {
    interrupted_by(Signal::SIGINT);
}

#[test]
fn a_terminated_build_leaves_nothing_in_docker() {
    interrupted_by(Signal::SIGTERM);
}

/// A run that needs the image, and not the command that builds it.
#[test]
fn a_run_that_is_interrupted_while_it_builds_leaves_nothing_in_docker() {
    let Some(_containers) = containers() else {
        return;
    };
    let _one = one();
    let between = slow();
    let mut run = fwlab();
    run.env("DOCKER_HOST", between.host()).args([
        "run",
        "scenarios/seed/active-client.toml",
        "--client=curl",
        "--where=container",
    ]);
    let running = Running::start(&mut run);
    eventually("a step of the build runs", SOON, step_runs);
    running.signal(Signal::SIGINT);
    let ended = running.end(SOON).with(3);
    assert!(
        ended
            .stderr
            .ends_with("fwlab: interrupted; nothing is left running\n"),
        "{}",
        ended.stderr
    );
    assert_eq!(left_of_builds(), Left::default());
}

#[test]
fn what_a_killed_build_leaves_in_docker_is_removed_by_the_next() {
    let Some(_containers) = containers() else {
        return;
    };
    let _one = one();
    let between = slow();
    let running = building(&between);
    assert_ne!(
        left_of_builds(),
        Left::default(),
        "or else this test proves nothing"
    );
    // Somebody who looks for Docker meanwhile, and leaves it alone.
    end_of(fwlab().arg("doctor")).with(0);
    assert_ne!(left_of_builds(), Left::default());
    running.signal(Signal::SIGKILL);
    assert_eq!(running.end(SOON).code, None);
    // Docker itself ends a build whose asker is gone.
    eventually("the step has ended", SOON, || {
        left_of_builds().containers.is_empty()
    });
    end_of(fwlab().arg("doctor")).with(0);
    assert_eq!(left_of_builds(), Left::default());
}

#[test]
fn one_process_builds_and_another_waits_for_it() {
    let Some(_containers) = containers() else {
        return;
    };
    let _one = one();
    let between = slow();
    let first = building(&between);
    let (theirs, built) = without(Image::Vsftpd);
    let mut second = fwlab();
    let folder = tempfile::tempdir().expect("a folder");
    let told = folder.path().join("told");
    let stderr = fs::File::create(&told).expect("a file");
    second
        .env("DOCKER_HOST", theirs.host())
        .args(["images", "--peer=vsftpd"]);
    let mut second = second
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(stderr)
        .spawn()
        .expect("it runs");
    let waits = "fwlab: another fwlab is building images; waiting for it\n";
    eventually("the second waits", SOON, || {
        fs::read_to_string(&told).is_ok_and(|text| text == waits)
    });
    assert!(!built.load(Ordering::Relaxed));
    first.signal(Signal::SIGINT);
    first.end(SOON).with(3);
    eventually("the second has built", SOON, || {
        second.try_wait().expect("it is ours").is_some()
    });
    assert!(built.load(Ordering::Relaxed));
    end_of(fwlab().arg("doctor")).with(0);
}

/// What a debootstrap leaves that is ended in the middle: files, a mount, and a process that is
/// nobody's child.
struct Debootstrap {
    folder: TempDir,
    between: GoBetween,
    mark: String,
}

impl Debootstrap {
    fn new(mark: &str) -> Debootstrap {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = format!("{mark}{}", std::process::id());
        let path = folder.path();
        fs::create_dir(path.join("tmp")).expect("a folder");
        let tool = path.join("debootstrap");
        let script = format!(
            "#!/bin/sh\nroot=$3\nmkdir -p \"$root/proc\" && mount -t tmpfs fwlab-{mark} \"$root/proc\" || exit 1\n\
             head -c 5000000 /dev/zero >\"$root/big\"\n(setsid sleep {mark} &)\n\
             echo 'I: Retrieving nothing'\n: >{}\nexec sleep {mark}\n",
            path.join("begun").display()
        );
        fs::write(&tool, script).expect("it can be written");
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).expect("it is ours");
        let between = GoBetween::start(|line| {
            let lists = line.contains("/images/json");
            let asks = line.starts_with("GET ") && line.contains("/images/") && !lists;
            let pulls = line.starts_with("POST ") && line.contains("/images/create");
            match asks || pulls {
                true => Planted::Answer(404, "No such image"),
                false => Planted::Nothing,
            }
        });
        Debootstrap {
            folder,
            between,
            mark,
        }
    }

    /// `fwlab images`, when it is at work.
    fn start(&self) -> Running {
        let path = self.folder.path();
        let search = std::env::var("PATH").unwrap_or_default();
        let mut images = fwlab();
        images
            .env("DOCKER_HOST", self.between.host())
            .env("PATH", format!("{}:{search}", path.display()))
            .env("TMPDIR", path.join("tmp"))
            .args(["images", "--peer=curl"]);
        let running = Running::start(&mut images);
        eventually("it makes a base", SOON, || path.join("begun").exists());
        eventually("it is at work", SOON, || self.processes().len() == 2);
        running
    }

    fn processes(&self) -> Vec<String> {
        let processes = fs::read_dir("/proc").expect("/proc").flatten();
        let of_mark = processes.filter(|process| {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&format!("sleep\0{}", self.mark))
        });
        of_mark
            .map(|process| process.file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[track_caller]
    fn assert_nothing_left(&self) {
        assert_eq!(self.processes(), Vec::<String>::new());
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
        assert!(!mounts.contains(&self.mark), "{mounts}");
        let files = |folder: &Path| fs::read_dir(folder).expect("a folder").count();
        assert_eq!(files(&self.folder.path().join("tmp")), 0, "files are left");
    }
}

fn base_interrupted_by(signal: Signal, mark: &str) {
    let Some(_containers) = containers() else {
        return;
    };
    let _one = one();
    let debootstrap = Debootstrap::new(mark);
    let running = debootstrap.start();
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    assert!(
        !mounts.contains(&debootstrap.mark),
        "the host never has its mounts"
    );
    running.signal(signal);
    if signal == Signal::SIGKILL {
        assert_eq!(running.end(SOON).code, None);
        // The kernel does it, as soon as it comes to it.
        eventually("it has ended", SOON, || debootstrap.processes().is_empty());
    } else {
        let ended = running.end(SOON).with(3);
        assert_eq!(
            ended.stderr,
            "fwlab: interrupted; nothing is left running\n"
        );
    }
    debootstrap.assert_nothing_left();
}

#[test]
fn a_base_that_is_interrupted_leaves_nothing_on_the_host() {
    base_interrupted_by(Signal::SIGINT, "71");
}

#[test]
fn a_base_that_is_terminated_leaves_nothing_on_the_host() {
    base_interrupted_by(Signal::SIGTERM, "72");
}

#[test]
fn a_base_that_is_killed_leaves_nothing_on_the_host() {
    base_interrupted_by(Signal::SIGKILL, "73");
}
