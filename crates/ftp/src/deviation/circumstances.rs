use fwlab_record::{DataSetup, Family, Operation, Protection};

use crate::{ServerSettings, TransferSpec};

/// What a transfer asks of its peers, as far as it matters to deviations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The data setup.
    pub data: DataSetup,
    /// The family that both speak.
    pub family: Family,
    /// The protection.
    pub protection: Protection,
    /// What is done.
    pub operation: Operation,
    /// Whether the server demands that TLS sessions are resumed, and the client does not do it.
    pub unresumed: bool,
}

impl Asked {
    /// What is asked by this transfer of a server that is set up so.
    pub fn of(transfer: &TransferSpec, settings: &ServerSettings) -> Asked {
        Asked {
            data: transfer.data_setup,
            family: if transfer.server.is_ipv6() {
                Family::Ipv6
            } else {
                Family::Ipv4
            },
            protection: transfer.protection,
            operation: transfer.operation,
            unresumed: settings.require_session_reuse && !transfer.session_reuse,
        }
    }
}

/// The transfers in which a deviation shows. An empty list names every value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// Data setups.
    pub data: &'static [DataSetup],
    /// Families.
    pub families: &'static [Family],
    /// Protections.
    pub protections: &'static [Protection],
    /// Operations.
    pub operations: &'static [Operation],
    /// Only where the server demands that TLS sessions are resumed, and the client does not do it.
    pub unresumed: bool,
}

impl Circumstances {
    /// Every transfer.
    pub const ANY: Circumstances = Circumstances {
        data: &[],
        families: &[],
        protections: &[],
        operations: &[],
        unresumed: false,
    };

    /// Whether a transfer is among them.
    pub fn are_met(&self, asked: &Asked) -> bool {
        fn among<T: PartialEq>(listed: &[T], value: &T) -> bool {
            listed.is_empty() || listed.contains(value)
        }
        among(self.data, &asked.data)
            && among(self.families, &asked.family)
            && among(self.protections, &asked.protection)
            && among(self.operations, &asked.operation)
            && (asked.unresumed || !self.unresumed)
    }
}
