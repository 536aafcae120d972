use async_trait::async_trait;
use fwlab_fabric::{Node, Program};
use fwlab_record::{Operation, PeerName, Protection};

use super::PROGRAM;
use crate::program::dialogue_log::Marks;
use crate::program::installed::Installed;
use crate::program::session::{Kind, Session};
use crate::{
    Client, ClientFailure, ClientReport, Connection, FailureKind, PassiveAddress, PeerError,
    PeerMissing, Support, TransferSpec,
};

const PEER: PeerName = PeerName::Ftplib;

const KIND: Kind = Kind {
    peer: PEER,
    log: Program::stderr,
    marks: Marks {
        sent: "> ",
        received: "< ",
    },
    status_tells: true,
    resumes_file: false,
};

const SCRIPT: &str = "session.py";

/// ftplib, started in a node with a script that does what is asked of it.
///
/// It chooses PORT and PASV over IPv4, EPRT and EPSV over IPv6, and has one time for
/// everything that it waits for. It resumes no TLS session by itself; the script does it in the way
/// that people do. It takes every certificate, and speaks TLS 1.2.
#[derive(Debug, Clone)]
pub(super) struct Ftplib {
    installed: Installed,
}

impl Ftplib {
    /// Looks for it on this machine.
    pub(super) fn find() -> Result<Ftplib, PeerMissing> {
        Ok(Ftplib {
            installed: Installed::find(PEER, PROGRAM)?,
        })
    }
}

#[async_trait]
impl Client for Ftplib {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        self.installed.version.clone()
    }

    fn supports(&self, transfer: &TransferSpec) -> Support {
        if let Some(why) = transfer.wants_a_pause() {
            why
        } else if transfer.protection == Protection::Implicit {
            Support::no("ftplib has no implicit TLS")
        } else if transfer.wants_four_over_six() {
            Support::no("over IPv6, ftplib sends only EPRT and EPSV")
        } else if transfer.listened_ports().is_some() {
            Support::no("ftplib has no way to say which port it listens on")
        } else if transfer.pace.is_some() {
            Support::no("ftplib cannot limit how fast it reads")
        } else {
            Support::Yes
        }
    }

    async fn transfer(&self, node: &Node, spec: &TransferSpec) -> Result<ClientReport, PeerError> {
        let files = self.installed.place(KIND.files(spec)?);
        files
            .write(SCRIPT, include_bytes!("session.py"))
            .map_err(|source| PeerError::Files { peer: PEER, source })?;
        let program = self
            .installed
            .spec(&files)
            .arguments(["-s", "-B", SCRIPT])
            .arguments(arguments(spec));
        let session = KIND.run(node, program, files, spec).await?;
        session.report(spec, |session| explain(session, spec))
    }
}

/// What the script unpacks, in its order.
fn arguments(spec: &TransferSpec) -> [String; 12] {
    let timeouts = spec.timeouts.connect.max(spec.timeouts.silence);
    [
        spec.server.ip().to_string(),
        spec.server.port().to_string(),
        spec.login.user().into(),
        spec.login.password().into(),
        if spec.data_setup.is_active() {
            "active".into()
        } else {
            "passive".into()
        },
        match spec.passive_address {
            PassiveAddress::Announced => "announced".into(),
            PassiveAddress::Ignored => "ignored".into(),
        },
        spec.protection.to_string(),
        if spec.session_reuse {
            "resumed".into()
        } else {
            "fresh".into()
        },
        format!("{:.3}", timeouts.as_secs_f64().max(0.001)),
        spec.operation.command().into(),
        spec.content.name().into(),
        match spec.operation {
            Operation::Rest => spec.content.half().to_string(),
            _ => String::new(),
        },
    ]
}

/// What the script says at last: the exception that ended it.
fn explain(session: &Session, spec: &TransferSpec) -> ClientFailure {
    let mut lines = session.log.lines().rev();
    let own = lines.find(|line| line.starts_with("ftplib: "));
    let exception = own.and_then(|line| line.split(": ").nth(1));
    let kind = match exception.unwrap_or_default() {
        "TimeoutError" => FailureKind::Deadline,
        "EOFError" => FailureKind::Closed,
        "ConnectionResetError" | "ConnectionAbortedError" | "BrokenPipeError" => {
            FailureKind::Broken
        }
        word if word.starts_with("error_") && session.refusal().is_none() => FailureKind::NoFtp,
        word if word.starts_with("SSL") => {
            return session
                .refusal()
                .unwrap_or_else(|| session.opening_failure(FailureKind::Tls, own.unwrap_or(word)));
        }
        _ => match session.refusal() {
            Some(refusal) => return refusal,
            // No route, refused, unreachable: of a connection that was being opened.
            None if own.is_some() => FailureKind::Connect,
            None => FailureKind::Program,
        },
    };
    ClientFailure {
        on: if session.progress.is_greeted() {
            session.waiting_on(spec)
        } else {
            Connection::Control
        },
        kind,
        words: own.unwrap_or("ftplib said nothing").into(),
    }
}
