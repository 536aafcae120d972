//! A server that runs with its own settings: which of them, and what became of the others.

use std::collections::BTreeMap;

use fwlab_host::{OwnSettings, ServerRead};
use fwlab_record::PeerName;
use fwlab_text::one_line;

/// As many names are told of each kind.
const TOLD: usize = 8;

/// The settings of a server that runs here with them.
#[derive(Debug, Clone)]
pub(crate) struct RunsOwn {
    pub(crate) server: PeerName,
    pub(crate) settings: OwnSettings,
    /// What messages call them: the main file.
    pub(crate) name: String,
    /// Whether the server is known to run with them elsewhere.
    pub(crate) is_captured: bool,
}

impl RunsOwn {
    /// Where that server runs, and no other beside it.
    pub(crate) fn of(
        read: &ServerRead,
        servers: &[PeerName],
        is_captured: bool,
    ) -> Option<RunsOwn> {
        let server: PeerName = read.program.word().parse().ok()?;
        (servers == [server]).then(|| RunsOwn {
            server,
            settings: read.own.clone(),
            name: read.name.clone(),
            is_captured,
        })
    }

    /// As a scenario's `server.options` has them.
    pub(crate) fn options(&self, data_from_high_port: bool) -> BTreeMap<String, String> {
        let stand = self.settings.stand.iter();
        let mut options: BTreeMap<String, String> = stand
            .map(|one| (one.key.clone(), one.value.clone()))
            .collect();
        if self.settings.data_port.is_some() && !data_from_high_port {
            // That port is not 20, and the lab knows no other.
            options.insert("connect_from_port_20".into(), "YES".into());
        }
        options
    }

    /// What became of all settings, in one sentence.
    pub(crate) fn in_words(&self) -> String {
        let OwnSettings {
            stand,
            set_up,
            replaced,
            left_out,
            ..
        } = &self.settings;
        let settings = match stand.len() + set_up {
            0 => "no setting runs".to_owned(),
            1 => "1 setting is used as it is".into(),
            count => format!("{count} settings are used as they are"),
        };
        let mut words = vec![format!("of {} {settings}", one_line(&self.name))];
        if !replaced.is_empty() {
            words.push(format!(
                "replaced by the lab's: {}",
                listed(replaced.iter())
            ));
        }
        let mut reasons: Vec<&str> = Vec::new();
        for (_, why) in left_out {
            if !reasons.contains(why) {
                reasons.push(why);
            }
        }
        let of = |reason: &str| {
            let of = left_out.iter().filter(|(_, why)| *why == reason);
            format!("{} ({reason})", listed(of.map(|(key, _)| key)))
        };
        if !reasons.is_empty() {
            let of: Vec<String> = reasons.into_iter().map(of).collect();
            words.push(format!("left out: {}", of.join(", ")));
        }
        words.join("; ")
    }
}

/// Some names, and how many more there are.
fn listed<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<String> = names.map(|name| one_line(short(name))).collect();
    let told = names[..names.len().min(TOLD)].join(", ");
    match names.len().saturating_sub(TOLD) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}

/// At most 40 characters of a name.
fn short(name: &str) -> &str {
    let end = name.char_indices().nth(40).map_or(name.len(), |(at, _)| at);
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(settings: OwnSettings) -> RunsOwn {
        RunsOwn {
            server: PeerName::Vsftpd,
            settings,
            name: "vsftpd.conf".into(),
            is_captured: false,
        }
    }

    #[test]
    fn what_became_of_them_is_one_sentence() {
        let many = (0..10).map(|at| (format!("a{at}"), "logs"));
        let users = ("pam_service_name".to_owned(), "who logs in");
        let words = runs(OwnSettings {
            set_up: 3,
            replaced: vec!["local_root".into(), "rsa_cert_file".into()],
            left_out: many.chain([users]).collect(),
            ..OwnSettings::default()
        })
        .in_words();
        assert_eq!(
            words,
            "of vsftpd.conf 3 settings are used as they are; replaced by the lab's: local_root, rsa_cert_file; \
             left out: a0, a1, a2, a3, a4, a5, a6, a7 and 2 more (logs), pam_service_name (who logs in)"
        );
    }

    #[test]
    fn another_data_port_is_used_unless_an_option_says_otherwise() {
        let runs = runs(OwnSettings {
            data_port: Some(989),
            ..OwnSettings::default()
        });
        assert_eq!(runs.options(false)["connect_from_port_20"], "YES");
        assert!(runs.options(true).is_empty());
    }
}
