//! A tool that works as root with mounts, daemons and files, and leaves nothing, whatever ends it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use fwlab_fabric::EnclosedTool;
use fwlab_skipped::{Need, skipped};
use tokio::io::AsyncReadExt;

use crate::processes::processes_with;
use crate::support::{can_build, eventually};

const HOLDER: &str = "FWLAB_TEST_ENCLOSED";

const SOON: Duration = Duration::from_secs(10);

/// It leaves a daemon, a mount and a file, unless somebody sees to that, and goes on for long.
fn untidy(mark: &str) -> EnclosedTool {
    let script = format!(
        "mkdir inner && mount -t tmpfs fwlab-test inner && head -c 100000 /dev/zero >inner/file && \
         mknod node c 1 3 && (setsid sleep {mark}1 &) && echo $$ $PPID $(pwd) ready && exec sleep {mark}2"
    );
    EnclosedTool::start(Path::new("/bin/sh"), ["-c", &script], 1 << 20).expect("a shell")
}

/// Waits until it is ready, and returns what it said.
async fn ready(tool: &mut EnclosedTool) -> String {
    let [mut output, _] = tool.output().expect("not taken before");
    let mut said = String::new();
    let reading = async {
        while !said.contains("ready") {
            let mut bytes = [0; 256];
            let length = output.read(&mut bytes).await.expect("it can be read");
            assert!(length > 0, "it ended: {said}");
            said += &String::from_utf8_lossy(&bytes[..length]);
        }
    };
    tokio::time::timeout(SOON, reading).await.expect("in time");
    said
}

/// Its mounts, as far as they are seen from here. Others come and go.
fn mounts() -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    let own = mounts.lines().filter(|line| line.contains("fwlab-test"));
    own.map(str::to_owned).collect()
}

/// Making device nodes is what this is for, and takes the machine's own root.
fn can() -> bool {
    let root = matches!(
        fwlab_fabric::Privilege::current(),
        Ok(fwlab_fabric::Privilege::Root)
    );
    if !root {
        skipped(Need::Machine, "making device nodes needs root");
    }
    can_build() && root
}

#[tokio::test]
async fn it_is_first_in_its_namespaces_and_what_it_writes_is_read() {
    if !can() {
        return;
    }
    let script = "echo $$ $(pwd); ls | wc -l; cat /proc/sys/kernel/ns_last_pid >/dev/null && \
                  ls -d /proc/[0-9]* | wc -l; df . | tail -1 | cut -d' ' -f1; echo said >&2; exit 3";
    let mut tool =
        EnclosedTool::start(Path::new("/bin/sh"), ["-c", script], 1 << 20).expect("a shell");
    let [mut output, mut error] = tool.output().expect("not taken before");
    assert!(tool.output().is_none());
    let (mut said, mut complained) = (String::new(), String::new());
    output.read_to_string(&mut said).await.expect("it is read");
    error
        .read_to_string(&mut complained)
        .await
        .expect("it is read");
    let status = tool.wait().await.expect("it ends");
    assert_eq!(status.code(), Some(3));
    assert_eq!(complained, "said\n");
    let lines: Vec<&str> = said.lines().collect();
    let [first, files, processes, kind] = lines[..] else {
        panic!("{said}");
    };
    assert!(first.starts_with("1 /"), "{said}");
    assert_eq!((files, kind), ("0", "tmpfs"), "{said}");
    // Itself, and those of the pipe.
    assert!(processes.parse::<u32>().expect("a number") < 5, "{said}");
}

#[tokio::test]
async fn a_dropped_tool_leaves_nothing() {
    if !can() {
        return;
    }
    let mut tool = untidy("60601");
    let said = ready(&mut tool).await;
    assert!(said.starts_with("1 0 /"), "{said}");
    // Between "ready" and the two `sleep` there may be shells.
    eventually("they run", SOON, || processes_with("60601").len() == 2);
    assert_eq!(mounts(), Vec::<String>::new(), "nobody sees them");
    drop(tool);
    assert_eq!(processes_with("60601"), Vec::<u32>::new());
    assert_eq!(mounts(), Vec::<String>::new());
}

#[tokio::test]
async fn what_it_started_ends_with_it() {
    if !can() {
        return;
    }
    let script = "(setsid sleep 606021 &); exit 0";
    let mut tool =
        EnclosedTool::start(Path::new("/bin/sh"), ["-c", script], 1 << 20).expect("a shell");
    assert!(tool.wait().await.expect("it ends").success());
    assert_eq!(processes_with("60602"), Vec::<u32>::new());
}

#[tokio::test]
async fn a_tool_that_is_not_there_is_told() {
    if !can() {
        return;
    }
    let none: [&str; 0] = [];
    let error = EnclosedTool::start(Path::new("/nonexistent/tool"), none, 1 << 20);
    let error = error.expect_err("it is not there");
    assert_eq!(
        error.to_string(),
        "`/nonexistent/tool` did not start: could not run it"
    );
    assert_eq!(error.source.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn kill_nine_leaves_nothing_of_a_tool() {
    if !can() {
        return;
    }
    if std::env::var_os(HOLDER).is_some() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let _tool = runtime.block_on(async {
            let mut tool = untidy("60603");
            ready(&mut tool).await;
            tool
        });
        println!("held");
        loop {
            std::thread::park();
        }
    }
    let mut holder = Command::new(std::env::current_exe().expect("a test binary"))
        .args([
            "--exact",
            "enclosed::kill_nine_leaves_nothing_of_a_tool",
            "--nocapture",
        ])
        .env(HOLDER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test binary runs");
    let stdout = BufReader::new(holder.stdout.take().expect("a pipe"));
    let held = stdout
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("held"));
    assert!(held, "the holder holds a tool");
    eventually("they run", SOON, || processes_with("60603").len() == 2);
    holder.kill().expect("it runs");
    holder.wait().expect("it ran");
    eventually("no process is left", SOON, || {
        processes_with("60603").is_empty()
    });
    assert_eq!(mounts(), Vec::<String>::new());
}
