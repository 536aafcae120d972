use async_trait::async_trait;
use fwlab_fabric::{ContainerRoot, Node, Program, ProgramSpec};
use fwlab_record::{DataSetup, Operation, PeerName, Protection};

use crate::program::bare_replies::marked;
use crate::program::dialogue_log::Marks;
use crate::program::installed::Installed;
use crate::program::session::{Kind, RECEIVED, SENT, Session};
use crate::{
    Client, ClientFailure, ClientReport, FailureKind, PassiveAddress, PeerError, Support,
    TransferSpec,
};

const PEER: PeerName = PeerName::Tnftp;

const KIND: Kind = Kind {
    peer: PEER,
    log: said,
    marks: Marks {
        sent: "---> ",
        received: "< ",
    },
    // It ends well whatever became of its commands.
    status_tells: false,
    resumes_file: true,
};

const COMMANDS: &str = "commands";

/// tnftp, the BSD `ftp`, started in a node. It is known as
/// a program of a container alone: it has no option that tells its version.
///
/// It is told what to do in the way that people do: by commands. EPSV falls back to
/// PASV and EPRT to PORT when the server, or the network, says no.
#[derive(Debug, Clone)]
pub struct Tnftp {
    installed: Installed,
}

impl Tnftp {
    /// The one in a container, of that version.
    pub fn inside(root: ContainerRoot, version: impl Into<String>) -> Tnftp {
        Tnftp {
            installed: Installed::inside(root, "/usr/bin/tnftp", version),
        }
    }
}

#[async_trait]
impl Client for Tnftp {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        self.installed.version.clone()
    }

    fn supports(&self, transfer: &TransferSpec) -> Support {
        if let Some(why) = transfer.wants_a_pause() {
            return why;
        }
        match transfer {
            transfer if transfer.protection != Protection::Plain => {
                Support::no("tnftp does not speak TLS")
            }
            transfer if transfer.wants_four_over_six() => {
                Support::no("over IPv6, tnftp sends only EPRT and EPSV")
            }
            transfer if transfer.listened_ports().is_some() => {
                Support::no("tnftp has no way to say which port it listens on")
            }
            TransferSpec {
                passive_address: PassiveAddress::Ignored,
                data_setup: DataSetup::Pasv,
                ..
            } => Support::no("tnftp connects to the address that a 227 announces"),
            TransferSpec {
                operation: Operation::Rest,
                content,
                ..
            } if content.half() == 0 => Support::no("tnftp does not send REST 0"),
            TransferSpec {
                operation: Operation::Mlsd,
                ..
            } => Support::no("tnftp does not write what MLSD lists to a file"),
            TransferSpec { pace: Some(_), .. } => Support::no(
                "tnftp keeps to its rate from one second to the next, not within a second",
            ),
            _ => Support::Yes,
        }
    }

    async fn transfer(&self, node: &Node, spec: &TransferSpec) -> Result<ClientReport, PeerError> {
        let files = self.installed.place(KIND.files(spec)?);
        files
            .write(COMMANDS, commands(spec).as_bytes())
            .map_err(|source| PeerError::Files { peer: PEER, source })?;
        let mut program = self.installed.spec(&files);
        // A program's input is empty; the shell gives it the commands.
        let tnftp = std::mem::replace(&mut program.program, "/bin/sh".into());
        let way = if spec.data_setup.is_active() {
            "-A"
        } else {
            "-p"
        };
        let program: ProgramSpec = program
            .arguments(["-c", &format!("exec \"$0\" \"$@\" <{COMMANDS}")])
            .arguments([tnftp])
            // Not logged in by any file, each line said, each command shown.
            .arguments(["-n", "-v", "-d", way]);
        let session = KIND.run(node, program, files, spec).await?;
        session.report(spec, |session| explain(session, spec))
    }
}

/// What it printed: nearly everything goes to standard output.
fn said(program: &Program) -> Vec<u8> {
    marked(&[program.stdout(), program.stderr()].concat())
}

/// Its commands, its working directory being its files.
fn commands(spec: &TransferSpec) -> String {
    let extended = matches!(spec.data_setup, DataSetup::Eprt | DataSetup::Epsv);
    let name = spec.content.name();
    let mut lines = vec![
        format!("open {} {}", spec.server.ip(), spec.server.port()),
        format!("user {} {}", spec.login.user(), spec.login.password()),
        "binary".into(),
        // No MDTM behind the transfer.
        "preserve off".into(),
        "prompt off".into(),
    ];
    if !extended && spec.server.is_ipv4() {
        lines.push("epsv4 off".into());
    }
    lines.push(match spec.operation {
        Operation::Retr => format!("get {name} {RECEIVED}"),
        Operation::Rest => format!("reget {name} {RECEIVED}"),
        Operation::Stor => format!("put {SENT} {name}"),
        Operation::Appe => format!("append {SENT} {name}"),
        Operation::List | Operation::Mlsd => format!("ls . {RECEIVED}"),
    });
    lines.push("bye\n".into());
    lines.join("\n")
}

fn explain(session: &Session, spec: &TransferSpec) -> ClientFailure {
    let said = |words: &str| session.log.contains(words);
    let kind = if let Some(refusal) = session.refusal() {
        return refusal;
    } else if said("Can't connect to") {
        FailureKind::Connect
    } else if said("remote server timed out") {
        FailureKind::Deadline
    } else if said("remote server has closed connection") {
        FailureKind::Closed
    } else {
        FailureKind::Program
    };
    let own = session
        .log
        .lines()
        .rev()
        .find(|line| line.starts_with("tnftp: ") || line.starts_with("421 Service not available"))
        .unwrap_or("tnftp said nothing");
    ClientFailure {
        on: session.waiting_on(spec),
        kind,
        words: own.into(),
    }
}
