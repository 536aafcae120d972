use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use fwlab_fabric::{Node, Program, ProgramSpec, Scratch, ScratchError};
use fwlab_record::{Announcement, Operation, PeerName};
use tokio::time::timeout;

use super::dialogue_log::{Marks, tail, transcript_of};
use crate::listing::listed_files;
use crate::reserve::reserve_ports;
use crate::wire::{Progress, Reply, SetupExchange};
use crate::{
    ClientFailure, ClientReport, Connection, Digest, FailureKind, PeerError, TransferSpec,
    Transferred,
};

/// The file that a client program sends.
pub(crate) const SENT: &str = "sent";

/// The file that a client program writes what it received to.
pub(crate) const RECEIVED: &str = "received";

/// The file of the secrets of its TLS sessions.
const TLS_SECRETS: &str = "tls-secrets";

/// Room beside the file itself: logs, listings, rc files that are not there.
const ROOM: u64 = 8 << 20;

/// What is the same for every session of a client program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) peer: PeerName,
    /// What it said, as the marks expect it.
    pub(crate) log: fn(&Program) -> Vec<u8>,
    pub(crate) marks: Marks,
    /// Whether its exit status tells that a transfer failed.
    pub(crate) status_tells: bool,
    /// Whether REST goes on with a file that is half there already, rather than
    /// writing the second half alone.
    pub(crate) resumes_file: bool,
}

/// What a client program's session came to.
pub(crate) struct Session {
    kind: Kind,
    files: Scratch,
    /// `None`: it was still running when patience ended.
    pub(crate) status: Option<ExitStatus>,
    /// How far its dialogue came, by its own log.
    pub(crate) progress: Progress,
    announcements: Vec<Announcement>,
    /// Its log.
    pub(crate) log: String,
}

impl Kind {
    /// Files for the program: what it sends, and what it goes on with.
    pub(crate) fn files(self, spec: &TransferSpec) -> Result<Scratch, PeerError> {
        let failed = |source| self.unreadable(source);
        let files = Scratch::new(spec.content.size() * 2 + ROOM).map_err(failed)?;
        let moved = spec.moved();
        if spec.operation.is_upload() {
            files
                .write_from(SENT, spec.content.reader(moved))
                .map_err(failed)?;
        } else if self.received_from(spec) > 0 {
            files
                .write_from(RECEIVED, spec.content.reader(0..moved.start))
                .map_err(failed)?;
            // The program is another user than who wrote it.
            files.set_mode(RECEIVED, 0o666).map_err(failed)?;
        }
        Ok(files)
    }

    /// Where in the received file the bytes of the data connection begin.
    fn received_from(self, spec: &TransferSpec) -> u64 {
        if self.resumes_file && spec.operation == Operation::Rest {
            spec.moved().start
        } else {
            0
        }
    }

    fn unreadable(self, source: ScratchError) -> PeerError {
        PeerError::Files {
            peer: self.peer,
            source,
        }
    }

    /// Runs the program to its end, or to the end of the spec's patience.
    pub(crate) async fn run(
        self,
        node: &Node,
        program: ProgramSpec,
        files: Scratch,
        spec: &TransferSpec,
    ) -> Result<Session, PeerError> {
        let Kind {
            peer, marks, log, ..
        } = self;
        if let Some(ports) = spec.listened_ports() {
            reserve_ports(node, ports)
                .await
                .map_err(|source| PeerError::Sysctl { peer, source })?;
        }
        let mut program = program;
        program.by_ordinary_user = true;
        if spec.tls_secrets.is_some() {
            // OpenSSL's and GnuTLS's programs write them there, if they were built so.
            let file = files.mount_point().join(TLS_SECRETS);
            program
                .environment
                .push(("SSLKEYLOGFILE".into(), file.into()));
        }
        let mut program = node
            .program(program)
            .await
            .map_err(|source| PeerError::Start { peer, source })?;
        let lost = |source| PeerError::Lost { peer, source };
        let status = match timeout(spec.timeouts.whole, program.wait()).await {
            Ok(status) => {
                let status = status.map_err(lost)?;
                // Nothing that a server or a network does ends a client so.
                if status.signal().is_some() {
                    let how = status.to_string();
                    return Err(PeerError::Died { peer, how });
                }
                Some(status)
            }
            Err(_) => {
                program.kill().await.map_err(lost)?;
                None
            }
        };
        if let Some(secrets) = &spec.tls_secrets
            && let Ok(written) = files.read(TLS_SECRETS)
        {
            secrets.add(&String::from_utf8_lossy(&written));
        }
        let log = log(&program);
        let (progress, announcements) = transcript_of(&log, marks).into_parts();
        Ok(Session {
            kind: self,
            files,
            status,
            progress,
            announcements,
            log: tail(&log),
        })
    }
}

impl Session {
    /// Makes the report. `explain` gives the failure of a program that ended by
    /// itself, and not well.
    pub(crate) fn report(
        self,
        spec: &TransferSpec,
        explain: impl FnOnce(&Session) -> ClientFailure,
    ) -> Result<ClientReport, PeerError> {
        let result = match (self.fallback(spec)?, self.failure(spec, explain)) {
            (Some(fallback), _) => Err(fallback),
            (None, Some(failure)) => Err(failure),
            (None, None) => Ok(self.transferred(spec)?),
        };
        Ok(ClientReport {
            result,
            final_reply: self.progress.completion.clone(),
            progress: Some(self.progress),
            announcements: self.announcements,
            log: self.log,
        })
    }

    /// A session with other data setups than the one that was asked for, and what came of it.
    fn fallback(&self, spec: &TransferSpec) -> Result<Option<ClientFailure>, PeerError> {
        let setups = self.progress.setups.iter();
        let used: Vec<_> = setups.map(|asked| asked.setup).collect();
        if used.iter().all(|setup| *setup == spec.data_setup) {
            return Ok(None);
        }
        let words = used.iter().map(|setup| setup.command()).collect::<Vec<_>>();
        let is_done = self.status.is_some_and(|status| status.success())
            && self.progress.is_complete()
            && self.undone(spec).is_none();
        let transferred = is_done.then(|| self.transferred(spec)).transpose()?;
        Ok(Some(ClientFailure {
            on: Connection::Data,
            words: format!(
                "{} used {} instead of {} alone",
                self.kind.peer,
                words.join(", then "),
                spec.data_setup.command()
            ),
            kind: FailureKind::Fallback { used, transferred },
        }))
    }

    fn failure(
        &self,
        spec: &TransferSpec,
        explain: impl FnOnce(&Session) -> ClientFailure,
    ) -> Option<ClientFailure> {
        let Some(status) = self.status else {
            return Some(ClientFailure {
                on: self.waiting_on(spec),
                kind: FailureKind::Deadline,
                words: format!(
                    "{} is not done after {:?}",
                    self.kind.peer, spec.timeouts.whole
                ),
            });
        };
        let complete = self.kind.status_tells || self.progress.is_complete();
        if !status.success() || !complete {
            return Some(explain(self));
        }
        self.undone(spec)
    }

    /// A program that says it went well, when the dialogue does not.
    fn undone(&self, spec: &TransferSpec) -> Option<ClientFailure> {
        let wanted = spec.operation.command();
        let restarted = |reply: &Reply| reply.code.is_intermediate();
        let words = match &self.progress.transfer {
            Some(sent) if !sent.is(wanted) => {
                format!("{} sent {sent} instead of {wanted}", self.kind.peer)
            }
            Some(_)
                if spec.operation == Operation::Rest
                    && !self.progress.restart.as_ref().is_some_and(restarted) =>
            {
                format!("{} sent no REST", self.kind.peer)
            }
            Some(_) if self.progress.is_complete() => return None,
            _ => format!("{} ended without a final reply to {wanted}", self.kind.peer),
        };
        Some(ClientFailure {
            on: Connection::Control,
            kind: FailureKind::Program,
            words,
        })
    }

    /// The connection that the client was waiting on when it ended.
    pub(crate) fn waiting_on(&self, spec: &TransferSpec) -> Connection {
        let passive = !spec.data_setup.is_active();
        let connecting = self.progress.is_set_up() && passive && self.progress.transfer.is_none();
        if connecting || self.progress.preliminary.is_some() && self.progress.completion.is_none() {
            Connection::Data
        } else {
            Connection::Control
        }
    }

    /// The failure of an attempt to open a connection, or to put TLS on it: the data
    /// connection's when there was one to be opened.
    pub(crate) fn opening_failure(&self, kind: FailureKind, words: &str) -> ClientFailure {
        let granted = |asked: &SetupExchange| {
            let answer = asked.answer.as_ref();
            answer.is_some_and(|reply| reply.code.is_completion())
        };
        ClientFailure {
            on: if self.progress.setups.iter().any(granted) {
                Connection::Data
            } else {
                Connection::Control
            },
            kind,
            words: words.into(),
        }
    }

    /// The failure of a dialogue in which the server said no to the transfer, or at last.
    pub(crate) fn refusal(&self) -> Option<ClientFailure> {
        let Progress {
            completion, latest, ..
        } = &self.progress;
        let mut replies = [completion, latest].into_iter().flatten();
        let reply = replies.find(|reply| reply.code.is_negative())?.clone();
        Some(ClientFailure {
            on: Connection::Control,
            words: reply.to_string(),
            kind: FailureKind::Reply(reply),
        })
    }

    fn transferred(&self, spec: &TransferSpec) -> Result<Transferred, PeerError> {
        if spec.operation.is_upload() {
            let moved = spec.moved();
            return Ok(Transferred::Sent {
                bytes: moved.end - moved.start,
            });
        }
        let Some(mut file) = self.received()? else {
            // Nothing came, and so nothing was written.
            return Ok(if spec.operation.is_listing() {
                Transferred::Listed { files: Vec::new() }
            } else {
                Transferred::Received {
                    bytes: 0,
                    digest: Digest::of_bytes(b""),
                }
            });
        };
        if spec.operation.is_listing() {
            let mut listing = Vec::new();
            file.read_to_end(&mut listing)
                .map_err(|source| self.unreadable(source))?;
            return Ok(Transferred::Listed {
                files: listed_files(spec.operation, &String::from_utf8_lossy(&listing)),
            });
        }
        file.seek(SeekFrom::Start(self.kind.received_from(spec)))
            .map_err(|source| self.unreadable(source))?;
        let (bytes, digest) = digest_of(file).map_err(|source| self.unreadable(source))?;
        Ok(Transferred::Received { bytes, digest })
    }

    fn received(&self) -> Result<Option<File>, PeerError> {
        match self.files.open(RECEIVED) {
            Ok(file) => Ok(Some(file)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.kind.unreadable(error)),
        }
    }

    fn unreadable(&self, source: io::Error) -> PeerError {
        self.kind.unreadable(ScratchError::File {
            path: RECEIVED.into(),
            source,
        })
    }
}

/// Whether a scratch says that there is no such file.
pub(crate) fn is_missing(error: &ScratchError) -> bool {
    matches!(error, ScratchError::File { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

/// A file's size and digest, read piece by piece.
pub(crate) fn digest_of(mut file: impl Read) -> io::Result<(u64, Digest)> {
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; crate::content::PIECE];
    let mut bytes = 0;
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((bytes, Digest::of(&hasher))),
            length => {
                hasher.update(&piece[..length]);
                bytes += length as u64;
            }
        }
    }
}
