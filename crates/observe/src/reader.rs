use std::hash::{BuildHasher, RandomState};
use std::os::fd::AsFd;
use std::sync::Arc;

use fwlab_fabric::WatchedFd;
use fwlab_fabric::netlink::{Batch, NetlinkSocket, Protocol};
use fwlab_record::NodeName;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::sync::{mpsc, oneshot};

use crate::capture::CaptureSocket;
use crate::decoder::Decoder;
use crate::error::{Step, errno};
use crate::event::Event;
use crate::log;
use crate::request::request;
use crate::rules::{self, NftRules};
use crate::settings::{Newer, ObserverSettings};
use crate::table;
use crate::turn::Turn;

/// What an observer asks of its reader. An answer that nobody waits for any more is dropped.
#[derive(Debug)]
pub(crate) enum Command {
    Drain(oneshot::Sender<()>),
    TraceEverything(oneshot::Sender<Result<(), Errno>>),
    ReloadTable(oneshot::Sender<Result<(), Errno>>),
    ListRules(oneshot::Sender<Result<NftRules, Errno>>),
    End(oneshot::Sender<()>),
}

/// The task that reads: on the node's thread, in the node's namespace.
pub(crate) struct Reader {
    /// Trace, conntrack and expectations, all in one queue and so in the order in which they happened.
    netfilter: NetlinkSocket<WatchedFd>,
    capture: CaptureSocket<WatchedFd>,
    /// Owns the lab's table, and lists rules. Nothing comes here unasked.
    requests: NetlinkSocket,
    control_ports: Vec<u16>,
    /// What the lab's own table writes before a packet that opens a connection: of this run only, so that
    /// no rule of somebody else's writes the same.
    sent: String,
    pub(crate) owns_its_table: bool,
    traces_everything: bool,
    decoder: Decoder,
    buffer: Vec<u8>,
    /// More datagrams than can be queued at one time.
    most_queued: usize,
}

/// A packet of the largest size and some, and more than netlink puts into one datagram.
const BUFFER: usize = 72 << 10;

/// Datagrams that are read before other tasks of the node get their turn.
const TURN: usize = 128;

/// The least that a queued datagram counts against a receive buffer: `sizeof(struct sk_buff)` and its data.
const LEAST_CHARGE: usize = 512;

/// `NFNLGRP_CONNTRACK_NEW`, `_UPDATE`, `_DESTROY`, `_EXP_NEW`, `_EXP_UPDATE`,
/// `_EXP_DESTROY` (1 to 6) and `NFNLGRP_NFTRACE` (9).
const GROUPS: u32 = 0b1_0011_1111;

impl Reader {
    /// Opens everything in the namespace of the calling thread.
    pub(crate) fn open(
        node: Arc<NodeName>,
        settings: ObserverSettings,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<Reader, (Step, Errno)> {
        let at = |step: Step| move |errno: Errno| (step, errno);
        let netfilter = NetlinkSocket::open(Protocol::Netfilter)
            .map_err(errno)
            .map_err(at(Step::OpenNetfilter))?;
        size_buffer(&netfilter, settings.receive_buffer).map_err(at(Step::SizeBuffer))?;
        netfilter
            .join(GROUPS)
            .map_err(errno)
            .map_err(at(Step::Subscribe))?;
        log::bind(&netfilter).map_err(at(Step::BindLog))?;

        let capture = CaptureSocket::open(&settings.control_ports)?;
        size_buffer(&capture, settings.receive_buffer).map_err(at(Step::SizeBuffer))?;

        // Last: from here on packets are marked, and somebody listens.
        let requests = NetlinkSocket::open(Protocol::Netfilter)
            .map_err(errno)
            .map_err(at(Step::OpenNetfilter))?;
        let owns_its_table = !settings.pretend_without.contains(&Newer::OwnedTable);
        let sent = format!("fwlab {:x} ", RandomState::new().hash_one(&node));
        let load = |owned| table::load(&settings.control_ports, &sent, owned);
        let owns_its_table =
            load_table(&requests, load, owns_its_table).map_err(at(Step::LoadTable))?;

        let register = |error| (Step::Register, errno(error));
        Ok(Reader {
            netfilter: netfilter.watched().map_err(register)?,
            capture: capture.watched().map_err(register)?,
            requests,
            control_ports: settings.control_ports.clone(),
            owns_its_table,
            traces_everything: false,
            decoder: Decoder::new(node, &settings, sent.clone(), events),
            sent,
            buffer: vec![0; BUFFER],
            most_queued: 2 * settings.receive_buffer / LEAST_CHARGE + TURN,
        })
    }

    /// Reads until the observer is dropped.
    pub(crate) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None => return,
                    Some(Command::End(answer)) => {
                        self.dismantle();
                        let _ = answer.send(());
                        return;
                    }
                    Some(Command::Drain(answer)) => {
                        self.drain();
                        let _ = answer.send(());
                    }
                    Some(Command::TraceEverything(answer)) => {
                        let _ = answer.send(self.trace_everything());
                    }
                    Some(Command::ReloadTable(answer)) => {
                        let _ = answer.send(self.reload_table());
                    }
                    Some(Command::ListRules(answer)) => {
                        let _ = answer.send(rules::list(&self.requests));
                    }
                },
                ready = self.netfilter.fd().readable() => {
                    let Ok(mut ready) = ready else { return };
                    match self.decoder.netfilter(&self.netfilter, &mut self.buffer, TURN) {
                        Turn::Empty => ready.clear_ready(),
                        Turn::More => tokio::task::yield_now().await,
                        Turn::Broken => return,
                    }
                }
                ready = self.capture.fd().readable() => {
                    let Ok(mut ready) = ready else { return };
                    match self.decoder.capture(&self.capture, &mut self.buffer, TURN) {
                        Turn::Empty => ready.clear_ready(),
                        Turn::More => tokio::task::yield_now().await,
                        Turn::Broken => return,
                    }
                }
            }
        }
    }

    /// Closing the sockets would do, if nobody else held them: a child of any thread of this process does, between
    /// fork and exec. What cannot be taken away is gone already.
    fn dismantle(self) {
        let _ = log::unbind(&self.netfilter);
        let _ = request(&self.requests, table::remove());
    }

    fn drain(&mut self) {
        self.decoder
            .netfilter(&self.netfilter, &mut self.buffer, self.most_queued);
        self.decoder
            .capture(&self.capture, &mut self.buffer, self.most_queued);
    }

    fn reload_table(&mut self) -> Result<(), Errno> {
        match request(&self.requests, table::remove()) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno),
        }
        let table = table::load(&self.control_ports, &self.sent, self.owns_its_table);
        request(&self.requests, table)?;
        if std::mem::take(&mut self.traces_everything) {
            self.trace_everything()?;
        }
        Ok(())
    }

    fn trace_everything(&mut self) -> Result<(), Errno> {
        if !self.traces_everything {
            request(&self.requests, table::trace_everything())?;
            self.traces_everything = true;
        }
        Ok(())
    }
}

/// Loads the lab's table, owned by the socket if the kernel can; returns whether it is.
fn load_table(
    requests: &NetlinkSocket,
    load: impl Fn(bool) -> Batch,
    owned: bool,
) -> Result<bool, Errno> {
    if owned {
        match request(requests, load(true)) {
            Ok(()) => return Ok(true),
            // What a kernel says to a flag that it does not know.
            Err(Errno::EINVAL | Errno::EOPNOTSUPP) => {}
            Err(errno) => return Err(errno),
        }
    }
    request(requests, load(false))?;
    Ok(false)
}

/// Sets a receive buffer, beyond the system's limit where this process may.
pub(crate) fn size_buffer(socket: &impl AsFd, bytes: usize) -> Result<(), Errno> {
    match setsockopt(socket, sockopt::RcvBufForce, &bytes) {
        Err(Errno::EPERM) => setsockopt(socket, sockopt::RcvBuf, &bytes),
        outcome => outcome,
    }
}
