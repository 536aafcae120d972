use std::ffi::OsString;
use std::io::{Read, pipe};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fwlab_fabric::{ContainerRoot, Peers, ProgramSpec};

use crate::{PeerMissing, PeerName};

/// How long a program may take to say its version.
const VERSION_DEADLINE: Duration = Duration::from_secs(5);

/// The most that is read of what it says then, in bytes.
const VERSION_LIMIT: u64 = 4096;

/// A peer's program, on this machine or in a container.
#[derive(Debug, Clone)]
pub(super) struct Installed {
    path: PathBuf,
    library_path: Option<OsString>,
    root: Option<ContainerRoot>,
    /// The version as the program gives it, its first line.
    pub(super) version: String,
}

impl Installed {
    /// Looks for a peer's program, and asks it for its version with this argument.
    pub(super) fn find(peer: PeerName, version_argument: &str) -> Result<Installed, PeerMissing> {
        let missing = |why: String| PeerMissing {
            peer,
            why,
            remedy: format!(
                "install the package `{peer}`, or unpack it below a directory and name that in FWLAB_PEERS"
            ),
        };
        let found = Peers::find(peer.word())
            .ok_or_else(|| missing("no such program in PATH or below FWLAB_PEERS".into()))?;
        let mut installed = Installed {
            path: found.path,
            library_path: found.library_path,
            root: None,
            version: String::new(),
        };
        installed.version = installed
            .ask_version(version_argument)
            .ok_or_else(|| missing(format!("{} does not run", installed.path.display())))?;
        Ok(installed)
    }

    /// The program with that path in a container.
    pub(super) fn inside(root: ContainerRoot, path: &str, version: impl Into<String>) -> Installed {
        Installed {
            path: path.into(),
            library_path: None,
            root: Some(root),
            version: version.into(),
        }
    }

    /// The program with nothing but what it needs to find its libraries in its
    /// environment, and with the scratch as home.
    pub(super) fn spec(&self, home: &std::path::Path) -> ProgramSpec {
        let mut spec = ProgramSpec::new(&self.path);
        spec.root = self.root.clone();
        spec.environment = vec![
            ("HOME".into(), home.into()),
            ("LC_ALL".into(), "C".into()),
            ("TERM".into(), "dumb".into()),
        ];
        if let Some(path) = &self.library_path {
            spec.environment
                .push(("LD_LIBRARY_PATH".into(), path.clone()));
        }
        spec
    }

    fn ask_version(&self, argument: &str) -> Option<String> {
        let (mut said, say) = pipe().ok()?;
        let mut command = Command::new(&self.path);
        command
            .arg(argument)
            .env_clear()
            .env("LC_ALL", "C")
            // vsftpd speaks to whom it takes for its client: its standard input.
            .stdin(Stdio::from(say.try_clone().ok()?))
            .stdout(say)
            .stderr(Stdio::null());
        if let Some(path) = &self.library_path {
            command.env("LD_LIBRARY_PATH", path);
        }
        let mut child = command.spawn().ok()?;
        // With it go this side's ends of the pipe.
        drop(command);
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let mut text = Vec::new();
            let read = said.by_ref().take(VERSION_LIMIT).read_to_end(&mut text);
            // Nobody listens any more when the deadline has passed.
            let _ = tell.send(read.map(|_| text));
        });
        let answer = told.recv_timeout(VERSION_DEADLINE);
        // It has answered, or it never will.
        let _ = child.kill();
        let _ = child.wait();
        let text = String::from_utf8_lossy(&answer.ok()?.ok()?).into_owned();
        let line = text.lines().next()?.trim();
        (!line.is_empty()).then(|| line.to_owned())
    }
}
