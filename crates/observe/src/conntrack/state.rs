use fwlab_record::ConntrackState;

/// From the bit that nft's trace carries (`NF_CT_STATE_BIT` in `nf_conntrack_common.h`).
pub(crate) fn state_from_bits(bits: u32) -> ConntrackState {
    match bits {
        0x02 => ConntrackState::Established,
        0x04 => ConntrackState::Related,
        0x08 => ConntrackState::New,
        0x40 => ConntrackState::Untracked,
        _ => ConntrackState::Invalid,
    }
}

/// From `enum ip_conntrack_info`, which nfnetlink_log carries: the state, and the direction with it.
pub(crate) fn state_from_info(info: u32) -> ConntrackState {
    match info {
        0 | 3 => ConntrackState::Established,
        1 | 4 => ConntrackState::Related,
        2 => ConntrackState::New,
        7 => ConntrackState::Untracked,
        _ => ConntrackState::Invalid,
    }
}
