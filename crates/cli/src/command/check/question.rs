//! The scenario that is run for one class of peers.

use fwlab_classes::{Place, Representative};
use fwlab_ftp::DataSourcePort;
use fwlab_record::{Backend, DataSetup, Operation, PeerName, Protection};
use fwlab_runner::PeerShelf;
use fwlab_scenario::{ClientTerms, Matrix, RulesetEntry, Scenario, ServerTerms};

use super::CheckArguments;
use super::host_files::HostFiles;
use super::table::Tried;

/// The scenario of a class; without one, that by which the rules are loaded for the first time.
pub(super) fn scenario(
    arguments: &CheckArguments,
    files: &HostFiles,
    backends: &[Backend],
    place: &Place,
    tried: Option<&Tried>,
) -> Scenario {
    let families = match tried {
        Some(tried) => vec![tried.family],
        None => place.layout.families.clone(),
    };
    let class = tried.map_or_else(Representative::default, Tried::representative);
    let stage = place.stage(&class, families[0], arguments.control_port);
    Scenario {
        name: tried.map_or_else(|| files.name.clone(), |tried| tried.name(&files.name)),
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
            name: files.name.clone(),
            at: None,
            origin: files.origin.clone(),
            ipv6: files.ipv6.clone(),
            helper: false,
            skip_refused_lines: false,
            backends: backends.to_vec(),
            sets: files.sets.clone(),
            beside: files.beside.clone(),
            also: Vec::new(),
        }],
        steps: Vec::new(),
        matrix: Matrix {
            rulesets: Vec::new(),
            servers: or(&arguments.server, servers),
            clients: or(&arguments.client, || vec![PeerName::Suppaftp]),
            data: or(&arguments.data, || DataSetup::ALL.to_vec()),
            protections: or(&arguments.protection, || {
                vec![Protection::Plain, Protection::Explicit]
            }),
            families,
            operations: vec![Operation::Retr],
            deviations: false,
        },
        requirements: Vec::new(),
        sysctls: Vec::new(),
        text: "".into(),
    }
}

/// The server that most hosts have, where it is here.
fn servers() -> Vec<PeerName> {
    match PeerShelf::stock().has(PeerName::Vsftpd) {
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
