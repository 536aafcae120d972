//! A server is started once with its own settings before any transfer, so that what it says of them is known.

use std::net::Ipv4Addr;

use fwlab_fabric::Fabric;
use fwlab_ftp::{Login, PassivePorts, PeerError, Server, ServerSettings, server};
use fwlab_host::OwnSetting;
use fwlab_model::{NodeSpec, Topology};
use fwlab_record::{Exit, NodeName, Protection};
use fwlab_text::one_line;

use crate::messages::Messages;
use crate::runs_own::RunsOwn;
use crate::serving::Serving;

/// As many settings that the server refuses are told.
const TOLD: usize = 10;

/// Starts the server where it runs with its own settings; says which of them it refuses.
///
/// # Errors
/// When it refuses some, or cannot be tried.
pub(crate) async fn prove(serving: &Serving, said: &mut Messages) -> Result<(), Exit> {
    let Some(own) = &serving.own else {
        return Ok(());
    };
    // In a container it tells when its cells do.
    let Ok(program) = server(own.server) else {
        return Ok(());
    };
    let mut options = serving.terms.options.clone();
    let mut suspects = own.settings.stand.clone();
    suspects.extend(own.settings.unknown.iter().cloned());
    // Whether the program knows a name, a harmless value tells.
    let unknown = own.settings.unknown.iter();
    options.extend(unknown.map(|one| (one.key.clone(), "NO".to_owned())));
    let mut refusals = Vec::new();
    for _ in 0..TOLD {
        let settings = settings(serving, options.clone().into_iter().collect());
        let words = match started(&*program, &settings).await {
            Ok(()) => break,
            Err(Failed::Refused(words)) => words,
            Err(Failed::Lab(why)) => {
                said.say(why, None);
                return Err(Exit::Lab);
            }
        };
        let at = named(&suspects, &words).map(|at| suspects.swap_remove(at));
        let removed = at.as_ref().and_then(|at| options.remove(&at.key));
        refusals.push(Refusal { at, words });
        if removed.is_none() {
            break;
        }
    }
    refusals.sort_by_key(|refusal| refusal.at.as_ref().map(|at| at.line));
    let version = program.version();
    let mut refused = false;
    for refusal in &refusals {
        refused |= refusal.tell(own, &version, said);
    }
    match refused {
        true => Err(Exit::Usage),
        false => Ok(()),
    }
}

/// What a server does not start with.
struct Refusal {
    /// The setting; `None` where its words do not tell.
    at: Option<OwnSetting>,
    words: String,
}

impl Refusal {
    /// Says it; gives back whether nothing can be tried with it.
    fn tell(&self, own: &RunsOwn, version: &str, said: &mut Messages) -> bool {
        let words = one_line(&self.words);
        let program = format!("{} {}", own.server, one_line(version));
        let Some(at) = &self.at else {
            let name = one_line(&own.name);
            said.say(
                format!("{name}: {program} does not start with these settings: {words}"),
                Some("--server runs another one"),
            );
            return true;
        };
        let place = format!("{}:{}", one_line(&at.file), at.line);
        let is_unknown = own.settings.unknown.contains(at);
        if is_unknown && own.is_captured {
            let what = format!("{place}: {program} of this machine does not know it: {words}");
            said.say(what, None);
            return false;
        }
        let (written, help) = match is_unknown {
            true => (
                at.key.clone(),
                "correct the name; if it is another version's, take the line out of the file",
            ),
            false => (format!("{}={}", at.key, at.value), "correct the value"),
        };
        said.say(
            format!(
                "{place}: {program} does not start with `{}`: {words}",
                one_line(written)
            ),
            Some(help),
        );
        true
    }
}

/// The setting that the server's words end with.
fn named(suspects: &[OwnSetting], words: &str) -> Option<usize> {
    let last = words.split_ascii_whitespace().last()?;
    suspects.iter().position(|one| one.key == last)
}

enum Failed {
    /// What it said.
    Refused(String),
    /// What went wrong with the lab.
    Lab(String),
}

/// Starts it in a node that nobody else is in.
async fn started(program: &dyn Server, settings: &ServerSettings) -> Result<(), Failed> {
    let topology = Topology {
        nodes: vec![NodeSpec::new(NodeName::server())],
        links: Vec::new(),
    };
    let built = Fabric::build(&topology).await;
    let fabric = built.map_err(|error| Failed::Lab(error.to_string()))?;
    let Some(node) = fabric.node(&NodeName::server()) else {
        return Err(Failed::Lab("the lab has no node for the server".into()));
    };
    let came = match program.start(node, settings).await {
        Ok(running) => running
            .stop()
            .await
            .map_err(|error| Failed::Lab(error.to_string())),
        Err(PeerError::Ended { last_words, .. }) => {
            // How it ended comes before what it said.
            let words = last_words.split_once("; ").map(|(_, words)| words);
            Err(Failed::Refused(
                words.unwrap_or(&last_words).trim().to_owned(),
            ))
        }
        Err(PeerError::Settings { why, .. }) => Err(Failed::Refused(why)),
        Err(error) => Err(Failed::Lab(error.to_string())),
    };
    fabric.join().await;
    came
}

fn settings(serving: &Serving, options: Vec<(String, String)>) -> ServerSettings {
    let terms = &serving.terms;
    let protection = serving.protections.first().copied();
    ServerSettings {
        address: Ipv4Addr::LOCALHOST.into(),
        control_port: terms.control_port,
        passive_ports: terms
            .passive_ports
            .map(|(min, max)| PassivePorts { min, max }),
        advertised_address: terms.advertised_address,
        protection: protection.unwrap_or(Protection::Plain),
        login: Login::Anonymous,
        certificate: terms.certificate.clone(),
        require_session_reuse: terms.require_session_reuse,
        data_source_port: terms.data_source_port,
        stored: None,
        alone_in_node: true,
        options,
    }
}
