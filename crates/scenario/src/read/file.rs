//! From a file's tables to a scenario.

use std::collections::HashSet;
use std::path::Path;

use fwlab_ftp::Content;
use fwlab_record::PeerName;
use toml::de::DeTable;

use crate::client::ClientTable;
use crate::deployment::Deployment;
use crate::format::table::{self, Placed, Table as _, is_misspelt, missing, table};
use crate::format::value::{Node, Number, Settings, Table, Tables, Text, Texts};
use crate::matrix::MatrixTable;
use crate::plan::{MAX_CELLS, Overrides, Size};
use crate::problem::{Problems, ScenarioError};
use crate::read::firewall::firewall;
use crate::read::nodes::known_node;
use crate::read::requirement::{contradictions, requirement};
use crate::read::roles::{Roles, assign_roles};
use crate::read::rules::{ReadContext, RulesetTable, known_ruleset, ruleset};
use crate::read::source::{Files, ScenarioFile};
use crate::read::steps::{StepTable, steps};
use crate::read::topology::{TopologyTable, deployment};
use crate::requirement::{RequireTable, Requirement};
use crate::rules::RulesetEntry;
use crate::server::ServerTable;
use crate::{Scenario, Sysctl};

table! {
    FileTable, [""], "What the scenario is and where it comes from.",
    keys {
        required "description", Text, "one sentence: what this shows" -> description;
        "report", Texts<String>, "links to the reports that it reproduces" -> report;
        "messages", Texts<String>,
        "what people see, in the words of their programs: `fwlab list --by-symptom` lists the scenario by them" -> messages;
        "tags", Texts<String>, "words to filter by" -> tags;
        "topology", Table<TopologyTable>, "nodes, links and addresses" -> topology;
        "server", Table<ServerTable>, "how the FTP server is set up" -> server;
        "client", Table<ClientTable>, "how the FTP client is set up" -> client;
        "transfer", Table<TransferTable>, "what is transferred" -> transfer;
        "sysctl", Tables<SysctlTable>, "per-namespace kernel settings" -> sysctl;
        "ruleset", Tables<RulesetTable>,
        "the rulesets to try, at least one; none if the firewall is an image" -> ruleset;
        "step", Tables<StepTable>, "what is done while a session is under way, in order" -> step;
        "matrix", Table<MatrixTable>, "the axes that are multiplied into cells" -> matrix;
        "require", Tables<RequireTable>, "what the outcomes must be, most specific last" -> require;
    }
}

table! {
    TransferTable, ["transfer"],
    "What is transferred. The content is made by fwlab and compared by hash at the other end.",
    keys {
        "size", Number<u64, 0, { Content::MAX_SIZE }>, "bytes, 0 to 104857600; default 300000" -> size;
    }
}

table! {
    SysctlTable, [["sysctl"]],
    "Kernel settings of a node's namespace. A setting that is not per namespace is refused, with the reason.",
    keys {
        required "node", Node, "" -> node;
        required "set", Settings,
        "names and values: `{ \"net.netfilter.nf_conntrack_tcp_loose\" = 0 }`" -> set;
    }
}

/// Reads the text of a scenario file; `name` is the scenario's, `path` the file's.
pub(crate) fn read(
    name: String,
    path: &Path,
    text: &str,
    files: Files<'_>,
) -> Result<Scenario, ScenarioError> {
    let mut problems = Problems::default();
    let (table, syntax) = DeTable::parse_recoverable(text);
    for error in syntax {
        problems.add(
            error.span().unwrap_or(0..text.len().min(1)),
            error.message(),
        );
    }
    let origin = ScenarioFile::new(path, text, files);
    let scenario = scenario(name, &origin, table.get_ref(), &mut problems);
    match scenario {
        Some(scenario) if problems.is_empty() => Ok(Scenario {
            files: origin.into_read(),
            ..scenario
        }),
        _ => Err(problems.into_error(path.to_owned(), text)),
    }
}

fn scenario(
    name: String,
    origin: &ScenarioFile<'_>,
    table: &DeTable<'_>,
    problems: &mut Problems,
) -> Option<Scenario> {
    let first_line = 0..origin.text.lines().next().map_or(0, str::len);
    let file: FileTable = table::read(table, first_line.clone(), origin, problems);
    let require = |key, problems: &mut Problems| {
        if !is_misspelt(FileTable::SECTION, table, key) {
            missing(FileTable::SECTION, key, first_line.clone(), problems);
        }
    };
    if !file.topology.is_there {
        require("topology", problems);
    }
    let topology = file.topology.at();
    if topology.as_ref().is_some_and(|table| table.is_another()) {
        return None;
    }
    let is_image = topology.as_ref().is_some_and(|table| table.has_image());
    if !is_image && !file.ruleset.is_there {
        require("ruleset", problems);
    }
    let ServerTable {
        terms: mut server,
        at: server_at,
        script: server_script,
    } = file.server.value.unwrap_or_default();
    let client = file.client.value.unwrap_or_default();
    let matrix_span = file.matrix.place("matrix").map_or(0..0, |place| place.span);
    let MatrixTable {
        mut matrix,
        rulesets: begins,
    } = file.matrix.value.unwrap_or_default();
    let families = matrix.families.clone();
    let Placed {
        value: topology,
        span,
    } = topology?;
    let (mut deployment, image) =
        deployment(topology, &span, &families, server.control_port, problems);
    let of_image = image.and_then(|image| firewall(image, &mut deployment, origin, problems));
    let roles = Roles {
        client: client.at,
        server: server_at,
        connect_to: client.connect_to.value.unwrap_or_default(),
        control_port: client.control_port.value,
    };
    assign_roles(&mut deployment, roles, &families, span, problems);
    let mut sysctls = Vec::new();
    for entry in file.sysctl.value.unwrap_or_default() {
        sysctl(entry.value, &mut deployment, &mut sysctls, problems);
    }
    let context = ReadContext {
        file: origin,
        deployment: &deployment,
        server: &server,
        families: &families,
    };
    let mut rulesets: Vec<RulesetEntry> = Vec::from_iter(of_image);
    let mut names: HashSet<String> = rulesets.iter().map(|one| one.name.clone()).collect();
    for entry in file.ruleset.value.unwrap_or_default() {
        if is_image {
            problems.add_with_help(
                entry.span,
                "the firewall's rules are those that its image loads, so a ruleset has no effect",
                "remove it, or write `firewall` without an image",
            );
            continue;
        }
        let name = entry.name.span.clone();
        if let Some(read) = ruleset(entry, &context, problems) {
            if !names.insert(read.name.clone()) {
                problems.add_with_help(
                    name,
                    format!("two rulesets are named `{}`", read.name),
                    "give each a different name",
                );
            }
            rulesets.push(read);
        }
    }
    for name in begins.value.unwrap_or_default() {
        known_ruleset(&name, &rulesets, problems);
        matrix.rulesets.push(name.value);
    }
    let size = Size::of(&matrix, &rulesets, &Overrides::default());
    if size.cells() > MAX_CELLS {
        problems.add_with_help(
            matrix_span,
            format!("this matrix has {size}, but at most {MAX_CELLS} can be run"),
            format!("name fewer `{}` in [matrix]", size.widest()),
        );
    }
    let entries = file.step.value.unwrap_or_default();
    let steps = steps(entries, &deployment, &rulesets, &matrix, problems);
    if let Some(read) = server_script.value {
        read.check(&deployment, &deployment.server, &matrix.families, problems);
        if !matrix.servers.contains(&PeerName::ScriptedServer) {
            read.unused("servers", PeerName::ScriptedServer.word(), problems);
        }
        server.script = read.script;
    }
    let mut client_terms = client.terms;
    if let Some(read) = client.script.value {
        read.check(&deployment, &deployment.client, &matrix.families, problems);
        if !matrix.clients.contains(&PeerName::ScriptedClient) {
            read.unused("clients", PeerName::ScriptedClient.word(), problems);
        }
        client_terms.script = read.script;
    }
    // What is not read may be a script of nft.
    let native = origin.has_unread() || rulesets.iter().any(RulesetEntry::is_native);
    let requirements = file.require.value.unwrap_or_default();
    let requirements: Vec<Requirement> = requirements
        .into_iter()
        .filter_map(|entry| requirement(entry, &deployment, &rulesets, native, problems))
        .collect();
    contradictions(&requirements, problems);
    let size = file.transfer.value.and_then(|transfer| transfer.size.value);
    Some(Scenario {
        name,
        path: origin.path.to_owned(),
        description: file.description.value.unwrap_or_default(),
        reports: file.report.value.unwrap_or_default(),
        messages: file.messages.value.unwrap_or_default(),
        tags: file.tags.value.unwrap_or_default(),
        deployment,
        server,
        client: client_terms,
        size: size.unwrap_or(Scenario::DEFAULT_SIZE),
        rulesets,
        steps,
        matrix,
        requirements,
        sysctls,
        text: origin.text.into(),
        files: Vec::new(),
    })
}

fn sysctl(
    entry: SysctlTable,
    deployment: &mut Deployment,
    sysctls: &mut Vec<Sysctl>,
    problems: &mut Problems,
) {
    let name = known_node(entry.node, &deployment.topology, problems);
    let settings = entry.set.value.unwrap_or_default();
    let Some(name) = name else { return };
    let mut nodes = deployment.topology.nodes.iter_mut();
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
