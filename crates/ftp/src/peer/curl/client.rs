use std::time::Duration;

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

const PEER: PeerName = PeerName::Curl;

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

/// curl, started in a node.
///
/// EPSV falls back to PASV and EPRT to PORT when the server, or the network, says
/// no; curl has no option against that, so the report says
/// [`FailureKind::Fallback`] instead. Its own timeouts for a connection from the
/// server is 60 s and has no option either; [`Timeouts::whole`](crate::Timeouts)
/// ends it.
///
/// It takes every certificate, and speaks TLS 1.2: under TLS 1.3 a server sends session
/// tickets when the handshake is over, which curl does not read when it uploads, so that
/// now and then the kernel resets the data connection before its last bytes are there.
#[derive(Debug, Clone)]
pub struct Curl {
    installed: Installed,
}

impl Curl {
    /// Looks for it on this machine.
    ///
    /// # Errors
    ///
    /// When it is not there, or does not run.
    pub fn find() -> Result<Curl, PeerMissing> {
        Ok(Curl {
            installed: Installed::find(PEER, PROGRAM)?,
        })
    }

    /// The one in a container, of that version.
    pub fn inside(root: ContainerRoot, version: impl Into<String>) -> Curl {
        Curl {
            installed: Installed::inside(root, "/usr/bin/curl", version),
        }
    }
}

#[async_trait]
impl Client for Curl {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        // curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1 …
        let line = &self.installed.version;
        line.split(' ').nth(1).unwrap_or(line).into()
    }

    fn supports(&self, transfer: &TransferSpec) -> Support {
        let rest_zero = transfer.operation == Operation::Rest && transfer.content.half() == 0;
        if let Some(why) = transfer.wants_a_pause() {
            why
        } else if transfer.data_setup.is_active()
            && transfer.protection.protects_data()
            && lacks_active_tls(&self.version())
        {
            Support::no(format!(
                "curl {} does not speak TLS on an active data connection (curl issue 10666)",
                self.version()
            ))
        } else if transfer.wants_four_over_six() {
            Support::no("over IPv6, curl sends EPRT and EPSV whatever it is told")
        } else if rest_zero {
            Support::no("curl does not send REST 0")
        } else if transfer.pace.is_some() {
            // Of twelve transfers of 4 MB at `--limit-rate 1M`, six took 4 s and the
            // others between 0.01 s and 1.3 s (7.88).
            Support::no("curl keeps to --limit-rate only loosely")
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

/// Whether a version is one of those that accept an active data connection and never
/// begin TLS on it: 7.87 until 8.0.
fn lacks_active_tls(version: &str) -> bool {
    ["7.87.", "7.88."]
        .iter()
        .any(|lacking| version.starts_with(lacking))
}

/// curl's command line, its working directory being its files.
fn arguments(spec: &TransferSpec) -> Vec<String> {
    let seconds = |time: Duration| format!("{:.3}", time.as_secs_f64().max(0.001));
    let mut line: Vec<String> = [
        // First of all: no configuration file.
        "-q",
        "--silent",
        "--show-error",
        "--verbose",
        "--globoff",
        "--ftp-method",
        "nocwd",
        // The user is known by its name alone; a password on a command line is no secret.
        "--user",
    ]
    .map(String::from)
    .to_vec();
    line.push(format!("{}:{}", spec.login.user(), spec.login.password()));
    line.extend(["--connect-timeout".into(), seconds(spec.timeouts.connect)]);
    line.extend(["--max-time".into(), seconds(spec.timeouts.whole)]);
    // Whole seconds, one at least: less than a byte a second is silence.
    let silence = spec.timeouts.silence.as_secs_f64().ceil().max(1.0);
    line.extend(["--speed-limit".into(), "1".into()]);
    line.extend(["--speed-time".into(), silence.to_string()]);
    line.extend(protection(spec));
    line.extend(data_setup(spec));
    line.extend(operation(spec));
    let path = if spec.operation.is_listing() {
        ""
    } else {
        spec.content.name()
    };
    let scheme = match spec.protection {
        Protection::Implicit => "ftps",
        _ => "ftp",
    };
    line.push(format!("{scheme}://{}/{path}", spec.server));
    line
}

fn protection(spec: &TransferSpec) -> Vec<String> {
    let mut line = match spec.protection {
        Protection::Plain => return Vec::new(),
        // Any certificate will do: whom it talks to is not what a lab asks.
        Protection::Implicit => vec!["--insecure"],
        Protection::Explicit => vec!["--insecure", "--ssl-reqd"],
        Protection::Ccc => vec![
            "--insecure",
            "--ssl-reqd",
            "--ftp-ssl-ccc",
            "--ftp-ssl-ccc-mode",
            "active",
        ],
    };
    line.extend(["--tls-max", "1.2"]);
    // None is believed more than another, and reading the machine's takes time.
    line.extend(["--cacert", "/dev/null"]);
    if !spec.session_reuse {
        line.push("--no-sessionid");
    }
    line.into_iter().map(String::from).collect()
}

fn data_setup(spec: &TransferSpec) -> Vec<String> {
    let address = match spec.passive_address {
        PassiveAddress::Announced => "--no-ftp-skip-pasv-ip",
        PassiveAddress::Ignored => "--ftp-skip-pasv-ip",
    };
    let passive = |last: &[&str]| {
        [&["--ftp-pasv", address], last]
            .concat()
            .into_iter()
            .map(String::from)
            .collect()
    };
    // `-`: the address of the control connection, any port; `:LOW-HIGH`: the same
    // address, these ports.
    let ports = match spec.listened_ports() {
        Some(ports) => format!(":{}-{}", ports.start(), ports.end()),
        None => "-".into(),
    };
    match spec.data_setup {
        DataSetup::Pasv => passive(&["--disable-epsv"]),
        DataSetup::Epsv => passive(&[]),
        DataSetup::Port => vec!["--ftp-port".into(), ports, "--disable-eprt".into()],
        DataSetup::Eprt => vec!["--ftp-port".into(), ports],
    }
}

fn operation(spec: &TransferSpec) -> Vec<String> {
    let output = ["--output", RECEIVED].map(String::from);
    let upload = ["--upload-file", SENT].map(String::from);
    match spec.operation {
        Operation::Retr | Operation::List => output.to_vec(),
        Operation::Rest => {
            let offset = ["--continue-at".into(), spec.content.half().to_string()];
            [output, offset].concat()
        }
        Operation::Mlsd => [output, ["--request", "MLSD"].map(String::from)].concat(),
        Operation::Stor => upload.to_vec(),
        Operation::Appe => {
            let mut line = upload.to_vec();
            line.push("--append".into());
            line
        }
    }
}

/// What it says of a TLS handshake that failed. Its exit status is no guide: when that
/// of a data connection fails it tries another one, and then loses its way in the dialogue.
fn tls_words(log: &str) -> Option<&str> {
    let marks = [
        "* OpenSSL/",
        "* OpenSSL SSL_connect: ",
        "* TLS connect error: ",
        "* SSL connection timeout",
        "curl: (35) ",
    ];
    log.lines()
        .find(|line| marks.iter().any(|mark| line.starts_with(mark)))
        .map(|line| line.trim_start_matches("* "))
}

/// What its exit status means (curl(1), EXIT CODES), together with how far its
/// dialogue came.
fn explain(session: &Session, spec: &TransferSpec) -> ClientFailure {
    let code = session.status.and_then(|status| status.code());
    if spec.protection.protects_data() {
        // A server that refuses TLS on the data connection closes it, and then says why.
        let broken = matches!(code, Some(18 | 35 | 55 | 56));
        if broken && let Some(refusal) = session.refusal() {
            return refusal;
        }
        if let Some(words) = tls_words(&session.log) {
            return session.opening_failure(FailureKind::Tls, words);
        }
    }
    let kind = match code {
        Some(7) => FailureKind::Connect,
        Some(12 | 28) => FailureKind::Deadline,
        Some(52) => FailureKind::Closed,
        Some(18 | 55 | 56) => FailureKind::Broken,
        Some(8 | 13 | 14) if session.refusal().is_none() => FailureKind::NoFtp,
        _ => match session.refusal() {
            Some(refusal) => return refusal,
            None => FailureKind::Program,
        },
    };
    let own = session
        .log
        .lines()
        .rev()
        .find(|line| line.starts_with("curl: "))
        .unwrap_or("curl said nothing");
    ClientFailure {
        on: if session.progress.is_greeted() {
            session.waiting_on(spec)
        } else {
            Connection::Control
        },
        kind,
        words: own.into(),
    }
}
