use std::net::Ipv4Addr;

use fwlab_record::{CauseKind, DataSetup, Family, Operation, PeerName, Phase, Protection, Symptom};

use super::{Circumstances, Deviation, Effect, Instead, Sign};

const ANY: Circumstances = Circumstances::ANY;

/// PORT over IPv6: its argument has room for an IPv4 address alone.
const PORT_OVER_IPV6: Circumstances = Circumstances {
    data: &[DataSetup::Port],
    families: &[Family::Ipv6],
    ..ANY
};

/// PASV over IPv6: so has its 227.
const PASV_OVER_IPV6: Circumstances = Circumstances {
    data: &[DataSetup::Pasv],
    families: &[Family::Ipv6],
    ..ANY
};

const ACTIVE: &[DataSetup] = &[DataSetup::Port, DataSetup::Eprt];

const PASSIVE: &[DataSetup] = &[DataSetup::Pasv, DataSetup::Epsv];

const REFUSED: &[Instead] = &[Instead {
    symptom: Symptom::Refused,
    phase: Phase::Negotiate,
    cause: CauseKind::Reply,
}];

/// CCC is refused: suppaftp leaves, and curl goes on under TLS.
const CCC_REFUSED: &[Instead] = &[
    REFUSED[0],
    Instead {
        symptom: Symptom::Transferred,
        phase: Phase::Completion,
        cause: CauseKind::None,
    },
];

/// What comes of a data connection to the address 0.0.0.0, or to who opens it.
const REJECTED_BY_ITSELF: &[Instead] = &[Instead {
    symptom: Symptom::DataRejected,
    phase: Phase::DataConnect,
    cause: CauseKind::Host,
}];

const FOUR_OVER_SIX: &str =
    "PORT and 227 have no room for an IPv6 address; RFC 2428 has EPRT and EPSV for that";

/// Every deviation that is known, peer by peer.
pub const DEVIATIONS: &[Deviation] = &[
    Deviation {
        peer: PeerName::Libunftp,
        word: "refuses-eprt",
        what: "answers EPRT with 500",
        reason: "it has no such command",
        source: "libunftp 0.24.0, src/server/controlchan/line_parser/parser.rs",
        when: Circumstances {
            data: &[DataSetup::Eprt],
            ..ANY
        },
        sign: Sign::Answers {
            verb: "EPRT",
            code: 500,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::Libunftp,
        word: "connects-before-reply",
        what: "opens the data connection as soon as PORT comes, before it answers",
        reason: "a blocked active transfer fails in PORT, and not in the transfer command as with others",
        source: "libunftp 0.24.0, src/server/controlchan/commands/port.rs",
        when: Circumstances {
            data: &[DataSetup::Port],
            families: &[Family::Ipv4],
            protections: &[Protection::Plain],
            ..ANY
        },
        sign: Sign::ConnectsBeforeReply,
        effect: Effect::Nothing,
    },
    Deviation {
        peer: PeerName::Libunftp,
        word: "believes-port",
        what: "connects to any host that PORT names",
        reason: "it does not compare the address with the control connection's: the bounce of RFC 2577 section 3",
        source: "libunftp 0.24.0, src/server/controlchan/commands/port.rs",
        when: Circumstances {
            data: &[DataSetup::Port],
            families: &[Family::Ipv4],
            ..ANY
        },
        sign: Sign::ConnectsElsewhere,
        effect: Effect::Nothing,
    },
    Deviation {
        peer: PeerName::Libunftp,
        word: "connects-to-itself",
        what: "does not refuse PORT over IPv6, but connects to itself at the address 0.0.0.0 that stands in it",
        reason: FOUR_OVER_SIX,
        source: "libunftp 0.24.0, src/server/controlchan/commands/port.rs; RFC 2428 section 1",
        when: PORT_OVER_IPV6,
        sign: Sign::ConnectsToItself,
        effect: Effect::RulesOut(REJECTED_BY_ITSELF),
    },
    Deviation {
        peer: PeerName::Libunftp,
        word: "ends-session-at-pasv",
        what: "ends the session when it reads PASV over IPv6",
        reason: "its answer to PASV is made of an IPv4 address, and anything else is an internal error",
        source: "libunftp 0.24.0, src/server/controlchan/commands/pasv.rs",
        when: PASV_OVER_IPV6,
        sign: Sign::EndsSession { verb: "PASV" },
        effect: Effect::RulesOut(&[]),
    },
    Deviation {
        peer: PeerName::Libunftp,
        word: "refuses-ccc",
        what: "answers CCC with 534",
        reason: "where it demands TLS it grants no way back, and elsewhere it has not written it yet (502)",
        source: "libunftp 0.24.0, src/server/controlchan/commands/ccc.rs",
        when: Circumstances {
            protections: &[Protection::Ccc],
            ..ANY
        },
        sign: Sign::Answers {
            verb: "CCC",
            code: 534,
        },
        effect: Effect::RulesOut(CCC_REFUSED),
    },
    Deviation {
        peer: PeerName::Vsftpd,
        word: "refuses-mlsd",
        what: "answers MLSD with 500",
        reason: "it has no command of RFC 3659 but MDTM, REST and SIZE",
        source: "measured with 3.0.3; RFC 3659 section 7",
        when: Circumstances {
            operations: &[Operation::Mlsd],
            ..ANY
        },
        sign: Sign::Answers {
            verb: "MLSD",
            code: 500,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::Vsftpd,
        word: "refuses-ccc",
        what: "answers CCC with 500",
        reason: "it keeps TLS to the end",
        source: "measured with 3.0.3",
        when: Circumstances {
            protections: &[Protection::Ccc],
            ..ANY
        },
        sign: Sign::Answers {
            verb: "CCC",
            code: 500,
        },
        effect: Effect::RulesOut(CCC_REFUSED),
    },
    Deviation {
        peer: PeerName::Vsftpd,
        word: "refuses-port-over-ipv6",
        what: "answers PORT with 500 over IPv6",
        reason: FOUR_OVER_SIX,
        source: "measured with 3.0.3; RFC 2428 section 1",
        when: PORT_OVER_IPV6,
        sign: Sign::Answers {
            verb: "PORT",
            code: 500,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::Vsftpd,
        word: "announces-nowhere",
        what: "answers PASV over IPv6 with a 227 that names the address 0.0.0.0",
        reason: FOUR_OVER_SIX,
        source: "measured with 3.0.3; RFC 2428 section 1",
        when: PASV_OVER_IPV6,
        sign: Sign::Announces(Ipv4Addr::UNSPECIFIED),
        effect: Effect::RulesOut(REJECTED_BY_ITSELF),
    },
    Deviation {
        peer: PeerName::Proftpd,
        word: "refuses-port-over-ipv6",
        what: "answers PORT with 501 over IPv6",
        reason: FOUR_OVER_SIX,
        source: "measured with 1.3.8; RFC 2428 section 1",
        when: PORT_OVER_IPV6,
        sign: Sign::Answers {
            verb: "PORT",
            code: 501,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::Proftpd,
        word: "announces-nothing",
        what: "answers PASV over IPv6 with a 227 in which one number is left of the address",
        reason: FOUR_OVER_SIX,
        source: "measured with 1.3.8: `227 Entering Passive Mode (1,129,191).`",
        when: PASV_OVER_IPV6,
        sign: Sign::AnnouncesNothing,
        effect: Effect::RulesOut(&[]),
    },
    Deviation {
        peer: PeerName::Proftpd,
        word: "connects-back",
        what: "takes a private address in PORT or EPRT for the control connection's own, when that is public",
        reason: "behind NAT without a helper others refuse PORT (500); here it is granted, and the \
                 data connection meets the client's gateway",
        source: "proftpd 1.3.8, modules/mod_core.c, core_port and core_eprt",
        when: Circumstances {
            data: ACTIVE,
            families: &[Family::Ipv4],
            ..ANY
        },
        sign: Sign::ConnectsBack,
        effect: Effect::Instead(&[
            Instead {
                symptom: Symptom::Refused,
                phase: Phase::Negotiate,
                cause: CauseKind::Reply,
            },
            Instead {
                symptom: Symptom::DataRejected,
                phase: Phase::DataConnect,
                cause: CauseKind::Host,
            },
        ]),
    },
    Deviation {
        peer: PeerName::Proftpd,
        word: "serves-another",
        what: "serves a passive data connection that comes from another address than the control connection",
        reason: "others answer 425 where NAT gives the two connections different addresses",
        source: "measured with 1.3.8",
        when: Circumstances {
            data: PASSIVE,
            ..ANY
        },
        sign: Sign::ServesAnother,
        effect: Effect::Instead(&[Instead {
            symptom: Symptom::Transferred,
            phase: Phase::Completion,
            cause: CauseKind::None,
        }]),
    },
    Deviation {
        peer: PeerName::Proftpd,
        word: "refuses-unresumed-with-425",
        what: "answers 425 where a data connection does not resume the TLS session",
        reason: "RFC 4217 section 10.2 has 522 for what TLS alone refuses, as vsftpd answers",
        source: "measured with 1.3.8: `425 Unable to build data connection: Operation not permitted`",
        when: Circumstances {
            protections: &[Protection::Explicit, Protection::Implicit],
            unresumed: true,
            ..ANY
        },
        sign: Sign::EndsTransfer { code: 425 },
        effect: Effect::Instead(&[Instead {
            symptom: Symptom::Refused,
            phase: Phase::Transfer,
            cause: CauseKind::Reply,
        }]),
    },
    Deviation {
        peer: PeerName::PureFtpd,
        word: "refuses-port-over-ipv6",
        what: "answers PORT with 501 over IPv6",
        reason: FOUR_OVER_SIX,
        source: "measured with 1.0.50; RFC 2428 section 1",
        when: PORT_OVER_IPV6,
        sign: Sign::Answers {
            verb: "PORT",
            code: 501,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::PureFtpd,
        word: "refuses-pasv-over-ipv6",
        what: "answers PASV with 425 over IPv6",
        reason: FOUR_OVER_SIX,
        source: "measured with 1.0.50; RFC 2428 section 1",
        when: PASV_OVER_IPV6,
        sign: Sign::Answers {
            verb: "PASV",
            code: 425,
        },
        effect: Effect::RulesOut(REFUSED),
    },
    Deviation {
        peer: PeerName::Curl,
        word: "leaves-before-reply",
        what: "leaves when a passive data connection over TLS ends without data, and does not read why",
        reason: "the server's reply (522 or 425) says that the TLS session was not resumed; curl says that the \
                 transfer was closed",
        source: "measured with 7.88.1: `curl: (18) transfer closed with 300000 bytes remaining to read`",
        when: Circumstances {
            data: PASSIVE,
            protections: &[Protection::Explicit, Protection::Implicit],
            operations: &[Operation::Retr],
            unresumed: true,
            ..ANY
        },
        sign: Sign::LeavesUnread,
        effect: Effect::GivesUp,
    },
    Deviation {
        peer: PeerName::Lftp,
        word: "restarts-for-appe",
        what: "sends REST and STOR where others send APPE",
        reason: "it goes on with the file at the size that the server tells",
        source: "measured with 4.9.2",
        when: Circumstances {
            operations: &[Operation::Appe],
            ..ANY
        },
        sign: Sign::Sends {
            verb: "STOR",
            instead_of: "APPE",
        },
        effect: Effect::RulesOut(&[]),
    },
    Deviation {
        peer: PeerName::Lftp,
        word: "sends-port-for-eprt",
        what: "sends PORT over IPv4, and EPRT over IPv6 alone",
        reason: "it has no setting that prefers EPRT",
        source: "lftp(1); measured with 4.9.2",
        when: Circumstances {
            data: &[DataSetup::Eprt],
            families: &[Family::Ipv4],
            ..ANY
        },
        sign: Sign::Sends {
            verb: "PORT",
            instead_of: "EPRT",
        },
        effect: Effect::RulesOut(&[]),
    },
    Deviation {
        peer: PeerName::Tnftp,
        word: "stays-away",
        what: "gives up when a 227 names another address than the control connection's",
        reason: "a server could send it anywhere else (RFC 2577 section 3)",
        source: "tnftp 20210827, src/ftp.c, initconn: `Passive mode address mismatch.`",
        when: Circumstances {
            data: &[DataSetup::Pasv],
            families: &[Family::Ipv4],
            ..ANY
        },
        sign: Sign::StaysAway,
        effect: Effect::GivesUp,
    },
    Deviation {
        peer: PeerName::Wget,
        word: "sends-port-for-eprt",
        what: "sends PORT over IPv4, and EPRT over IPv6 alone",
        reason: "it chooses by the family",
        source: "wget 1.21, src/ftp-basic.c, ftp_port; measured",
        when: Circumstances {
            data: &[DataSetup::Eprt],
            families: &[Family::Ipv4],
            ..ANY
        },
        sign: Sign::Sends {
            verb: "PORT",
            instead_of: "EPRT",
        },
        effect: Effect::RulesOut(&[]),
    },
    Deviation {
        peer: PeerName::Wget,
        word: "sends-pasv-for-epsv",
        what: "sends PASV over IPv4, and EPSV over IPv6 alone",
        reason: "it chooses by the family",
        source: "wget 1.21, src/ftp-basic.c, ftp_pasv; measured",
        when: Circumstances {
            data: &[DataSetup::Epsv],
            families: &[Family::Ipv4],
            ..ANY
        },
        sign: Sign::Sends {
            verb: "PASV",
            instead_of: "EPSV",
        },
        effect: Effect::RulesOut(&[]),
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_word_of_its_own_and_says_why() {
        let mut words = BTreeSet::new();
        for deviation in DEVIATIONS {
            let Deviation {
                peer,
                word,
                what,
                reason,
                source,
                ..
            } = deviation;
            assert!(words.insert((*peer, *word)), "{peer} has two `{word}`");
            let kebab =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(word.bytes().all(kebab), "{word}");
            for text in [what, reason, source] {
                assert!(
                    !text.is_empty() && !text.ends_with('.'),
                    "{peer} {word}: {text}"
                );
            }
        }
    }

    #[test]
    fn a_sign_is_the_servers_or_the_clients() {
        for deviation in DEVIATIONS {
            let of_client = matches!(
                deviation.sign,
                Sign::Sends { .. } | Sign::StaysAway | Sign::LeavesUnread
            );
            assert_eq!(deviation.peer.is_server(), !of_client, "{}", deviation.word);
        }
    }
}
