use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use tokio::sync::{oneshot, watch};

use super::capture::Capture;
use super::confined::{Command, Input, Running, Surroundings, c_path, start};
use super::script;
use super::told::Told;
use crate::sys::{Capabilities, NotStarted, Root, SetupStep};
use crate::{ContainerRoot, NodeGone, Scratch};

/// The most that is kept of each stream of a program.
const OUTPUT_LIMIT: usize = 1 << 20;

/// An untrusted program (a peer: vsftpd, curl, lftp) to start in a node.
///
/// It finds the node's network; a root file system of its own, with the program's file, the
/// machine's libraries and what [`sees`](ProgramSpec::sees) names (for a script its interpreter and the
/// machine's programs, too), all of it read-only, a
/// `/dev` of `null`, `zero`, `random` and `urandom`, and its files; a PID namespace of its own
/// with a `/proc` to match, so that it neither sees nor signals any other process of the
/// machine; a session of its own; `/dev/null` as input, unless its spec says otherwise; no
/// descriptor of the lab's; the [capabilities](ProgramSpec::capabilities) of its spec and no way
/// to gain more; and a filter of the system calls that have led out of such confinements.
///
/// What it can use up of the machine's processors and memory is not limited, but by the end of
/// its cell.
#[derive(Debug, Clone)]
pub struct ProgramSpec {
    /// The program's absolute path.
    pub program: PathBuf,
    /// Its arguments, without the program's name.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Files and folders of the machine that it finds beside its own file and the machine's
    /// libraries, read-only and where they are. What is not there is left out.
    pub sees: Vec<PathBuf>,
    /// What it may write, mounted at [`Scratch::mount_point`]. It stays readable from
    /// here after the program's end. Before Linux 6.15 a scratch serves one program.
    pub files: Option<Scratch>,
    /// The container whose root file system it finds in place of one of its own. All
    /// paths of this are paths in there.
    pub root: Option<ContainerRoot>,
    /// Where it starts; without one, the mount point of its files, or `/`.
    pub working_directory: Option<PathBuf>,
    /// What it may do of what only root may.
    pub capabilities: Capabilities,
    /// Whether it is an ordinary user, as clients are, where the lab may make it one (see
    /// [`has_ordinary_user`](crate::has_ordinary_user)): `-m owner` and `meta skuid` see that. It may then write in its
    /// files' folder, and in none below that says otherwise. Not with capabilities.
    pub by_ordinary_user: bool,
    /// Whether its input is the pipe of its output in place of `/dev/null`: for a server
    /// of inetd's kind, which speaks on descriptor 0 to whom it takes for its client.
    pub speaks_on_input: bool,
    /// Whether it is confined without the calls that Linux 5.10 has not, for tests.
    #[doc(hidden)]
    pub as_on_5_10: bool,
}

impl ProgramSpec {
    /// A program without arguments, environment, files and capabilities.
    pub fn new(program: impl Into<PathBuf>) -> ProgramSpec {
        ProgramSpec {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            sees: Vec::new(),
            files: None,
            root: None,
            working_directory: None,
            capabilities: Capabilities::NONE,
            by_ordinary_user: false,
            speaks_on_input: false,
            as_on_5_10: false,
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
        if let (Some(files), true) = (&self.files, self.by_ordinary_user) {
            let opened = files.set_mode(".", 0o777);
            opened.map_err(|error| io(io::Error::other(error)))?;
        }
        let mount_point = self.files.as_ref().map(Scratch::mount_point);
        let directory = self.working_directory.as_deref();
        let directory = directory.or(mount_point).unwrap_or(Path::new("/"));
        let files = match (&self.files, mount_point) {
            (Some(files), Some(point)) => Some((files.tree(), c_path(point).map_err(io)?)),
            _ => None,
        };
        let around = Surroundings {
            root: self.root_of_it().map_err(io)?,
            files,
            directory: c_path(directory).map_err(io)?,
            input: match self.speaks_on_input {
                true => Input::Output,
                false => Input::Nothing,
            },
            capabilities: self.capabilities,
            by_ordinary_user: self.by_ordinary_user,
            is_program: true,
            as_on_5_10: self.as_on_5_10,
        };
        let command = Command {
            program: &self.program,
            arguments: &self.arguments,
            environment: &self.environment,
        };
        let started = start(&command, around);
        let running = started
            .map_err(|NotStarted { step, source }| failed(step.map(SetupStep::describe), source))?;
        Ok(Program::watch(running, self.files))
    }

    /// Runs it to its end in a network namespace with nothing in it, and gives what it wrote to
    /// standard output. It blocks; a thread of its own is made for it.
    ///
    /// # Errors
    /// When it cannot be started, or does not end by the deadline.
    pub fn said_alone(self, deadline: Duration) -> Result<Vec<u8>, ProgramError> {
        let program = self.program.clone();
        let failed = |step, source| ProgramError::Start {
            program: program.clone(),
            step,
            source,
        };
        let alone = move || {
            let failed = |step, source| ProgramError::Start {
                program: self.program.clone(),
                step: Some(step),
                source,
            };
            unshare(CloneFlags::CLONE_NEWNET)
                .map_err(|errno| failed("make a network namespace", errno.into()))?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| failed("start a runtime", error))?;
            let late = failed(
                "see its end by its deadline",
                io::ErrorKind::TimedOut.into(),
            );
            tokio::task::LocalSet::new().block_on(&runtime, async {
                let mut running = self.start()?;
                match tokio::time::timeout(deadline, running.wait()).await {
                    Ok(Ok(_)) => Ok(running.stdout()),
                    Ok(Err(ProgramLost)) | Err(_) => Err(late),
                }
            })
        };
        let thread = std::thread::Builder::new().spawn(alone);
        let thread = thread.map_err(|source| failed(Some("start a thread"), source))?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn root_of_it(&self) -> io::Result<Root> {
        if let Some(container) = &self.root {
            return Ok(Root::Container(container.namespaces()));
        }
        let needs = script::needs(&self.program);
        let sees = std::iter::once(&self.program)
            .chain(&self.sees)
            .chain(&needs);
        let sees = sees.map(|path| c_path(path));
        Ok(Root::Own(sees.collect::<io::Result<_>>()?))
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

/// A program was not started.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// Its path is relative.
    #[error("`{}` is not an absolute path", .0.display())]
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
    /// What its init tells.
    told: Option<Arc<Told>>,
}

impl Program {
    /// Leaves a process to a task of the calling thread's runtime.
    fn watch(running: Running, files: Option<Scratch>) -> Program {
        let Running {
            mut process,
            stdout,
            stderr,
        } = running;
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
            told: process.told(),
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
            // When the status is there, so is the end of both pipes: init
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
    /// its init, which ends when everything that the program started has ended.
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

    /// How the first of the processes ended that it has started, other than itself, which something ended by force: a
    /// signal from outside, or a fault of its own. Known before the kernel closes what that process had open; nothing where
    /// the kernel lets nobody follow it.
    pub fn lost_one(&self) -> Option<ExitStatus> {
        self.told.as_ref()?.of_another()
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
