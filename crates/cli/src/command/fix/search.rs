//! The search: what stops a wanted transfer is mended, and what then stops it, until it passes or nothing more is known.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use fwlab_check::{Subject, Terms, Transfers, Tried};
use fwlab_classes::Position;
use fwlab_explain::Diagnosis;
use fwlab_fix::{Only, Remedy, Situation, remedies};
use fwlab_model::ruleset::Side;
use fwlab_record::{Backend, CellRecord, Chance, Exit, Family, Judgement, Protection, Symptom};
use fwlab_runner::{Loader, PreparedRuleset, Run, RunEvent, RunSettings};
use fwlab_scenario::Scenario;
use fwlab_scenario::plan::Cell;
use miette::Diagnostic;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;

use super::candidate::Candidate;
use crate::command::exit::{complain, tell};

/// A few ports that are in no range that rules look at, nor in the one that a server is to keep to.
pub(super) fn other_ports(rules: &PreparedRuleset, kept: (u16, u16)) -> Option<(u16, u16)> {
    let looked_at = rules.by_port.iter().map(|(_, by_port)| by_port.ports);
    let ranges: Vec<(u16, u16)> = looked_at.chain([kept, PASSIVE_PORTS]).collect();
    let windows = (20_000..60_000_u16).step_by(64).map(|low| (low, low + 63));
    let mut free = windows.filter(|(low, high)| {
        let apart = |(first, last): &(u16, u16)| last < low || first > high;
        ranges.iter().all(apart)
    });
    free.next()
}

/// The records of some cells, by their places.
pub(super) type Records = BTreeMap<usize, Arc<CellRecord>>;

/// Passive ports that no program takes by itself: above those that Linux gives to clients they would be, were there enough.
const PASSIVE_PORTS: (u16, u16) = (50_000, 50_100);

/// The passive ports that a server is to keep to: a range that the rules tell from others already, most likely for that.
pub(super) fn passive_ports(rules: &PreparedRuleset) -> (u16, u16) {
    let ranges = rules.by_port.iter().map(|(_, by_port)| by_port.ports);
    let mut usable =
        ranges.filter(|(low, high)| *low >= 1024 && (4..30_000).contains(&(high - low)));
    usable.next().unwrap_or(PASSIVE_PORTS)
}

/// As many things as one after another stand in a transfer's way, at most.
const ROUNDS: usize = 8;

pub(super) struct Search<'a> {
    pub(super) subject: &'a Subject,
    pub(super) terms: &'a Terms,
    pub(super) settings: RunSettings,
    pub(super) loader: Loader,
    pub(super) runtime: &'a Runtime,
    pub(super) tried: &'a [Tried],
    pub(super) planned: &'a [Cell],
    /// How many of the cells are for all classes of peers; those behind them are for the ones that were chosen.
    pub(super) everybody: usize,
    /// The passive ports that a server is to keep to where nobody chose any.
    pub(super) passive_ports: (u16, u16),
    /// Ports for data connections that no rule tells from the most of them.
    pub(super) other_ports: Option<(u16, u16)>,
}

/// What was found.
pub(super) struct Found {
    pub(super) candidate: Candidate,
    /// The wanted transfers that do not pass with it.
    pub(super) left: Records,
}

/// Whether a transfer passed.
pub(super) fn passes(record: &CellRecord) -> bool {
    let outcome = record.judgement.outcome();
    outcome.is_some_and(|outcome| outcome.symptom == Symptom::Transferred)
}

impl Search<'_> {
    /// Runs some of the cells with a candidate's rules. What passed because a peer happened to pick a port that the rules let
    /// through is run again with one that they do not tell apart from the rest.
    pub(super) fn run(
        &self,
        candidate: &Candidate,
        which: impl Fn(usize) -> bool,
    ) -> Result<Records, Exit> {
        let mut records = self.run_once(candidate, which, None)?;
        let lucky =
            |record: &CellRecord| passes(record) && record.chance.contains(&Chance::DataPort);
        let lucky: Vec<usize> = records
            .iter()
            .filter(|(_, record)| lucky(record))
            .map(|(at, _)| *at)
            .collect();
        if let (Some(ports), false) = (self.other_ports, lucky.is_empty()) {
            let again = self.run_once(candidate, |at| lucky.contains(&at), Some(ports))?;
            let ran = again
                .into_iter()
                .filter(|(_, record)| record.judgement.outcome().is_some());
            records.extend(ran);
        }
        Ok(records)
    }

    fn run_once(
        &self,
        candidate: &Candidate,
        which: impl Fn(usize) -> bool,
        ports: Option<(u16, u16)>,
    ) -> Result<Records, Exit> {
        let places: Vec<usize> = (0..self.planned.len()).filter(|at| which(*at)).collect();
        let mut scenarios: Vec<(Arc<Scenario>, Arc<Scenario>)> = Vec::new();
        let mut cells = Vec::new();
        for at in &places {
            let mut cell = self.planned[*at].clone();
            let known = scenarios
                .iter()
                .rev()
                .find(|(of, _)| Arc::ptr_eq(of, &cell.scenario));
            let changed = match known {
                Some((_, changed)) => Arc::clone(changed),
                None => {
                    let mut changed = candidate.scenario(&cell.scenario);
                    if let Some((low, high)) = ports {
                        let changed = Arc::make_mut(&mut changed);
                        changed.server.passive_ports = Some((low, high));
                        changed.client.active_ports = Some(low..=high);
                    }
                    scenarios.push((Arc::clone(&cell.scenario), Arc::clone(&changed)));
                    changed
                }
            };
            cell.scenario = changed;
            cells.push(cell);
        }
        let records = self.runtime.block_on(async {
            let run = Run::prepare(cells, self.loader.clone(), self.settings.clone()).await;
            let run = run.map_err(|errors| {
                tell(errors.iter().map(|error| error as &dyn Diagnostic));
                Exit::Lab
            })?;
            let (sender, mut events) = unbounded_channel();
            let all = run.all_until(sender, std::future::pending::<&'static str>());
            let read = async {
                let mut records = Vec::new();
                while let Some(event) = events.recv().await {
                    if let RunEvent::Finished { index, record, .. }
                    | RunEvent::NotRun { index, record } = event
                    {
                        records.push((places[index], record));
                    }
                }
                records
            };
            let (_, records) = tokio::join!(all, read);
            if let Err(unanswered) = Run::settle().await {
                complain(unanswered, None);
            }
            Ok(records)
        })?;
        Ok(records.into_iter().collect())
    }

    /// The cells that are to pass: of classes that were chosen, or whose control connection comes through, those that were
    /// asked for and can be run here.
    pub(super) fn wanted(&self, before: &Records, want: &[Transfers]) -> Vec<usize> {
        let whom = &self.terms.whom;
        let chosen = whom.is_chosen();
        let class = |at: usize| (self.tried[at].family, self.tried[at].class);
        let comes_through = |at: usize| {
            let mut of_class = before
                .iter()
                .filter(|(other, _)| class(**other) == class(at));
            of_class.any(|(_, record)| {
                let outcome = record.judgement.outcome();
                outcome.is_some_and(|outcome| {
                    !matches!(
                        outcome.symptom,
                        Symptom::ControlTimeout | Symptom::ControlRejected
                    )
                })
            })
        };
        // Where the rules tell nobody apart, it is everybody that is meant.
        let is_one = self.tried.iter().all(|tried| tried.classes.len() == 1);
        let chosen = chosen || is_one;
        let asked = |cell: &Cell| match want.is_empty() {
            true => cell.axes.protection == Protection::Plain || !cell.axes.data.is_active(),
            false => want.iter().any(|transfers| transfers.has(&cell.axes)),
        };
        let runs = |at: &usize| !matches!(before[at].judgement, Judgement::Skipped { .. });
        let begin = if whom.is_chosen() { self.everybody } else { 0 };
        (begin..self.planned.len())
            .filter(|at| asked(&self.planned[*at]))
            .filter(runs)
            .filter(|at| chosen || comes_through(*at))
            .collect()
    }

    /// Looks for remedies: with a helper where one does, since that opens least; and with a range of passive ports where
    /// that leaves less stopped.
    pub(super) fn remedies(&self, wanted: &[usize]) -> Result<Found, Exit> {
        let by_helper = self.followed(wanted, false)?;
        if by_helper.left.is_empty() {
            return Ok(by_helper);
        }
        let by_range = self.followed(wanted, true)?;
        match by_range.left.len() < by_helper.left.len() {
            true => Ok(by_range),
            false => Ok(by_helper),
        }
    }

    fn followed(&self, wanted: &[usize], prefers_range: bool) -> Result<Found, Exit> {
        let none = Candidate::none(self.subject);
        let mut candidate = none.clone();
        let mut left = Records::new();
        for round in 0.. {
            let records = self.run(&candidate, |at| wanted.contains(&at))?;
            left = records
                .into_iter()
                .filter(|(_, record)| !passes(record))
                .collect();
            if round == ROUNDS {
                break;
            }
            let mut all = candidate.remedies().to_vec();
            for (at, record) in &left {
                for remedy in self.remedies_of(&candidate, *at, record, prefers_range) {
                    if !all.contains(&remedy) {
                        all.push(remedy);
                    }
                }
            }
            if all.len() == candidate.remedies().len() {
                break;
            }
            match none.with(self.subject, all) {
                Ok(next) => candidate = next,
                Err(no_place) => {
                    complain(format!("a remedy was left out: {no_place}"), None);
                    break;
                }
            }
        }
        self.smallest(none, candidate, wanted, left)
    }

    /// Takes remedies away again, one by one, as long as what passes goes on passing.
    fn smallest(
        &self,
        none: Candidate,
        mut candidate: Candidate,
        wanted: &[usize],
        left: Records,
    ) -> Result<Found, Exit> {
        let mut at = candidate.remedies().len();
        while at > 0 {
            at -= 1;
            let mut fewer = candidate.remedies().to_vec();
            fewer.remove(at);
            let Ok(smaller) = none.with(self.subject, fewer) else {
                continue;
            };
            let mended = |cell: usize| wanted.contains(&cell) && !left.contains_key(&cell);
            let records = self.run(&smaller, mended)?;
            if records.values().all(|record| passes(record)) {
                candidate = smaller;
            }
        }
        Ok(Found { candidate, left })
    }

    fn remedies_of(
        &self,
        candidate: &Candidate,
        at: usize,
        record: &CellRecord,
        prefers_range: bool,
    ) -> Vec<Remedy> {
        let Some((diagnosis, outcome)) = Diagnosis::of(record).zip(record.judgement.outcome())
        else {
            return Vec::new();
        };
        let position = self.subject.place.position();
        let connected = self.tried[at].representative().far_address;
        let found = remedies(
            &diagnosis,
            &Situation {
                cause: &outcome.cause,
                family: self.tried[at].family,
                side: match position {
                    Position::Client => Side::Client,
                    Position::Server => Side::Server,
                    Position::Router | Position::Forwarder => Side::Gateway,
                },
                control_port: self.subject.connect_port,
                passive_ports: self
                    .subject
                    .serving
                    .terms
                    .passive_ports
                    .ok_or(self.passive_ports),
                connected: match connected {
                    Some(IpAddr::V4(address)) => Some(address),
                    _ => None,
                },
                backend: self.backend(record.axes.backend),
                only: self.only(at),
                prefers_range,
            },
        );
        found
            .into_iter()
            .filter_map(|remedy| self.in_the_file(candidate, remedy))
            .collect()
    }

    /// Whom a rule is for, where somebody chose: the other end of this cell's transfer.
    fn only(&self, at: usize) -> Only {
        let whom = &self.terms.whom;
        let family = self.tried[at].family;
        let leaving = self.subject.place.position() == Position::Client;
        let (near, far) = match leaving {
            true => (&whom.to, &whom.from),
            false => (&whom.from, &whom.to),
        };
        let of_family = |addresses: &[IpAddr]| {
            let mut addresses = addresses.iter().copied();
            addresses.find(|address| Family::of(*address) == family)
        };
        // Where clients connect to another address than the server's, a rule behind the translation does not see it.
        let forwards = self.subject.place.position() == Position::Forwarder;
        Only {
            leaving,
            interface: whom.on.clone(),
            address: of_family(near),
            far_interface: whom.out.clone(),
            far_address: of_family(far).filter(|_| !forwards),
        }
    }

    /// The first of several backends that load the same text.
    fn backend(&self, backend: Backend) -> Backend {
        match self.subject.backends.contains(&backend) {
            true => self.subject.backends[0],
            false => backend,
        }
    }

    /// A remedy by the lines of the person's own file; nothing where it is about a line that a remedy brought.
    fn in_the_file(&self, candidate: &Candidate, remedy: Remedy) -> Option<Remedy> {
        let Remedy::Accept { mut spot, what } = remedy else {
            return Some(remedy);
        };
        spot.backend = self.backend(spot.backend);
        let line = spot.line;
        let remedy = Remedy::Accept {
            spot: spot.clone(),
            what,
        };
        if let Some(line) = line {
            spot.line = Some(candidate.line_before(self.subject, &remedy, line)?);
        }
        Some(Remedy::Accept { spot, what })
    }
}
