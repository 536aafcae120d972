use std::sync::Arc;

use async_trait::async_trait;
use fwlab_fabric::Node;
use tokio::time::{Instant, timeout_at};

use super::client_session::{End, Session};
use super::parsed::Script;
use super::place::Hosts;
use crate::embedded::failure;
use crate::reserve::reserve_ports;
use crate::transcript::Transcript;
use crate::{
    Client, ClientFailure, ClientReport, FailureKind, PeerError, Support, TransferSpec, Transferred,
};
use fwlab_record::PeerName;

const PEER: PeerName = PeerName::ScriptedClient;

/// A client that does what a [`Script`] says, line by line, and nothing else.
///
/// It has transferred something when its script moved the content and a positive
/// reply was read after that; a script that comes to its end without both has failed,
/// whatever it waited for.
#[derive(Debug, Clone, Default)]
pub struct ScriptedClient {
    script: Option<Arc<Script>>,
    hosts: Hosts,
}

impl ScriptedClient {
    /// A client with a script, and the addresses of the nodes that the script names.
    pub fn new(script: Arc<Script>, hosts: Hosts) -> ScriptedClient {
        ScriptedClient {
            script: Some(script),
            hosts,
        }
    }
}

#[async_trait]
impl Client for ScriptedClient {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn supports(&self, transfer: &TransferSpec) -> Support {
        let Some(script) = &self.script else {
            return Support::no("there is no script for it: write `script = '''…'''` in [client]");
        };
        if transfer.pauses.is_some() {
            return Support::no("a script says itself when it waits, by @pause");
        }
        script
            .supports(&self.hosts, transfer)
            .and(|| script.supports_protection(transfer.protection))
            .and(|| script.supports_setup(transfer.data_setup))
            .and(|| script.supports_operation(transfer.operation))
    }

    async fn transfer(&self, node: &Node, spec: &TransferSpec) -> Result<ClientReport, PeerError> {
        let script = self.script.clone().ok_or_else(|| PeerError::Settings {
            peer: PEER,
            why: "it has no script".into(),
        })?;
        let ports = script.listened_ports();
        if let Some(ports) = ports.or_else(|| spec.active_ports.clone()) {
            reserve_ports(node, ports)
                .await
                .map_err(|source| PeerError::Sysctl { peer: PEER, source })?;
        }
        let (spec, hosts) = (spec.clone(), self.hosts.clone());
        node.run(move || async move { report(&spec, &script, &hosts).await })
            .await
            .map_err(|source| PeerError::Node { peer: PEER, source })?
    }
}

async fn report(
    spec: &TransferSpec,
    script: &Script,
    hosts: &Hosts,
) -> Result<ClientReport, PeerError> {
    let whole = spec.timeouts.whole;
    let end = Instant::now() + whole;
    let mut session = match timeout_at(end, Session::open(spec, script, hosts)).await {
        Ok(Ok(session)) => session,
        Ok(Err(failure)) => return Ok(told(Err(failure), Transcript::default())),
        Err(_) => {
            let deadline = failure::session_deadline(whole);
            return Ok(told(Err(deadline), Transcript::default()));
        }
    };
    let played = timeout_at(end, session.play()).await;
    let result = match played {
        Ok(Ok(transferred)) => Ok(transferred),
        Ok(Err(End::Failed(failure))) => Err(failure),
        Ok(Err(End::NotBound(not_bound))) => {
            return Err(PeerError::Bind {
                peer: PEER,
                address: not_bound.address,
                source: not_bound.source,
            });
        }
        Ok(Err(End::NoValue(no_value))) => {
            let why = no_value.to_string();
            return Err(PeerError::Settings { peer: PEER, why });
        }
        Err(_) => Err(session.at_line(failure::session_deadline(whole))),
    };
    Ok(told(result, session.control.into_transcript()))
}

fn told(result: Result<Transferred, ClientFailure>, transcript: Transcript) -> ClientReport {
    let (progress, announcements) = transcript.into_parts();
    let final_reply = match &result {
        Err(ClientFailure {
            kind: FailureKind::Reply(reply),
            ..
        }) => Some(reply.clone()),
        _ => progress.completion.clone(),
    };
    ClientReport {
        result,
        final_reply,
        progress: Some(progress),
        announcements,
        log: String::new(),
    }
}
