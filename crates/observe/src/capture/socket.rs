use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use fwlab_fabric::WatchedFd;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, setsockopt,
    sockopt::{ReceiveTimestampns, RxqOvfl},
};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::{Direction, filter};
use crate::error::{Step, errno};

/// A packet socket on all interfaces of the namespace of the thread that opened it. Packets come
/// without their link header, so that every kind of interface looks the same. Never blocks.
#[derive(Debug)]
pub(crate) struct CaptureSocket<F = OwnedFd>(F);

/// What came with a packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received {
    /// Bytes in the buffer.
    pub(crate) length: usize,
    pub(crate) interface: u32,
    pub(crate) direction: Direction,
    /// Packets that found the queue full, since the socket was opened; `None` for none.
    pub(crate) lost: Option<u32>,
    /// When it was there, since the Unix epoch; where the socket was asked to tell.
    pub(crate) at: Option<Duration>,
}

/// `PACKET_OUTGOING` (`include/uapi/linux/if_packet.h`).
const OUTGOING: u8 = 4;

/// Room for the two control messages that are asked for: a header and a number, a header and a time.
const CONTROL: usize = 64;

impl CaptureSocket {
    /// Opens the socket. It hears from the start on, and the filter comes a moment later:
    /// what came in between is for the reader to drop.
    pub(crate) fn open(control_ports: &[u16]) -> Result<Self, (Step, Errno)> {
        Self::filtered(&filter::program(control_ports))
    }

    /// The same of every IP packet, in whole and with its time.
    pub(crate) fn of_everything() -> Result<Self, (Step, Errno)> {
        let socket = Self::filtered(&filter::everything())?;
        setsockopt(&socket, ReceiveTimestampns, &true)
            .map_err(|errno| (Step::OpenCapture, errno))?;
        Ok(socket)
    }

    fn filtered(program: &[filter::Instruction]) -> Result<Self, (Step, Errno)> {
        let every_protocol = Protocol::from(i32::from((nix::libc::ETH_P_ALL as u16).to_be()));
        let open = |error| (Step::OpenCapture, errno(error));
        let socket = Socket::new(
            Domain::PACKET,
            Type::DGRAM.nonblocking(),
            Some(every_protocol),
        )
        .map_err(open)?;
        let program: Vec<SockFilter> = program
            .iter()
            .map(|&(code, if_true, if_false, k)| SockFilter::new(code, if_true, if_false, k))
            .collect();
        socket
            .attach_filter(&program)
            .map_err(|error| (Step::FilterCapture, errno(error)))?;
        setsockopt(&socket, RxqOvfl, &1).map_err(|errno| (Step::OpenCapture, errno))?;
        Ok(Self(socket.into()))
    }

    /// Hands the socket to the runtime that this is called in.
    pub(crate) fn watched(self) -> io::Result<CaptureSocket<WatchedFd>> {
        WatchedFd::new(self.0).map(CaptureSocket)
    }
}

impl CaptureSocket<WatchedFd> {
    pub(crate) fn fd(&self) -> &WatchedFd {
        &self.0
    }

    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Result<Received, Errno> {
        let mut control = [0; CONTROL];
        let mut slices = [IoSliceMut::new(buffer)];
        let message = recvmsg::<LinkAddr>(
            self.0.as_fd().as_raw_fd(),
            &mut slices,
            Some(&mut control),
            MsgFlags::empty(),
        )?;
        let from = message.address;
        let (mut lost, mut at) = (None, None);
        for control in message.cmsgs()? {
            match control {
                ControlMessageOwned::RxqOvfl(packets) => lost = Some(packets),
                ControlMessageOwned::ScmTimestampns(time) => at = Some(Duration::from(time)),
                _ => {}
            }
        }
        Ok(Received {
            length: message.bytes,
            interface: from
                .and_then(|from| u32::try_from(from.ifindex()).ok())
                .unwrap_or_default(),
            direction: match from.map(|from| from.pkttype()) {
                Some(OUTGOING) => Direction::Out,
                _ => Direction::In,
            },
            lost,
            at,
        })
    }
}

impl<F: AsFd> AsFd for CaptureSocket<F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
