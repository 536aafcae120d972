use tokio::sync::{mpsc, oneshot};

/// A moment of a session at which a client can be made to wait.
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
)]
#[strum(serialize_all = "kebab-case")]
pub enum Moment {
    /// The login is over, and nothing is agreed on about data.
    LoggedIn,
    /// Half of the bytes have gone over the data connection.
    Halfway,
}

/// Where a client tells that it has come to a moment, and waits until it may go on.
#[derive(Debug, Clone)]
pub struct Pauses(mpsc::UnboundedSender<Paused>);

/// A client that waits.
#[derive(Debug)]
pub struct Paused {
    /// What it has come to.
    pub moment: Moment,
    go_on: oneshot::Sender<()>,
}

impl Pauses {
    /// Pauses, and the clients that come to wait in them.
    pub fn new() -> (Pauses, mpsc::UnboundedReceiver<Paused>) {
        let (sender, paused) = mpsc::unbounded_channel();
        (Pauses(sender), paused)
    }

    /// Waits at a moment. When nobody listens any more, the client goes on.
    pub(crate) async fn wait(&self, moment: Moment) {
        let (go_on, gone_on) = oneshot::channel();
        if self.0.send(Paused { moment, go_on }).is_ok() {
            // An end without a word says the same.
            let _ = gone_on.await;
        }
    }
}

impl Paused {
    /// Lets the client go on.
    pub fn go_on(self) {
        // A client whose patience has ended is gone.
        let _ = self.go_on.send(());
    }
}
