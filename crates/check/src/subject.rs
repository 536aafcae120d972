//! The rules of a host and where they are tried: what `check` and its like ask about.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use fwlab_classes::{Classes, Place};
use fwlab_model::IpNet;
use fwlab_model::ruleset::Told;
use fwlab_record::{Backend, Exit, Family, PeerName};
use fwlab_runner::{Loader, PrepareError};
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Cell, Overrides, cells};
use fwlab_scenario::{Layout, Scenario};

use crate::expectation::Expectation;
use crate::forwarded::{self, Ports};
use crate::forwarded_range::forwarded_range;
use crate::host_files::{self, HostFiles};
use crate::messages::Messages;
use crate::serving::Serving;
use crate::terms::{At, Terms, Whom};
use crate::tried::Tried;
use crate::{
    captured, elsewhere, expectation, given, listening, peers, proving, question, server_files,
};

/// The rules of a host, and where they are tried.
pub struct Subject {
    /// Its rules, sets and settings.
    pub files: HostFiles,
    /// The backends that load them.
    pub backends: Vec<Backend>,
    /// Where the host stands, with its network as far as it is known.
    pub place: Place,
    /// The server, and what is asked of it.
    pub serving: Serving,
    /// The port that clients connect to: the one that the server listens on, unless a gateway leads there from another.
    pub connect_port: u16,
    /// The range of ports that a gateway forwards to the server, where the user was told that nobody says it is the passive one.
    pub told_range: Option<(u16, u16)>,
}

/// The classes of peers of each family that is spoken.
pub type OfFamilies = Vec<(Family, Arc<Classes>)>;

/// The cells of all classes, and the class that each is for.
#[derive(Default)]
pub struct Trial {
    /// For each cell, whom it is for.
    pub tried: Vec<Tried>,
    /// The cells.
    pub planned: Vec<Cell>,
}

impl Subject {
    /// Reads the files of a host.
    ///
    /// # Errors
    /// When they cannot be read, or say nothing that can be tried: why is said.
    pub fn read(paths: &[PathBuf], terms: &Terms, said: &mut Messages) -> Result<Subject, Exit> {
        let files = host_files::read(paths, terms, said)?;
        let at = terms.at(&[&files], said)?;
        let subject = Subject::of(files, at, terms, said)?;
        subject.serving.tell(None, said);
        Ok(subject)
    }

    /// Of files that were read, tried at that host. Says what was read with leniency.
    ///
    /// # Errors
    /// When that cannot be tried there: why is said.
    pub fn of(
        files: HostFiles,
        at: At,
        terms: &Terms,
        said: &mut Messages,
    ) -> Result<Subject, Exit> {
        let backends = backends(terms, &files.backends, said)?;
        if files.looks_at_users() && !fwlab_fabric::has_ordinary_user() {
            said.say(
                "the rules look at the user who sends a packet, but everybody is root here: fwlab may not become another user",
                Some("run it as root, and clients run as an ordinary user"),
            );
        }
        let mut serving = Serving::of(terms, at, &files, said)?;
        let ports = Ports {
            listening: serving.control_port,
            connected: terms.server_options.connect_port,
        };
        let mut place = place(terms, at, &files, ports, said)?;
        let spoken = &mut place.layout.families;
        listening::retain(serving.only, &terms.families, spoken, said)?;
        peers::refused(terms, &place.layout.families, said)?;
        for (name, note) in &files.notes {
            said.say(format!("{name}:{}: {}", note.line.line, note.message), None);
        }
        let mut families = place.layout.families.iter();
        let forwarded = at
            .forwards()
            .then(|| families.find_map(|family| forwarded::by_rules(&files, *family, ports)))
            .flatten();
        let server = &place.layout.addressing.server;
        let several = Family::ALL.iter().any(|family| {
            let of_family = |net: &&IpNet| Family::of(net.addr()) == *family;
            server.addresses.iter().filter(of_family).count() > 1
        });
        let is_active = serving.data.iter().any(|data| data.is_active());
        if at.forwards() && several && is_active && serving.servers.contains(&PeerName::Libunftp) {
            said.say(
                "libunftp opens active data connections from its first address: if the rules choose another, \
                 active transfers end differently than with a server that has only that one",
                Some("--server vsftpd opens them from the address that the client came to"),
            );
        }
        elsewhere::tell(&files, at, &place.layout, ports, said);
        let mut told_range = None;
        if let Some(forwarded) = forwarded {
            serving.terms.control_port = forwarded.listening;
            let range = forwarded_range(&files, forwarded.to, forwarded.connected);
            let is_free =
                serving.terms.passive_ports.is_none() && !server_files::are_given(&files, terms);
            told_range = range.filter(|_| is_free);
            if let Some((low, high)) = told_range {
                said.say(
                    format!("the rules also forward ports {low} to {high} to the server, but nothing says that it keeps to them"),
                    Some(&format!(
                        "give `--passive-ports {low}-{high}`, or the server's own settings, if these are its passive ports"
                    )),
                );
            }
        }
        let connect_port = match (forwarded, terms.server_options.connect_port) {
            (Some(one), _) => one.connected,
            (None, Some(port)) => port,
            (None, None) => serving.terms.control_port,
        };
        if let (At::Server, None, Some(other)) = (
            at,
            terms.server_options.connect_port,
            forwarded::redirected(&files, serving.terms.control_port),
        ) {
            said.say(
                format!("the rules lead port {other} to the server's port {connect_port}, and clients connect to the latter here"),
                Some(&format!("--connect-port {other} has them connect to the former")),
            );
        }
        Ok(Subject {
            connect_port,
            files,
            backends,
            place,
            serving,
            told_range,
        })
    }

    /// What the rules tell apart: they are loaded for that. A server that runs with its own settings is started with them
    /// first.
    ///
    /// # Errors
    /// When the rules do not load, or the server does not start: why is said.
    pub async fn told(
        &self,
        loader: &Loader,
        terms: &Terms,
        said: &mut Messages,
    ) -> Result<Vec<Told>, Exit> {
        proving::prove(&self.serving, terms.in_containers, said).await?;
        told(loader, &question::scenario(terms, self, None, &[]), said).await
    }

    /// The classes of peers that are told apart, as far as they were chosen. Says what of them is not tried.
    pub fn classes(&self, told: &[Told], terms: &Terms, said: &mut Messages) -> OfFamilies {
        self.classes_of(told, &terms.whom, said)
    }

    /// The same, whoever was chosen.
    pub fn all_classes(&self, told: &[Told], terms: &Terms, said: &mut Messages) -> OfFamilies {
        self.classes_of(told, &terms.whom.everybody(), said)
    }

    fn classes_of(&self, told: &[Told], whom: &Whom, said: &mut Messages) -> OfFamilies {
        let families = self.place.layout.families.iter();
        families
            .map(|&family| {
                let asked = peers::question(self, whom, told, family);
                let classes = Classes::of(told, &asked);
                peers::tell(&classes, family, self.place.network.is_some(), said);
                (family, Arc::new(classes))
            })
            .collect()
    }

    /// The cells of all classes, and what is expected of them.
    ///
    /// # Errors
    /// When there are none, or something is expected of none: that is said.
    pub fn trial(
        &self,
        classes: &OfFamilies,
        terms: &Terms,
        expected: &[Expectation],
        said: &mut Messages,
    ) -> Result<Trial, Exit> {
        let mut trial = Trial::default();
        for (family, classes) in classes {
            for class in 0..classes.len() {
                let of = Tried {
                    classes: Arc::clone(classes),
                    class,
                    family: *family,
                };
                let scenario = question::scenario(terms, self, Some(&of), expected);
                let mistakes = scenario.deployment.topology.mistakes();
                if !mistakes.is_empty() {
                    for mistake in &mistakes {
                        said.say(mistake, None);
                    }
                    return Err(Exit::Usage);
                }
                let scenario = Arc::new(scenario);
                // All classes are tried in the same ways.
                if trial.planned.is_empty() {
                    expectation::refuse_idle(expected, &scenario, said)?;
                }
                let of_class = cells(&scenario, &Overrides::default(), &Filter::default());
                trial.tried.extend(of_class.iter().map(|_| of.clone()));
                trial.planned.extend(of_class);
            }
        }
        if trial.planned.is_empty() {
            said.say(
                match terms.whom.is_chosen() {
                    true => "nobody is left to try: no host fits what was chosen",
                    false => "nobody is left to try: these files name no host that fits",
                },
                Some(match (terms.whom.is_chosen(), &self.files.host) {
                    (true, Some(_)) => {
                        "leave out one of --on, --out, --from and --to; the host's own interfaces and routes say who can be where; `--at hairpin` tries clients in the server's own network"
                    }
                    (true, None) => "leave out one of --on, --out, --from and --to",
                    (false, _) => {
                        "--family chooses another family; --on and --from say who connects"
                    }
                }),
            );
            return Err(Exit::Usage);
        }
        Ok(trial)
    }
}

/// The backends that were asked for, as far as the rules' language has them.
fn backends(
    terms: &Terms,
    able: &host_files::Backends,
    said: &mut Messages,
) -> Result<Vec<Backend>, Exit> {
    let unable = terms
        .backends
        .iter()
        .find(|backend| !able.able.contains(backend));
    match unable {
        None if terms.backends.is_empty() => Ok(able.own.clone()),
        None => Ok(terms.backends.clone()),
        Some(unable) => {
            let able: Vec<&str> = able.able.iter().map(|backend| backend.word()).collect();
            said.say(
                format!(
                    "--backend {unable}: these rules are loaded by {}",
                    able.join(" or ")
                ),
                Some("`native` loads nft scripts; `nft` and `legacy` load iptables rules"),
            );
            Err(Exit::Usage)
        }
    }
}

/// Where the rules are tried while nobody's peers are known.
fn place(
    terms: &Terms,
    at: At,
    files: &HostFiles,
    ports: Ports,
    said: &mut Messages,
) -> Result<Place, Exit> {
    if terms.whom.out.is_some() && (!at.is_router() || at == At::Hairpin) {
        let help = match at {
            At::Hairpin => "at a hairpin, clients and server are on one interface: --on",
            _ => "--on is the host's interface on the side of the other end",
        };
        said.say(
            "--out is a gateway's interface on the side of the servers",
            Some(help),
        );
        return Err(Exit::Usage);
    }
    let mut layout = Layout::new(at.shape());
    layout.families = [&terms.families, &files.families, &vec![Family::Ipv4]]
        .into_iter()
        .find(|families| !families.is_empty())
        .cloned()
        .unwrap_or_default();
    // Who is of one family says which is spoken.
    let whom = &terms.whom;
    let chosen: BTreeSet<Family> = [&whom.from, &whom.to, &whom.server_address]
        .into_iter()
        .flatten()
        .map(|address| Family::of(*address))
        .collect();
    let spoken = |family: &Family| chosen.contains(family);
    if terms.families.is_empty() && layout.families.iter().any(spoken) {
        layout.families.retain(spoken);
    }
    if at.forwards() {
        forwarded::place(files, &terms.whom.server_address, ports, &mut layout, said);
    } else if !terms.whom.server_address.is_empty() {
        said.say(
            "--server-address is the address of a server to which a port is forwarded: use --at port-forward",
            Some("--to is the address that clients connect to"),
        );
        return Err(Exit::Usage);
    }
    Ok(Place {
        layout,
        interfaces: files.named_interfaces(),
        given: given::given_sources(files),
        network: files.host.as_deref().and_then(captured::network),
    })
}

/// What the rules tell apart, once they are loaded.
async fn told(
    loader: &Loader,
    scenario: &Scenario,
    said: &mut Messages,
) -> Result<Vec<Told>, Exit> {
    let mut told = Vec::new();
    let mut errors = Vec::new();
    // The backends list the same, where they load the same.
    for backend in &scenario.rulesets[0].backends {
        match loader.prepare(scenario, 0, *backend).await {
            Ok(prepared) if told.is_empty() => told = prepared.told(),
            Ok(_) => {}
            Err(more) => errors.extend(more),
        }
    }
    if !errors.is_empty() {
        let errors = PrepareError::distinct(errors);
        let lab = errors.iter().any(|error| error.is_lab_fault());
        said.mistakes(errors);
        return Err(if lab { Exit::Lab } else { Exit::Usage });
    }
    Ok(told)
}
