//! A server is started once with its own settings before any transfer, so that what it says of them is known.

use std::collections::BTreeSet;

use fwlab_host::OwnSetting;
use fwlab_record::{Exit, Place};
use fwlab_runner::{PeerRegistry, Placement};
use fwlab_text::one_line;

use crate::messages::Messages;
use crate::runs_own::RunsOwn;
use crate::serving::Serving;
use crate::starting::{self, Started};

/// As many settings that the server refuses are told.
const TOLD: usize = 10;

/// Starts the server where it runs with its own settings; says which of them it refuses.
///
/// # Errors
/// When it refuses some. What ails the lab, or what the server cannot do, is told where the cells are run.
pub(crate) async fn prove(
    serving: &Serving,
    in_containers: bool,
    said: &mut Messages,
) -> Result<(), Exit> {
    let Some(own) = &serving.own else {
        return Ok(());
    };
    let placement = Placement {
        place: in_containers.then_some(Place::Container),
        ..Placement::default()
    };
    // Nothing is built for this: a server that is not there yet tells in its cells.
    let registry = PeerRegistry::of([(own.server, placement)].into(), None).await;
    let Ok(program) = registry.server(own.server) else {
        return Ok(());
    };
    let Some(transfer) = starting::transfer(&*program, serving) else {
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
        let settings = starting::settings(serving, &transfer, options.clone());
        let words = match starting::started(&*program, &settings).await {
            Started::Refused(words) => words,
            Started::Well | Started::Unclear => break,
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
                "correct the name; if it is another version's, remove the line from the file",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starting::own_words;

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
