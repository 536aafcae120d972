use std::fmt;
use std::sync::Arc;

use fwlab_fabric::Node;
use fwlab_record::NodeName;
use nix::errno::Errno;
use tokio::sync::{mpsc, oneshot};

use crate::error::{ObserveError, Step};
use crate::event::Event;
use crate::reader::{Command, Reader};
use crate::rules::NftRules;
use crate::settings::ObserverSettings;

/// Reads the kernel's evidence in one node, from [`Observer::start`] until it is dropped.
///
/// The sockets are read by a task on the node's own thread. Dropping the observer returns at
/// once and tells that task to end; then, on the node's thread, the kernel takes the
/// lab's table away and closes the packet socket, each of which waits for an RCU grace
/// period (25 ms together, hardly any CPU). So drop an observer when the node has
/// nothing more to do, and do not wait for the node's end.
///
/// One observer a node: a second one fails, until the first has [ended](Observer::end).
#[must_use = "an observer ends when it is dropped"]
pub struct Observer {
    node: Arc<NodeName>,
    commands: mpsc::UnboundedSender<Command>,
    owns_its_table: bool,
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("node", &self.node)
            .field("owns_its_table", &self.owns_its_table)
            .finish_non_exhaustive()
    }
}

impl Observer {
    /// Opens everything in the node's namespace and starts reading. When it returns, no packet goes unseen.
    ///
    /// Before or after the user's rules are loaded: as you like where [`Observer::survives_flush`]
    /// (Linux 5.12 and later). On an older kernel a native ruleset's `flush ruleset` takes the lab's table away, too:
    /// start after it, or let [`Observer::reload_table`] put the table back.
    ///
    /// # Errors
    ///
    /// [`ObserveError::Kernel`] says which step failed, and what to do; the sockets opened until then are closed again.
    pub async fn start(
        node: &Node,
        settings: &ObserverSettings,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<Observer, ObserveError> {
        let name = Arc::new(node.name().clone());
        let reader_name = Arc::clone(&name);
        let settings = settings.clone();
        let (commands, received) = mpsc::unbounded_channel();
        let opened = node
            .run(move || async move {
                let reader = Reader::open(reader_name, settings, events)?;
                let owns_its_table = reader.owns_its_table;
                tokio::task::spawn_local(reader.run(received));
                Ok(owns_its_table)
            })
            .await?;
        match opened {
            Ok(owns_its_table) => Ok(Observer {
                node: name,
                commands,
                owns_its_table,
            }),
            Err((step, source)) => Err(kernel(&name, step, source)),
        }
    }

    /// Whether the lab's table stays when somebody says `flush ruleset`.
    pub fn survives_flush(&self) -> bool {
        self.owns_its_table
    }

    /// Puts the lab's table back where a ruleset's `flush ruleset` may have taken it away. What goes through the node
    /// before this returns may go untraced. Nothing to do where [`Observer::survives_flush`].
    ///
    /// # Errors
    ///
    /// When the node has ended, or the kernel refuses the table.
    pub async fn reload_table(&self) -> Result<(), ObserveError> {
        if self.survives_flush() {
            return Ok(());
        }
        self.ask(Command::ReloadTable)
            .await?
            .map_err(|source| kernel(&self.node, Step::LoadTable, source))
    }

    /// Reads every socket until it is empty. When this returns, everything that the kernel had
    /// queued by the time of the call has been sent as events.
    ///
    /// The kernel queues trace steps, captured packets and new connections while it handles the
    /// packet, so a packet that has been answered has been reported. The end of a
    /// connection or expectation may be reported later.
    ///
    /// # Errors
    ///
    /// When the node has ended.
    pub async fn drain(&self) -> Result<(), ObserveError> {
        self.ask(Command::Drain).await
    }

    /// Traces every packet from now on: for a stall, so that a retransmission that is dropped is seen.
    ///
    /// # Errors
    ///
    /// When the node has ended, or the lab's table has been taken away.
    pub async fn trace_everything(&self) -> Result<(), ObserveError> {
        self.ask(Command::TraceEverything)
            .await?
            .map_err(|source| kernel(&self.node, Step::TraceEverything, source))
    }

    /// Lists the node's rules in nf_tables by handle, in one netlink dump. 20,000 rules take about 50 ms,
    /// for which the node's thread does nothing else.
    ///
    /// # Errors
    ///
    /// When the node has ended, or the kernel does not answer; `EINTR` when the rules kept changing.
    pub async fn nft_rules(&self) -> Result<NftRules, ObserveError> {
        self.ask(Command::ListRules)
            .await?
            .map_err(|source| kernel(&self.node, Step::ListRules, source))
    }

    /// Ends the observer and waits until nothing of it is left in the node, so that another can be started there.
    /// Dropping does the same without waiting.
    pub async fn end(self) {
        // If the reader has ended already, all the better.
        let _ = self.ask(Command::End).await;
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, ObserveError> {
        let ended = || ObserveError::Ended {
            node: NodeName::clone(&self.node),
        };
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())
    }
}

fn kernel(node: &NodeName, step: Step, source: Errno) -> ObserveError {
    ObserveError::Kernel {
        node: node.clone(),
        step,
        source,
    }
}
