//! Client and server: how they are set up, and where they stand.

use std::ops::Range;

use fwlab_ftp::{DataSourcePort, PassiveAddress};
use fwlab_record::{Family, NodeName};

use super::problem::Problems;
use super::read_certificate::certificate;
use super::read_nodes::known_node;
use super::read_source::Origin;
use super::reader::{At, Reader};
use super::stage::Stage;
use crate::{ClientTerms, ServerTerms};

/// Reads how the server is set up.
pub(super) fn server_terms(
    table: Option<&Reader<'_>>,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> ServerTerms {
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
    if let Some(word) = table.word::<String>("login", problems) {
        terms.login = word.value.parse().ok();
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
    terms.certificate = certificate(table, "certificate", file, problems);
    terms.require_session_reuse = table
        .switch("require-session-reuse", problems)
        .unwrap_or(false);
    terms
}

/// Reads how the client is set up.
pub(super) fn client_terms(table: Option<&Reader<'_>>, problems: &mut Problems) -> ClientTerms {
    let mut terms = ClientTerms::default();
    let Some(table) = table else { return terms };
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
        terms.active_ports = Some(low..=high);
    }
    terms.read_pace = table.number("read-pace", 1..=u64::from(u32::MAX), problems);
    if let Some(word) = table.word::<String>("passive-address", problems) {
        terms.passive_address = if word.value == "ignored" {
            PassiveAddress::Ignored
        } else {
            PassiveAddress::Announced
        };
    }
    terms.session_reuse = table.switch("session-reuse", problems).unwrap_or(true);
    terms
}

/// Says on a stage who is who: where client and server run, and where the client
/// connects to. In cells of each family both must have an address.
pub(super) fn cast(
    stage: &mut Stage,
    [client, server]: [Option<&Reader<'_>>; 2],
    families: &[Family],
    topology: Range<usize>,
    problems: &mut Problems,
) {
    let mut at = |table: Option<&Reader<'_>>, usual: &NodeName, key: &str| {
        let given = table.filter(|table| table.has("at"));
        let node = match given {
            Some(table) => known_node(table, "at", &stage.topology, problems).map(|at| at.value),
            None => Some(usual.clone()),
        };
        if given.is_none() && stage.topology.node(usual).is_none() {
            problems.add_with_help(
                topology.clone(),
                format!("this topology has no node `{usual}`"),
                format!("name a node so, or write which it is: `at = …` in [{key}]"),
            );
        }
        node
    };
    let client_node = at(client, &stage.client, "client");
    let server_node = at(server, &stage.server, "server");
    let all_known = client_node.is_some() && server_node.is_some();
    stage.client = client_node.unwrap_or_else(|| stage.client.clone());
    stage.server = server_node.unwrap_or_else(|| stage.server.clone());
    if let Some(client) = client {
        connect_to(stage, client, problems);
    }
    let both_there = [&stage.client, &stage.server].map(|name| stage.topology.node(name).is_some());
    if !all_known || both_there != [true, true] {
        return;
    }
    for &family in families {
        let has = |node: &NodeName| {
            let mut addresses = stage.topology.addresses();
            addresses.any(|(address, owner)| owner == node && Family::of(address) == family)
        };
        for node in [&stage.client, &stage.server] {
            if !has(node) {
                problems.add_with_help(
                    topology.clone(),
                    format!(
                        "node `{node}` has no {} address, and there are cells that need one",
                        family.protocol()
                    ),
                    "give it one, or leave the family out of `families` in [matrix]",
                );
            }
        }
    }
}

/// The address and the port that the client connects to, where they are not the topology's own.
fn connect_to(stage: &mut Stage, client: &Reader<'_>, problems: &mut Problems) {
    for At { value, span } in client.addresses("connect-to", problems).unwrap_or_default() {
        if value.is_loopback() && stage.client != stage.server {
            problems.add_with_help(
                span,
                "a loopback address is the client's own, and the server is on another node",
                "write `at = \"server\"` to run the client on the server's host",
            );
        } else if stage.owner_of(value).is_none() {
            let own = stage.server_address(Family::of(value));
            problems.add_with_help(
                span,
                format!("{value} is no address of this topology"),
                own.map_or_else(
                    || "the server has none of that family".to_owned(),
                    |own| format!("the server has {own}"),
                ),
            );
        }
        let of_another = |known: &std::net::IpAddr| known.is_ipv4() != value.is_ipv4();
        stage.reached_at.retain(of_another);
        stage.reached_at.push(value);
    }
    if let Some(port) = client.port("control-port", problems) {
        stage.connect_port = port;
    }
}
