//! A server that is started in a node of its own, and what it says.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use fwlab_fabric::Fabric;
use fwlab_ftp::{Content, PassivePorts, PeerError, Server, ServerSettings, Timeouts, TransferSpec};
use fwlab_model::{NodeSpec, Topology};
use fwlab_record::NodeName;

use crate::serving::Serving;

/// What came of a start.
pub(crate) enum Started {
    Well,
    /// The server ended at once, and said this.
    Refused(String),
    /// The lab could not do it.
    Unclear,
}

/// Starts it in a node that nobody else is in.
pub(crate) async fn started(program: &dyn Server, settings: &ServerSettings) -> Started {
    let topology = Topology {
        nodes: vec![NodeSpec::new(NodeName::server())],
        links: Vec::new(),
    };
    let Ok(fabric) = Fabric::build(&topology).await else {
        return Started::Unclear;
    };
    let Some(node) = fabric.node(&NodeName::server()) else {
        return Started::Unclear;
    };
    let came = match program.start(node, settings).await {
        Ok(running) => match running.stop().await {
            Ok(()) => Started::Well,
            Err(_) => Started::Unclear,
        },
        Err(PeerError::Ended { recent_log, .. }) => {
            Started::Refused(own_words(&recent_log).to_owned())
        }
        Err(_) => Started::Unclear,
    };
    fabric.join().await;
    came
}

/// A transfer that the server can be asked for, if there is one.
pub(crate) fn transfer(program: &dyn Server, serving: &Serving) -> Option<TransferSpec> {
    let mut protections = serving.protections.iter();
    protections.find_map(|protection| {
        let second = Duration::from_secs(1);
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, serving.terms.control_port));
        let timeouts = Timeouts {
            connect: second,
            silence: second,
            whole: second,
        };
        let content = Content::new("fwlab.bin", 1).ok()?;
        let spec = TransferSpec {
            login: program.login(),
            protection: *protection,
            ..TransferSpec::retr(server, *serving.data.first()?, content, timeouts)
        };
        let asked = settings(serving, &spec, serving.terms.options.clone());
        program.supports(&spec, &asked).is_yes().then_some(spec)
    })
}

/// As a cell of the plan would have it.
pub(crate) fn settings(
    serving: &Serving,
    transfer: &TransferSpec,
    options: BTreeMap<String, String>,
) -> ServerSettings {
    let terms = &serving.terms;
    ServerSettings {
        address: transfer.server.ip(),
        control_port: terms.control_port,
        passive_ports: terms
            .passive_ports
            .map(|(min, max)| PassivePorts { min, max }),
        advertised_address: terms.advertised_address,
        protection: transfer.protection,
        login: transfer.login.clone(),
        certificate: terms.certificate.clone(),
        require_session_reuse: terms.require_session_reuse,
        data_source_port: terms.data_source_port,
        stored: None,
        alone_in_node: true,
        options: options.into_iter().collect(),
    }
}

/// What a server said, without what its log puts before that and without the place in the lab's own file.
pub(crate) fn own_words(said: &str) -> &str {
    // How it ended comes first.
    let said = said.split_once("; ").map_or(said, |(_, said)| said);
    let said = said.split_once("fatal: ").map_or(said, |(_, said)| said);
    let said = said.split_once(" on line ").map_or(said, |(said, _)| said);
    said.trim()
}
