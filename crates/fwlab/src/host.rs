use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fwlab_check::{
    At, Expectation, Messages, Subject, Terms, Trial, all_known, all_settled, all_there, everybody,
};
use fwlab_record::{
    Backend, CellRecord, DataSetup, Exit, Family, InterfaceName, Judgement, PeerName, Protection,
};
use fwlab_runner::{Loader, Run, RunEvent, RunSettings};
use tokio::sync::mpsc::unbounded_channel;

use crate::builds::builds;
use crate::lab::block_on;
use crate::{LabError, Observed};

/// A host from its own files. What you do not set follows from them, as for `fwlab check`: where the host
/// stands, its interfaces and addresses, its server's settings, and which peers its rules tell apart.
///
/// ```no_run
/// use fwlab::{DataSetup, Lab, Protection, assert_blocked, assert_transferred};
///
/// # fn main() -> Result<(), fwlab::LabError> {
/// let table = Lab::host("host.fwlab").check()?;
/// for row in table.rows() {
///     assert_transferred!(row.transfer(Protection::Plain, DataSetup::Epsv)?);
/// }
/// table.expect("explicit/active blocked")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a host tells nothing until it is checked"]
pub struct Host {
    files: Vec<PathBuf>,
    terms: Terms,
}

impl Host {
    pub(crate) fn of(file: &Path) -> Host {
        Host {
            files: vec![file.to_owned()],
            terms: Terms::default(),
        }
    }

    /// Another of its files: rules of the other family or of nft, sets, the server's settings. What it is, its text says.
    pub fn file(mut self, file: impl AsRef<Path>) -> Host {
        self.files.push(file.as_ref().to_owned());
        self
    }

    /// Says which host of a transfer it is. Not needed for a captured host if a server listens on it or its
    /// rules forward to one.
    pub fn at(mut self, at: At) -> Host {
        self.terms.at = Some(at);
        self
    }

    /// Only peers on this interface of the host; on a gateway, clients.
    pub fn on(mut self, interface: InterfaceName) -> Host {
        self.terms.whom.on = Some(interface);
        self
    }

    /// On a gateway: only servers on this interface.
    pub fn out(mut self, interface: InterfaceName) -> Host {
        self.terms.whom.out = Some(interface);
        self
    }

    /// Only clients with this address; one can be given for each family.
    pub fn from(mut self, address: IpAddr) -> Host {
        self.terms.whom.from.push(address);
        self
    }

    /// Clients connect to this address only; one can be given for each family.
    pub fn to(mut self, address: IpAddr) -> Host {
        self.terms.whom.to.push(address);
        self
    }

    /// The address of the server behind a port forward; one can be given for each family.
    pub fn server_address(mut self, address: IpAddr) -> Host {
        self.terms.whom.server_address.push(address);
        self
    }

    /// At most this many classes of peers for each family; otherwise 50, and fewer for a ruleset of thousands of rules.
    pub fn classes(mut self, at_most: u16) -> Host {
        self.terms.whom.classes = Some(at_most.max(1));
        self
    }

    /// Only these data setups; otherwise all four.
    pub fn data(mut self, data: impl IntoIterator<Item = DataSetup>) -> Host {
        self.terms.data = data.into_iter().collect();
        self
    }

    /// Only these protections; otherwise those that the server's settings allow, or plain and explicit TLS if
    /// the settings are not known.
    pub fn protections(mut self, protections: impl IntoIterator<Item = Protection>) -> Host {
        self.terms.protections = protections.into_iter().collect();
        self
    }

    /// Only these families; otherwise those of the rules.
    pub fn families(mut self, families: impl IntoIterator<Item = Family>) -> Host {
        self.terms.families = families.into_iter().collect();
        self
    }

    /// Only these backends; otherwise those of the rules.
    pub fn backends(mut self, backends: impl IntoIterator<Item = Backend>) -> Host {
        self.terms.backends = backends.into_iter().collect();
        self
    }

    /// This server; otherwise the one whose settings are known, vsftpd if it is on this machine, or libunftp.
    pub fn server(mut self, server: PeerName) -> Host {
        self.terms.servers = vec![server];
        self
    }

    /// This client; otherwise suppaftp.
    pub fn client(mut self, client: PeerName) -> Host {
        self.terms.clients = vec![client];
        self
    }

    /// The server's own settings: vsftpd.conf, proftpd.conf or pure-ftpd.conf, then the files that it includes.
    pub fn server_config(mut self, file: impl AsRef<Path>) -> Host {
        let config = &mut self.terms.server_options.config;
        config.push(file.as_ref().to_owned());
        self
    }

    /// The server's control port, whatever its settings say.
    pub fn control_port(mut self, port: u16) -> Host {
        self.terms.server_options.control_port = Some(port);
        self
    }

    /// The port that clients connect to, if rules lead it to the control port.
    pub fn connect_port(mut self, port: u16) -> Host {
        self.terms.server_options.connect_port = Some(port);
        self
    }

    /// The server opens its active data connections from a high port, not from port 20, whatever its settings say.
    pub fn data_from_high_port(mut self) -> Host {
        self.terms.server_options.data_from_high_port = true;
        self
    }

    /// A set that rules match on and no file has, as `fwlab check --set` takes it: `blocked=192.0.2.7,198.51.100.0/24`.
    ///
    /// # Errors
    /// When that is not a set's name, or has something in it that is not an address or a network.
    pub fn set(mut self, set: &str) -> Result<Host, LabError> {
        self.terms.sets.push(set.parse().map_err(LabError::Host)?);
        Ok(self)
    }

    /// Sets that rules match on and that nobody gave are empty; otherwise they are an error.
    pub fn empty_sets(mut self) -> Host {
        self.terms.empty_sets = true;
        self
    }

    /// The folder that scripts of nft include files from; otherwise, an `include` is an error.
    pub fn include(mut self, folder: impl AsRef<Path>) -> Host {
        self.terms.include = Some(folder.as_ref().to_owned());
        self
    }

    /// The ports that the server listens on for passive data connections, whatever its settings say.
    pub fn passive_ports(mut self, ports: std::ops::RangeInclusive<u16>) -> Host {
        self.terms.server_options.passive_ports = Some((*ports.start(), *ports.end()));
        self
    }

    /// The address that the server announces in its 227, whatever its settings say.
    pub fn advertised_address(mut self, address: Ipv4Addr) -> Host {
        self.terms.server_options.advertise = Some(address);
        self
    }

    /// Runs the transfers of all classes of peers.
    ///
    /// # Errors
    /// When the files cannot be read or loaded, when they do not fit what was asked, or when a lab cannot run.
    pub fn check(&self) -> Result<Table, LabError> {
        let host = self.clone();
        block_on(async move { host.checked().await })
    }

    /// The same as [`Host::check`], for callers that have their own runtime.
    ///
    /// # Errors
    /// As there.
    pub async fn checked(&self) -> Result<Table, LabError> {
        fwlab_fabric::Privilege::current()?;
        let loader = Loader::find()?;
        let _ = fwlab_fabric::raise_open_file_limit();
        let mut said = Messages::default();
        let asked = self.asked(&loader, &mut said).await;
        let notes: Vec<String> = (said.take().iter()).map(ToString::to_string).collect();
        let Ok((classes, trial, incomplete)) = asked else {
            return Err(LabError::Host(notes.join("\n")));
        };
        let settings = RunSettings {
            keep_evidence: true,
            builds: Some(builds()),
            ..RunSettings::default()
        };
        let Trial { tried, planned } = trial;
        let mut records: Vec<Option<Arc<CellRecord>>> = vec![None; planned.len()];
        let run = Run::prepare(planned, loader, settings).await;
        let run = run.map_err(LabError::Ruleset)?;
        let (sender, mut events) = unbounded_channel();
        run.all(sender).await;
        while let Some(event) = events.recv().await {
            if let RunEvent::Finished { index, record, .. } | RunEvent::NotRun { index, record } =
                event
            {
                records[index] = Some(record);
            }
        }
        // A test's process may end at once.
        Run::cleared().await;
        let mut rows: Vec<Row> = Vec::new();
        let mut of_row = None;
        for (tried, record) in tried.iter().zip(&records) {
            let record = record.as_ref().expect("each cell has a record");
            let class = (tried.family, tried.class);
            if of_row.replace(class) != Some(class) {
                let described = tried.classes.describe(&BTreeSet::from([tried.class]));
                rows.push(Row {
                    peers: described.join("; "),
                    family: tried.family,
                    records: Vec::new(),
                    observed: Vec::new(),
                });
            }
            let row = rows.last_mut().expect("one was pushed");
            let axes = &record.axes;
            let peers = [axes.server, axes.client].map(|peer| run.peers().present(peer));
            let peers = peers.into_iter().flatten().collect();
            row.observed
                .push(Observed::of(CellRecord::clone(record), peers));
            row.records.push(Arc::clone(record));
        }
        let mut said = Messages::default();
        let all = everybody(
            &classes,
            "for the others, it is not known whether the expectations hold",
            &mut said,
        );
        let unknown = all.err().map(|_| sentences(&mut said));
        Ok(Table {
            rows,
            notes,
            unknown,
            incomplete,
        })
    }

    async fn asked(
        &self,
        loader: &Loader,
        said: &mut Messages,
    ) -> Result<(fwlab_check::OfFamilies, Trial, Vec<String>), Exit> {
        let subject = Subject::read(&self.files, &self.terms, said)?;
        let told = subject.told(loader, &self.terms, said).await?;
        let classes = subject.classes(&told, &self.terms, said);
        let trial = subject.trial(&classes, &self.terms, &[], said)?;
        Ok((classes, trial, subject.files.incomplete))
    }
}

/// How a cell ended, or why that is not known, in one line.
fn came(record: &CellRecord) -> String {
    let came = match &record.judgement {
        Judgement::Inconclusive { why } => format!("inconclusive: {why}"),
        Judgement::Skipped { why } => format!("not run: {why}"),
        Judgement::NotRun(why) => format!("not run: {why}"),
        judgement => (judgement.outcome())
            .map_or_else(|| record.notes.join("; "), |outcome| outcome.to_string()),
    };
    fwlab_text::one_line(&came).to_string()
}

fn sentences(said: &mut Messages) -> String {
    let said: Vec<String> = said.take().iter().map(ToString::to_string).collect();
    said.join("\n")
}

/// Whom a host's rules let through.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    /// The messages from reading the files: what the lab assumes, and where it differs from the host.
    pub notes: Vec<String>,
    unknown: Option<String>,
    /// What is missing of the host's rules.
    incomplete: Vec<String>,
}

/// A class of peers: those whom the rules do not tell apart.
#[derive(Debug)]
pub struct Row {
    /// Who they are, in words: `from 203.0.113.0/24 on eth0`.
    pub peers: String,
    /// The family that they speak.
    pub family: Family,
    records: Vec<Arc<CellRecord>>,
    observed: Vec<Result<Observed, LabError>>,
}

impl Table {
    /// A row for each class of peers that was tried.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Compares every tried transfer with an expectation, as `fwlab check --expect` does: `passive passes`,
    /// `explicit/port blocked`.
    ///
    /// # Errors
    /// When a transfer ended differently, and when that is not known: nobody was tried, not all peers that the
    /// rules tell apart were, or the result depends on a port that the server picked by chance.
    pub fn expect(&self, expectation: &str) -> Result<(), LabError> {
        let expected: Expectation = expectation
            .parse()
            .map_err(|error| LabError::Host(format!("`{expectation}`: {error}")))?;
        let records = self.rows.iter().flat_map(|row| &row.records);
        let records: Vec<&CellRecord> = records.map(Arc::as_ref).collect();
        let about = records.iter().filter(|record| expected.is_about(record));
        let others = about.filter(|record| {
            !expected.names(record) && !matches!(record.judgement, Judgement::Skipped { .. })
        });
        let mut wrong: Vec<String> = others
            .map(|record| format!("  {}: {}", record.axes, came(record)))
            .collect();
        if !wrong.is_empty() {
            wrong.insert(0, format!("`{expectation}` is not so:"));
            return Err(LabError::Host(wrong.join("\n")));
        }
        let (one, mut said) = ([expected], Messages::default());
        let known = all_known(&one, &records, &mut said);
        let settled = all_settled(&one, &records, &mut said);
        let whole = all_there(&self.incomplete, &records, &mut said);
        let mut why = match known.and(settled).and(whole) {
            Ok(()) => Vec::new(),
            Err(_) => vec![sentences(&mut said)],
        };
        why.extend(self.unknown.clone());
        match why.is_empty() {
            true => Ok(()),
            false => Err(LabError::Inconclusive(why.join("\n"))),
        }
    }
}

impl Row {
    /// How one of its transfers ended; the first, if several servers, clients or backends were asked for.
    ///
    /// # Errors
    /// When it has no outcome, or was not tried.
    pub fn transfer(&self, protection: Protection, data: DataSetup) -> Result<&Observed, LabError> {
        let place = self
            .records
            .iter()
            .position(|record| record.axes.protection == protection && record.axes.data == data);
        let place =
            place.ok_or_else(|| LabError::Host(format!("{protection} {data} was not tried")))?;
        match &self.observed[place] {
            Ok(observed) => Ok(observed),
            Err(LabError::NotSupported(why)) => Err(LabError::NotSupported(why.clone())),
            Err(LabError::Inconclusive(why)) => Err(LabError::Inconclusive(why.clone())),
            Err(other) => Err(LabError::Host(other.to_string())),
        }
    }

    /// How all its transfers ended, as far as they have an outcome.
    pub fn transfers(&self) -> impl Iterator<Item = &Observed> {
        self.observed.iter().flatten()
    }
}

/// A line a transfer, below its class.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            writeln!(f, "{} ({})", fwlab_text::one_line(&row.peers), row.family)?;
            for record in &row.records {
                let axes = &record.axes;
                let came = came(record);
                writeln!(
                    f,
                    "  {} {} {}: {came}",
                    axes.protection, axes.data, axes.backend
                )?;
            }
        }
        Ok(())
    }
}
