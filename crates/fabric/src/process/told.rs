use std::io::{PipeReader, Read};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::sys;

/// What the init of a program tells of the program's processes: how the program ended, and before that whether another
/// of its processes was ended by force.
#[derive(Debug)]
pub(super) struct Told(Mutex<State>);

#[derive(Debug)]
struct State {
    pipe: PipeReader,
    program: Option<ExitStatus>,
    another: Option<ExitStatus>,
}

impl Told {
    pub(super) fn new(pipe: PipeReader) -> Told {
        Told(Mutex::new(State {
            pipe,
            program: None,
            another: None,
        }))
    }

    /// How the program ended, as far as init has told.
    pub(super) fn of_program(&self) -> Option<ExitStatus> {
        self.read(|state| state.program)
    }

    /// How the first other process ended that was ended by force.
    pub(super) fn of_another(&self) -> Option<ExitStatus> {
        self.read(|state| state.another)
    }

    fn read<T>(&self, take: impl FnOnce(&State) -> T) -> T {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((of, status)) = next(&mut state.pipe) {
            let status = Some(ExitStatus::from_raw(status));
            match of {
                sys::OF_PROGRAM => state.program = status,
                sys::OF_ANOTHER => state.another = state.another.or(status),
                _ => {}
            }
        }
        take(&state)
    }
}

/// The next that was written; nothing where there is nothing more, or nobody left to write.
fn next(pipe: &mut PipeReader) -> Option<(i32, i32)> {
    let mut polled = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    let ready = poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0);
    let (mut of, mut status) = ([0; 4], [0; 4]);
    // Both were written at one time.
    let read = ready && pipe.read_exact(&mut of).is_ok() && pipe.read_exact(&mut status).is_ok();
    read.then(|| (i32::from_ne_bytes(of), i32::from_ne_bytes(status)))
}
