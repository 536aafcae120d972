use fwlab_record::{CauseKind, DataSetup, Family, Phase, Symptom};

use super::{Circumstances, Instead};

pub(crate) const ANY: Circumstances = Circumstances::ANY;

/// PORT over IPv6: its argument has room for an IPv4 address alone.
pub(crate) const PORT_OVER_IPV6: Circumstances = Circumstances {
    data: &[DataSetup::Port],
    families: &[Family::Ipv6],
    ..ANY
};

/// PASV over IPv6: so has its 227.
pub(crate) const PASV_OVER_IPV6: Circumstances = Circumstances {
    data: &[DataSetup::Pasv],
    families: &[Family::Ipv6],
    ..ANY
};

pub(crate) const ACTIVE: &[DataSetup] = &[DataSetup::Port, DataSetup::Eprt];

pub(crate) const PASSIVE: &[DataSetup] = &[DataSetup::Pasv, DataSetup::Epsv];

pub(crate) const REFUSED: &[Instead] = &[Instead {
    symptom: Symptom::Refused,
    phase: Phase::Negotiate,
    cause: CauseKind::Reply,
}];

/// CCC is refused: suppaftp leaves, and curl goes on under TLS.
pub(crate) const CCC_REFUSED: &[Instead] = &[
    REFUSED[0],
    Instead {
        symptom: Symptom::Transferred,
        phase: Phase::Completion,
        cause: CauseKind::None,
    },
];

/// What comes of a data connection to the address 0.0.0.0, or to who opens it.
pub(crate) const REJECTED_BY_ITSELF: &[Instead] = &[Instead {
    symptom: Symptom::DataRejected,
    phase: Phase::DataConnect,
    cause: CauseKind::Host,
}];

pub(crate) const FOUR_OVER_SIX: &str =
    "PORT and 227 have no room for an IPv6 address; RFC 2428 has EPRT and EPSV for that";
