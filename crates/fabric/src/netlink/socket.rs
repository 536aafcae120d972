use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    socket,
};

use super::attributes::{Attributes, text, u32_at};
use super::batch::{Batch, HEADER};
use super::flags;
use super::messages::{Messages, Received};
use crate::sys::WatchedFd;

/// Large enough for the largest part of a dump that the kernel makes (32 KiB).
const RECEIVE: usize = 64 * 1024;

/// The kernel refused a request.
#[derive(Debug, thiserror::Error)]
#[error("the kernel did not {purpose}{}", reason.as_ref().map(|r| format!(" ({r})")).unwrap_or_default())]
pub struct NetlinkError {
    /// What the request was to do: "add 192.0.2.1/24 to eth0".
    pub purpose: String,
    /// The kernel's own words, where it has any (extended acknowledgement).
    pub reason: Option<String>,
    /// The error number.
    pub source: io::Error,
}

/// Which part of the kernel a socket speaks to.
#[derive(Debug, Clone, Copy)]
pub enum Protocol {
    /// Links, addresses and routes.
    Route,
    /// Sockets.
    SockDiag,
    /// Everything of netfilter.
    Netfilter,
}

/// A netlink socket. It belongs to the namespace of the thread that opened it, and
/// acts there whichever thread uses it. It never blocks.
#[derive(Debug)]
pub struct NetlinkSocket<F = OwnedFd>(F);

impl NetlinkSocket {
    /// Opens one in the namespace of the calling thread.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn open(protocol: Protocol) -> io::Result<NetlinkSocket> {
        let protocol = match protocol {
            Protocol::Route => SockProtocol::NetlinkRoute,
            Protocol::SockDiag => SockProtocol::NetlinkSockDiag,
            Protocol::Netfilter => SockProtocol::NetlinkNetFilter,
        };
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            protocol,
        )?;
        crate::sys::extended_acknowledgements(&fd)?;
        Ok(NetlinkSocket(fd))
    }

    /// Hands the socket to the runtime that this is called in.
    ///
    /// # Errors
    /// When that cannot wait for it.
    pub fn watched(self) -> io::Result<NetlinkSocket<WatchedFd>> {
        WatchedFd::new(self.0).map(NetlinkSocket)
    }
}

impl NetlinkSocket<WatchedFd> {
    /// What can be waited for.
    pub fn fd(&self) -> &WatchedFd {
        &self.0
    }
}

impl<F: AsFd> NetlinkSocket<F> {
    /// Subscribes to multicast groups, bit 0 for group 1.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn join(&self, groups: u32) -> io::Result<()> {
        Ok(bind(self.raw(), &NetlinkAddr::new(0, groups))?)
    }

    /// Takes the next datagram, where there is one.
    ///
    /// # Errors
    /// When there is none (`EAGAIN`), or some were lost (`ENOBUFS`).
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.raw(), buffer, MsgFlags::MSG_DONTWAIT)?)
    }

    fn raw(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }

    /// Sends a batch and reads replies up to the acknowledgement of its last request,
    /// or to the end of the dump that it asks for. The first refusal is the error;
    /// the kernel has then worked through the requests behind it all the same.
    ///
    /// # Errors
    /// When the kernel refused a request, or what it listed changed meanwhile (`EINTR`).
    pub fn exchange(
        &self,
        mut batch: Batch,
        mut reply: impl FnMut(&Received<'_>),
    ) -> Result<(), NetlinkError> {
        if batch.is_empty() {
            return Ok(());
        }
        let last = batch.last_sequence();
        let failed = |batch: &Batch, sequence, reason, source: io::Error| NetlinkError {
            purpose: batch.purpose(sequence).to_owned(),
            reason,
            source,
        };
        let sent = send(self.raw(), batch.finish(), MsgFlags::empty());
        sent.map_err(|errno| failed(&batch, last, None, errno.into()))?;
        let mut buffer = vec![0; RECEIVE];
        let mut refusal = None;
        loop {
            let length = match recv(self.raw(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(length) => length,
                Err(Errno::EINTR) => continue,
                // A transaction that was refused as a whole is answered once.
                Err(Errno::EAGAIN) if refusal.is_some() => break,
                Err(errno) => return Err(failed(&batch, last, None, errno.into())),
            };
            for message in Messages::new(&buffer[..length]) {
                if message.flags & flags::DUMP_INTERRUPTED != 0 && refusal.is_none() {
                    refusal = Some(failed(&batch, last, None, Errno::EINTR.into()));
                }
                match i32::from(message.kind) {
                    libc::NLMSG_ERROR => {
                        let (errno, reason) = verdict(&message);
                        if errno != 0 && refusal.is_none() {
                            let source = io::Error::from_raw_os_error(errno);
                            refusal = Some(failed(&batch, message.sequence, reason, source));
                        }
                        if message.sequence == last {
                            return refusal.map_or(Ok(()), Err);
                        }
                    }
                    libc::NLMSG_DONE => return refusal.map_or(Ok(()), Err),
                    libc::NLMSG_NOOP => {}
                    _ => reply(&message),
                }
            }
        }
        refusal.map_or(Ok(()), Err)
    }
}

/// The error number of an `NLMSG_ERROR` (0: an acknowledgement) and the kernel's words.
fn verdict(message: &Received<'_>) -> (i32, Option<String>) {
    const NLMSGERR_ATTR_MSG: u16 = 1;
    let body = message.body;
    let errno = u32_at(body, 0).map_or(libc::EPROTO, |code| code.cast_signed().saturating_neg());
    if i32::from(message.flags) & libc::NLM_F_ACK_TLVS == 0 {
        return (errno, None);
    }
    // The refused request stands between the number and the attributes: whole, or
    // its header alone.
    let request = if i32::from(message.flags) & libc::NLM_F_CAPPED != 0 {
        HEADER
    } else {
        u32_at(body, 4).map_or(HEADER, |length| length as usize)
    };
    let reason = Attributes::after(body, (4 + request).next_multiple_of(4)).find(NLMSGERR_ATTR_MSG);
    (errno, reason.and_then(text).map(str::to_owned))
}

impl<F: AsFd> AsFd for NetlinkSocket<F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    const LINK: u16 = libc::RTM_NEWLINK;
    const DONE: u16 = libc::NLMSG_DONE as u16;
    const MULTI: u16 = libc::NLM_F_MULTI as u16;

    fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER + body.len()).expect("it is short");
        let kind_and_flags = [kind.to_ne_bytes(), flags.to_ne_bytes()].concat();
        // Of the first request, from the kernel.
        let header = [&length.to_ne_bytes()[..], &kind_and_flags, &[0; 8]].concat();
        [&header, body].concat()
    }

    /// What becomes of a dump that is answered by these datagrams, and how many links it lists.
    fn dumped(datagrams: &[Vec<u8>]) -> (Result<(), NetlinkError>, usize) {
        let (socket, kernel) = UnixDatagram::pair().expect("sockets");
        for datagram in datagrams {
            kernel.send(datagram).expect("there is room");
        }
        let mut batch = Batch::default();
        batch.push(libc::RTM_GETLINK, flags::DUMP, "list links", |_| {});
        let mut listed = 0;
        let result = NetlinkSocket(socket).exchange(batch, |reply| {
            listed += usize::from(reply.kind == LINK);
        });
        (result, listed)
    }

    #[test]
    fn a_dump_that_changed_while_it_was_listed_is_an_error() {
        let link = |flags| message(LINK, MULTI | flags, &[]);
        let done = |flags| message(DONE, MULTI | flags, &[0; 4]);
        let interrupted = flags::DUMP_INTERRUPTED;
        let (whole, listed) = dumped(&[[link(0), link(0)].concat(), done(0)]);
        assert!(whole.is_ok(), "{whole:?}");
        assert_eq!(listed, 2);
        // The kernel says it in the part that it noticed it at, or at the end. All is read, so that nothing waits for the next request.
        for datagrams in [
            [link(interrupted), link(0), done(0)],
            [link(0), link(0), done(interrupted)],
        ] {
            let (result, listed) = dumped(&datagrams);
            let error = result.expect_err("it is not what was there at any moment");
            assert_eq!(error.source.raw_os_error(), Some(libc::EINTR));
            assert_eq!(error.purpose, "list links");
            assert_eq!(listed, 2);
        }
    }

    #[test]
    fn the_first_thing_that_went_wrong_is_told() {
        let interrupted = message(LINK, MULTI | flags::DUMP_INTERRUPTED, &[]);
        let refused = message(libc::NLMSG_ERROR as u16, 0, &(-libc::EPERM).to_ne_bytes());
        let told = |datagrams: &[Vec<u8>]| {
            let (result, _) = dumped(datagrams);
            result.map_err(|error| error.source.raw_os_error())
        };
        let both = [interrupted, refused.clone()];
        assert_eq!(told(&both), Err(Some(libc::EINTR)));
        assert_eq!(told(&[refused]), Err(Some(libc::EPERM)));
    }
}
