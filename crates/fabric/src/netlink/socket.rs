use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

use super::attributes::{Attributes, Messages, Received, text, u32_at};
use super::batch::{Batch, HEADER};

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
pub(crate) enum Protocol {
    Route,
    SockDiag,
    Netfilter,
}

/// A netlink socket. It belongs to the namespace of the thread that opened it, and
/// acts there whichever thread uses it.
#[derive(Debug)]
pub(crate) struct NetlinkSocket(OwnedFd);

impl NetlinkSocket {
    pub(crate) fn open(protocol: Protocol) -> io::Result<NetlinkSocket> {
        let protocol = match protocol {
            Protocol::Route => SockProtocol::NetlinkRoute,
            Protocol::SockDiag => SockProtocol::NetlinkSockDiag,
            Protocol::Netfilter => SockProtocol::NetlinkNetFilter,
        };
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            protocol,
        )?;
        crate::sys::extended_acknowledgements(&fd)?;
        Ok(NetlinkSocket(fd))
    }

    /// Sends a batch and reads replies up to the acknowledgement of its last request,
    /// or to the end of the dump that it asks for. The first refusal is the error;
    /// the kernel has then worked through the requests behind it all the same.
    pub(crate) fn exchange(
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
        let sent = send(self.0.as_raw_fd(), batch.finish(), MsgFlags::empty());
        sent.map_err(|errno| failed(&batch, last, None, errno.into()))?;
        let mut buffer = vec![0; RECEIVE];
        let mut refusal = None;
        loop {
            let length = match recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(length) => length,
                // A transaction that was refused as a whole is answered once.
                Err(Errno::EAGAIN) if refusal.is_some() => break,
                Err(errno) => return Err(failed(&batch, last, None, errno.into())),
            };
            for message in Messages(&buffer[..length]) {
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
    (errno, reason.map(text))
}
