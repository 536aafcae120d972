use async_trait::async_trait;
use fwlab_fabric::{ContainerRoot, Node, Program};
use fwlab_record::{DataSetup, Operation, PeerName, Protection};

use crate::program::dialogue_log::Marks;
use crate::program::installed::Installed;
use crate::program::session::{Kind, RECEIVED, SENT, Session};
use crate::{
    Client, ClientFailure, ClientReport, Connection, FailureKind, PassiveAddress, PeerError,
    PeerMissing, Support, TransferSpec,
};

use super::PROGRAM;

const PEER: PeerName = PeerName::Lftp;

const KIND: Kind = Kind {
    peer: PEER,
    log: Program::stderr,
    marks: Marks {
        sent: "---> ",
        received: "<--- ",
    },
    status_tells: true,
    resumes_file: true,
};

/// lftp, started in a node.
///
/// It asks FEAT first, and sends EPSV only to a server that lists it. Refused, it
/// tries no other data setup: it is given one try.
///
/// It takes every certificate, and speaks TLS 1.2, for the reason that
/// [`Curl`](crate::Curl) does.
#[derive(Debug, Clone)]
pub struct Lftp {
    installed: Installed,
}

impl Lftp {
    /// Looks for it on this machine.
    ///
    /// # Errors
    ///
    /// When it is not there, or does not run.
    pub fn find() -> Result<Lftp, PeerMissing> {
        Ok(Lftp {
            installed: Installed::find(PEER, PROGRAM)?,
        })
    }

    /// The one in a container, of that version.
    pub fn inside(root: ContainerRoot, version: impl Into<String>) -> Lftp {
        Lftp {
            installed: Installed::inside(root, "/usr/bin/lftp", version),
        }
    }
}

#[async_trait]
impl Client for Lftp {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        // LFTP | Version 4.9.2 | Copyright …
        let line = &self.installed.version;
        line.split(" | ")
            .nth(1)
            .unwrap_or(line)
            .trim_start_matches("Version ")
            .into()
    }

    fn supports(&self, transfer: &TransferSpec) -> Support {
        let setup = || match transfer.wants_four_over_six() {
            true => Support::no("over IPv6, lftp sends only EPRT and EPSV"),
            false => Support::Yes,
        };
        let operation = || match transfer.operation {
            Operation::Mlsd => Support::no(
                "lftp sends MLSD only to a server whose FEAT lists MLST with its facts \
                 (RFC 3659 section 7.8), and few servers do",
            ),
            Operation::Rest if transfer.content.half() == 0 => {
                Support::no("lftp does not send REST 0")
            }
            _ => Support::Yes,
        };
        // Of 300 KB at `net:limit-rate 100000`, the server had written the last within 2 s.
        let pace = || match transfer.pace {
            Some(_) => Support::no("lftp reads ahead of its net:limit-rate"),
            None => Support::Yes,
        };
        // With proftpd 1.3.8 in 5 of 6 sessions, with pure-ftpd 1.0.50 in all: `500  not understood`.
        let protection = || match transfer.protection {
            Protection::Ccc => Support::no(
                "what lftp 4.9.2 still sends of TLS after CCC, servers read as a command",
            ),
            _ => Support::Yes,
        };
        let waits = transfer.wants_a_pause().unwrap_or(Support::Yes);
        waits.and(setup).and(operation).and(pace).and(protection)
    }

    async fn transfer(&self, node: &Node, spec: &TransferSpec) -> Result<ClientReport, PeerError> {
        let files = self.installed.place(KIND.files(spec)?);
        let program = self
            .installed
            .spec(&files)
            .arguments(["--norc", "-d", "-c", &script(spec)]);
        let session = KIND.run(node, program, files, spec).await?;
        session.report(spec, |session| explain(session, spec))
    }
}

/// lftp's commands, its working directory being its files.
fn script(spec: &TransferSpec) -> String {
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    // Whole seconds: one time for everything that it waits for.
    let wait = spec.timeouts.connect.max(spec.timeouts.silence);
    let wait = wait.as_secs_f64().ceil().max(1.0);
    let passive = !spec.data_setup.is_active();
    let epsv = spec.data_setup == DataSetup::Epsv;
    let mut script = format!(
        "set cmd:fail-exit yes; \
         set net:max-retries 1; \
         set net:timeout {wait}; \
         set net:reconnect-interval-base 0; \
         set dns:order \"inet6 inet\"; \
         set xfer:clobber yes; \
         set ftp:fix-pasv-address no; \
         set ftp:ignore-pasv-address {}; \
         set ftp:sync-mode yes; \
         set ftp:use-mdtm no; \
         set ftp:use-allo no; \
         set ftp:use-stat no; \
         set ftp:use-site-utime no; \
         set ftp:use-site-utime2 no; \
         set ftp:passive-mode {}; \
         set ftp:prefer-epsv {}; ",
        yes(spec.passive_address == PassiveAddress::Ignored),
        yes(passive),
        yes(epsv),
    );
    // Where it may bind none of them, it tries again for ever, at whatever data setup.
    if let Some(ports) = spec.listened_ports() {
        script += &format!("set ftp:port-range {}-{}; ", ports.start(), ports.end());
    }
    script += &protection(spec);
    let scheme = match spec.protection {
        Protection::Implicit => "ftps",
        _ => "ftp",
    };
    let name = spec.content.name();
    let operation = match spec.operation {
        Operation::Retr => format!("get {name} -o {RECEIVED}"),
        Operation::Rest => format!("get -c {name} -o {RECEIVED}"),
        Operation::Stor | Operation::Appe => format!("put {SENT} -o {name}"),
        Operation::List | Operation::Mlsd => format!("ls > {RECEIVED}"),
    };
    script
        + &format!(
            "open -u {},{} {scheme}://{}; {operation}; bye",
            spec.login.user(),
            spec.login.password(),
            spec.server
        )
}

fn protection(spec: &TransferSpec) -> String {
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    if spec.protection == Protection::Plain {
        return "set ftp:ssl-allow no; ".into();
    }
    // Any certificate will do: whom it talks to is not what a lab asks. To read the
    // machine's own takes time.
    format!(
        "set ssl:ca-file /dev/null; \
         set ssl:verify-certificate no; \
         set ssl:check-hostname no; \
         set ssl:priority \"NORMAL:-VERS-TLS1.3\"; \
         set ftp:ssl-allow yes; \
         set ftp:ssl-allow-anonymous yes; \
         set ftp:ssl-force yes; \
         set ftp:ssl-auth TLS; \
         set ftp:ssl-protect-data yes; \
         set ftp:ssl-protect-list yes; \
         set ftp:ssl-copy-sid {}; ",
        yes(spec.session_reuse),
    )
}

/// What its log says of a TLS handshake that failed.
const HANDSHAKE: &str = "gnutls_handshake: ";

/// What its log says of a connection that fails at once.
const CONNECT: &str = "**** connect: ";

/// Its exit status says no more than that it failed; its log says more.
fn explain(session: &Session, spec: &TransferSpec) -> ClientFailure {
    let own = session
        .log
        .lines()
        .rev()
        .find(|line| line.contains(": Fatal error: ") || line.contains(": Access failed: "))
        .unwrap_or("lftp said nothing");
    let said = |words: &str| session.log.contains(words);
    let told = |mark: &str| session.log.lines().rev().find(|line| line.contains(mark));
    let kind = if let Some(refusal) = session.refusal() {
        return refusal;
    } else if let Some(words) = told(HANDSHAKE) {
        return session.opening_failure(FailureKind::Tls, words);
    } else if let Some(words) = told(CONNECT) {
        return session.opening_failure(FailureKind::Connect, words);
    } else if said("gnutls_record_send: ") || said("gnutls_record_recv: Error") {
        // After it, lftp begins anew, and what it waits for then says nothing of this.
        return ClientFailure {
            on: Connection::Data,
            kind: FailureKind::Broken,
            words: own.into(),
        };
    } else if said("Socket error (") {
        FailureKind::Connect
    } else if said("Timeout") {
        FailureKind::Deadline
    } else if said("Peer closed connection") {
        FailureKind::Closed
    } else {
        FailureKind::Program
    };
    ClientFailure {
        on: session.waiting_on(spec),
        kind,
        words: own.into(),
    }
}
