//! The signals that ask the command to stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::signal::unix::{Signal, SignalKind, signal};

use fwlab_record::Exit;

/// An interruption that the command looks for. The first signal is waited for here, and lets it end
/// in order; the second, of either kind, ends the process at once, whatever that waits for. The
/// kernel ends what it started then, and what it has in Docker is removed by the next.
pub(super) struct Interruption(Option<[(&'static str, Signal); 2]>);

impl Interruption {
    /// Looks for signals from now on, in the runtime that this is called in.
    pub(super) fn listen() -> Interruption {
        // Without handlers the signals end the process, and the kernel clears up.
        Interruption(handlers().ok())
    }

    /// Waits for the first signal, and returns its name.
    pub(super) async fn wait(&mut self) -> &'static str {
        let Some([(interrupt, first), (terminate, second)]) = &mut self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = first.recv() => interrupt,
            _ = second.recv() => terminate,
        }
    }
}

fn handlers() -> io::Result<[(&'static str, Signal); 2]> {
    let before = Arc::new(AtomicBool::new(false));
    for number in [SIGINT, SIGTERM] {
        // In this order: the first signal finds that there was none, and leaves word.
        flag::register_conditional_shutdown(number, Exit::Lab as i32, Arc::clone(&before))?;
        flag::register(number, Arc::clone(&before))?;
    }
    Ok([
        ("SIGINT", signal(SignalKind::interrupt())?),
        ("SIGTERM", signal(SignalKind::terminate())?),
    ])
}
