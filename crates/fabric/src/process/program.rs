use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, PipeReader};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use super::capture::Capture;
use super::child::Process;
use crate::sys::{self, Confinement, Executable, NotStarted, SetupStep};
use crate::{ContainerRoot, NodeGone, Scratch};

/// The most that is kept of each stream of a program.
const OUTPUT_LIMIT: usize = 1 << 20;

/// An untrusted program (a peer: vsftpd, curl, lftp) to start in a node.
///
/// It finds the node's network; a PID namespace of its own with a `/proc` to match, so
/// that it neither sees nor signals any other process of the machine; every mount
/// read-only, its files apart; a session of its own; `/dev/null` as input, unless its
/// spec says otherwise; no descriptor of the lab's; no capability beyond those that a server needs to bind
/// port 21 and to change user and root directory; no way to gain more.
///
/// It is not a jail against a hostile root: as root of the machine it can still open
/// device nodes.
#[derive(Debug, Clone)]
pub struct ProgramSpec {
    /// The program's absolute path.
    pub program: PathBuf,
    /// Its arguments, without the program's name.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// What it may write, mounted at [`Scratch::mount_point`]. It stays readable from
    /// here after the program's end. Before Linux 6.15 a scratch serves one program.
    pub files: Option<Scratch>,
    /// Files of `files` that it sees in place of system files.
    pub overlays: Vec<Overlay>,
    /// The container whose root file system it finds in place of the machine's. All
    /// paths of this are paths in there.
    pub root: Option<ContainerRoot>,
    /// Where it starts; without one, the mount point of its files, or `/`.
    pub working_directory: Option<PathBuf>,
    /// Whether its input is the pipe of its output in place of `/dev/null`: for a server
    /// of inetd's kind, which speaks on descriptor 0 to whom it takes for its client.
    pub speaks_on_input: bool,
}

/// A file of a program's scratch that it sees in place of a system file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// The file, relative to the scratch.
    pub file: PathBuf,
    /// The system file; where there is none, nothing is done.
    pub over: PathBuf,
}

impl ProgramSpec {
    /// A program without arguments, environment and files.
    pub fn new(program: impl Into<PathBuf>) -> ProgramSpec {
        ProgramSpec {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            files: None,
            overlays: Vec::new(),
            root: None,
            working_directory: None,
            speaks_on_input: false,
        }
    }

    /// The same program with these arguments behind those that it has.
    #[must_use]
    pub fn arguments(
        mut self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> ProgramSpec {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The same program with these files.
    #[must_use]
    pub fn files(mut self, files: Scratch) -> ProgramSpec {
        self.files = Some(files);
        self
    }

    /// The same program in that container.
    #[must_use]
    pub fn root(mut self, root: ContainerRoot) -> ProgramSpec {
        self.root = Some(root);
        self
    }

    /// Starts it in the namespace of the calling thread, which must be a node's: the
    /// program ends with that thread.
    pub(crate) fn start(self) -> Result<Program, ProgramError> {
        let failed = |step, source| ProgramError::Start {
            program: self.program.clone(),
            step,
            source,
        };
        let io = |source| failed(None, source);
        self.check()?;
        let mount_point = self.files.as_ref().map(Scratch::mount_point);
        let mut overlays = Vec::with_capacity(self.overlays.len());
        for overlay in &self.overlays {
            let file = mount_point.unwrap_or(Path::new("/")).join(&overlay.file);
            overlays.push(sys::Overlay {
                file: c_path(&file).map_err(io)?,
                over: c_path(&overlay.over).map_err(io)?,
            });
        }
        let directory = self
            .working_directory
            .as_deref()
            .or(mount_point)
            .unwrap_or(Path::new("/"));
        let (lifeline, held) = std::io::pipe().map_err(io)?;
        let files = match (&self.files, mount_point) {
            (Some(files), Some(point)) => Some((files.tree(), c_path(point).map_err(io)?)),
            _ => None,
        };
        let (output, written) = std::io::pipe().map_err(io)?;
        let (error, complained) = std::io::pipe().map_err(io)?;
        let input = match self.speaks_on_input {
            true => written.try_clone().map_err(io)?.into(),
            false => File::open("/dev/null").map_err(io)?.into(),
        };
        let network = File::open("/proc/thread-self/ns/net").map_err(io)?;
        let confinement = Confinement {
            network: Arc::new(network.into()),
            root: self.root.as_ref().map(ContainerRoot::namespaces),
            files,
            overlays,
            directory: c_path(directory).map_err(io)?,
            standard: [input, written.into(), complained.into()],
            lifeline: lifeline.into(),
        };
        let executable = self.executable().map_err(io)?;
        let started = sys::spawn(&executable, &confinement);
        // With it go the last ends of output and lifeline that the program has as well.
        drop(confinement);
        let started = started
            .map_err(|NotStarted { step, source }| failed(step.map(SetupStep::describe), source))?;
        let process = Process::of_program(started, held.into()).map_err(io)?;
        Ok(Program::watch(process, [output, error], self.files))
    }

    fn executable(&self) -> io::Result<Executable> {
        let name = self.program.as_os_str();
        let arguments = std::iter::once(name).chain(self.arguments.iter().map(OsString::as_os_str));
        let variables = self.environment.iter().map(|(name, value)| {
            let mut variable = name.clone();
            variable.push("=");
            variable.push(value);
            variable
        });
        Ok(Executable {
            program: c_string(name)?,
            arguments: arguments.map(c_string).collect::<io::Result<_>>()?,
            environment: variables
                .map(|variable| c_string(&variable))
                .collect::<io::Result<_>>()?,
        })
    }

    fn check(&self) -> Result<(), ProgramError> {
        if !self.program.is_absolute() {
            return Err(ProgramError::NotAbsolute(self.program.clone()));
        }
        if let Some(files) = &self.files
            && self.program.starts_with(files.mount_point())
        {
            return Err(ProgramError::Hidden {
                program: self.program.clone(),
                mount_point: files.mount_point().to_owned(),
            });
        }
        Ok(())
    }
}

fn c_path(path: &Path) -> io::Result<CString> {
    c_string(path.as_os_str())
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    CString::new(text.as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// A program was not started.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// Its path is relative.
    #[error("`{}` is no absolute path", .0.display())]
    NotAbsolute(PathBuf),
    /// Its files would be mounted over it.
    #[error("`{}` would be hidden by its files at `{}`", program.display(), mount_point.display())]
    Hidden {
        /// The program.
        program: PathBuf,
        /// Where its files go.
        mount_point: PathBuf,
    },
    /// The kernel refused to start it.
    #[error("`{}` did not start{}", program.display(), step.map(|step| format!(": could not {step}")).unwrap_or_default())]
    Start {
        /// The program.
        program: PathBuf,
        /// What failed before the program itself.
        step: Option<&'static str>,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The node has ended.
    #[error(transparent)]
    Gone(#[from] NodeGone),
}

/// A running program. Dropping this ends it, with all that it started.
#[derive(Debug)]
pub struct Program {
    pid: u32,
    files: Option<Scratch>,
    out: Capture,
    err: Capture,
    /// Dropped to end the program.
    stop: Option<oneshot::Sender<()>>,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Program {
    /// Leaves a process to a task of the calling thread's runtime.
    fn watch(
        mut process: Process,
        [stdout, stderr]: [PipeReader; 2],
        files: Option<Scratch>,
    ) -> Program {
        let pid = process.pid();
        let (out, err) = (Capture::new(OUTPUT_LIMIT), Capture::new(OUTPUT_LIMIT));
        let (stop, mut stopped) = oneshot::channel::<()>();
        let (end, ended) = watch::channel(None);
        let program = Program {
            pid,
            files,
            out: out.clone(),
            err: err.clone(),
            stop: Some(stop),
            ended,
        };
        tokio::task::spawn_local(async move {
            let finish = async {
                let asked = tokio::select! {
                    status = process.wait() => return status,
                    _ = &mut stopped => process.end(),
                };
                asked?;
                process.wait().await
            };
            // When the status is there, so is the end of both pipes: the holder
            // outlives everything that could write to them.
            let (status, _, _) = tokio::join!(finish, out.fill(stdout), err.fill(stderr));
            // Dropping `end` without a status tells that the program was lost.
            if let Ok(status) = status {
                end.send_replace(Some(status));
            }
        });
        program
    }

    /// The process id, as the lab sees it, of the process that stands for the program:
    /// its holder, which ends when everything that the program started has ended.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its files.
    pub fn files(&self) -> Option<&Scratch> {
        self.files.as_ref()
    }

    /// What it has written to standard output so far, at most the first MiB.
    pub fn stdout(&self) -> Vec<u8> {
        self.out.bytes()
    }

    /// What it has written to standard error so far, at most the first MiB.
    pub fn stderr(&self) -> Vec<u8> {
        self.err.bytes()
    }

    /// Waits until it has ended, and whatever it started with it. Its output is
    /// complete then. Can be called again.
    ///
    /// # Errors
    /// When its node ended first, and the program with it.
    pub async fn wait(&mut self) -> Result<ExitStatus, ProgramLost> {
        let ended = self.ended.wait_for(Option::is_some).await;
        ended.ok().and_then(|status| *status).ok_or(ProgramLost)
    }

    /// Kills it, with all that it started, and waits until they have ended.
    ///
    /// # Errors
    /// When its node ended first, and the program with it.
    pub async fn kill(&mut self) -> Result<ExitStatus, ProgramLost> {
        drop(self.stop.take());
        self.wait().await
    }
}

/// The program's node ended before it, and so the program did, unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the program ended with its node")]
pub struct ProgramLost;
