//! The lab's side of the spawner: it is started with the first program, and ended with the
//! last that it started.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use super::lives::hung_up;
use super::step::{NotStarted, Report, SetupStep};
use super::{Confinement, Executable, request};
use crate::sys::calls::wait_for;

/// What tells a process that it is one, and whose: the lab's process id.
const VARIABLE: &CStr = c"FWLAB_SPAWNER";

/// The one of this process, as long as it lives.
static CURRENT: Mutex<Weak<Spawner>> = Mutex::new(Weak::new());

/// A process that programs are forked from. Dropping this ends it.
#[derive(Debug)]
pub(crate) struct Spawner {
    /// Where it is asked, and what its thread waits for. Both end when these are dropped.
    open: Option<(OwnedFd, mpsc::Sender<()>)>,
    /// The thread whose child it is. The kernel kills the spawner, and the holders of what
    /// it started, when their parent's thread ends: this one lives as long as they may.
    thread: Option<JoinHandle<()>>,
}

impl Spawner {
    /// The one that lives, or a new one: somebody may have killed it.
    fn current() -> io::Result<Arc<Spawner>> {
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        let living = |spawner: &Arc<Spawner>| !hung_up(spawner.socket().as_raw_fd());
        if let Some(spawner) = current.upgrade().filter(living) {
            return Ok(spawner);
        }
        let spawner = Arc::new(Spawner::start()?);
        *current = Arc::downgrade(&spawner);
        Ok(spawner)
    }

    fn start() -> io::Result<Spawner> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let (socket, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
        let (tell, told) = mpsc::channel();
        let (stop, over) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("fwlab-spawner".into())
            .spawn(move || {
                match run(theirs) {
                    Ok(mut child) => {
                        let _ = tell.send(Ok(()));
                        // Nothing is ever sent: this wakes when the sender is dropped. Should the
                        // spawner have died before, what it started lives on.
                        let _ = over.recv();
                        // It ends now, if it has not; how is nobody's concern.
                        let _ = child.wait();
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            })?;
        told.recv().expect("the thread tells")?;
        Ok(Spawner {
            open: Some((socket, stop)),
            thread: Some(thread),
        })
    }

    fn socket(&self) -> &OwnedFd {
        let (socket, _) = self.open.as_ref().expect("it is there until the drop");
        socket
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        drop(self.open.take());
        if let Some(thread) = self.thread.take() {
            // Its panic has been reported by the hook.
            let _ = thread.join();
        }
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

/// A program that was started.
pub(crate) struct Started {
    /// The process id of its holder, a child of this process.
    pub(crate) holder: u32,
    /// What must live as long as the holder does.
    pub(crate) spawner: Arc<Spawner>,
}

/// Starts a program confined.
pub(crate) fn spawn(
    executable: &Executable,
    confinement: &Confinement,
) -> Result<Started, NotStarted> {
    let failed = |source| NotStarted {
        step: Some(SetupStep::Spawner),
        source,
    };
    let (mut told, report) = io::pipe().map_err(failed)?;
    let report = OwnedFd::from(report);
    let spawner = Spawner::current().map_err(failed)?;
    request::send(spawner.socket(), executable, confinement, &report).map_err(failed)?;
    drop(report);
    let mut reported = Vec::with_capacity(2 * Report::SIZE);
    told.read_to_end(&mut reported).map_err(failed)?;
    let (reports, _) = reported.as_chunks();
    let mut reports = reports.iter().copied().map(Report::read);
    let holder = match reports.next() {
        Some(Report::Holder(holder)) => holder,
        Some(Report::Failed(step, errno)) => return Err(NotStarted::at(step, errno)),
        None => return Err(failed(io::Error::other("it has ended"))),
    };
    if let Some(Report::Failed(step, errno)) = reports.next() {
        wait_for(holder).map_err(failed)?;
        return Err(NotStarted::at(step, errno));
    }
    Ok(Started { holder, spawner })
}
