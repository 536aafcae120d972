//! The lab's side of the spawner: it is started with the first process that is asked for, and
//! ends when no node is left, or with the lab.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use super::init::hung_up;
use super::step::{NotStarted, Report, SetupStep};
use super::{Confinement, Executable, request};
use crate::sys::calls::{be_told_of_children, wait_for};

/// What tells a process that it is one, and whose: the lab's process id.
const VARIABLE: &CStr = c"FWLAB_SPAWNER";

/// Those of this process, the one that is asked last. There are others where somebody has
/// killed one: what it had started lives on.
static ALL: Mutex<Vec<Spawner>> = Mutex::new(Vec::new());

/// A process that others are forked from.
struct Spawner {
    /// Where it is asked. It ends when nobody holds this any more.
    socket: Arc<OwnedFd>,
    /// What its thread waits for: it ends when this is dropped.
    stop: mpsc::Sender<()>,
    /// The thread whose child it is. The kernel kills the spawner, and all that it started, when
    /// their parent's thread ends: this one lives as long as they may.
    thread: JoinHandle<()>,
}

impl Spawner {
    /// Where the one that lives is asked, or a new one: somebody may have killed it.
    fn current() -> io::Result<Arc<OwnedFd>> {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = all.last().filter(|last| !hung_up(last.socket.as_raw_fd())) {
            return Ok(Arc::clone(&last.socket));
        }
        let spawner = Spawner::start()?;
        let socket = Arc::clone(&spawner.socket);
        all.push(spawner);
        Ok(socket)
    }

    fn start() -> io::Result<Spawner> {
        be_told_of_children();
        let flags = SockFlag::SOCK_CLOEXEC;
        let (socket, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
        let (tell, told) = mpsc::channel();
        let (stop, over) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("fwlab-spawner".into())
            .spawn(move || match run(theirs) {
                Ok(mut child) => {
                    let _ = tell.send(Ok(()));
                    // Nothing is ever sent: this wakes when the sender is dropped.
                    let _ = over.recv();
                    // It ends now, if it has not; how is nobody's concern.
                    let _ = child.wait();
                }
                Err(error) => drop(tell.send(Err(error))),
            })?;
        told.recv().expect("the thread tells")?;
        Ok(Spawner {
            socket: Arc::new(socket),
            stop,
            thread,
        })
    }
}

/// Ends all of them, and waits until they have ended. For when nothing that they started is left.
pub(crate) fn end_spawners() {
    let all = std::mem::take(&mut *ALL.lock().unwrap_or_else(PoisonError::into_inner));
    for Spawner {
        socket,
        stop,
        thread,
    } in all
    {
        drop((socket, stop));
        // Its panic has been reported by the hook.
        let _ = thread.join();
    }
}

/// Runs this process's program file once more, with that as its input.
fn run(socket: OwnedFd) -> io::Result<Child> {
    // The thread was made by a node's: it would keep that node's namespace. An ordinary user
    // cannot go back to the machine's, and gets one of its own.
    let machine = File::open("/proc/self/ns/net")?;
    setns(machine, CloneFlags::CLONE_NEWNET).or_else(|_| unshare(CloneFlags::CLONE_NEWNET))?;
    let variable = VARIABLE.to_str().expect("it is ASCII");
    Command::new("/proc/self/exe")
        .env(variable, std::process::id().to_string())
        .stdin(socket)
        .stdout(Stdio::null())
        .spawn()
}

/// The lab whose spawner this process is, if it is one. It allocates nothing: most processes
/// that ask are none, and have not come to `main`.
pub(in crate::sys) fn lab() -> Option<u32> {
    // SAFETY: the name is a C string; nothing changes the environment before `main`,
    // so the value stays valid while it is read.
    let value = unsafe {
        let value = libc::getenv(VARIABLE.as_ptr());
        if value.is_null() {
            return None;
        }
        CStr::from_ptr(value)
    };
    value.to_str().ok()?.parse().ok()
}

/// Starts a process confined, and returns its id: it is a child of this process.
pub(crate) fn spawn(executable: &Executable, confinement: &Confinement) -> Result<u32, NotStarted> {
    let failed = |source| NotStarted {
        step: Some(SetupStep::Spawner),
        source,
    };
    let (mut told, report) = io::pipe().map_err(failed)?;
    let report = OwnedFd::from(report);
    let spawner = Spawner::current().map_err(failed)?;
    request::send(&spawner, executable, confinement, &report).map_err(failed)?;
    drop((report, spawner));
    let mut reported = Vec::with_capacity(2 * Report::SIZE);
    told.read_to_end(&mut reported).map_err(failed)?;
    let (reports, _) = reported.as_chunks();
    let reports: Vec<Report> = reports.iter().copied().map(Report::read).collect();
    let process = reports.iter().find_map(|report| match report {
        Report::Forked(process) => Some(*process),
        Report::Failed(..) => None,
    });
    let failure = reports.iter().find_map(|report| match report {
        Report::Failed(step, errno) => Some(NotStarted::at(*step, *errno)),
        Report::Forked(_) => None,
    });
    match (process, failure) {
        (Some(process), None) => Ok(process),
        (process, failure) => {
            if let Some(process) = process {
                wait_for(process).map_err(failed)?;
            }
            Err(failure.unwrap_or_else(|| failed(io::Error::other("it has ended"))))
        }
    }
}
