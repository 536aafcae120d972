use std::ops::RangeInclusive;

use fwlab_record::PeerName;

use super::{PEERS, PeerEntry};
use crate::deviation::Deviation;

/// The words of the servers that can be asked for by name.
pub const SERVER_WORDS: &[&str] = &words::<{ count(true) }>(true);

/// The words of the clients.
pub const CLIENT_WORDS: &[&str] = &words::<{ count(false) }>(false);

/// Every deviation that is known, peer by peer.
pub const DEVIATIONS: &[Deviation] = &deviations::<{ deviation_count() }>();

/// The entry of a peer.
///
/// # Panics
///
/// Never: a test holds the table against [`PeerName`].
pub fn peer_entry(peer: PeerName) -> &'static PeerEntry {
    let entry = PEERS.iter().find(|entry| entry.name == peer);
    entry.expect("every peer has an entry")
}

/// The ports from which a peer picks one for a data connection where none are set.
pub fn port_choice(peer: PeerName) -> RangeInclusive<u16> {
    peer_entry(peer).port_choice.clone()
}

const fn count(servers: bool) -> usize {
    let (mut count, mut index) = (0, 0);
    while index < PEERS.len() {
        if PEERS[index].is_named() && PEERS[index].is_server() == servers {
            count += 1;
        }
        index += 1;
    }
    count
}

const fn words<const COUNT: usize>(servers: bool) -> [&'static str; COUNT] {
    let mut words = [""; COUNT];
    let (mut filled, mut index) = (0, 0);
    while index < PEERS.len() {
        if PEERS[index].is_named() && PEERS[index].is_server() == servers {
            words[filled] = PEERS[index].name.word();
            filled += 1;
        }
        index += 1;
    }
    words
}

const fn deviation_count() -> usize {
    let (mut count, mut index) = (0, 0);
    while index < PEERS.len() {
        count += PEERS[index].deviations.len();
        index += 1;
    }
    count
}

const fn deviations<const COUNT: usize>() -> [Deviation; COUNT] {
    // Any one, until all are there.
    let mut all = [PEERS[0].deviations[0]; COUNT];
    let (mut filled, mut index) = (0, 0);
    while index < PEERS.len() {
        let own = PEERS[index].deviations;
        let mut next = 0;
        while next < own.len() {
            all[filled] = own[next];
            filled += 1;
            next += 1;
        }
        index += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::VariantArray;

    use super::*;
    use crate::deviation::Sign;

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

    #[test]
    fn every_peer_is_there_once_on_its_side() {
        let entries: BTreeSet<PeerName> = PEERS.iter().map(|entry| entry.name).collect();
        assert_eq!(entries.len(), PEERS.len());
        assert_eq!(entries, PeerName::VARIANTS.iter().copied().collect());
        for entry in PEERS {
            assert_eq!(entry.is_server(), entry.name.is_server(), "{}", entry.name);
            assert_eq!(
                entry.is_named(),
                PeerName::ALL.contains(&entry.name),
                "{}",
                entry.name
            );
            let elsewhere = entry.program.is_some() || entry.image().is_some();
            assert_eq!(entry.name.is_embedded(), !elsewhere, "{}", entry.name);
            assert!(entry.deviations.iter().all(|one| one.peer == entry.name));
        }
        assert_eq!(SERVER_WORDS.len() + CLIENT_WORDS.len(), PeerName::ALL.len());
    }
}
