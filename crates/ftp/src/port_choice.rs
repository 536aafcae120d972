use std::ops::RangeInclusive;

use fwlab_record::PeerName;

/// The ports from which a peer picks one for a data connection where none are set: for most of them the kernel
/// does, by the default of `net.ipv4.ip_local_port_range`.
pub fn port_choice(peer: PeerName) -> RangeInclusive<u16> {
    match peer {
        PeerName::Libunftp => 49152..=65535,
        PeerName::Vsftpd => 1024..=65535,
        _ => 32768..=60999,
    }
}
