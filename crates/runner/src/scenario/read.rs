use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use fwlab_ftp::{DataSourcePort, PeerName};
use fwlab_model::ruleset::{DefaultPolicy, Passive, Policy, Side, Source, TableName};
use fwlab_model::{Backend, DataSetup, InterfaceName, NodeName, Operation, Symptom};
use toml::de::DeTable;

use super::problem::{Problems, ScenarioError};
use super::reader::{At, Reader};
use super::requirement::{CauseDemand, Requirement, Selector};
use super::rules::{RulesOrigin, RulesetEntry};
use super::schema::SCENARIO;
use super::stage::{Addressing, Shape, Stage};
use super::{ClientTerms, Matrix, Scenario, ServerTerms};

/// The largest content of a transfer, in bytes.
pub(crate) const SIZE_LIMIT: u64 = 100 * 1024 * 1024;

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
    let tags = plain(file.texts("tags", problems));
    let server = server_terms(file.table("server", problems), problems);
    let mut client = client_terms(file.table("client", problems), problems);
    let size = file
        .table("transfer", problems)
        .and_then(|transfer| transfer.number("size", 0..=SIZE_LIMIT, problems))
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
    let origin = Origin { path, text };
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
    let matrix = matrix(file.table("matrix", problems), problems);
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
        tags,
        stage,
        server,
        client: client.terms,
        size,
        rulesets,
        matrix,
        requirements,
    })
}

struct Origin<'a> {
    path: &'a Path,
    text: &'a str,
}

fn plain<T>(values: Option<Vec<At<T>>>) -> Vec<T> {
    values.into_iter().flatten().map(|at| at.value).collect()
}

fn server_terms(table: Option<Reader<'_>>, problems: &mut Problems) -> ServerTerms {
    let mut terms = ServerTerms::default();
    let Some(table) = table else { return terms };
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
    terms
}

struct ReadClient {
    terms: ClientTerms,
    at: NodeName,
    connect_to: Option<At<std::net::IpAddr>>,
}

fn client_terms(table: Option<Reader<'_>>, problems: &mut Problems) -> ReadClient {
    let mut read = ReadClient {
        terms: ClientTerms::default(),
        at: NodeName::client(),
        connect_to: None,
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
    if let Some(node) = table
        .word::<String>("at", problems)
        .and_then(|word| NodeName::new(word.value).ok())
    {
        read.at = node;
    }
    read.connect_to = table.address("connect-to", problems);
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
            if of_gateway && shape != Shape::Gateway && table.has(key) {
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

fn node_of(entry: &Reader<'_>, key: &'static str, problems: &mut Problems) -> Option<At<NodeName>> {
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

fn ruleset(
    entry: &Reader<'_>,
    shape: Shape,
    server: &ServerTerms,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> Option<RulesetEntry> {
    entry.require("name", problems);
    let name = entry.text("name", problems)?;
    if name.value.is_empty()
        || name.value.contains("::")
        || name.value.contains(char::is_whitespace)
    {
        problems.add_with_help(
            name.span.clone(),
            format!("`{}` is no ruleset name", name.value),
            "a name has no blank and no `::`, since cells are named by it",
        );
    }
    let chosen: Vec<&'static str> = ["file", "text", "policy", "none"]
        .into_iter()
        .filter(|key| entry.has(key))
        .collect();
    let [chosen] = chosen[..] else {
        let found = if chosen.is_empty() {
            "none of them".to_owned()
        } else {
            chosen.join(" and ")
        };
        problems.add_with_help(
            entry.span.clone(),
            format!(
                "ruleset `{}` wants exactly one of file, text, policy or none, and has {found}",
                name.value
            ),
            "for example `file = \"rules.v4\"`",
        );
        return None;
    };
    let origin = match chosen {
        "policy" => RulesOrigin::Generated(policy(
            &entry.table("policy", problems)?,
            shape,
            server,
            problems,
        )?),
        "none" => entry.switch("none", problems).map(|_| RulesOrigin::None)?,
        key => RulesOrigin::Written(written(entry, key, file, problems)?),
    };
    let beside = match entry.table("beside", problems) {
        None => None,
        Some(table) => {
            table.require("backend", problems);
            let backend = table.word::<Backend>("backend", problems)?.value;
            let key = if table.has("file") { "file" } else { "text" };
            table.require(key, problems);
            Some((backend, written(&table, key, file, problems)?))
        }
    };
    Some(RulesetEntry {
        name: name.value,
        origin,
        helper: entry.switch("helper", problems).unwrap_or(false),
        skip_refused_lines: entry
            .switch("skip-refused-lines", problems)
            .unwrap_or(false),
        backends: entry
            .words("backends", problems)
            .unwrap_or_else(|| Backend::ALL.to_vec()),
        beside,
    })
}

/// Rules in a file beside the scenario, or in place.
fn written(
    entry: &Reader<'_>,
    key: &'static str,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> Option<Source> {
    let At { value, span } = entry.text(key, problems)?;
    if key == "text" {
        return Some(in_place(&value, span, file));
    }
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let path = folder.join(&value);
    match std::fs::read(&path) {
        Ok(text) => Some(Source::new(tidy(&path).display().to_string(), text)),
        Err(error) => {
            problems.add_with_help(
                span,
                format!("cannot read {}: {error}", tidy(&path).display()),
                "the path is relative to the scenario file",
            );
            None
        }
    }
}

/// A path without `folder/..` in it, as far as that can be told without the file system.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        if component == std::path::Component::ParentDir
            && matches!(
                tidy.components().next_back(),
                Some(std::path::Component::Normal(_))
            )
        {
            tidy.pop();
        } else {
            tidy.push(component);
        }
    }
    tidy
}

/// Rules in place are told by the lines of the scenario file: everything before
/// them is blanked, where the text stands in the file letter by letter.
fn in_place(text: &str, span: Range<usize>, file: &Origin<'_>) -> Source {
    let name = file.path.display().to_string();
    match file
        .text
        .get(span.clone())
        .and_then(|written| written.find(text))
    {
        Some(at) if !text.is_empty() => {
            let mut padded: Vec<u8> = file.text.as_bytes()[..span.start + at]
                .iter()
                .map(|byte| if *byte == b'\n' { b'\n' } else { b' ' })
                .collect();
            padded.extend_from_slice(text.as_bytes());
            Source::new(name, padded)
        }
        _ => Source::new(name, text.as_bytes().to_vec()),
    }
}

fn policy(
    table: &Reader<'_>,
    shape: Shape,
    server: &ServerTerms,
    problems: &mut Problems,
) -> Option<Policy> {
    table.require("allow", problems);
    let allow = table.words::<DataSetup>("allow", problems)?;
    let stateful = table.switch("stateful", problems).unwrap_or(true);
    let range = table.ports("passive-ports", problems);
    let passive = match (stateful, range) {
        (true, None) => Passive::Stateful,
        (true, Some(range)) => {
            problems.add_with_help(
                range.span,
                "a stateful policy opens no range",
                "leave `passive-ports` out, or write `stateful = false`",
            );
            return None;
        }
        (
            false,
            Some(At {
                value: (low, high), ..
            }),
        ) if low <= high => Passive::StaticRange(low..=high),
        (
            false,
            Some(At {
                value: (low, high),
                span,
            }),
        ) => {
            problems.add_with_help(
                span,
                format!("{low} is above {high}"),
                format!("write \"{high}-{low}\""),
            );
            return None;
        }
        (false, None) => {
            problems.add_with_help(
                table.span.clone(),
                "a policy that is not stateful needs the passive range that it opens",
                "write `passive-ports = \"50000-50100\"`",
            );
            return None;
        }
    };
    let default = match table
        .word::<String>("default", problems)
        .map(|word| word.value)
        .as_deref()
    {
        Some("reject") => DefaultPolicy::Reject,
        Some("accept") => DefaultPolicy::Accept,
        _ => DefaultPolicy::Drop,
    };
    let side = match shape {
        Shape::ClientFirewall => Side::Client,
        Shape::ServerFirewall => Side::Server,
        Shape::Gateway => Side::Gateway,
    };
    Some(Policy {
        passive,
        helper: table.switch("helper", problems).unwrap_or(stateful),
        default,
        control_port: server.control_port,
        data_source_port: (server.data_source_port == DataSourcePort::Twenty).then_some(20),
        ..Policy::new(side, allow)
    })
}

fn matrix(table: Option<Reader<'_>>, problems: &mut Problems) -> Matrix {
    let mut matrix = Matrix::default();
    let Some(table) = table else { return matrix };
    if let Some(servers) = table.words::<PeerName>("servers", problems) {
        matrix.servers = servers;
    }
    if let Some(clients) = table.words::<PeerName>("clients", problems) {
        matrix.clients = clients;
    }
    if let Some(data) = table.words::<DataSetup>("data", problems) {
        matrix.data = data;
    }
    if let Some(operations) = table.words::<Operation>("operations", problems) {
        matrix.operations = operations;
    }
    matrix
}

fn requirement(
    entry: &Reader<'_>,
    stage: &Stage,
    rulesets: &[RulesetEntry],
    problems: &mut Problems,
) -> Option<Requirement> {
    entry.require("symptom", problems);
    let named = entry.texts("ruleset", problems).unwrap_or_default();
    for name in &named {
        if !rulesets.iter().any(|ruleset| ruleset.name == name.value) {
            let known = || rulesets.iter().map(|ruleset| ruleset.name.as_str());
            let help = super::reader::nearest(&name.value, known()).map_or_else(
                || {
                    format!(
                        "the rulesets are {}",
                        known().collect::<Vec<_>>().join(", ")
                    )
                },
                |near| format!("did you mean `{near}`?"),
            );
            problems.add_with_help(
                name.span.clone(),
                format!("no ruleset is named `{}`", name.value),
                help,
            );
        }
    }
    let selector = Selector {
        rulesets: named.into_iter().map(|name| name.value).collect(),
        backends: entry.words("backend", problems).unwrap_or_default(),
        servers: entry.words("server", problems).unwrap_or_default(),
        clients: entry.words("client", problems).unwrap_or_default(),
        data: entry.words("data", problems).unwrap_or_default(),
        operations: entry.words("operation", problems).unwrap_or_default(),
    };
    let symptom = entry
        .word::<Symptom>("symptom", problems)
        .map(|word| word.value);
    let cause = entry
        .table("cause", problems)
        .and_then(|table| cause(&table, stage, symptom, problems));
    Some(Requirement {
        selector,
        symptom: symptom?,
        phase: entry.word("phase", problems).map(|word| word.value),
        cause,
        span: entry.span.clone(),
    })
}

fn cause(
    table: &Reader<'_>,
    stage: &Stage,
    symptom: Option<Symptom>,
    problems: &mut Problems,
) -> Option<CauseDemand> {
    const NUMBERS: RangeInclusive<u64> = 1..=u32::MAX as u64;
    table.require("kind", problems);
    let kind = table.word::<String>("kind", problems)?.value;
    if let Some(symptom) = symptom
        && (kind == "none") != (symptom == Symptom::Transferred)
    {
        problems.add_with_help(
            table.span_of("kind"),
            format!("the symptom {symptom} never has the cause {kind}"),
            "what is transferred has the cause none, and nothing else has",
        );
    }
    if table.has("ordinal") && kind != "rule" {
        problems.add_with_help(
            table.span_of("ordinal"),
            "only a rule has an ordinal",
            "write `kind = \"rule\"`, or leave `ordinal` out",
        );
    }
    if let Some(chain) = table.text("chain", problems) {
        let table_name = chain.value.split_once('/').map(|(table, _)| table);
        if table_name.is_none_or(|name| name.parse::<TableName>().is_err()) {
            problems.add_with_help(
                chain.span,
                format!("`{}` is no table and chain", chain.value),
                "for example \"filter/INPUT\"",
            );
        }
    }
    if let Some(node) = node_of(table, "node", problems)
        && stage.topology.node(&node.value).is_none()
    {
        problems.add(
            node.span,
            format!("this topology has no node `{}`", node.value),
        );
    }
    let small = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
    Some(CauseDemand {
        kind,
        backend: table.word("backend", problems).map(|at| at.value),
        node: node_of(table, "node", problems).map(|at| at.value),
        chain: table.text("chain", problems).map(|at| at.value),
        ordinal: small(table.number("ordinal", NUMBERS, problems)),
        line: small(table.number("line", NUMBERS, problems)),
        reply: table
            .number("reply", 100..=599, problems)
            .and_then(|code| u16::try_from(code).ok()),
    })
}

/// Two requirements with one selector cannot demand two things.
fn contradictions(requirements: &[Requirement], problems: &mut Problems) {
    for (at, later) in requirements.iter().enumerate() {
        let earlier = requirements[..at]
            .iter()
            .find(|earlier| earlier.selector == later.selector);
        if let Some(earlier) = earlier {
            let message = if earlier.symptom == later.symptom {
                "this requirement names the same cells as an earlier one".to_owned()
            } else {
                format!(
                    "this requires {} of cells of which {} is required already",
                    later.symptom, earlier.symptom
                )
            };
            problems.add_with_help(
                later.span.clone(),
                message,
                "leave one of the two out, or select fewer cells here",
            );
        }
    }
}
