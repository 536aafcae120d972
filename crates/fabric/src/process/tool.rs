use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;

use super::capture::Capture;
use super::confined::{Command, Input, Running, Surroundings, c_path, start};
use super::script;
use crate::NodeGone;
use crate::sys::{Capabilities, NotStarted, Root};

/// The most that a tool may write to either stream.
const OUTPUT_LIMIT: usize = 64 << 20;

/// What loaders of rules look into, where it is there: what names stand for, of hosts,
/// networks, frames, packet marks and groups of interfaces.
const CONFIGURATION: [&str; 6] = [
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/networks",
    "/etc/ethertypes",
    "/etc/iproute2",
    "/usr/share/iproute2",
];

/// A call of a short-lived tool that loads and lists rules, without a shell.
///
/// What it reads is somebody's, and so it is confined as a
/// [program](crate::ProgramSpec) is: to a root of its own with nothing in it that can be written,
/// to the node's network, and to the capabilities that loading rules takes. It is one process,
/// and ends with the lab.
///
/// Its environment is `LC_ALL=C`, `XTABLES_LOCKFILE=/proc/self/ns/net` (a lock for
/// each namespace instead of one for the machine, and no file; an ordinary user could
/// not open `/run/xtables.lock`), and what `environment` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The program's path; nothing is looked up in `PATH`.
    pub program: PathBuf,
    /// Its arguments, without the program's name.
    pub arguments: Vec<OsString>,
    /// What it reads.
    pub stdin: Vec<u8>,
    /// Further environment variables; the last of one name wins.
    pub environment: Vec<(OsString, OsString)>,
    /// When it is killed.
    pub deadline: Duration,
    /// Whether it is confined without the calls that Linux 5.10 has not, for tests.
    #[doc(hidden)]
    pub as_on_5_10: bool,
}

impl ToolCall {
    /// A call without arguments and input, which may take ten seconds.
    pub fn new(program: impl Into<PathBuf>) -> ToolCall {
        ToolCall {
            program: program.into(),
            arguments: Vec::new(),
            stdin: Vec::new(),
            environment: Vec::new(),
            deadline: Duration::from_secs(10),
            as_on_5_10: false,
        }
    }

    /// The same call with these arguments behind those that it has.
    #[must_use]
    pub fn arguments(
        mut self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> ToolCall {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The same call with this input.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> ToolCall {
        self.stdin = input.into();
        self
    }

    /// The program and its arguments.
    fn argv(&self) -> Vec<OsString> {
        std::iter::once(self.program.clone().into_os_string())
            .chain(self.arguments.iter().cloned())
            .collect()
    }

    fn start(&self, input: Input) -> Result<Running, ToolErrorCause> {
        let needs = script::needs(&self.program);
        let sees = std::iter::once(self.program.as_path())
            .chain(CONFIGURATION.map(Path::new))
            .chain(needs.iter().map(PathBuf::as_path));
        let sees = sees.map(c_path).collect::<io::Result<_>>();
        let around = Surroundings {
            root: Root::Own(sees.map_err(ToolErrorCause::Io)?),
            files: None,
            directory: c"/".into(),
            input,
            capabilities: Capabilities::LOADER,
            by_ordinary_user: false,
            is_program: false,
            as_on_5_10: self.as_on_5_10,
        };
        let mut environment: Vec<(OsString, OsString)> = vec![
            ("LC_ALL".into(), "C".into()),
            ("XTABLES_LOCKFILE".into(), "/proc/self/ns/net".into()),
        ];
        for (name, value) in &self.environment {
            environment.retain(|(known, _)| known != name);
            environment.push((name.clone(), value.clone()));
        }
        let command = Command {
            program: &self.program,
            arguments: &self.arguments,
            environment: &environment,
        };
        start(&command, around).map_err(|NotStarted { step, source }| match step {
            None if source.kind() == io::ErrorKind::NotFound => ToolErrorCause::NotFound,
            None => ToolErrorCause::Io(source),
            Some(step) => ToolErrorCause::Confinement {
                step: step.describe(),
                source,
            },
        })
    }

    /// Runs it in the namespace of the calling thread.
    pub(crate) async fn run(self) -> Result<ToolOutput, ToolError> {
        let argv = self.argv();
        let result = self.attempt().await;
        result.map_err(|cause| ToolError { argv, cause })
    }

    async fn attempt(self) -> Result<ToolOutput, ToolErrorCause> {
        let (stdin, input) = match self.stdin.is_empty() {
            true => (None, Input::Nothing),
            false => {
                let (read, written) = io::pipe().map_err(ToolErrorCause::Io)?;
                (Some(written), Input::Pipe(read))
            }
        };
        let Running {
            mut process,
            stdout,
            stderr,
        } = self.start(input)?;
        let (out, err) = (Capture::new(OUTPUT_LIMIT), Capture::new(OUTPUT_LIMIT));
        let feed = async {
            let Some(stdin) = stdin else { return Ok(()) };
            let mut pipe = pipe::Sender::from_owned_fd(stdin.into())?;
            match pipe.write_all(&self.stdin).await {
                // It read what it wanted: its exit status tells the rest.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                result => result,
            }
        };
        let whole = async {
            let ((), dropped_out, dropped_err, status) =
                tokio::try_join!(feed, out.fill(stdout), err.fill(stderr), process.wait())?;
            Ok::<_, io::Error>((status, dropped_out + dropped_err))
        };
        let (status, dropped) = tokio::time::timeout(self.deadline, whole)
            .await
            .map_err(|_| ToolErrorCause::Deadline(self.deadline))?
            .map_err(ToolErrorCause::Io)?;
        if dropped > 0 {
            return Err(ToolErrorCause::TooMuchOutput);
        }
        if status.code().is_none() {
            return Err(ToolErrorCause::Died(status));
        }
        Ok(ToolOutput {
            status,
            stdout: out.take(),
            stderr: err.take(),
        })
    }
}

/// What a tool left that ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolOutput {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// A tool did not run to its end.
#[derive(Debug, thiserror::Error)]
#[error("{}", Argv(argv))]
pub struct ToolError {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// What went wrong.
    #[source]
    pub cause: ToolErrorCause,
}

/// What kept a tool from running to its end.
#[derive(Debug, thiserror::Error)]
pub enum ToolErrorCause {
    /// There is no such program.
    #[error("no such program")]
    NotFound,
    /// It was killed at its deadline.
    #[error("did not end within {0:?}")]
    Deadline(Duration),
    /// It was ended by a signal: somebody killed it, or it crashed.
    #[error("died: {0}")]
    Died(ExitStatus),
    /// It wrote more than 64 MiB to a stream.
    #[error("wrote more than 64 MiB")]
    TooMuchOutput,
    /// It could not be confined.
    #[error("could not {step}")]
    Confinement {
        /// What failed before the tool itself.
        step: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// It could not be started, fed or read.
    #[error("could not be run")]
    Io(#[source] io::Error),
    /// The node has ended.
    #[error(transparent)]
    Gone(NodeGone),
}

impl From<NodeGone> for ToolError {
    fn from(gone: NodeGone) -> ToolError {
        ToolError {
            argv: Vec::new(),
            cause: ToolErrorCause::Gone(gone),
        }
    }
}

/// An argument vector as one line.
struct Argv<'a>(&'a [OsString]);

impl fmt::Display for Argv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("tool");
        }
        for (at, word) in self.0.iter().enumerate() {
            let blank = if at == 0 { "" } else { " " };
            write!(f, "{blank}{}", word.display())?;
        }
        Ok(())
    }
}
