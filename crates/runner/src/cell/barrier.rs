use std::collections::BTreeSet;
use std::time::Duration;

use fwlab_ftp::{Moment, Paused, RunningServer};
use fwlab_record::PeerName;
use fwlab_scenario::plan::Cell;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::transferred::clients;

/// Where clients are brought in step that do the same at one time: before anything is agreed on, so
/// that they agree at one time; and before what was agreed on is used, so that it stands for all of them.
const IN_STEP: [Moment; 2] = [Moment::LoggedIn, Moment::Agreed];

/// The longest that clients are kept in step with one that does not come: TCP sends again four times
/// meanwhile, and no server gives up so soon on a client that is idle, or on a passive data connection
/// (libunftp: after 15 s).
const LONGEST: Duration = Duration::from_secs(5);

/// How many clients do the same at one time.
fn count(cell: &Cell) -> usize {
    let deployment = &cell.scenario.deployment;
    clients(&deployment.topology, &deployment.client).count()
}

/// Whether there are several clients, and they can be made to wait for each other.
fn is_in_step(cell: &Cell) -> bool {
    count(cell) > 1 && cell.axes.client == PeerName::Suppaftp
}

/// The moments at which a step is done.
fn of_steps(cell: &Cell) -> BTreeSet<Moment> {
    let steps = cell.scenario.steps.iter();
    steps.filter_map(|step| step.at).collect()
}

/// The moments at which the clients of a cell are made to wait.
pub(super) fn moments(cell: &Cell) -> BTreeSet<Moment> {
    let in_step = is_in_step(cell).then_some(IN_STEP);
    let mut moments = of_steps(cell);
    moments.extend(in_step.into_iter().flatten());
    moments
}

/// That several clients run through their sessions as chance has it, where they do.
pub(super) fn out_of_step(cell: &Cell) -> Option<String> {
    let (client, count) = (cell.axes.client, count(cell));
    (count > 1 && !is_in_step(cell)).then(|| {
        format!("the {count} clients are not in step: {client} cannot be made to wait for others")
    })
}

/// Where the clients of a cell wait for each other.
pub(super) struct Barrier<'a> {
    pub(super) paused: UnboundedReceiver<Paused>,
    server: &'a mut dyn RunningServer,
    waiting: Vec<Paused>,
    /// Since when somebody waits.
    since: Option<Instant>,
    /// Where nobody is waited for without end.
    limited: BTreeSet<Moment>,
    /// What is over: who comes late to it does not wait.
    over: BTreeSet<Moment>,
    /// The moment at which somebody was waited for in vain.
    missed: Option<Moment>,
    /// Whether the server is to hear all of them before it acts on what one announces.
    gathers: bool,
}

impl<'a> Barrier<'a> {
    pub(super) fn of(
        cell: &Cell,
        paused: UnboundedReceiver<Paused>,
        server: &'a mut dyn RunningServer,
    ) -> Barrier<'a> {
        let limited = &moments(cell) - &of_steps(cell);
        Barrier {
            paused,
            server,
            waiting: Vec::new(),
            since: None,
            limited,
            over: BTreeSet::new(),
            missed: None,
            gathers: is_in_step(cell) && cell.axes.data.is_active(),
        }
    }

    /// A client has come to a moment.
    pub(super) fn comes(&mut self, client: Paused) {
        if self.over.contains(&client.moment) {
            client.go_on();
        } else {
            self.waiting.push(client);
            self.since.get_or_insert_with(Instant::now);
        }
    }

    /// The moment that has come, with so many clients that still run: the last of them has come to it,
    /// or it was waited for long enough.
    pub(super) fn come(&mut self, running: usize) -> Option<Moment> {
        self.waiting.retain(|client| !client.is_gone());
        let moment = self.moment()?;
        if self.waiting.len() == running {
            return Some(moment);
        }
        let late = self.deadline().is_some_and(|end| end <= Instant::now());
        if late {
            self.missed = Some(moment);
            // Who has lost the others once is not waited for again.
            self.over.extend(&self.limited);
        }
        late.then_some(moment)
    }

    /// That the clients were not in step, if they were not.
    pub(super) fn lost_step(&self) -> Option<String> {
        let words = match self.missed? {
            Moment::LoggedIn => "logged in",
            _ => "agreed on a data connection",
        };
        let longest = LONGEST.as_secs();
        Some(format!(
            "the clients were not in step: one had not {words} when the others had waited {longest} s for it"
        ))
    }

    /// Until when is waited at the longest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let moment = self.moment()?;
        let since = self.since.filter(|_| self.limited.contains(&moment))?;
        Some(since + LONGEST)
    }

    fn moment(&self) -> Option<Moment> {
        self.waiting.iter().map(|client| client.moment).min()
    }

    /// Lets everybody go on who waits in a moment that is over by now.
    pub(super) async fn open(&mut self, moment: Moment) {
        self.over.insert(moment);
        let (going, waiting): (Vec<Paused>, Vec<Paused>) = self
            .waiting
            .drain(..)
            .partition(|client| self.over.contains(&client.moment));
        self.waiting = waiting;
        self.since = (!self.waiting.is_empty()).then(Instant::now);
        let in_step = self.missed.is_none() && going.len() > 1;
        if self.gathers && in_step && moment == Moment::LoggedIn {
            self.server.gather().await;
        }
        going.into_iter().for_each(Paused::go_on);
    }
}
