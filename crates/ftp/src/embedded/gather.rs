//! A server that acts on a command as soon as it comes is kept from it until each of its sessions has
//! been sent one.

use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use fwlab_fabric::readable_from;
use socket2::{SockRef, Socket};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// The longest that commands lie unread. A client's patience runs meanwhile, and a session whose
/// command a rule stops is sent none.
const LONGEST: Duration = Duration::from_secs(2);

/// How often is looked: the kernel has no word for this.
const EVERY: Duration = Duration::from_millis(1);

/// More than any command is long.
const NEVER: u16 = 4096;

/// The control connections of a server's sessions, as long as each lasts.
#[derive(Debug, Clone, Default)]
pub(crate) struct ControlSockets(Arc<Mutex<Vec<Weak<Socket>>>>);

impl ControlSockets {
    /// A second descriptor of a session's socket, to be dropped with the session.
    pub(super) fn keep(&self, stream: &TcpStream) -> std::io::Result<Arc<Socket>> {
        let socket = Arc::new(SockRef::from(stream).try_clone()?);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|socket| socket.strong_count() > 0);
        all.push(Arc::downgrade(&socket));
        Ok(socket)
    }

    /// Keeps the server from reading from now on. What is returned ends that, when every session has
    /// been sent something, or has ended, or it is too late.
    pub(super) fn gather(&self) -> impl Future<Output = ()> + Send + 'static {
        let sockets = {
            let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.clone()
        };
        read_from(&sockets, NEVER);
        async move {
            let deadline = Instant::now() + LONGEST;
            while Instant::now() < deadline && !sockets.iter().all(is_sent_something) {
                tokio::time::sleep(EVERY).await;
            }
            read_from(&sockets, 1);
        }
    }
}

fn read_from(sockets: &[Weak<Socket>], bytes: u16) {
    for socket in sockets.iter().filter_map(Weak::upgrade) {
        // It is a socket. One that is not held is a server that is not kept from reading.
        let _ = readable_from(socket.as_fd(), bytes);
    }
}

/// Whether a session was sent what lies unread, or its end, or is over.
fn is_sent_something(socket: &Weak<Socket>) -> bool {
    let peeked = socket
        .upgrade()
        .map(|socket| socket.peek(&mut [MaybeUninit::uninit()]));
    !matches!(peeked, Some(Err(error)) if error.kind() == ErrorKind::WouldBlock)
}
