use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::sync::Arc;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::WatchedFd;
use crate::sys::{self, Spawner, Started};

/// A child process whose end is awaited through a descriptor of its own, without
/// signals and without polling. Dropping it ends it and reaps it, so that nothing of
/// it is left when its node's thread has ended.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    descriptor: WatchedFd,
    /// What ends a confined program, by being closed; a tool is killed.
    lifeline: Option<OwnedFd>,
    /// What a confined program was started from. It goes when the program has ended.
    spawner: Option<Arc<Spawner>>,
    /// It was told to end. A second telling would kill a program's holder, which is
    /// about to reap what it holds.
    ending: bool,
    status: Option<ExitStatus>,
}

impl Process {
    /// Takes charge of a tool that was just started, and that nobody else waits for.
    pub(super) fn of_tool(pid: u32) -> io::Result<Process> {
        Process::of_child(pid, None, None)
    }

    /// Takes charge of a confined program that was just started.
    pub(super) fn of_program(started: Started, lifeline: OwnedFd) -> io::Result<Process> {
        Process::of_child(started.holder, Some(lifeline), Some(started.spawner))
    }

    fn of_child(
        pid: u32,
        lifeline: Option<OwnedFd>,
        spawner: Option<Arc<Spawner>>,
    ) -> io::Result<Process> {
        let descriptor = sys::process_descriptor(pid).and_then(WatchedFd::new);
        match descriptor {
            Ok(descriptor) => Ok(Process {
                pid,
                descriptor,
                lifeline,
                spawner,
                ending: false,
                status: None,
            }),
            Err(error) => {
                drop(lifeline);
                killed(pid)?;
                sys::wait_for(pid)?;
                Err(error)
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let _ = self.descriptor.readable().await?;
        let status = sys::wait_for(self.pid)?;
        self.status = Some(status);
        drop(self.spawner.take());
        Ok(status)
    }

    /// Makes it end; a confined program with everything that it started.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.ending, true) {
            return Ok(());
        }
        match self.lifeline.take() {
            Some(lifeline) => drop(lifeline),
            None => killed(self.pid)?,
        }
        Ok(())
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

/// Kills a child that has not been waited for: its id is not given again.
fn killed(pid: u32) -> io::Result<()> {
    Ok(kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL)?)
}
