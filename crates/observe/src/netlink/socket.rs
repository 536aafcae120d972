use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use fwlab_fabric::WatchedFd;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    socket,
};

use super::{Builder, Message, Messages};

/// A NETLINK_NETFILTER socket in the network namespace of the thread that opened it. Never blocks.
#[derive(Debug)]
pub(crate) struct NetfilterSocket<F = OwnedFd>(F);

impl NetfilterSocket {
    pub(crate) fn open() -> Result<Self, Errno> {
        socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkNetFilter,
        )
        .map(Self)
    }

    /// Hands the socket to the runtime that this is called in.
    pub(crate) fn watched(self) -> io::Result<NetfilterSocket<WatchedFd>> {
        WatchedFd::new(self.0).map(NetfilterSocket)
    }
}

impl NetfilterSocket<WatchedFd> {
    pub(crate) fn fd(&self) -> &WatchedFd {
        &self.0
    }
}

impl<F: AsFd> NetfilterSocket<F> {
    /// Subscribes to multicast groups, bit 0 for group 1.
    pub(crate) fn join(&self, groups: u32) -> Result<(), Errno> {
        bind(self.raw(), &NetlinkAddr::new(0, groups))
    }

    pub(crate) fn send(&self, messages: &Builder) -> Result<(), Errno> {
        send(self.raw(), messages.as_bytes(), MsgFlags::empty()).map(drop)
    }

    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        recv(self.raw(), buffer, MsgFlags::empty())
    }

    fn raw(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }

    /// Sends requests that ask for no acknowledgement. The kernel works them
    /// off within `send`, and what it objects to is in the queue when `send` returns.
    pub(crate) fn request(&self, messages: &Builder, buffer: &mut [u8]) -> Result<(), Errno> {
        self.send(messages)?;
        let mut outcome = Ok(());
        loop {
            let length = match self.receive(buffer) {
                Ok(length) => length,
                Err(Errno::EAGAIN) => return outcome,
                Err(Errno::EINTR) => continue,
                Err(errno) => return outcome.and(Err(errno)),
            };
            for message in Messages::new(&buffer[..length]) {
                if let Message::Answer(code @ ..0) = message {
                    outcome = outcome.and(Err(Errno::from_raw(-code)));
                }
            }
        }
    }
}

impl<F: AsFd> AsFd for NetfilterSocket<F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
