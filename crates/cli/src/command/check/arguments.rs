use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fwlab_check::{Expectation, GivenSet, Terms};
use fwlab_record::{Backend, DataSetup, Family, InterfaceName, PeerName, Place, Protection};
use fwlab_runner::RunSettings;

use crate::command::run::How;
use crate::command::word;

#[derive(Debug, Args)]
pub(in crate::command) struct CheckArguments {
    /// What `iptables-save` writes, lines of `iptables` commands, or an nft script; `-` for standard input. Several
    /// files together are those of one host, each recognised by its content: also those of `ip6tables-save` and
    /// `ipset save`, and the FTP server's own, such as vsftpd.conf
    #[arg(required = true, value_name = "RULES")]
    pub(super) rules: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) terms: CheckTerms,
    /// What the table must show in every row: `[PROTECTION/]SETUP OUTCOME`, such as 'passive passes' or
    /// 'explicit/port blocked'. PROTECTION is plain, explicit, implicit, ccc, or tls for all but plain; SETUP is active,
    /// passive, port, eprt, pasv, epsv or all; OUTCOME is passes or blocked. Can be given several times; if two
    /// name the same cell, the last one counts. The exit code is 1 if one is not met
    #[arg(long, value_name = "EXPECTATION")]
    pub(super) expect: Vec<Expectation>,
    /// Write the table as a scenario for `fwlab run`, with the rules beside it. It requires everything that was
    /// observed, so whatever another ruleset, server or kernel changes is a miss. With several rows, each has
    /// its own file: FILE-1.toml and so on
    #[arg(long, value_name = "FILE")]
    pub(super) write_scenario: Option<PathBuf>,
}

/// Where rules are tried, on whom, and how: whichever rules they are.
#[derive(Debug, Args)]
pub(in crate::command) struct CheckTerms {
    /// The host that the rules are for; not needed for a captured host on which an FTP server listens
    #[arg(long, value_enum)]
    at: Option<At>,
    #[command(flatten)]
    whom: Whom,
    /// Only these data setups
    #[arg(long, value_name = "SETUP", value_delimiter = ',', value_parser = word::data_setup())]
    data: Vec<DataSetup>,
    /// What hides the dialogue from the firewall; default: what the server's settings ask for; without
    /// settings, both plain and explicit
    #[arg(long, value_name = "PROTECTION", value_delimiter = ',', value_parser = word::protection())]
    protection: Vec<Protection>,
    /// The address family that client and server speak; default: that of the rules. A dump that does not name
    /// its family is taken to be of the first one given
    #[arg(long, value_name = "FAMILY", value_delimiter = ',', value_parser = word::family())]
    family: Vec<Family>,
    /// Only this backend; default: that of the rules or, if they do not say, both of iptables
    #[arg(long, value_name = "BACKEND", value_delimiter = ',', value_parser = word::backend())]
    backend: Vec<Backend>,
    /// Use these servers; default: the one whose settings are given, otherwise vsftpd, or libunftp if vsftpd is missing
    #[arg(long, value_name = "PEER", value_delimiter = ',', value_parser = word::server())]
    server: Vec<PeerName>,
    /// Use these clients; default: suppaftp
    #[arg(long, value_name = "PEER", value_delimiter = ',', value_parser = word::client())]
    client: Vec<PeerName>,
    #[command(flatten)]
    server_options: ServerOptions,
    /// The members of a set that the rules match on and no file makes; can be given several times
    #[arg(long, value_name = "NAME=ADDRESS,…", value_parser = given_set)]
    set: Vec<GivenSet>,
    /// Treat sets that the rules match on and no file or `--set` gives as empty
    #[arg(long)]
    empty_sets: bool,
    /// The folder from which nft scripts include files; without it, `include` is a mistake
    #[arg(long, value_name = "FOLDER")]
    include: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::command) how: How,
}

impl CheckTerms {
    /// The same, as they are used.
    pub(in crate::command) fn terms(&self) -> Terms {
        let ServerOptions {
            server_config,
            control_port,
            connect_port,
            passive_ports,
            advertise,
            data_from_high_port,
        } = &self.server_options;
        let Whom {
            on,
            out,
            from,
            to,
            server_address,
            classes,
        } = &self.whom;
        Terms {
            at: self.at.map(At::place),
            whom: fwlab_check::Whom {
                on: on.clone(),
                out: out.clone(),
                from: from.clone(),
                to: to.clone(),
                server_address: server_address.clone(),
                classes: *classes,
            },
            data: self.data.clone(),
            protections: self.protection.clone(),
            families: self.family.clone(),
            backends: self.backend.clone(),
            servers: self.server.clone(),
            clients: self.client.clone(),
            server_options: fwlab_check::ServerOptions {
                config: server_config.clone(),
                control_port: *control_port,
                connect_port: *connect_port,
                passive_ports: *passive_ports,
                advertise: *advertise,
                data_from_high_port: *data_from_high_port,
            },
            sets: self.set.clone(),
            empty_sets: self.empty_sets,
            include: self.include.clone(),
            in_containers: self.how.place.placement().place == Some(Place::Container),
        }
    }

    /// The same, for cells of a scenario.
    ///
    /// # Errors
    /// An option that says what the scenario itself says.
    pub(in crate::command) fn of_scenario(&self) -> Result<Terms, &'static str> {
        let terms = self.terms();
        let Terms {
            at,
            whom,
            server_options,
            sets,
            empty_sets,
            include,
            ..
        } = &terms;
        let is_given = [
            ("--at", at.is_some()),
            ("--on", whom.on.is_some()),
            ("--out", whom.out.is_some()),
            ("--from", !whom.from.is_empty()),
            ("--to", !whom.to.is_empty()),
            ("--server-address", !whom.server_address.is_empty()),
            ("--classes", whom.classes.is_some()),
            ("--server-config", !server_options.config.is_empty()),
            ("--control-port", server_options.control_port.is_some()),
            ("--connect-port", server_options.connect_port.is_some()),
            ("--passive-ports", server_options.passive_ports.is_some()),
            ("--advertise", server_options.advertise.is_some()),
            ("--data-from-high-port", server_options.data_from_high_port),
            ("--set", !sets.is_empty()),
            ("--empty-sets", *empty_sets),
            ("--include", include.is_some()),
        ];
        match is_given.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => Err(option),
            None => Ok(terms),
        }
    }

    /// How all cells are run: every one, with the evidence that explains it.
    pub(in crate::command) fn settings(&self) -> RunSettings {
        RunSettings {
            keep_going: true,
            keep_evidence: true,
            ..self.how.settings()
        }
    }
}

/// How the server is set up. What is given here holds, whatever its own settings say.
#[derive(Debug, Args)]
struct ServerOptions {
    /// The FTP server's own settings: vsftpd.conf, proftpd.conf or pure-ftpd.conf. fwlab uses what matters to a
    /// firewall, and says so. If you give several, the first one includes the others
    #[arg(long, value_name = "FILE")]
    server_config: Vec<PathBuf>,
    /// The server's control port; default: the one in its settings, or 21
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    control_port: Option<u16>,
    /// The port that clients connect to, if rules lead it to the control port; default: as the rules say, or the control port
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    connect_port: Option<u16>,
    /// The ports that the server listens on for passive data connections; default: those in its settings, or any
    #[arg(long, value_name = "LOW-HIGH", value_parser = ports)]
    passive_ports: Option<(u16, u16)>,
    /// The IPv4 address that the server announces in its 227; default: the control connection's
    #[arg(long, value_name = "ADDRESS", value_parser = announced)]
    advertise: Option<Ipv4Addr>,
    /// The server's active data connections come from a high port, not from port 20
    #[arg(long)]
    data_from_high_port: bool,
}

/// Which of those whom the rules can tell apart.
#[derive(Debug, Clone, Default, Args)]
struct Whom {
    /// Only peers on this interface of the host: the other end or, on a gateway, the client. Default: all that
    /// the rules can tell apart, one row each
    #[arg(long, value_name = "INTERFACE", value_parser = interface)]
    on: Option<InterfaceName>,
    /// On a gateway: only servers on this interface
    #[arg(long, value_name = "INTERFACE", value_parser = interface)]
    out: Option<InterfaceName>,
    /// Only clients with this address
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = address)]
    from: Vec<IpAddr>,
    /// Clients connect to this address only
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = address)]
    to: Vec<IpAddr>,
    /// The server's own address, where a port is forwarded to it; default: the one that the rules forward to
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = address)]
    server_address: Vec<IpAddr>,
    /// Try at most this many classes of peers for each family; default: 50, and fewer for a ruleset of thousands of rules
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    classes: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum At {
    Client,
    Server,
    Gateway,
    /// A gateway that forwards its own control port to the server behind it
    PortForward,
    /// The same gateway, for clients in the server's own network
    Hairpin,
}

impl At {
    fn place(self) -> fwlab_check::At {
        match self {
            At::Client => fwlab_check::At::Client,
            At::Server => fwlab_check::At::Server,
            At::Gateway => fwlab_check::At::Gateway,
            At::PortForward => fwlab_check::At::PortForward,
            At::Hairpin => fwlab_check::At::Hairpin,
        }
    }
}

fn given_set(text: &str) -> Result<GivenSet, String> {
    text.parse()
}

fn interface(text: &str) -> Result<InterfaceName, String> {
    match text {
        "lo" => Err("nobody else is on the loopback interface".into()),
        _ => InterfaceName::new(text).map_err(|error| error.to_string()),
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not an address such as 192.0.2.7 or 2001:db8::7"))
}

fn announced(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| {
        format!(
            "`{text}` is not an IPv4 address such as 192.0.2.7, and a 227 can announce no other"
        )
    })
}

pub(in crate::command) fn ports(text: &str) -> Result<(u16, u16), String> {
    let (low, high) = text.split_once(['-', ':']).unwrap_or((text, text));
    match (low.parse::<u16>(), high.parse::<u16>()) {
        (Ok(low @ 1..), Ok(high @ 1..)) if low <= high => Ok((low, high)),
        (Ok(low @ 1..), Ok(high @ 1..)) => Err(format!(
            "{low} is above {high}: write {high}-{low}, the lower port first"
        )),
        _ => Err("write a port or LOW-HIGH, 1 to 65535".into()),
    }
}
