use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};

use crate::WatchedFd;
use crate::sys;

/// A child process whose end is awaited through a descriptor of its own, without
/// signals and without polling. Dropping it ends it and reaps it, so that nothing of
/// it is left when its node's thread has ended.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    descriptor: WatchedFd,
    /// What ends a confined program, by being closed; a tool is killed.
    lifeline: Option<OwnedFd>,
    /// It was told to end. A second telling would kill a program's holder, which is
    /// about to reap what it holds.
    ending: bool,
    status: Option<ExitStatus>,
}

impl Process {
    pub(super) fn start(command: &mut Command, lifeline: Option<OwnedFd>) -> io::Result<Process> {
        let mut child = command.spawn()?;
        let descriptor = sys::process_descriptor(child.id()).and_then(WatchedFd::new);
        match descriptor {
            Ok(descriptor) => Ok(Process {
                child,
                descriptor,
                lifeline,
                ending: false,
                status: None,
            }),
            Err(error) => {
                drop(lifeline);
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for its end.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let _ = self.descriptor.readable().await?;
        let status = self.child.wait()?;
        self.status = Some(status);
        Ok(status)
    }

    /// Makes it end; a confined program with everything that it started.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.ending, true) {
            return Ok(());
        }
        match self.lifeline.take() {
            Some(lifeline) => drop(lifeline),
            None => self.child.kill()?,
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
        let _ = self.child.wait();
    }
}
