//! What of `proftpd.conf` runs as it stands: directives of ProFTPD's core that neither name a file, a user or a program, nor
//! say where it listens (1.3.8, mod_core, mod_auth, mod_xfer). Those of modules do not: the module may not be there.

use crate::server::ServerProgram;
use crate::server::own::Fate;

/// Harmless as they stand: switches, numbers and words.
const STAND: &[&str] = &[
    "AllowForeignAddress",
    "AllowRetrieveRestart",
    "CommandBufferSize",
    "DefaultTransferMode",
    "DeferWelcome",
    "MaxClients",
    "MaxClientsPerHost",
    "MaxClientsPerUser",
    "MaxConnectionRate",
    "MaxConnectionsPerHost",
    "MaxHostsPerUser",
    "MaxInstances",
    "MaxLoginAttempts",
    "MultilineRFC2228",
    "ShowSymlinks",
    "SocketOptions",
    "TCPBackLog",
    "TCPNoDelay",
    "TimeoutLinger",
    "TimesGMT",
    "UseGlobbing",
    "UseSendfile",
];

/// Read, and set up by the lab.
const SET_UP: &[&str] = &[
    "DefaultAddress",
    "MasqueradeAddress",
    "PassivePorts",
    "Port",
    "RootRevoke",
    "ServerType",
    "SocketBindTight",
    "TLSEngine",
    "TLSOptions",
    "TLSRequired",
    "UseIPv6",
];

/// The lab has its own.
const REPLACED: &[&str] = &[
    "AllowOverwrite",
    "AllowStoreRestart",
    "AuthOrder",
    "AuthPAM",
    "DefaultRoot",
    "DefaultServer",
    "DelayEngine",
    "Group",
    "PidFile",
    "RequireValidShell",
    "ScoreboardFile",
    "ServerName",
    "SystemLog",
    "TLSCipherSuite",
    "TLSDSACertificateFile",
    "TLSDSACertificateKeyFile",
    "TLSECCertificateFile",
    "TLSECCertificateKeyFile",
    "TLSProtocol",
    "TLSRSACertificateFile",
    "TLSRSACertificateKeyFile",
    "TimeoutIdle",
    "TimeoutLogin",
    "TimeoutNoTransfer",
    "TimeoutStalled",
    "TransferLog",
    "Umask",
    "UseReverseDNS",
    "User",
    "WtmpLog",
];

/// The commands that a `<Limit>` may deny here.
const COMMANDS: &[&str] = &["EPRT", "EPSV", "PASV", "PORT"];

/// What becomes of a directive with that value, and the directive in ProFTPD's own spelling.
pub(super) fn fate<'k>(key: &'k str, value: &str) -> (&'k str, Fate) {
    let lists = [
        (STAND, Fate::Stands),
        (SET_UP, Fate::SetUp),
        (REPLACED, Fate::Replaced),
    ];
    for (list, fate) in lists {
        if let Some(own) = list.iter().find(|own| own.eq_ignore_ascii_case(key)) {
            return match fate == Fate::Stands && !is_word(value) {
                true => (own, Fate::LeftOut("its value is not plain words")),
                false => (own, fate),
            };
        }
    }
    match ServerProgram::Proftpd.knows(key) {
        true => (key, Fate::UNLISTED),
        false => (key, Fate::Unknown),
    }
}

/// Whether a value is words alone: ProFTPD reads quotes, comments, variables as `%{env:HOME}` and files in others.
fn is_word(value: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b" +-.!".contains(&byte);
    !value.is_empty() && value.bytes().all(is_part)
}

/// The commands of a `<Limit>`, where it says about some ways to transfer that nobody may.
pub(super) fn denied(commands: &str, directives: &[String]) -> Option<Vec<&'static str>> {
    let [only] = directives else { return None };
    let known = |word: &str| {
        let mut all = COMMANDS.iter();
        all.find(|command| command.eq_ignore_ascii_case(word))
            .copied()
    };
    let words: Vec<&str> = commands
        .split_ascii_whitespace()
        .map(known)
        .collect::<Option<_>>()?;
    (only.eq_ignore_ascii_case("DenyAll") && !words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directive_of_the_lists_is_one_and_stands_once() {
        let all: Vec<&str> = [STAND, SET_UP, REPLACED].concat();
        for key in &all {
            assert!(ServerProgram::Proftpd.knows(key), "{key}");
            assert_eq!(all.iter().filter(|other| *other == key).count(), 1, "{key}");
        }
    }

    #[test]
    fn no_value_that_proftpd_reads_more_into_stands() {
        for value in [
            "%{env:PATH}",
            "on # x",
            "on\\",
            "\"on\"",
            "/etc/passwd",
            "on <Global>",
            "~",
            "",
            "a\tb",
        ] {
            let (_, fate) = fate("AllowForeignAddress", value);
            assert!(matches!(fate, Fate::LeftOut(_)), "{value:?}");
        }
        assert_eq!(
            fate("allowforeignaddress", "on"),
            ("AllowForeignAddress", Fate::Stands)
        );
    }

    #[test]
    fn a_limit_that_denies_ways_to_transfer_to_all_is_one() {
        let deny = ["denyall".to_owned()];
        assert_eq!(denied("epsv PORT", &deny), Some(vec!["EPSV", "PORT"]));
        for commands in ["", "LOGIN", "EPSV LOGIN", "EPSV>"] {
            assert_eq!(denied(commands, &deny), None, "{commands}");
        }
        for directives in [
            vec![],
            vec!["AllowAll".to_owned()],
            vec![deny[0].clone(); 2],
        ] {
            assert_eq!(denied("EPSV", &directives), None);
        }
    }
}
