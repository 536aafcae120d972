use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use fwlab_ftp::{ClientReport, PeerError};
use fwlab_observe::Event;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::barrier::Barrier;
use super::fault::Fault;
use super::session::Session;
use super::steps::StepRunner;
use crate::patience::STALL;
use fwlab_judge::GRACE;

/// How many events are taken in before anything is done about them.
const BATCH: usize = 256;

/// A client's session under way.
pub(super) type Transfer<'a> = BoxFuture<'a, Result<ClientReport, PeerError>>;

/// Lets the clients work and the kernel report, until every client is done, or all
/// that are not are decided and have had their grace. One session a transfer, in order.
pub(super) async fn drive<'a>(
    sessions: &mut [Session<'a>],
    events: &mut UnboundedReceiver<Event>,
    stagehand: StepRunner<'a>,
    barrier: &mut Barrier<'_>,
    transfers: Vec<Transfer<'_>>,
) -> Result<Vec<Option<ClientReport>>, Fault> {
    let mut reports: Vec<Option<ClientReport>> = sessions.iter().map(|_| None).collect();
    let mut running: FuturesUnordered<_> = transfers
        .into_iter()
        .enumerate()
        .map(|(index, transfer)| transfer.map(move |report| (index, report)))
        .collect();
    let mut cut: Option<Instant> = None;
    // In batches by `recv_many` and never by `try_recv`: that one parks the thread while a
    // sender is in the middle of sending, and eats the wake-up of a `block_on` on it.
    let mut batch = Vec::new();
    loop {
        let stall = Instant::now() + STALL;
        let ends = [Some(stall), cut, barrier.deadline()];
        let wake = ends.into_iter().flatten().min().unwrap_or(stall);
        tokio::select! {
            biased;
            1.. = events.recv_many(&mut batch, BATCH) => {
                for event in batch.drain(..) {
                    hand_out(sessions, event).await?;
                }
                let mut decided = true;
                for (session, report) in sessions.iter_mut().zip(&reports) {
                    session.send_again().await?;
                    decided &= session.end_dead_connections().await? || report.is_some();
                }
                if decided && cut.is_none() {
                    cut = Some(Instant::now() + GRACE);
                }
            }
            Some(client) = barrier.paused.recv() => barrier.comes(client),
            Some((index, report)) = running.next() => {
                reports[index] = Some(report?);
                if running.is_empty() {
                    return Ok(reports);
                }
            }
            () = tokio::time::sleep_until(wake) => {
                if cut.is_some_and(|cut| cut <= Instant::now()) {
                    return Ok(reports);
                }
                if stall <= Instant::now() {
                    for session in &mut *sessions {
                        session.stalled().await?;
                    }
                }
            }
        }
        if let Some(moment) = barrier.come(running.len()) {
            stagehand.run_steps(Some(moment), sessions, events).await?;
            barrier.open(moment).await;
        }
    }
}

/// Takes in everything that the kernel had queued by now.
pub(super) async fn take_what_is_there(
    sessions: &mut [Session<'_>],
    events: &mut UnboundedReceiver<Event>,
) -> Result<(), Fault> {
    if let Some(session) = sessions.first() {
        session.drain().await?;
    }
    let mut rest = Vec::new();
    while tokio::task::unconstrained(events.recv_many(&mut rest, BATCH))
        .now_or_never()
        .is_some_and(|n| n > 0)
    {
        for event in rest.drain(..) {
            hand_out(sessions, event).await?;
        }
    }
    Ok(())
}

/// Every session hears of everything, and looks for what is its own.
async fn hand_out(sessions: &mut [Session<'_>], event: Event) -> Result<(), Fault> {
    if let Some((last, others)) = sessions.split_last_mut() {
        for session in others {
            session.take(event.clone()).await?;
        }
        last.take(event).await?;
    }
    Ok(())
}
