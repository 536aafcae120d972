use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use tokio::net::unix::pipe;

use super::child::Process;
use crate::sys;

/// A trusted tool that works with files, mounts and daemons as root, and leaves nothing.
///
/// It finds the machine's network and files, and its working directory is an empty file system in
/// memory. It is the first process of a PID namespace, in a mount namespace of its own: when it ends,
/// or this is dropped, or this process ends, also by `kill -9`, the kernel ends all that it started,
/// and takes its mounts and files away.
///
/// For what is not trusted there is [`ProgramSpec`](crate::ProgramSpec).
#[derive(Debug)]
pub struct EnclosedTool {
    // Dropped in this order: the tool ends first, then what holds its namespaces.
    process: Process,
    output: Option<[pipe::Receiver; 2]>,
    _namespaces: Namespaces,
}

/// An enclosed tool was not started.
#[derive(Debug, thiserror::Error)]
#[error("`{}` did not start: could not {step}", program.display())]
pub struct EnclosedError {
    /// The tool.
    pub program: PathBuf,
    /// What failed.
    pub step: &'static str,
    /// What the kernel says.
    pub source: io::Error,
}

/// The thread that the tool is a child of. It keeps its mount namespace, and the tool ends when it
/// does.
#[derive(Debug)]
struct Namespaces {
    /// Dropped to end the thread: nothing is ever sent.
    over: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            // Its panic has been reported by the hook.
            let _ = thread.join();
        }
    }
}

type Step = (&'static str, io::Error);

impl EnclosedTool {
    /// Starts one with this process's environment, no input, and room for so many bytes. Its end and
    /// its output are awaited in the runtime that this is called in.
    ///
    /// # Errors
    /// When it cannot be run, or the kernel gives no namespaces.
    pub fn start(
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        room: u64,
    ) -> Result<EnclosedTool, EnclosedError> {
        let failed = |(step, source)| EnclosedError {
            program: program.to_owned(),
            step,
            source,
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (over, wait) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("fwlab-enclosed".into())
            .spawn(move || {
                let _ = tell.send(first(&mut command, room));
                // Wakes when the sender is dropped.
                let _ = wait.recv();
            });
        let thread = thread.map_err(|source| failed(("start a thread", source)))?;
        let namespaces = Namespaces {
            over: Some(over),
            thread: Some(thread),
        };
        let mut child = told.recv().expect("the thread tells").map_err(failed)?;
        let process =
            Process::of(child.id(), None).map_err(|source| failed(("watch it", source)))?;
        let stdout = child.stdout.take().expect("stdout is a pipe").into();
        let stderr = child.stderr.take().expect("stderr is a pipe").into();
        let read = |pipe| {
            let read = pipe::Receiver::from_owned_fd(pipe);
            read.map_err(|source| failed(("read what it writes", source)))
        };
        Ok(EnclosedTool {
            process,
            output: Some([read(stdout)?, read(stderr)?]),
            _namespaces: namespaces,
        })
    }

    /// What it writes to standard output, and to standard error: to be read, as it waits when nobody
    /// does. There once.
    pub fn output(&mut self) -> Option<[pipe::Receiver; 2]> {
        self.output.take()
    }

    /// Waits until it has ended, and all that it started with it. Can be called again.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.process.wait().await
    }
}

/// Enters namespaces with the calling thread, and starts the command in them.
fn first(command: &mut Command, room: u64) -> Result<Child, Step> {
    let at = |step| move |source: nix::Error| (step, source.into());
    let nowhere = || {
        let source = io::ErrorKind::NotFound.into();
        ("find a directory to mount its files on", source)
    };
    let point = mount_point().ok_or_else(nowhere)?;
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID)
        .map_err(at("make a PID and a mount namespace"))?;
    let none = None::<&str>;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(none, "/", none, private, none).map_err(at("make the mounts private"))?;
    let options = format!("mode=0755,size={room}");
    let kind = Some("tmpfs");
    mount(kind, point, kind, MsFlags::empty(), Some(&*options)).map_err(at("mount its files"))?;
    command.current_dir(point);
    let run = |source| ("run it", source);
    sys::ends_with_its_thread(command).map_err(run)?;
    command.spawn().map_err(run)
}

/// Directories that stand on nearly every machine, and hold nothing that such a tool is made of.
const MOUNT_POINTS: [&str; 4] = ["/srv", "/mnt", "/media", "/tmp"];

/// The first of them that is a directory, and not on the way to this program.
fn mount_point() -> Option<&'static Path> {
    let program = std::env::current_exe().ok();
    MOUNT_POINTS.map(Path::new).into_iter().find(|point| {
        let hides = program.as_ref().is_some_and(|path| path.starts_with(point));
        point.symlink_metadata().is_ok_and(|found| found.is_dir()) && !hides
    })
}
