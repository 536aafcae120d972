use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fwlab_record::{Backend, DataSetup, Exit, Family, InterfaceName, PeerName, Protection};
use fwlab_runner::RunSettings;
use fwlab_scenario::Shape;
use fwlab_text::one_line;

use super::captured;
use super::expectation::Expectation;
use super::host_files::HostFiles;
use crate::command::exit::complain;
use crate::command::run::How;
use crate::command::word;

#[derive(Debug, Args)]
pub(in crate::command) struct CheckArguments {
    /// What `iptables-save` writes, lines of `iptables` commands, or an nft script; `-` for standard input. Several
    /// files are those of one host, each known by its content: `ip6tables-save`'s and `ipset save`'s, too, and the FTP
    /// server's own, such as vsftpd.conf
    #[arg(required = true, value_name = "RULES")]
    pub(super) rules: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) terms: Terms,
    /// What must come of the table, for everybody who is tried: `[PROTECTION/]SETUP OUTCOME`, such as 'passive passes' or
    /// 'explicit/port blocked'. SETUP is active, passive, port, eprt, pasv, epsv or all; OUTCOME is passes or blocked. It can be
    /// given several times; where two name a cell, the last holds. The exit code is 1 where one is not met
    #[arg(long, value_name = "EXPECTATION")]
    pub(super) expect: Vec<Expectation>,
}

/// Where rules are tried, on whom, and how: whichever rules they are.
#[derive(Debug, Args)]
pub(in crate::command) struct Terms {
    /// The host that the rules are for; of a captured host that an FTP server waits on, it need not be said
    #[arg(long, value_enum)]
    at: Option<At>,
    #[command(flatten)]
    pub(in crate::command) whom: Whom,
    /// Only these data setups
    #[arg(long, value_name = "SETUP", value_delimiter = ',', value_parser = word::data_setup())]
    pub(in crate::command) data: Vec<DataSetup>,
    /// What hides the dialogue from the firewall; default: what the server's settings ask for; without any,
    /// nothing, and TLS that the client asks for
    #[arg(long, value_name = "PROTECTION", value_delimiter = ',', value_parser = word::protection())]
    pub(in crate::command) protection: Vec<Protection>,
    /// The family that client and server speak; default: that of the rules. A dump that does
    /// not say its family is taken to be of the first
    #[arg(long, value_name = "FAMILY", value_delimiter = ',', value_parser = word::family())]
    pub(in crate::command) family: Vec<Family>,
    /// Only this backend; default: that of the rules, and where they do not say, both of iptables
    #[arg(long, value_name = "BACKEND", value_delimiter = ',', value_parser = word::backend())]
    pub(in crate::command) backend: Vec<Backend>,
    /// These servers; default: the one whose settings are given, otherwise vsftpd, or libunftp where it is not there
    #[arg(long, value_name = "PEER", value_delimiter = ',', value_parser = word::server())]
    pub(in crate::command) server: Vec<PeerName>,
    /// These clients; default: suppaftp
    #[arg(long, value_name = "PEER", value_delimiter = ',', value_parser = word::client())]
    pub(in crate::command) client: Vec<PeerName>,
    #[command(flatten)]
    pub(in crate::command) server_options: ServerOptions,
    #[command(flatten)]
    pub(in crate::command) how: How,
}

impl Terms {
    /// The family of a dump that does not say its own.
    pub(in crate::command) fn first_family(&self) -> Family {
        self.family.first().copied().unwrap_or(Family::Ipv4)
    }

    /// How all cells are run: every one, with the evidence that explains it.
    pub(in crate::command) fn settings(&self) -> RunSettings {
        RunSettings {
            keep_going: true,
            keep_evidence: true,
            ..self.how.settings()
        }
    }

    /// Whose rules these are, of one host or of several that are compared.
    ///
    /// # Errors
    /// When nobody said, and nothing tells, or two tell two things; then that was told.
    pub(in crate::command) fn at(&self, hosts: &[&HostFiles]) -> Result<At, Exit> {
        const HELP: &str = "--at server, --at client, --at gateway, or --at port-forward for a gateway that forwards its own control port";
        if let Some(at) = self.at {
            return Ok(at);
        }
        let mut told: Option<(At, &HostFiles)> = None;
        for files in hosts {
            let Some(at) = captured::at(files, self.server_options.control_port) else {
                continue;
            };
            let why = match at {
                At::PortForward => "its rules forward to a server: --at port-forward",
                _ => "a server waits for clients there: --at server",
            };
            complain(format!("{}: {why}", one_line(&files.name)), None);
            match told {
                None => told = Some((at, files)),
                Some((other, first)) if other != at => {
                    complain(
                        format!(
                            "{} and {} are not to be tried alike",
                            one_line(&first.name),
                            one_line(&files.name)
                        ),
                        Some(HELP),
                    );
                    return Err(Exit::Usage);
                }
                Some(_) => {}
            }
        }
        told.map(|(at, _)| at).ok_or_else(|| {
            let names: Vec<String> = hosts
                .iter()
                .map(|files| one_line(&files.name).to_string())
                .collect();
            complain(
                format!("whose rules are these, {}?", names.join(" and ")),
                Some(HELP),
            );
            Exit::Usage
        })
    }
}

/// How the server is set up. What is given here holds, whatever its own settings say.
#[derive(Debug, Args)]
pub(in crate::command) struct ServerOptions {
    /// The FTP server's own settings: vsftpd.conf, proftpd.conf or pure-ftpd.conf. What of them matters to a firewall is
    /// used, and said. Several are the first and what it includes
    #[arg(long, value_name = "FILE")]
    pub(super) server_config: Vec<PathBuf>,
    /// The server's control port; default: that of its settings, or 21
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) control_port: Option<u16>,
    /// The ports that the server listens on for passive data connections; default: those of its settings, or any
    #[arg(long, value_name = "LOW-HIGH", value_parser = ports)]
    pub(super) passive_ports: Option<(u16, u16)>,
    /// The IPv4 address that the server announces in its 227; default: the control connection's
    #[arg(long, value_name = "ADDRESS", value_parser = announced)]
    pub(super) advertise: Option<Ipv4Addr>,
    /// The server's active data connections come from a high port, and not from port 20
    #[arg(long)]
    pub(super) data_from_high_port: bool,
}

/// Which of those whom the rules can tell apart.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::command) struct Whom {
    /// Only those on this interface of the host: the other end, or, on a gateway, the client. Default: all whom the
    /// rules can tell apart, a row each
    #[arg(long, value_name = "INTERFACE", value_parser = interface)]
    pub(in crate::command) on: Option<InterfaceName>,
    /// On a gateway: only servers on this interface
    #[arg(long, value_name = "INTERFACE", value_parser = interface)]
    pub(in crate::command) out: Option<InterfaceName>,
    /// Only clients of this address
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = address)]
    pub(in crate::command) from: Vec<IpAddr>,
    /// Only this address that clients connect to
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = address)]
    pub(in crate::command) to: Vec<IpAddr>,
    /// Where a port is forwarded: the server's own address; default: the one that the rules forward to
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = address)]
    pub(in crate::command) server_address: Vec<IpAddr>,
    /// At most as many classes of peers for a family; default: 50, and fewer of a ruleset of thousands
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(in crate::command) classes: Option<u16>,
}

impl Whom {
    /// Whether somebody chose.
    pub(in crate::command) fn is_chosen(&self) -> bool {
        self.on.is_some() || self.out.is_some() || !self.from.is_empty() || !self.to.is_empty()
    }

    /// The same where nobody chose.
    pub(super) fn everybody(&self) -> Whom {
        Whom {
            server_address: self.server_address.clone(),
            classes: self.classes,
            ..Whom::default()
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::command) enum At {
    Client,
    Server,
    Gateway,
    /// A gateway that forwards its own control port to the server behind it
    PortForward,
}

impl At {
    pub(super) fn shape(self) -> Shape {
        match self {
            At::Client => Shape::ClientFirewall,
            At::Server => Shape::ServerFirewall,
            At::Gateway => Shape::Gateway,
            At::PortForward => Shape::ServerNat,
        }
    }

    pub(super) fn is_router(self) -> bool {
        matches!(self, At::Gateway | At::PortForward)
    }
}

fn interface(text: &str) -> Result<InterfaceName, String> {
    match text {
        "lo" => Err("nobody else is on the loopback interface".into()),
        _ => InterfaceName::new(text).map_err(|error| error.to_string()),
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not an address, as 192.0.2.7 and 2001:db8::7 are"))
}

fn announced(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| {
        format!("`{text}` is not an IPv4 address, as 192.0.2.7 is: a 227 announces no other")
    })
}

fn ports(text: &str) -> Result<(u16, u16), String> {
    let (low, high) = text.split_once(['-', ':']).unwrap_or((text, text));
    match (low.parse::<u16>(), high.parse::<u16>()) {
        (Ok(low @ 1..), Ok(high @ 1..)) => Ok((low, high)),
        _ => Err("write a port or LOW-HIGH, 1 to 65535".into()),
    }
}
