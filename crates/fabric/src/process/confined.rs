//! How a program or a tool is started: what they have in common.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use super::child::Process;
use crate::sys::{self, Capabilities, Confinement, Executable, Kind, NotStarted, Root};

/// What is run.
pub(super) struct Command<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: &'a [OsString],
    pub(super) environment: &'a [(OsString, OsString)],
}

/// What it finds.
pub(super) struct Surroundings {
    pub(super) root: Root,
    pub(super) files: Option<(Arc<OwnedFd>, CString)>,
    pub(super) directory: CString,
    /// Its standard input.
    pub(super) input: Input,
    pub(super) capabilities: Capabilities,
    pub(super) by_ordinary_user: bool,
    pub(super) is_program: bool,
    pub(super) as_on_5_10: bool,
}

/// A process's standard input.
pub(super) enum Input {
    /// `/dev/null`.
    Nothing,
    /// This pipe.
    Pipe(PipeReader),
    /// The pipe of its output.
    Output,
}

/// A process that was started, with its streams.
pub(super) struct Running {
    pub(super) process: Process,
    pub(super) stdout: PipeReader,
    pub(super) stderr: PipeReader,
}

/// Starts it in the network namespace of the calling thread.
pub(super) fn start(command: &Command<'_>, around: Surroundings) -> Result<Running, NotStarted> {
    let failed = |source| NotStarted { step: None, source };
    let (stdout, written) = io::pipe().map_err(failed)?;
    let (stderr, complained) = io::pipe().map_err(failed)?;
    let input = match around.input {
        Input::Nothing => File::open("/dev/null").map_err(failed)?.into(),
        Input::Pipe(pipe) => pipe.into(),
        Input::Output => written.try_clone().map_err(failed)?.into(),
    };
    let (told, kind) = match around.is_program {
        true => {
            let (told, tell) = io::pipe().map_err(failed)?;
            (Some(told), Kind::Program(tell.into()))
        }
        false => (None, Kind::Tool),
    };
    let network = File::open("/proc/thread-self/ns/net").map_err(failed)?;
    let confinement = Confinement {
        network: Arc::new(network.into()),
        root: around.root,
        files: around.files,
        directory: around.directory,
        standard: [input, written.into(), complained.into()],
        kind,
        capabilities: around.capabilities,
        by_ordinary_user: around.by_ordinary_user,
        as_on_5_10: around.as_on_5_10,
    };
    let executable = command.executable().map_err(failed)?;
    let process = sys::spawn(&executable, &confinement)?;
    // With it go the last ends of its output that the process does not have.
    drop(confinement);
    Ok(Running {
        process: Process::of(process, told).map_err(failed)?,
        stdout,
        stderr,
    })
}

impl Command<'_> {
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
}

pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    c_string(path.as_os_str())
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    CString::new(text.as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}
