use std::io::{self, PipeReader};
use std::process::ExitStatus;
use std::sync::Arc;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::WatchedFd;
use crate::sys;

use super::told::Told;

/// A confined process, a child of this one, whose end is awaited through a descriptor of its
/// own, without signals and without polling. Dropping it ends it and reaps it, so that nothing
/// of it is left when its node's thread has ended.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    descriptor: WatchedFd,
    /// What init tells, where it is that of a program.
    told: Option<Arc<Told>>,
    /// Its status, or its program's, once it has ended.
    status: Option<ExitStatus>,
}

impl Process {
    /// Takes charge of a process that was just started, and that nobody else waits for. `told`:
    /// it is the init of a program.
    pub(super) fn of(pid: u32, told: Option<PipeReader>) -> io::Result<Process> {
        let told = told.map(|pipe| Arc::new(Told::new(pipe)));
        let descriptor = sys::process_descriptor(pid).and_then(WatchedFd::new);
        match descriptor {
            Ok(descriptor) => Ok(Process {
                pid,
                descriptor,
                told,
                status: None,
            }),
            Err(error) => {
                killed(pid)?;
                sys::wait_for(pid)?;
                Err(error)
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// What its init tells, where it has one.
    pub(super) fn told(&self) -> Option<Arc<Told>> {
        self.told.clone()
    }

    /// Waits for its end.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let _ = self.descriptor.readable().await?;
        self.reap()
    }

    fn reap(&mut self) -> io::Result<ExitStatus> {
        let own = sys::wait_for(self.pid)?;
        // Without a word of init's it did not see its program's end: it was ended itself.
        let of_program = self.told.take().and_then(|told| told.of_program());
        let status = of_program.unwrap_or(own);
        self.status = Some(status);
        Ok(status)
    }

    /// Makes it end, with everything that it started.
    pub(super) fn end(&mut self) -> io::Result<()> {
        match self.status {
            Some(_) => Ok(()),
            None => killed(self.pid),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.status.is_some() {
            return;
        }
        // It is on its way out after this: the wait is for the kernel only. There is
        // nobody to report to, and nothing to do about a child that is gone already.
        let _ = self.end();
        let _ = sys::wait_for(self.pid);
    }
}

/// Kills a child that has not been waited for: its id is not given again. In a PID namespace
/// of which it is the first process, the kernel ends all others with it.
fn killed(pid: u32) -> io::Result<()> {
    Ok(kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL)?)
}
