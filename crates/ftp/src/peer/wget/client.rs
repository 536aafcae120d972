use async_trait::async_trait;
use fwlab_fabric::{ContainerRoot, Node, Program};
use fwlab_record::{Operation, PeerName, Protection};

use crate::program::bare_replies::marked;
use crate::program::dialogue_log::Marks;
use crate::program::installed::Installed;
use crate::program::session::{Kind, RECEIVED, Session};
use crate::{
    Client, ClientFailure, ClientReport, FailureKind, PassiveAddress, PeerError, PeerMissing,
    Support, TransferSpec,
};

use super::PROGRAM;

const PEER: PeerName = PeerName::Wget;

const KIND: Kind = Kind {
    peer: PEER,
    log: said,
    marks: Marks {
        sent: "--> ",
        received: "< ",
    },
    status_tells: true,
    resumes_file: false,
};

/// wget, started in a node: it downloads, and over IPv4 it knows PASV and PORT alone.
#[derive(Debug, Clone)]
pub struct Wget {
    installed: Installed,
}

impl Wget {
    /// Looks for it on this machine.
    ///
    /// # Errors
    ///
    /// When it is not there, or does not run.
    pub fn find() -> Result<Wget, PeerMissing> {
        Ok(Wget {
            installed: Installed::find(PEER, PROGRAM)?,
        })
    }

    /// The one in a container, of that version.
    pub fn inside(root: ContainerRoot, version: impl Into<String>) -> Wget {
        Wget {
            installed: Installed::inside(root, "/usr/bin/wget", version),
        }
    }
}

#[async_trait]
impl Client for Wget {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        // GNU Wget 1.21.3 built on linux-gnu.
        let line = &self.installed.version;
        line.split(' ').nth(2).unwrap_or(line).into()
    }

    fn supports(&self, transfer: &TransferSpec) -> Support {
        if let Some(why) = transfer.wants_a_pause() {
            why
        } else if transfer.protection != Protection::Plain {
            Support::no("fwlab uses wget only for plain FTP")
        } else if transfer.operation != Operation::Retr {
            Support::no("fwlab uses wget only for RETR")
        } else if transfer.wants_four_over_six() {
            Support::no("over IPv6, wget sends only EPRT and EPSV")
        } else if transfer.listened_ports().is_some() {
            Support::no("wget has no way to say which port it listens on")
        } else if transfer.passive_address == PassiveAddress::Ignored {
            Support::no("wget connects to the address that a 227 announces")
        } else if transfer.pace.is_some() {
            Support::no("wget keeps to --limit-rate only on the average")
        } else {
            Support::Yes
        }
    }

    async fn transfer(&self, node: &Node, spec: &TransferSpec) -> Result<ClientReport, PeerError> {
        let files = self.installed.place(KIND.files(spec)?);
        let program = self.installed.spec(&files).arguments(arguments(spec));
        let session = KIND.run(node, program, files, spec).await?;
        session.report(spec, |session| explain(session, spec))
    }
}

fn said(program: &Program) -> Vec<u8> {
    marked(&program.stderr())
}

/// wget's command line, its working directory being its files.
fn arguments(spec: &TransferSpec) -> Vec<String> {
    // Whole seconds: one time for everything that it waits for.
    let wait = spec.timeouts.connect.max(spec.timeouts.silence);
    let wait = wait.as_secs_f64().ceil().max(1.0);
    let mut line: Vec<String> = [
        "--no-config",
        "--no-proxy",
        "--no-verbose",
        "--server-response",
        "--tries=1",
        "--no-glob",
        "--output-document",
        RECEIVED,
    ]
    .map(String::from)
    .to_vec();
    line.push(format!("--timeout={wait}"));
    line.push(format!("--ftp-user={}", spec.login.user()));
    line.push(format!("--ftp-password={}", spec.login.password()));
    if spec.data_setup.is_active() {
        line.push("--no-passive-ftp".into());
    }
    line.push(format!("ftp://{}/{}", spec.server, spec.content.name()));
    line
}

/// Its exit status says no more than that it failed; its log says more.
fn explain(session: &Session, spec: &TransferSpec) -> ClientFailure {
    let said = |words: &str| session.log.contains(words);
    let kind = if let Some(refusal) = session.refusal() {
        return refusal;
    } else if said("timed out") {
        FailureKind::Deadline
    } else if said("failed: ") || said("couldn't connect") {
        FailureKind::Connect
    } else if said("Control connection closed") || said("closing control connection") {
        FailureKind::Closed
    } else {
        FailureKind::Program
    };
    let own = session.log.lines().rev().map(str::trim);
    let own = own.into_iter().find(|line| !line.is_empty());
    ClientFailure {
        on: session.waiting_on(spec),
        kind,
        words: own.unwrap_or("wget said nothing").into(),
    }
}
