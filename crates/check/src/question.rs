//! The scenario that is run for one class of peers.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use fwlab_classes::{Position, Representative};
use fwlab_model::{IpNet, NextHop, RouteSpec};
use fwlab_record::{Family, Operation, PeerName};
use fwlab_scenario::{ClientTerms, Deployment, Matrix, RulesetEntry, Scenario};

use crate::expectation::Expectation;
use crate::subject::Subject;
use crate::terms::Terms;
use crate::tried::Tried;

/// The scenario of a class; without one, that by which the rules are loaded for the first time.
pub(crate) fn scenario(
    terms: &Terms,
    subject: &Subject,
    tried: Option<&Tried>,
    expected: &[Expectation],
) -> Scenario {
    let Subject {
        files,
        backends,
        place,
        serving,
        connect_port,
        told_range: _,
    } = subject;
    let families = match tried {
        Some(tried) => vec![tried.family],
        None => place.layout.families.clone(),
    };
    let class = tried.map_or_else(Representative::default, Tried::representative);
    let mut deployment = place.deployment(&class, families[0], *connect_port);
    if let Some(address) = serving.terms.advertised_address {
        leads_nowhere(address, place.position(), families[0], &mut deployment);
    }
    Scenario {
        name: tried.map_or_else(|| files.name.clone(), |tried| tried.name(&files.name)),
        path: PathBuf::from(&files.name),
        description: String::new(),
        reports: Vec::new(),
        messages: Vec::new(),
        tags: Vec::new(),
        deployment,
        server: serving.terms.clone(),
        client: ClientTerms::default(),
        size: Scenario::DEFAULT_SIZE,
        rulesets: vec![RulesetEntry {
            name: files.name.clone(),
            at: None,
            origin: files.origin.clone(),
            ipv6: files.ipv6.clone(),
            helper: false,
            skip_refused_lines: false,
            backends: backends.clone(),
            sets: files.sets.clone(),
            beside: files.beside.clone(),
            also: Vec::new(),
        }],
        steps: Vec::new(),
        matrix: Matrix {
            rulesets: Vec::new(),
            servers: serving.servers.clone(),
            clients: match terms.clients.is_empty() {
                true => vec![PeerName::Suppaftp],
                false => terms.clients.clone(),
            },
            data: serving.data.clone(),
            protections: serving.protections.clone(),
            families,
            operations: vec![Operation::Retr],
            deviations: false,
        },
        requirements: expected.iter().map(Expectation::requirement).collect(),
        sysctls: Vec::new(),
        text: "".into(),
        files: Vec::new(),
    }
}

/// Lets packets to an announced address that nobody has leave for it, as the Internet would have them.
fn leads_nowhere(
    address: Ipv4Addr,
    position: Position,
    family: Family,
    deployment: &mut Deployment,
) {
    let address = IpAddr::from(address);
    let known = deployment.topology.addresses();
    if family != Family::Ipv4 || known.map(|(known, _)| known).any(|known| known == address) {
        return;
    }
    let node = match (position, &deployment.firewall) {
        (Position::Router, Some(firewall)) => firewall.clone(),
        _ => deployment.client.clone(),
    };
    let ends = deployment.topology.ends_in(&node);
    // A router's second end is the one towards the server.
    let Some(end) = ends.last() else { return };
    if end.addresses.iter().any(|net| net.contains(&address)) {
        return;
    }
    let route = RouteSpec {
        to: IpNet::from(address),
        via: NextHop::Sink(end.interface.clone()),
    };
    let mut nodes = deployment.topology.nodes.iter_mut();
    if let Some(node) = nodes.find(|known| known.name == node) {
        node.routes.push(route);
    }
}
