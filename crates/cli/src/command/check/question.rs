//! The scenario that is run for one class of peers.

use std::path::PathBuf;

use fwlab_classes::Representative;
use fwlab_ftp::DataSourcePort;
use fwlab_record::{DataSetup, Operation, PeerName, Protection};
use fwlab_runner::PeerShelf;
use fwlab_scenario::{ClientTerms, Matrix, RulesetEntry, Scenario, ServerTerms};

use super::arguments::Terms;
use super::subject::Subject;
use super::table::Tried;

/// The scenario of a class; without one, that by which the rules are loaded for the first time.
pub(super) fn scenario(terms: &Terms, subject: &Subject, tried: Option<&Tried>) -> Scenario {
    let Subject {
        files,
        backends,
        place,
    } = subject;
    let families = match tried {
        Some(tried) => vec![tried.family],
        None => place.layout.families.clone(),
    };
    let class = tried.map_or_else(Representative::default, Tried::representative);
    let stage = place.stage(&class, families[0], terms.control_port);
    Scenario {
        name: tried.map_or_else(|| files.name.clone(), |tried| tried.name(&files.name)),
        path: PathBuf::from(&files.name),
        description: String::new(),
        reports: Vec::new(),
        messages: Vec::new(),
        tags: Vec::new(),
        stage,
        server: ServerTerms {
            control_port: terms.control_port,
            passive_ports: terms.passive_ports,
            data_source_port: if terms.data_from_high_port {
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
            backends: backends.clone(),
            sets: files.sets.clone(),
            beside: files.beside.clone(),
            also: Vec::new(),
        }],
        steps: Vec::new(),
        matrix: Matrix {
            rulesets: Vec::new(),
            servers: or(&terms.server, servers),
            clients: or(&terms.client, || vec![PeerName::Suppaftp]),
            data: or(&terms.data, || DataSetup::ALL.to_vec()),
            protections: or(&terms.protection, || {
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
