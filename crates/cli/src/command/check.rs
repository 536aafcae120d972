use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use fwlab_ftp::DataSourcePort;
use fwlab_model::IpNet;
use fwlab_record::{
    Backend, CellRecord, DataSetup, Exit, Family, InterfaceName, Operation, PeerName, Protection,
};
use fwlab_runner::{PeerShelf, RunSettings};
use fwlab_scenario::filter::Filter;
use fwlab_scenario::plan::{Overrides, cells};
use fwlab_scenario::{
    Addressing, ClientTerms, Layout, Matrix, RulesetEntry, Scenario, ServerTerms, Shape, Stage,
};

use super::execute::{Executed, execute};
use super::exit::{complain, of_run, print};
use super::forwarded;
use super::host_files::{self, HostFiles};
use super::run::How;
use super::word;
use crate::report::{findings, matrix, summary_line};
use fwlab_runner::LinkName;

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// What `iptables-save` writes, lines of `iptables` commands, or an nft script; `-` for standard input. Several
    /// files are those of one host, each known by its content: `ip6tables-save`'s and `ipset save`'s, too
    #[arg(required = true, value_name = "RULES")]
    rules: Vec<PathBuf>,
    /// The host that the rules are for
    #[arg(long, value_enum)]
    at: At,
    /// Which of the rules' interfaces is which of the lab's: `eth0=uplink` on a client or
    /// server; `eth1=lan` (towards the client) and `eth0=wan` on a gateway; `eth0=wan` (towards the client) and
    /// `eth1=lan` where it forwards a port
    #[arg(long, value_name = "THEIRS=LAB", value_parser = mapping)]
    map: Vec<(InterfaceName, LabInterface)>,
    /// Only these data setups
    #[arg(long, value_name = "SETUP", value_delimiter = ',', value_parser = word::data_setup())]
    data: Vec<DataSetup>,
    /// The family that client and server speak; default: that of the rules. A dump that does
    /// not say its family is taken to be of the first
    #[arg(long, value_name = "FAMILY", value_delimiter = ',', value_parser = word::family())]
    family: Vec<Family>,
    /// Only this backend
    #[arg(long, value_name = "BACKEND", value_delimiter = ',', value_parser = word::backend())]
    backend: Vec<Backend>,
    /// These servers; default: libunftp, and vsftpd where it is there
    #[arg(long, value_name = "PEER", value_delimiter = ',', value_parser = word::server())]
    server: Vec<PeerName>,
    /// These clients; default: suppaftp
    #[arg(long, value_name = "PEER", value_delimiter = ',', value_parser = word::client())]
    client: Vec<PeerName>,
    /// The server's control port
    #[arg(long, value_name = "PORT", default_value_t = 21, value_parser = clap::value_parser!(u16).range(1..))]
    control_port: u16,
    /// The ports that the server listens on for passive data connections; default: any
    #[arg(long, value_name = "LOW-HIGH", value_parser = ports)]
    passive_ports: Option<(u16, u16)>,
    /// The server's active data connections come from a high port, and not from port 20
    #[arg(long)]
    data_from_high_port: bool,
    /// The client's address and prefix length
    #[arg(long, value_name = "ADDRESS/LENGTH", value_delimiter = ',', value_parser = prefix)]
    client_address: Vec<IpNet>,
    /// The server's address and prefix length
    #[arg(long, value_name = "ADDRESS/LENGTH", value_delimiter = ',', value_parser = prefix)]
    server_address: Vec<IpNet>,
    /// The gateway's address towards the client, and its prefix length
    #[arg(long, value_name = "ADDRESS/LENGTH", value_delimiter = ',', value_parser = prefix)]
    gateway_client_side: Vec<IpNet>,
    /// The gateway's address towards the server, and its prefix length
    #[arg(long, value_name = "ADDRESS/LENGTH", value_delimiter = ',', value_parser = prefix)]
    gateway_server_side: Vec<IpNet>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum At {
    Client,
    Server,
    Gateway,
    /// A gateway that forwards its own control port to the server behind it
    PortForward,
}

impl At {
    fn shape(self) -> Shape {
        match self {
            At::Client => Shape::ClientFirewall,
            At::Server => Shape::ServerFirewall,
            At::Gateway => Shape::Gateway,
            At::PortForward => Shape::ServerNat,
        }
    }

    fn lab_interfaces(self) -> &'static [LabInterface] {
        match self {
            At::Client | At::Server => &[LabInterface::Uplink],
            At::Gateway | At::PortForward => &[LabInterface::Lan, LabInterface::Wan],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum LabInterface {
    Uplink,
    Lan,
    Wan,
}

impl LabInterface {
    fn word(self) -> &'static str {
        match self {
            LabInterface::Uplink => "uplink",
            LabInterface::Lan => "lan",
            LabInterface::Wan => "wan",
        }
    }
}

fn mapping(text: &str) -> Result<(InterfaceName, LabInterface), String> {
    let (theirs, lab) = text
        .split_once('=')
        .ok_or("write THEIRS=LAB, for example eth0=uplink")?;
    let theirs = InterfaceName::new(theirs).map_err(|error| error.to_string())?;
    let lab = LabInterface::from_str(lab, false).map_err(|_| {
        format!(
            "the lab has no `{lab}`: it has uplink on a client or server, lan and wan on a gateway"
        )
    })?;
    Ok((theirs, lab))
}

fn prefix(text: &str) -> Result<IpNet, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is no address with a prefix length, as 192.168.0.211/24 is"))
}

fn ports(text: &str) -> Result<(u16, u16), String> {
    let (low, high) = text.split_once(['-', ':']).unwrap_or((text, text));
    match (low.parse::<u16>(), high.parse::<u16>()) {
        (Ok(low @ 1..), Ok(high @ 1..)) => Ok((low, high)),
        _ => Err("write a port or LOW-HIGH, 1 to 65535".into()),
    }
}

pub(super) fn check(arguments: CheckArguments) -> Exit {
    let first = arguments.family.first().copied().unwrap_or(Family::Ipv4);
    let mut files = match host_files::read(&arguments.rules, first) {
        Ok(files) => files,
        Err(exit) => return exit,
    };
    let backends = match backends(&arguments, files.backends) {
        Ok(backends) => backends,
        Err(exit) => return exit,
    };
    let mut layout = Layout::new(arguments.at.shape());
    layout.families = [&arguments.family, &files.families, &vec![Family::Ipv4]]
        .into_iter()
        .find(|families| !families.is_empty())
        .cloned()
        .unwrap_or_default();
    if let Err(exit) = name_interfaces(
        &arguments,
        std::mem::take(&mut files.interfaces),
        &mut layout.addressing,
    ) {
        return exit;
    }
    if let Err(exit) = place(&arguments, &mut layout) {
        return exit;
    }
    if arguments.at == At::PortForward {
        forwarded::place(&files, &arguments.server_address, &mut layout);
    }
    let stage = layout.stage(arguments.control_port);
    let mistakes = stage.topology.mistakes();
    if !mistakes.is_empty() {
        mistakes.iter().for_each(|mistake| complain(mistake, None));
        return Exit::Usage;
    }
    for (name, note) in &files.notes {
        complain(format!("{name}:{}: {}", note.line.line, note.message), None);
    }
    let families = layout.families;
    let scenario = Arc::new(scenario(&arguments, files, backends, stage, families));
    let planned = cells(&scenario, &Overrides::default(), &Filter::default());
    let settings = RunSettings {
        keep_going: true,
        ..arguments.how.settings()
    };
    match execute(planned, settings, &arguments.how) {
        Err(exit) => exit,
        Ok(Executed {
            records,
            summary,
            programs,
        }) => {
            let records: Vec<&CellRecord> = records.iter().map(Arc::as_ref).collect();
            let mut page = matrix(&records);
            page.append(&findings(&records));
            page.text(programs);
            page.append(&summary_line(&summary));
            page.text('\n');
            print(page);
            of_run(&summary)
        }
    }
}

/// The backends that were asked for, as far as the rules' language has them.
fn backends(arguments: &CheckArguments, able: &'static [Backend]) -> Result<Vec<Backend>, Exit> {
    let unable = arguments
        .backend
        .iter()
        .find(|backend| !able.contains(backend));
    match unable {
        None if arguments.backend.is_empty() => Ok(able.to_vec()),
        None => Ok(arguments.backend.clone()),
        Some(unable) => {
            let able: Vec<&str> = able.iter().map(|backend| backend.word()).collect();
            complain(
                format!(
                    "--backend {unable}: these rules are loaded by {}",
                    able.join(" or ")
                ),
                Some("`native` loads scripts of nft, `nft` and `legacy` load rules of iptables"),
            );
            Err(Exit::Usage)
        }
    }
}

/// The lab takes the rules' names for its interfaces, so that the rules stay as they are.
fn name_interfaces(
    arguments: &CheckArguments,
    named: BTreeSet<String>,
    addressing: &mut Addressing,
) -> Result<(), Exit> {
    let lab = arguments.at.lab_interfaces();
    let mut mapped = arguments.map.clone();
    if let Some((theirs, wrong)) = mapped.iter().find(|(_, to)| !lab.contains(to)) {
        let known: Vec<&str> = lab.iter().map(|interface| interface.word()).collect();
        let (word, known) = (wrong.word(), known.join(" and "));
        complain(
            format!("--map {theirs}={word}: here the lab has {known}"),
            None,
        );
        return Err(Exit::Usage);
    }
    if mapped.is_empty() {
        // What the lab calls so, too, needs no other name.
        let own: Vec<&str> = match arguments.at {
            At::Gateway | At::PortForward => addressing
                .gateway
                .iter()
                .map(|port| port.interface.as_str())
                .collect(),
            At::Server => vec![addressing.server.interface.as_str()],
            At::Client => vec![addressing.client.interface.as_str()],
        };
        let others = named
            .into_iter()
            .filter(|name| !own.contains(&name.as_str()));
        match (lab, LinkName::of(&others.collect())) {
            (_, LinkName::Unnamed) => {}
            ([lab], LinkName::Named(name)) => {
                complain(
                    format!(
                        "the rules name {name} and no other interface: the peers are taken to be behind it"
                    ),
                    None,
                );
                mapped.push((name, *lab));
            }
            ([lab], LinkName::Virtual(name)) => complain(
                format!(
                    "the rules name {name}, and the peers are not behind it: they come by an interface that no rule names"
                ),
                Some(&format!(
                    "--map {name}={} asks for those behind it",
                    lab.word()
                )),
            ),
            (_, LinkName::Named(name)) => return Err(ask_for(lab, &[name.as_str().to_owned()])),
            (_, LinkName::Virtual(name)) => return Err(ask_for(lab, &[name])),
            (_, LinkName::Several(names)) => return Err(ask_for(lab, &names)),
        }
    }
    for (theirs, lab) in mapped {
        let port = match (lab, arguments.at) {
            // The client is outside of a gateway that forwards a port.
            (LabInterface::Lan, At::PortForward) => &mut addressing.gateway[1],
            (LabInterface::Wan, At::PortForward) => &mut addressing.gateway[0],
            (LabInterface::Lan, _) => &mut addressing.gateway[0],
            (LabInterface::Wan, _) => &mut addressing.gateway[1],
            (LabInterface::Uplink, At::Server) => &mut addressing.server,
            (LabInterface::Uplink, _) => &mut addressing.client,
        };
        port.interface = theirs;
    }
    Ok(())
}

/// Asks which interface is which.
fn ask_for(lab: &[LabInterface], names: &[String]) -> Exit {
    let example: Vec<String> = lab
        .iter()
        .zip(names)
        .map(|(lab, name)| format!("--map {name}={}", lab.word()))
        .collect();
    complain(
        format!(
            "the rules name the interfaces {}; which of them is which of the lab's?",
            names.join(", ")
        ),
        Some(&format!("for example {}", example.join(" "))),
    );
    Exit::Usage
}

/// Gives the hosts the addresses that were asked for.
fn place(arguments: &CheckArguments, layout: &mut Layout) -> Result<(), Exit> {
    let given = [
        &arguments.client_address,
        &arguments.server_address,
        &arguments.gateway_client_side,
        &arguments.gateway_server_side,
    ];
    for given in given {
        let spoken = |net: &&IpNet| layout.families.contains(&Family::of(net.addr()));
        if let Some(unspoken) = given.iter().find(|net| !spoken(net)) {
            let family = Family::of(unspoken.addr());
            complain(
                format!(
                    "{unspoken} is an {} address, and nobody speaks that here",
                    family.protocol()
                ),
                Some(&format!("add `--family {family}`")),
            );
            return Err(Exit::Usage);
        }
    }
    for (given, port) in given.into_iter().zip(layout.addressing.ports_mut()) {
        port.place(given);
    }
    Ok(())
}

fn scenario(
    arguments: &CheckArguments,
    files: HostFiles,
    backends: Vec<Backend>,
    stage: Stage,
    families: Vec<Family>,
) -> Scenario {
    let or = |given: &[PeerName], default: Vec<PeerName>| {
        if given.is_empty() {
            default
        } else {
            given.to_vec()
        }
    };
    let mut servers = vec![PeerName::Libunftp];
    let shelf = PeerShelf::stock();
    servers.extend(shelf.has(PeerName::Vsftpd).then_some(PeerName::Vsftpd));
    let HostFiles {
        name,
        origin,
        ipv6,
        sets,
        beside,
        ..
    } = files;
    Scenario {
        name: name.clone(),
        path: arguments.rules[0].clone(),
        description: String::new(),
        reports: Vec::new(),
        messages: Vec::new(),
        tags: Vec::new(),
        stage,
        server: ServerTerms {
            control_port: arguments.control_port,
            passive_ports: arguments.passive_ports,
            data_source_port: if arguments.data_from_high_port {
                DataSourcePort::Ephemeral
            } else {
                DataSourcePort::Twenty
            },
            ..ServerTerms::default()
        },
        client: ClientTerms::default(),
        size: Scenario::DEFAULT_SIZE,
        rulesets: vec![RulesetEntry {
            name,
            at: None,
            origin,
            ipv6,
            helper: false,
            skip_refused_lines: false,
            backends,
            sets,
            beside,
            also: Vec::new(),
        }],
        steps: Vec::new(),
        matrix: Matrix {
            rulesets: Vec::new(),
            servers: or(&arguments.server, servers),
            clients: or(&arguments.client, vec![PeerName::Suppaftp]),
            data: if arguments.data.is_empty() {
                DataSetup::ALL.to_vec()
            } else {
                arguments.data.clone()
            },
            protections: vec![Protection::Plain],
            families,
            operations: vec![Operation::Retr],
            deviations: false,
        },
        requirements: Vec::new(),
        sysctls: Vec::new(),
        text: "".into(),
    }
}
