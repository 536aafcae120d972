use std::path::Path;

use fwlab_ftp::wire::Side;
use fwlab_ftp::{Content, DataSourcePort, PassiveAddress, PeerName};
use fwlab_model::{DataSetup, InterfaceName, NodeName, Operation, Protection};
use toml::de::DeTable;

use super::problem::{Problems, ScenarioError};
use super::read_certificate::certificate;
use super::read_requirement::{contradictions, requirement};
use super::read_rules::{Origin, known_ruleset, ruleset};
use super::read_script::ReadScript;
use super::read_steps::steps;
use super::reader::{At, Reader};
use super::requirement::Requirement;
use super::rules::RulesetEntry;
use super::schema::SCENARIO;
use super::stage::{Addressing, Shape, Stage};
use super::{ClientTerms, Matrix, Scenario, ServerTerms};

/// Reads the text of a scenario file; `name` is the scenario's, `path` the file's.
pub(crate) fn read(name: String, path: &Path, text: &str) -> Result<Scenario, ScenarioError> {
    let mut problems = Problems::default();
    let (table, syntax) = DeTable::parse_recoverable(text);
    for error in syntax {
        problems.add(
            error.span().unwrap_or(0..text.len().min(1)),
            error.message(),
        );
    }
    let scenario = scenario(name, path, text, table.get_ref(), &mut problems);
    match scenario {
        Some(scenario) if problems.is_empty() => Ok(scenario),
        _ => Err(problems.into_error(path.to_owned(), text)),
    }
}

fn scenario(
    name: String,
    path: &Path,
    text: &str,
    table: &DeTable<'_>,
    problems: &mut Problems,
) -> Option<Scenario> {
    let file = Reader::new(
        &SCENARIO,
        table,
        0..text.lines().next().map_or(0, str::len),
        problems,
    );
    for key in ["description", "topology", "ruleset"] {
        file.require(key, problems);
    }
    let description = file
        .text("description", problems)
        .map(|text| text.value)
        .unwrap_or_default();
    let reports = plain(file.texts("report", problems));
    let messages = plain(file.texts("messages", problems));
    let tags = plain(file.texts("tags", problems));
    let origin = Origin { path, text };
    let (mut server, server_script) =
        server_terms(file.table("server", problems), &origin, problems);
    let mut client = client_terms(file.table("client", problems), &origin, problems);
    let size = file
        .table("transfer", problems)
        .and_then(|transfer| transfer.number("size", 0..=Content::MAX_SIZE, problems))
        .unwrap_or(Scenario::DEFAULT_SIZE);
    let (shape, mut stage) = stage(file.table("topology", problems), &server, problems)?;
    stage.client = client.at.clone();
    if let Some(address) = client.connect_to.take() {
        if !address.value.is_loopback() && stage.owner_of(address.value) != Some(&stage.server) {
            problems.add_with_help(
                address.span.clone(),
                format!("{} is no address of the server", address.value),
                format!("the server has {}", stage.server_address),
            );
        } else if address.value.is_loopback() && stage.client != stage.server {
            problems.add_with_help(
                address.span.clone(),
                "a loopback address is the client's own, and the server is on another node",
                "write `at = \"server\"` to run the client on the server's host",
            );
        }
        stage.connect_to.set_ip(address.value);
    }
    for entry in file.tables("sysctl", problems) {
        sysctl(&entry, &mut stage, problems);
    }
    let mut rulesets: Vec<RulesetEntry> = Vec::new();
    let entries = file.tables("ruleset", problems);
    for entry in &entries {
        if let Some(read) = ruleset(entry, shape, &server, &origin, problems) {
            if rulesets.iter().any(|earlier| earlier.name == read.name) {
                problems.add_with_help(
                    entry.span_of("name"),
                    format!("two rulesets are named `{}`", read.name),
                    "give each a name of its own",
                );
            }
            rulesets.push(read);
        }
    }
    let matrix = matrix(file.table("matrix", problems), &rulesets, problems);
    let steps = steps(
        &file.tables("step", problems),
        &stage,
        &rulesets,
        &matrix,
        problems,
    );
    if let Some(read) = server_script {
        read.check(&stage, &stage.server, problems);
        if !matrix.servers.contains(&PeerName::ScriptedServer) {
            read.unused("servers", PeerName::ScriptedServer.word(), problems);
        }
        server.script = read.script;
    }
    if let Some(read) = client.script {
        read.check(&stage, &stage.client, problems);
        if !matrix.clients.contains(&PeerName::ScriptedClient) {
            read.unused("clients", PeerName::ScriptedClient.word(), problems);
        }
        client.terms.script = read.script;
    }
    let requirements: Vec<Requirement> = file
        .tables("require", problems)
        .iter()
        .filter_map(|entry| requirement(entry, &stage, &rulesets, problems))
        .collect();
    contradictions(&requirements, problems);
    Some(Scenario {
        name,
        path: path.to_owned(),
        description,
        reports,
        messages,
        tags,
        stage,
        server,
        client: client.terms,
        size,
        rulesets,
        steps,
        matrix,
        requirements,
    })
}

fn plain<T>(values: Option<Vec<At<T>>>) -> Vec<T> {
    values.into_iter().flatten().map(|at| at.value).collect()
}

fn server_terms(
    table: Option<Reader<'_>>,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> (ServerTerms, Option<ReadScript>) {
    let mut terms = ServerTerms::default();
    let Some(table) = table else {
        return (terms, None);
    };
    if let Some(port) = table.port("control-port", problems) {
        terms.control_port = port;
    }
    terms.passive_ports = table.ports("passive-ports", problems).map(|at| at.value);
    if let Some(word) = table.word::<String>("data-source-port", problems) {
        terms.data_source_port = if word.value == "20" {
            DataSourcePort::Twenty
        } else {
            DataSourcePort::Ephemeral
        };
    }
    if let Some(options) = table.settings("options", problems) {
        terms.options = options
            .into_iter()
            .map(|(name, at)| (name, at.value))
            .collect();
    }
    terms.advertised_address = table
        .parsed("advertised-address", "IPv4 address", problems)
        .map(|at| at.value);
    terms.certificate = certificate(&table, "certificate", file, problems);
    terms.require_session_reuse = table
        .switch("require-session-reuse", problems)
        .unwrap_or(false);
    let script = ReadScript::read(&table, Side::Server, file, problems);
    (terms, script)
}

struct ReadClient {
    terms: ClientTerms,
    at: NodeName,
    connect_to: Option<At<std::net::IpAddr>>,
    script: Option<ReadScript>,
}

fn client_terms(
    table: Option<Reader<'_>>,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> ReadClient {
    let mut read = ReadClient {
        terms: ClientTerms::default(),
        at: NodeName::client(),
        connect_to: None,
        script: None,
    };
    let Some(table) = table else { return read };
    if let Some(At {
        value: (low, high),
        span,
    }) = table.ports("active-ports", problems)
    {
        if low > high {
            problems.add_with_help(
                span,
                format!("{low} is above {high}"),
                format!("write the lower port first: \"{high}-{low}\""),
            );
        }
        read.terms.active_ports = Some(low..=high);
    }
    read.terms.read_pace = table.number("read-pace", 1..=u64::from(u32::MAX), problems);
    if let Some(word) = table.word::<String>("passive-address", problems) {
        read.terms.passive_address = if word.value == "ignored" {
            PassiveAddress::Ignored
        } else {
            PassiveAddress::Announced
        };
    }
    read.terms.session_reuse = table.switch("session-reuse", problems).unwrap_or(true);
    if let Some(node) = table
        .word::<String>("at", problems)
        .and_then(|word| NodeName::new(word.value).ok())
    {
        read.at = node;
    }
    read.connect_to = table.address("connect-to", problems);
    read.script = ReadScript::read(&table, Side::Client, file, problems);
    read
}

fn stage(
    table: Option<Reader<'_>>,
    server: &ServerTerms,
    problems: &mut Problems,
) -> Option<(Shape, Stage)> {
    let table = table?;
    table.require("shape", problems);
    let written = table.word::<Shape>("shape", problems).map(|at| at.value);
    // With a wrong shape the rest is read all the same, to tell all mistakes: a gateway's has every key.
    let shape = written.unwrap_or(Shape::Gateway);
    let mut addressing = Addressing::default_of(shape);
    let Addressing {
        client,
        gateway: [near_client, near_server],
        server: server_port,
    } = &mut addressing;
    let places: [(&'static str, &'static str, &mut super::stage::Port, bool); 4] = [
        ("client", "client-interface", client, false),
        ("server", "server-interface", server_port, false),
        (
            "gateway-client-side",
            "gateway-client-interface",
            near_client,
            true,
        ),
        (
            "gateway-server-side",
            "gateway-server-interface",
            near_server,
            true,
        ),
    ];
    for (address_key, interface_key, port, of_gateway) in places {
        for key in [address_key, interface_key] {
            if of_gateway && !shape.has_gateway() && table.has(key) {
                problems.add_with_help(
                    table.span_of(key),
                    format!("this topology has no gateway, so `{key}` says nothing"),
                    "leave it out, or write `shape = \"gateway\"`",
                );
            }
        }
        if let Some(address) = table.prefix(address_key, problems) {
            port.address = address.value;
        }
        if let Some(interface) =
            table.parsed::<InterfaceText>(interface_key, "interface name", problems)
        {
            port.interface = interface.value.0;
        }
    }
    let stage = Stage::new(shape, &addressing, server.control_port);
    let mistakes = written.map(|_| stage.topology.mistakes());
    for mistake in mistakes.into_iter().flatten() {
        problems.add(table.span.clone(), mistake.to_string());
    }
    Some((shape, stage))
}

struct InterfaceText(InterfaceName);

impl std::str::FromStr for InterfaceText {
    type Err = fwlab_model::NameError;
    fn from_str(text: &str) -> Result<InterfaceText, Self::Err> {
        InterfaceName::new(text).map(InterfaceText)
    }
}

pub(super) fn node_of(
    entry: &Reader<'_>,
    key: &'static str,
    problems: &mut Problems,
) -> Option<At<NodeName>> {
    let At { value, span } = entry.word::<String>(key, problems)?;
    NodeName::new(value).ok().map(|value| At { value, span })
}

fn sysctl(entry: &Reader<'_>, stage: &mut Stage, problems: &mut Problems) {
    entry.require("node", problems);
    entry.require("set", problems);
    let Some(name) = node_of(entry, "node", problems) else {
        return;
    };
    let settings = entry.settings("set", problems).unwrap_or_default();
    let Some(node) = stage
        .topology
        .nodes
        .iter_mut()
        .find(|node| node.name == name.value)
    else {
        problems.add(
            name.span,
            format!("this topology has no node `{}`", name.value),
        );
        return;
    };
    for (name, value) in settings {
        if let Err(error) = fwlab_fabric::check_sysctl(&name) {
            problems.add(value.span, error.to_string());
        }
        node.sysctls.insert(name, value.value);
    }
}

fn matrix(table: Option<Reader<'_>>, rulesets: &[RulesetEntry], problems: &mut Problems) -> Matrix {
    let mut matrix = Matrix::default();
    let Some(table) = table else { return matrix };
    for name in table.texts("rulesets", problems).unwrap_or_default() {
        known_ruleset(&name, rulesets, problems);
        matrix.rulesets.push(name.value);
    }
    if let Some(servers) = table.words::<PeerName>("servers", problems) {
        matrix.servers = servers;
    }
    if let Some(clients) = table.words::<PeerName>("clients", problems) {
        matrix.clients = clients;
    }
    if let Some(data) = table.words::<DataSetup>("data", problems) {
        matrix.data = data;
    }
    if let Some(protections) = table.words::<Protection>("protections", problems) {
        matrix.protections = protections;
    }
    if let Some(operations) = table.words::<Operation>("operations", problems) {
        matrix.operations = operations;
    }
    matrix
}
