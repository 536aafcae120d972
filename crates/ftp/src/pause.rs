use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// A moment of a session at which a client can be made to wait, in the order in which they come.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::VariantArray,
    strum::VariantNames,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Moment {
    /// The login is over, and nothing is agreed on about data.
    LoggedIn,
    /// The data connection is agreed on: the server has answered PORT, EPRT, PASV or EPSV. Neither
    /// has the client opened that connection, nor has it sent the command that has the server open it.
    Agreed,
    /// Half of the bytes have gone over the data connection.
    Halfway,
}

/// Where a client tells that it has come to a moment, and waits until it may go on.
#[derive(Debug, Clone)]
pub struct Pauses {
    at: Arc<[Moment]>,
    told: mpsc::UnboundedSender<Paused>,
    waited: Arc<Mutex<Waited>>,
}

/// How long a session has waited.
#[derive(Debug, Default)]
struct Waited {
    before: Duration,
    since: Option<Instant>,
}

/// A client that waits.
#[derive(Debug)]
pub struct Paused {
    /// What it has come to.
    pub moment: Moment,
    go_on: oneshot::Sender<()>,
}

impl Pauses {
    /// Pauses at some moments, and the clients that come to wait in them.
    pub fn at(
        moments: impl IntoIterator<Item = Moment>,
    ) -> (Pauses, mpsc::UnboundedReceiver<Paused>) {
        let (told, paused) = mpsc::unbounded_channel();
        let pauses = Pauses {
            at: moments.into_iter().collect(),
            told,
            waited: Arc::default(),
        };
        (pauses, paused)
    }

    /// The same pauses, for a session that has not waited.
    pub(crate) fn of_a_session(&self) -> Pauses {
        Pauses {
            waited: Arc::default(),
            ..self.clone()
        }
    }

    /// Whether a client waits at a moment.
    pub(crate) fn are_at(&self, moment: Moment) -> bool {
        self.at.contains(&moment)
    }

    /// Waits, if this is a moment to wait at. When nobody listens any more, the client goes on.
    pub(crate) async fn wait(&self, moment: Moment) {
        if !self.are_at(moment) {
            return;
        }
        let (go_on, gone_on) = oneshot::channel();
        self.waited().since = Some(Instant::now());
        if self.told.send(Paused { moment, go_on }).is_ok() {
            // An end without a word says the same.
            let _ = gone_on.await;
        }
        let mut waited = self.waited();
        let now = waited
            .since
            .take()
            .map_or(Duration::ZERO, |at| at.elapsed());
        waited.before += now;
    }

    fn so_far(&self) -> Duration {
        let waited = self.waited();
        waited.before + waited.since.map_or(Duration::ZERO, |at| at.elapsed())
    }

    fn waited(&self) -> MutexGuard<'_, Waited> {
        self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a step of a session came to within a patience that does not run while the session is made
/// to wait; `None` when that is over.
pub(crate) async fn within<T>(
    timeouts: Duration,
    pauses: Option<&Pauses>,
    step: impl Future<Output = T>,
) -> Option<T> {
    let waited = || pauses.map_or(Duration::ZERO, Pauses::so_far);
    let mut step = pin!(step);
    let end = Instant::now() + timeouts;
    let before = waited();
    let mut deadline = end;
    loop {
        if let Ok(done) = timeout_at(deadline, &mut step).await {
            return Some(done);
        }
        let later = end + (waited() - before);
        if later <= Instant::now() {
            return None;
        }
        deadline = later;
    }
}

impl Paused {
    /// Lets the client go on.
    pub fn go_on(self) {
        // A client whose patience has ended is gone.
        let _ = self.go_on.send(());
    }

    /// Whether the client waits no longer: its session has ended.
    pub fn is_gone(&self) -> bool {
        self.go_on.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn patience_does_not_run_while_a_session_is_made_to_wait() {
        let (pauses, mut paused) = Pauses::at([Moment::Agreed]);
        let session = pauses.wait(Moment::Agreed);
        let lab = async {
            let client = paused.recv().await.expect("a client");
            tokio::time::sleep(PATIENCE * 3).await;
            client.go_on();
        };
        let (done, ()) = tokio::join!(within(PATIENCE, Some(&pauses), session), lab);
        assert_eq!(done, Some(()));
    }

    #[tokio::test]
    async fn patience_goes_on_where_it_was_when_the_wait_is_over() {
        let (pauses, mut paused) = Pauses::at([Moment::Agreed]);
        let session = async {
            pauses.wait(Moment::Agreed).await;
            std::future::pending::<()>().await;
        };
        let lab = async {
            let client = paused.recv().await.expect("a client");
            tokio::time::sleep(PATIENCE * 3).await;
            client.go_on();
        };
        let begun = Instant::now();
        let (done, ()) = tokio::join!(within(PATIENCE, Some(&pauses), session), lab);
        assert_eq!(done, None);
        assert!(begun.elapsed() >= PATIENCE * 4, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_session_passes_a_moment_that_it_is_not_to_wait_at() {
        let (pauses, mut paused) = Pauses::at([Moment::Agreed]);
        pauses.wait(Moment::LoggedIn).await;
        pauses.wait(Moment::Halfway).await;
        assert!(paused.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_client_that_ended_while_it_waited_is_gone() {
        let (pauses, mut paused) = Pauses::at([Moment::Agreed]);
        let session = tokio::spawn(async move { pauses.wait(Moment::Agreed).await });
        let client = paused.recv().await.expect("a client");
        assert!(!client.is_gone());
        session.abort();
        let _ = session.await;
        assert!(client.is_gone());
    }
}
