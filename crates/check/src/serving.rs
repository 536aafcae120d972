//! How the server is set up that the lab runs: by options, by its own settings, and otherwise as most are.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr};

use fwlab_ftp::DataSourcePort;
use fwlab_host::{ServerRead, ServerSettings};
use fwlab_record::{DataSetup, Exit, Family, PeerName, Protection};
use fwlab_runner::PeerRegistry;
use fwlab_scenario::ServerTerms;
use fwlab_text::one_line;

use crate::host_files::HostFiles;
use crate::messages::Messages;
use crate::runs_own::RunsOwn;
use crate::terms::{At, Terms};
use crate::{captured, listening, server_files};

/// The server of all cells, and what is asked of it.
pub struct Serving {
    /// How the server is set up.
    pub terms: ServerTerms,
    pub(crate) servers: Vec<PeerName>,
    pub(crate) protections: Vec<Protection>,
    pub(crate) data: Vec<DataSetup>,
    /// The control port, where options or settings say it.
    pub(crate) control_port: Option<u16>,
    /// The addresses that clients connect to, where not all are tried.
    pub(crate) to: Vec<IpAddr>,
    /// The only family that the server waits for clients in, where it is one.
    pub(crate) only: Option<Family>,
    /// The server's own settings that run as they stand, where that very server runs.
    pub(crate) own: Option<RunsOwn>,
    /// What the settings are, and what of them is another here.
    remarks: Vec<Remark>,
}

/// A line for standard error, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Remark {
    what: String,
    help: Option<String>,
}

impl Serving {
    pub(crate) fn of(
        terms: &Terms,
        at: At,
        files: &HostFiles,
        said: &mut Messages,
    ) -> Result<Serving, Exit> {
        let given = server_files::named(&terms.server_options.config, said)?;
        // The server of a gateway or a client is another host's.
        let own = files.own_server.as_ref().filter(|_| at == At::Server);
        match given.as_ref().or(files.server.as_ref()).or(own) {
            None => Ok(Serving {
                only: listening::of_host(files, at, terms.server_options.control_port),
                ..without(terms)
            }),
            Some(read) => {
                let mut settled = Settled {
                    terms,
                    at,
                    files,
                    is_captured: own.is_some_and(|own| std::ptr::eq(own, read)),
                    read,
                    remarks: Vec::new(),
                };
                let serving = settled.serving();
                let remarks = settled.remarks;
                match serving {
                    Ok(serving) => Ok(Serving { remarks, ..serving }),
                    Err(exit) => {
                        tell(&remarks, said);
                        Err(exit)
                    }
                }
            }
        }
    }

    /// The addresses that clients connect to, as far as options or the server's settings say them.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.to
    }

    /// Says what the settings are, and what of them is another here: what another host's did not say already.
    pub fn tell(&self, other: Option<&Serving>, said: &mut Messages) {
        let known = other.map(|other| &other.remarks[..]).unwrap_or_default();
        let new = self.remarks.iter().filter(|remark| !known.contains(remark));
        tell(new, said);
    }
}

fn tell<'r>(remarks: impl IntoIterator<Item = &'r Remark>, said: &mut Messages) {
    for one in remarks {
        said.say(&one.what, one.help.as_deref());
    }
}

/// As most servers are.
fn without(terms: &Terms) -> Serving {
    let options = &terms.server_options;
    let default = ServerTerms::default();
    Serving {
        terms: ServerTerms {
            control_port: options.control_port.unwrap_or(default.control_port),
            passive_ports: options.passive_ports,
            data_source_port: match options.data_from_high_port {
                true => DataSourcePort::Ephemeral,
                false => DataSourcePort::Twenty,
            },
            advertised_address: options.advertise,
            ..default
        },
        servers: or(&terms.servers, usual),
        protections: or(&terms.protections, || {
            vec![Protection::Plain, Protection::Explicit]
        }),
        data: or(&terms.data, || DataSetup::ALL.to_vec()),
        control_port: options.control_port,
        to: terms.whom.to.clone(),
        only: None,
        own: None,
        remarks: Vec::new(),
    }
}

/// The server that most hosts have, where it is here.
fn usual() -> Vec<PeerName> {
    match PeerRegistry::finds(PeerName::Vsftpd) {
        true => vec![PeerName::Vsftpd],
        false => vec![PeerName::Libunftp],
    }
}

fn or<T: Clone>(given: &[T], default: impl FnOnce() -> Vec<T>) -> Vec<T> {
    match given.is_empty() {
        true => default(),
        false => given.to_vec(),
    }
}

/// Settings that were read, for the rules of a host.
struct Settled<'a> {
    terms: &'a Terms,
    at: At,
    files: &'a HostFiles,
    read: &'a ServerRead,
    /// Whether they are those of a host that was captured, where the server runs with them.
    is_captured: bool,
    remarks: Vec<Remark>,
}

impl Settled<'_> {
    fn say(&mut self, what: String, help: Option<&str>) {
        self.remarks.push(Remark {
            what,
            help: help.map(str::to_owned),
        });
    }

    fn serving(&mut self) -> Result<Serving, Exit> {
        let settings = &self.read.settings;
        self.say(
            format!(
                "the server's settings are those of {}: {}",
                one_line(&self.read.name),
                in_words(settings, self.read.own.data_port).join(", ")
            ),
            None,
        );
        let beside = self.files.server.as_ref();
        if let Some(beside) = beside.filter(|beside| beside.name != self.read.name) {
            self.say(
                format!(
                    "--server-config: {}, and not {}",
                    one_line(&self.read.name),
                    one_line(&beside.name)
                ),
                None,
            );
        }
        let servers = or(&self.terms.servers, || {
            self.own_server().into_iter().collect()
        });
        let runs = RunsOwn::of(self.read, &servers, self.is_captured);
        let notes = self.read.notes.iter();
        for note in notes.filter(|note| runs.is_none() || !note.of_another) {
            self.say(
                format!("{}:{}: {}", one_line(&note.file), note.line, note.what),
                None,
            );
        }
        let options = &self.terms.server_options;
        let mut serving = without(self.terms);
        let terms = &mut serving.terms;
        if let Some(port) = settings.control_port {
            terms.control_port = self.chosen("--control-port", options.control_port, port);
            serving.control_port = Some(terms.control_port);
        }
        if let Some((low, high)) = settings.passive_ports {
            let range = |(low, high): (u16, u16)| format!("{low}-{high}");
            self.overridden(
                "--passive-ports",
                options.passive_ports.map(range),
                &range((low, high)),
            );
            terms.passive_ports = options.passive_ports.or(Some((low, high)));
        }
        match (settings.data_from_port_20, options.data_from_high_port) {
            (Some(false), false) => terms.data_source_port = DataSourcePort::Ephemeral,
            (Some(true), true) => {
                self.overridden("--data-from-high-port", Some("a high port"), "port 20")
            }
            (Some(false), true) => {
                if let Some(port) = self.read.own.data_port {
                    let own = format!("port {port}");
                    self.overridden("--data-from-high-port", Some("a high port"), &own);
                }
            }
            _ => {}
        }
        serving.servers = match servers.is_empty() {
            true => self.another(),
            false => servers,
        };
        if let Some(runs) = runs {
            self.say(runs.in_words(), None);
            serving.terms.options = runs.options(options.data_from_high_port);
            serving.own = Some(runs);
        }
        self.session_reuse(&mut serving);
        self.protections(&mut serving);
        self.data(&mut serving)?;
        self.listening(&mut serving)?;
        self.addresses(&mut serving);
        Ok(serving)
    }

    /// What an option says, where it is given.
    fn chosen<T: Copy + PartialEq + Display>(
        &mut self,
        option: &str,
        given: Option<T>,
        own: T,
    ) -> T {
        self.overridden(option, given, &own);
        given.unwrap_or(own)
    }

    /// Says that an option holds, and not the settings.
    fn overridden(
        &mut self,
        option: &str,
        given: Option<impl Display>,
        own: &(impl ToString + ?Sized),
    ) {
        let Some(given) = given.map(|given| given.to_string()) else {
            return;
        };
        let own = own.to_string();
        if given != own {
            self.say(
                format!(
                    "{option}: {given}, and not {own} as in {}",
                    one_line(&self.read.name)
                ),
                None,
            );
        }
    }

    /// The program whose settings they are, where it is here.
    fn own_server(&self) -> Option<PeerName> {
        let own: Option<PeerName> = self.read.program.word().parse().ok();
        let in_containers = self.terms.in_containers;
        own.filter(|own| in_containers || PeerRegistry::finds(*own))
    }

    /// What stands for that program, where it is not here.
    fn another(&mut self) -> Vec<PeerName> {
        let others = usual();
        self.say(
            format!(
                "{} is not on this machine: {}, set up in the same way, takes its place",
                self.read.program, others[0]
            ),
            Some("--where container runs it in a container"),
        );
        others
    }

    fn session_reuse(&mut self, serving: &mut Serving) {
        if self.read.settings.require_session_reuse != Some(true) {
            return;
        }
        let can = |server: &PeerName| matches!(server, PeerName::Vsftpd | PeerName::Proftpd);
        match serving.servers.iter().find(|server| !can(server)) {
            None => serving.terms.require_session_reuse = true,
            Some(unable) => self.say(
                format!(
                    "{unable} cannot demand that a TLS session is resumed, so that is not tried"
                ),
                None,
            ),
        }
    }

    fn protections(&mut self, serving: &mut Serving) {
        let settings = &self.read.settings;
        let own = match (settings.offers_tls, settings.requires_tls) {
            _ if settings.implicit_tls == Some(true) => vec![Protection::Implicit],
            (Some(false), _) => vec![Protection::Plain],
            (_, Some(true)) => vec![Protection::Explicit],
            _ => vec![Protection::Plain, Protection::Explicit],
        };
        let words = |of: &[Protection]| {
            of.iter()
                .map(|one| one.word())
                .collect::<Vec<_>>()
                .join(",")
        };
        let given = &self.terms.protections;
        self.overridden(
            "--protection",
            (!given.is_empty()).then(|| words(given)),
            &words(&own),
        );
        serving.protections = or(given, || own);
    }

    /// Ways to transfer that the server refuses are not tried, unless they are asked for.
    fn data(&mut self, serving: &mut Serving) -> Result<(), Exit> {
        let settings = &self.read.settings;
        for (allowed, is_active, what) in [
            (settings.active_enabled, true, "active"),
            (settings.passive_enabled, false, "passive"),
        ] {
            if allowed != Some(false) || !self.terms.data.is_empty() {
                continue;
            }
            self.say(
                format!(
                    "{} refuses {what} transfers: they are not tried",
                    one_line(&self.read.name)
                ),
                None,
            );
            serving.data.retain(|data| data.is_active() != is_active);
        }
        if serving.data.is_empty() {
            self.say(
                format!("{} refuses all transfers", one_line(&self.read.name)),
                Some("--data tries some all the same, as with another server"),
            );
            return Err(Exit::Usage);
        }
        Ok(())
    }

    /// Who can connect to it at all.
    fn listening(&mut self, serving: &mut Serving) -> Result<(), Exit> {
        let on = self.read.settings.listens_on;
        if let Some(own) = on.filter(IpAddr::is_loopback) {
            self.say(
                format!(
                    "{}: the server listens on {own}, the host's own loopback address: nobody else can connect to it, whatever the rules say",
                    one_line(&self.read.name)
                ),
                Some("have it listen on another address; without its settings, only the rules are tried"),
            );
            return Err(Exit::Usage);
        }
        let port = Some(serving.terms.control_port);
        let of_host = || listening::of_host(self.files, self.at, port);
        serving.only = match self.is_captured {
            true => of_host().or_else(|| on.and_then(listening::only)),
            false => on.and_then(listening::only),
        };
        Ok(())
    }

    /// What is announced, and where clients connect to.
    fn addresses(&mut self, serving: &mut Serving) {
        let settings = &self.read.settings;
        let options = &self.terms.server_options;
        let is_own = |address: IpAddr| {
            let host = self.files.host.as_deref();
            host.is_none_or(|host| host.addresses().any(|own| own.net.addr() == address))
        };
        let listens = settings.listens_on.filter(|address| {
            !address.is_unspecified() && !address.is_loopback() && is_own(*address)
        });
        if let (At::Server, true, Some(address)) = (self.at, serving.to.is_empty(), listens) {
            self.say(
                format!("clients connect to {address}, where the server listens"),
                Some("--to chooses another address"),
            );
            serving.to = vec![address];
        }
        let Some(own) = settings.advertised_address else {
            return;
        };
        if let Some(given) = options.advertise {
            self.overridden("--advertise", Some(given), &own);
            return;
        }
        let address = IpAddr::from(own);
        if self.at.forwards() && serving.to.is_empty() && is_own(address) {
            self.say(
                format!("clients connect to {own}, which the server announces"),
                Some("--to chooses another address"),
            );
            serving.to = vec![address];
        }
        if serving.to.contains(&address) || (self.files.host.is_some() && is_own(address)) {
            serving.terms.advertised_address = Some(own);
        } else {
            self.tell_unknown(own);
        }
    }

    /// Says that an address is announced that nobody has here.
    fn tell_unknown(&mut self, own: Ipv4Addr) {
        self.say(
            format!(
                "the server announces {own}, which is not the address that clients connect to here: it is left \
                 out, as if a gateway in front of the server forwarded that address to it"
            ),
            Some(&format!(
                "--to {own} lets clients connect to it; --advertise {own} announces it all the same"
            )),
        );
    }
}

/// The settings in words.
fn in_words(settings: &ServerSettings, data_port: Option<u16>) -> Vec<String> {
    let mut words = Vec::new();
    words.push(match settings.control_port {
        Some(port) => format!("port {port}"),
        None => format!(
            "port {}, because another program listens on it",
            captured::DEFAULT_PORT
        ),
    });
    words.push(match settings.passive_ports {
        Some((low, high)) => format!("passive ports {low}-{high}"),
        None => "any passive port".into(),
    });
    if let Some(address) = settings.advertised_address {
        words.push(format!("announces {address}"));
    }
    match settings.data_from_port_20 {
        Some(false) if let Some(port) = data_port => {
            words.push(format!("active data from port {port}"));
        }
        Some(true) => words.push("active data from port 20".into()),
        Some(false) => words.push("active data from a high port".into()),
        None => {}
    }
    let tls = match (settings.offers_tls, settings.requires_tls) {
        _ if settings.implicit_tls == Some(true) => "implicit TLS",
        (Some(false), _) => "no TLS",
        (Some(true), Some(true)) => "TLS required",
        (Some(true), _) => "TLS for those who ask",
        (None, _) => "TLS unknown",
    };
    words.push(tls.into());
    if settings.require_session_reuse == Some(true) {
        words.push("whose session data connections resume".into());
    }
    if let Some(address) = settings
        .listens_on
        .filter(|address| !address.is_unspecified())
    {
        words.push(format!("listens on {address} only"));
    }
    words
}
