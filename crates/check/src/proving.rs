//! A server is started once with its own settings before any transfer, so that what it says of them is known.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use fwlab_fabric::Fabric;
use fwlab_ftp::{Login, PassivePorts, PeerError, Server, ServerSettings};
use fwlab_host::OwnSetting;
use fwlab_model::{NodeSpec, Topology};
use fwlab_record::{Exit, NodeName, Place, Protection};
use fwlab_runner::{Housing, PeerShelf};
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
pub(crate) async fn prove(
    serving: &Serving,
    in_containers: bool,
    said: &mut Messages,
) -> Result<(), Exit> {
    let Some(own) = &serving.own else {
        return Ok(());
    };
    let housing = Housing {
        place: in_containers.then_some(Place::Container),
        ..Housing::default()
    };
    // Nothing is built for this: a server that is not there yet tells in its cells.
    let shelf = PeerShelf::of([(own.server, housing)].into(), None).await;
    let Ok(program) = shelf.server(own.server) else {
        return Ok(());
    };
    let mut options = serving.terms.options.clone();
    let mut suspects = own.settings.stand.clone();
    suspects.extend(own.settings.unknown.iter().cloned());
    // Whether the program knows a name, a harmless value tells.
    for one in &own.settings.unknown {
        options
            .entry(one.key.clone())
            .or_insert_with(|| "NO".to_owned());
    }
    let mut refusals = Vec::new();
    for _ in 0..TOLD {
        let settings = settings(serving, program.login(), options.clone());
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
            _ if own.is_captured => (at.as_written(), "--server-config FILE gives others"),
            true => (
                at.key.clone(),
                "correct the name; if it is another version's, take the line out of the file",
            ),
            false => (at.as_written(), "correct the value"),
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

/// The setting that the server's words name.
fn named(suspects: &[OwnSetting], words: &str) -> Option<usize> {
    let parts = words.split(|part: char| !part.is_ascii_alphanumeric() && part != '_');
    let parts: BTreeSet<&str> = parts.collect();
    suspects
        .iter()
        .position(|one| parts.contains(one.key.as_str()))
}

/// What a server said, without what its log puts before that and without the place in the lab's own file.
fn own_words(said: &str) -> &str {
    // How it ended comes first.
    let said = said.split_once("; ").map_or(said, |(_, said)| said);
    let said = said.split_once("fatal: ").map_or(said, |(_, said)| said);
    let said = said.split_once(" on line ").map_or(said, |(said, _)| said);
    said.trim()
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
            Err(Failed::Refused(own_words(&last_words).to_owned()))
        }
        Err(PeerError::Settings { why, .. }) => Err(Failed::Refused(why)),
        Err(error) => Err(Failed::Lab(error.to_string())),
    };
    fabric.join().await;
    came
}

fn settings(serving: &Serving, login: Login, options: BTreeMap<String, String>) -> ServerSettings {
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
        login,
        certificate: terms.certificate.clone(),
        require_session_reuse: terms.require_session_reuse,
        data_source_port: terms.data_source_port,
        stored: None,
        alone_in_node: true,
        options: options.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_found_by_the_server_s_words() {
        let setting = |key: &str| OwnSetting {
            file: "x".into(),
            line: 1,
            key: key.into(),
            between: ' ',
            value: String::new(),
        };
        let suspects = ["Options", "SocketOptions", "port_enable"].map(setting);
        let log = "exit status: 1; 2026-11-29 06:48:37,824 lab proftpd[2]: fatal: SocketOptions: : unknown socket option: \
                   'bogus' on line 33 of '/run/proftpd.conf'\n";
        let words = own_words(log);
        assert_eq!(words, "SocketOptions: : unknown socket option: 'bogus'");
        assert_eq!(named(&suspects, words), Some(1));
        let words = own_words(
            "exit status: 2; 500 OOPS: bad bool value in config file for: port_enable\r\n",
        );
        assert_eq!(
            words,
            "500 OOPS: bad bool value in config file for: port_enable"
        );
        assert_eq!(named(&suspects, words), Some(2));
        assert_eq!(
            named(
                &suspects,
                "500 OOPS: not found: directory given in 'secure_chroot_dir'"
            ),
            None
        );
    }
}
