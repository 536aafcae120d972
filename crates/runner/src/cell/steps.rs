use std::time::Duration;

use fwlab_ftp::Moment;
use fwlab_observe::Event;
use fwlab_record::NodeName;
use fwlab_scenario::plan::Cell;
use fwlab_scenario::{Action, Step};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::drive::take_what_is_there;
use super::fault::Fault;
use super::session::Session;
use crate::rules::{CellRules, Loader};
use crate::waits::Waits;

/// The longest that a step waits for a connection to expire.
const EXPIRY_DEADLINE: Duration = Duration::from_secs(30);

/// What the steps of a cell work with.
#[derive(Clone, Copy)]
pub(super) struct StepRunner<'a> {
    pub(super) cell: &'a Cell,
    pub(super) rules: &'a CellRules,
    pub(super) loader: &'a Loader,
    pub(super) waits: &'a Waits,
}

impl<'a> StepRunner<'a> {
    /// Does the steps of a moment, in order.
    pub(super) async fn run_steps(
        self,
        at: Option<Moment>,
        sessions: &mut [Session<'a>],
        events: &mut UnboundedReceiver<Event>,
    ) -> Result<(), Fault> {
        let steps = self.cell.scenario.steps.iter();
        for Step { action, .. } in steps.filter(|step| step.at == at) {
            // What happened before the step is read as it was before it.
            take_what_is_there(sessions, events).await?;
            match action {
                Action::Load(index) => self.load(*index, sessions, events).await?,
                Action::FlushConntrack(name) => {
                    for session in sessions.iter_mut() {
                        session.node(name)?.flush_conntrack().await?;
                        session.remark(name, "conntrack was flushed".into());
                    }
                }
                Action::AwaitExpiry(node) => {
                    let why = format!("until {node} has forgotten its connections");
                    self.waits.tell(&why);
                    for session in sessions.iter_mut() {
                        expired(node, session).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn load(
        self,
        index: usize,
        sessions: &mut [Session<'a>],
        events: &mut UnboundedReceiver<Event>,
    ) -> Result<(), Fault> {
        let rules = &self.rules.later[&index];
        sessions.iter_mut().for_each(Session::swap_begins);
        if let Some(session) = sessions.first() {
            self.loader.load(session.fabric(), rules).await?;
            if rules.may_flush() {
                session.reload_tables().await?;
            }
        }
        take_what_is_there(sessions, events).await?;
        let name = &self.cell.scenario.rulesets[index].name;
        sessions
            .iter_mut()
            .for_each(|session| session.swap_ends(rules, name));
        Ok(())
    }
}

/// Waits until a node's conntrack has forgotten the control connection. The kernel tells of it
/// only when it next clears up, which may be a minute later: so this asks.
async fn expired(node: &NodeName, session: &mut Session<'_>) -> Result<(), Fault> {
    let flows = session.control_flows();
    let deadline = Instant::now() + EXPIRY_DEADLINE;
    loop {
        let mut known = false;
        for flow in &flows {
            known |= session.node(node)?.knows_connection(*flow).await?;
        }
        if !known {
            session.remark(
                node,
                "conntrack has forgotten the control connection".into(),
            );
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Fault::NotExpired {
                node: node.clone(),
                waited: EXPIRY_DEADLINE,
            });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
