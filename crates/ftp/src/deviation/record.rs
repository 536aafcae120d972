use fwlab_record::{CauseKind, PeerName, Phase, Symptom};

use super::{Asked, Circumstances, Sign};
use crate::Support;

/// Something that a peer does otherwise than the rest. It shows in every transfer under
/// its circumstances that comes far enough; where it does not, the record is out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deviation {
    /// The peer.
    pub peer: PeerName,
    /// Its name, unique for the peer: `refuses-eprt`.
    pub word: &'static str,
    /// What the peer does, as it follows the peer's name: `answers EPRT with 500`.
    pub what: &'static str,
    /// Why it does so, or why that matters.
    pub reason: &'static str,
    /// Where that is from: an RFC's section, a manual, a source file, the lab's own measurement.
    pub source: &'static str,
    /// The transfers in which it shows.
    pub when: Circumstances,
    /// How it shows.
    pub sign: Sign,
    /// What it does to a transfer.
    pub effect: Effect,
}

/// What a deviation does to the transfers that it shows in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the outcome is the one that it is with others.
    Nothing,
    /// It is not the transfer that was asked for: such cells are left out, but where deviations
    /// are looked for on purpose. There the outcome is one of these; nothing stands here where no
    /// packet decides.
    RulesOut(&'static [Instead]),
    /// The outcome may be one of these where others have another one.
    Instead(&'static [Instead]),
    /// The peer gives up by itself: nothing that happened to a packet decides, and there is no outcome.
    GivesUp,
}

/// An outcome that a deviation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instead {
    /// What the client's user sees.
    pub symptom: Symptom,
    /// The phase that the transfer ends in.
    pub phase: Phase,
    /// The cause's kind, as [`fwlab_record::Cause::kind`] spells it.
    pub cause: CauseKind,
}

impl Deviation {
    /// Whether it makes another transfer of the one that is asked for.
    pub fn is_ruling_out(&self) -> bool {
        matches!(self.effect, Effect::RulesOut(_))
    }

    /// The peer and what it does: `libunftp answers EPRT with 500`.
    pub fn sentence(&self) -> String {
        format!("{} {}", self.peer, self.what)
    }
}

/// The deviations among these that a peer may show in a transfer.
pub fn deviations_of<'a>(
    peer: PeerName,
    asked: &Asked,
    known: &'a [Deviation],
) -> impl Iterator<Item = &'a Deviation> + use<'a> {
    let asked = *asked;
    known
        .iter()
        .filter(move |one| one.peer == peer && one.when.are_met(&asked))
}

/// Whether a peer makes of a transfer what was asked for, as far as its deviations are concerned.
pub fn ruled_out(peer: PeerName, asked: &Asked, known: &[Deviation]) -> Support {
    let why = deviations_of(peer, asked, known).find(|one| one.is_ruling_out());
    why.map_or(Support::Yes, |why| Support::no(why.sentence()))
}
