//! Chromium, driven by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol) over two pipes: JSON messages that
//! end in a NUL, to its descriptor 3 and from its descriptor 4.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tools::tool;

/// The most that a browser may take for one answer, on a slow machine that does other things too.
const DEADLINE: Duration = Duration::from_secs(60);

/// What it says on standard error, in its profile.
const LOG: &str = "test.log";

/// A browser that runs. Dropping this ends it.
pub(super) struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    sent: u64,
    /// What it told without being asked, in order.
    events: Vec<Value>,
    /// Where its profile is, and its log.
    profile: TempDir,
}

impl Browser {
    /// Starts one, where there is one.
    pub(super) fn start() -> Option<Browser> {
        let browser = tool(&[
            "chromium-headless-shell",
            "chromium",
            "chromium-browser",
            "google-chrome",
        ])?;
        let profile = tempfile::tempdir().expect("a folder");
        // A shell puts the pipes where the browser looks for them.
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>\"$0\""])
            .arg(profile.path().join(LOG))
            .arg(browser.get_program())
            .args([
                "--headless",
                // Root has no other way, and the pages are the tests' own.
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--no-first-run",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()));
        for (key, value) in browser.get_envs() {
            command.env(key, value.expect("it is set"));
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("a shell starts");
        let to = child.stdin.take().expect("a pipe");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (tell, from) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while stdout
                .read_until(0, &mut message)
                .is_ok_and(|read| read > 0)
            {
                message.pop();
                let read = serde_json::from_slice(&message);
                message.clear();
                // Nobody listens any more when a test is over.
                if read.map(|read| tell.send(read)).is_err() {
                    break;
                }
            }
        });
        Some(Browser {
            child,
            to,
            from,
            sent: 0,
            events: Vec::new(),
            profile,
        })
    }

    /// Asks for something, of the browser or of one of its pages, and waits for the answer.
    #[track_caller]
    pub(super) fn ask(&mut self, page: Option<&str>, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let id = self.sent;
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if let Some(page) = page {
            message["sessionId"] = page.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to
            .write_all(&bytes)
            .unwrap_or_else(|error| panic!("the browser takes no {method}: {error}"));
        let deadline = Instant::now() + DEADLINE;
        loop {
            let mut told = self.told(deadline, method);
            if told["id"] == id {
                assert!(told["error"].is_null(), "{method}: {told}");
                return told["result"].take();
            }
            self.events.push(told);
        }
    }

    /// Waits for an event of this method, and takes it.
    #[track_caller]
    pub(super) fn awaits(&mut self, method: &str) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let at = self.events.iter().position(|told| told["method"] == method);
            if let Some(at) = at {
                return self.events.remove(at)["params"].take();
            }
            let told = self.told(deadline, method);
            self.events.push(told);
        }
    }

    /// What it has told and nobody has taken.
    pub(super) fn events(&self) -> &[Value] {
        &self.events
    }

    #[track_caller]
    fn told(&self, deadline: Instant, what: &str) -> Value {
        let left = deadline.saturating_duration_since(Instant::now());
        self.from.recv_timeout(left).unwrap_or_else(|error| {
            let log = std::fs::read_to_string(self.profile.path().join(LOG));
            let log = log.unwrap_or_default();
            panic!("the browser tells nothing of {what}: {error}\n{log}")
        })
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It has a group of its own, with all that it started. It may have ended already.
        let _ = killpg(
            Pid::from_raw(self.child.id().cast_signed()),
            Signal::SIGKILL,
        );
        let _ = self.child.wait();
    }
}
