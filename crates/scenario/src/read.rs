use std::collections::HashSet;
use std::path::Path;

use fwlab_ftp::Content;
use fwlab_ftp::wire::Side;
use fwlab_record::{DataSetup, Family, Operation, PeerName, Protection};
use toml::de::DeTable;

use super::problem::{Problems, ScenarioError};
use super::read_firewall::firewall;
use super::read_nodes::known_node;
use super::read_requirement::{contradictions, requirement};
use super::read_roles::{cast, client_terms, server_terms};
use super::read_rules::{Around, known_ruleset, ruleset};
use super::read_script::ReadScript;
use super::read_source::{Files, Origin};
use super::read_steps::steps;
use super::read_topology::stage;
use super::reader::{At, Reader};
use super::requirement::Requirement;
use super::rules::RulesetEntry;
use super::schema::SCENARIO;
use super::stage::Stage;
use crate::plan::{MAX_CELLS, Overrides, Size};
use crate::{Matrix, Scenario, Sysctl};

/// Reads the text of a scenario file; `name` is the scenario's, `path` the file's.
pub(crate) fn read(
    name: String,
    path: &Path,
    text: &str,
    files: Files,
) -> Result<Scenario, ScenarioError> {
    let mut problems = Problems::default();
    let (table, syntax) = DeTable::parse_recoverable(text);
    for error in syntax {
        problems.add(
            error.span().unwrap_or(0..text.len().min(1)),
            error.message(),
        );
    }
    let origin = Origin::new(path, text, files);
    let scenario = scenario(name, &origin, table.get_ref(), &mut problems);
    match scenario {
        Some(scenario) if problems.is_empty() => Ok(scenario),
        _ => Err(problems.into_error(path.to_owned(), text)),
    }
}

fn scenario(
    name: String,
    origin: &Origin<'_>,
    table: &DeTable<'_>,
    problems: &mut Problems,
) -> Option<Scenario> {
    let file = Reader::new(
        &SCENARIO,
        table,
        0..origin.text.lines().next().map_or(0, str::len),
        problems,
    );
    for key in ["description", "topology"] {
        file.require(key, problems);
    }
    let topology = file.table("topology", problems);
    let is_image = topology
        .as_ref()
        .is_some_and(|topology| topology.has_table("firewall"));
    if !is_image {
        file.require("ruleset", problems);
    }
    let description = file
        .text("description", problems)
        .map(|text| text.value)
        .unwrap_or_default();
    let reports = plain(file.texts("report", problems));
    let messages = plain(file.texts("messages", problems));
    let tags = plain(file.texts("tags", problems));
    let server_table = file.table("server", problems);
    let client_table = file.table("client", problems);
    let mut server = server_terms(server_table.as_ref(), origin, problems);
    let mut client = client_terms(client_table.as_ref(), problems);
    let server_script = server_table
        .as_ref()
        .and_then(|table| ReadScript::read(table, Side::Server, origin, problems));
    let client_script = client_table
        .as_ref()
        .and_then(|table| ReadScript::read(table, Side::Client, origin, problems));
    let content_size = file
        .table("transfer", problems)
        .and_then(|transfer| transfer.number("size", 0..=Content::MAX_SIZE, problems))
        .unwrap_or(Scenario::DEFAULT_SIZE);
    let matrix_table = file.table("matrix", problems);
    let families = matrix_table
        .as_ref()
        .and_then(|table| table.words::<Family>("families", problems))
        .unwrap_or_else(|| Matrix::default().families);
    let topology = topology?;
    let mut stage = stage(&topology, &families, server.control_port, problems);
    let of_image = firewall(&topology, &mut stage, origin, problems);
    let roles = [client_table.as_ref(), server_table.as_ref()];
    cast(&mut stage, roles, &families, topology.span, problems);
    let mut sysctls = Vec::new();
    for entry in file.tables("sysctl", problems) {
        sysctl(&entry, &mut stage, &mut sysctls, problems);
    }
    let around = Around {
        file: origin,
        stage: &stage,
        server: &server,
        families: &families,
    };
    let mut rulesets: Vec<RulesetEntry> = Vec::from_iter(of_image);
    let mut names: HashSet<String> = rulesets.iter().map(|one| one.name.clone()).collect();
    let entries = file.tables("ruleset", problems);
    for entry in &entries {
        if is_image {
            problems.add_with_help(
                entry.span.clone(),
                "the firewall's rules are those that its image loads, so a ruleset says nothing",
                "leave it out, or write `firewall` without an image",
            );
            continue;
        }
        if let Some(read) = ruleset(entry, &around, problems) {
            if !names.insert(read.name.clone()) {
                problems.add_with_help(
                    entry.span_of("name"),
                    format!("two rulesets are named `{}`", read.name),
                    "give each a name of its own",
                );
            }
            rulesets.push(read);
        }
    }
    let matrix_span = matrix_table.as_ref().map(|table| table.span.clone());
    let matrix = matrix(matrix_table, families, &rulesets, problems);
    let size = Size::of(&matrix, &rulesets, &Overrides::default());
    if size.cells() > MAX_CELLS {
        problems.add_with_help(
            matrix_span.unwrap_or(0..0),
            format!("this matrix has {size}, and at most {MAX_CELLS} are run"),
            format!("name fewer `{}` in [matrix]", size.widest()),
        );
    }
    let steps = steps(
        &file.tables("step", problems),
        &stage,
        &rulesets,
        &matrix,
        problems,
    );
    if let Some(read) = server_script {
        read.check(&stage, &stage.server, &matrix.families, problems);
        if !matrix.servers.contains(&PeerName::ScriptedServer) {
            read.unused("servers", PeerName::ScriptedServer.word(), problems);
        }
        server.script = read.script;
    }
    if let Some(read) = client_script {
        read.check(&stage, &stage.client, &matrix.families, problems);
        if !matrix.clients.contains(&PeerName::ScriptedClient) {
            read.unused("clients", PeerName::ScriptedClient.word(), problems);
        }
        client.script = read.script;
    }
    // What is not read may be a script of nft.
    let native = origin.has_unread() || rulesets.iter().any(RulesetEntry::is_native);
    let requirements: Vec<Requirement> = file
        .tables("require", problems)
        .iter()
        .filter_map(|entry| requirement(entry, &stage, &rulesets, native, problems))
        .collect();
    contradictions(&requirements, problems);
    Some(Scenario {
        name,
        path: origin.path.to_owned(),
        description,
        reports,
        messages,
        tags,
        stage,
        server,
        client,
        size: content_size,
        rulesets,
        steps,
        matrix,
        requirements,
        sysctls,
        text: origin.text.into(),
    })
}

fn plain<T>(values: Option<Vec<At<T>>>) -> Vec<T> {
    values.into_iter().flatten().map(|at| at.value).collect()
}

fn sysctl(
    entry: &Reader<'_>,
    stage: &mut Stage,
    sysctls: &mut Vec<Sysctl>,
    problems: &mut Problems,
) {
    entry.require("node", problems);
    entry.require("set", problems);
    let name = known_node(entry, "node", &stage.topology, problems);
    let settings = entry.settings("set", problems).unwrap_or_default();
    let Some(name) = name else { return };
    let mut nodes = stage.topology.nodes.iter_mut();
    let Some(node) = nodes.find(|node| node.name == name.value) else {
        return;
    };
    for (name, value) in settings {
        match fwlab_fabric::check_sysctl(&name) {
            Err(error) => problems.add(value.span, error.to_string()),
            Ok(()) => {
                sysctls.push(Sysctl {
                    node: node.name.clone(),
                    name: name.clone(),
                    span: value.span,
                });
                node.sysctls.insert(name, value.value);
            }
        }
    }
}

fn matrix(
    table: Option<Reader<'_>>,
    families: Vec<Family>,
    rulesets: &[RulesetEntry],
    problems: &mut Problems,
) -> Matrix {
    let mut matrix = Matrix {
        families,
        ..Matrix::default()
    };
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
    matrix.deviations = table.switch("deviations", problems).unwrap_or(false);
    matrix
}
