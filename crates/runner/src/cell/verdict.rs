//! What is made of what the clients met, and what the kernel said of it.

use fwlab_ftp::{ClientReport, FailureKind, RunningServer, TransferSpec};
use fwlab_judge::{ClientEnd, Ending, Finding, Stream};
use fwlab_record::{Cause, Chance, Evidence, PeerName};

use super::by_chance::by_chance;
use super::fault::Fault;
use super::merged::merged;
use super::packets::Packets;
use super::transferred::{Asked, Transferred};
use crate::deviating::ExpectedDeviation;

/// What a cell came to.
pub(super) struct Ran {
    pub(super) finding: Finding,
    pub(super) evidence: Evidence,
    pub(super) notes: Vec<String>,
    pub(super) chance: Vec<Chance>,
    pub(super) sought: Vec<ExpectedDeviation>,
    /// What loaded the rules: the lab's, or an image's own.
    pub(super) loader: Option<String>,
    pub(super) server_version: String,
    pub(super) client_version: String,
    pub(super) streams: Vec<Stream>,
    pub(super) packets: Option<Packets>,
}

impl Transferred<'_> {
    /// Judges each client's session, and says what came of all of them.
    pub(super) async fn verdict(self, asked: Asked<'_>) -> Result<Ran, Fault> {
        let Asked {
            cell_runner,
            cell,
            peers,
            namespaces,
            ..
        } = asked;
        let Transferred {
            rules,
            server,
            spec,
            clients,
            mut sessions,
            reports,
            mut notes,
            packets,
        } = self;
        let secret = spec.login.secret();
        let mut findings = Vec::new();
        let mut streams = Vec::new();
        for (session, report) in sessions.iter_mut().zip(reports) {
            let ending = match report {
                None => Ending::of(ClientEnd::Cut),
                Some(report) => ending(&spec, report, server, &mut notes).await?,
            };
            let finding = session.judged(&ending);
            streams.extend(session.stream(cell, &ending, &finding, &secret));
            findings.push(finding);
            notes.extend(session.notes());
        }
        let session = sessions.swap_remove(0);
        let mut finding = merged(&clients, findings);
        let by_chance = by_chance(cell, &rules.first, &finding, &session);
        let mut chance: Vec<Chance> = by_chance.iter().map(|one| one.chance).collect();
        chance.dedup();
        notes.extend(by_chance.into_iter().map(|one| one.note));
        if let Finding::Inconclusive(why) = &mut finding {
            *why = secret.masked(why);
            let words = last_lines(&server.recent_log().await);
            if !words.is_empty() {
                notes.push(format!("the server's last words: {words}"));
            }
        }
        for note in &mut notes {
            *note = secret.masked(note);
        }
        let server_version = namespaces.server(peers).version();
        let client_version = namespaces.client(peers).version();
        let version = |peer: PeerName| match peer.is_server() {
            true => server_version.clone(),
            false => client_version.clone(),
        };
        let deviations = peers.deviations.iter();
        let sought = deviations
            .map(|deviation| ExpectedDeviation {
                deviation: *deviation,
                version: version(deviation.peer),
                sign_result: session.sign_result(deviation.sign),
            })
            .collect();
        let passed = matches!(&finding, Finding::Outcome(outcome) if outcome.cause == Cause::None);
        let missed = cell.requirement.as_ref().is_some_and(|it| match &finding {
            Finding::Outcome(outcome) => !it.differences(outcome).is_empty(),
            Finding::Inconclusive(_) => false,
        });
        let evidence = if passed && !missed && !cell_runner.keep_evidence {
            Evidence::default()
        } else {
            session.evidence(&finding)
        };
        Ok(Ran {
            finding,
            evidence,
            notes,
            chance,
            sought,
            loader: rules.first.loader().map(str::to_owned),
            server_version,
            client_version,
            streams,
            packets,
        })
    }
}

/// The end of a log, short enough for a note.
fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("\n    ")
}

/// What the client's report amounts to: done only when the bytes are the right ones too. And the data setup by which
/// they came where the client fell back to another.
async fn ending(
    spec: &TransferSpec,
    report: ClientReport,
    server: &mut dyn RunningServer,
    notes: &mut Vec<String>,
) -> Result<Ending, Fault> {
    let ending = |client, came_through| Ending {
        client,
        came_through,
        progress: report.progress,
        announcements: report.announcements,
    };
    let (transferred, fell_back) = match report.result {
        Ok(transferred) => (transferred, None),
        Err(failure) => {
            let words = failure.to_string();
            let FailureKind::Fallback { used, transferred } = failure.kind else {
                return Ok(ending(ClientEnd::Failed(words), None));
            };
            let in_words: Vec<&str> = used.iter().map(|setup| setup.word()).collect();
            notes.push(format!(
                "the client used {} instead of {}",
                in_words.join(", "),
                spec.data_setup
            ));
            match (transferred, used.last()) {
                (Some(transferred), Some(last)) => (transferred, Some((words, *last))),
                _ => return Ok(ending(ClientEnd::Failed(words), None)),
            }
        }
    };
    let stored = if spec.operation.is_upload() {
        server.stored(spec.content.name()).await?
    } else {
        None
    };
    match (spec.verify(&transferred, stored), fell_back) {
        (Ok(()), None) => Ok(ending(ClientEnd::Done, None)),
        (Ok(()), Some((words, setup))) => Ok(ending(ClientEnd::Failed(words), Some(setup))),
        (Err(mismatch), _) => Err(Fault::Mismatch(mismatch)),
    }
}
