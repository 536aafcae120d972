//! The words that can stand behind keys: those of the types that they are read as.

use std::str::FromStr;

use fwlab_ftp::{CLIENT_WORDS, Login, Moment, SERVER_WORDS};
use fwlab_model::ruleset::DefaultPolicy;
use fwlab_record::PeerName;
use strum::VariantNames;

/// A closed set of words.
pub(crate) trait Vocabulary {
    /// What a word is read as.
    type Word: PartialEq;

    /// The words, as they are written.
    const WORDS: &'static [&'static str];

    /// What one of them is read as.
    fn word(text: &str) -> Option<Self::Word>;
}

impl<T: FromStr + VariantNames + PartialEq> Vocabulary for T {
    type Word = T;
    const WORDS: &'static [&'static str] = T::VARIANTS;

    fn word(text: &str) -> Option<T> {
        text.parse().ok()
    }
}

/// Declares part of a type's words.
macro_rules! part {
    ($( $(#[$doc:meta])* $name:ident: $word:ty = $words:expr; )*) => { $(
        $(#[$doc])*
        pub(crate) struct $name;

        impl Vocabulary for $name {
            type Word = $word;
            const WORDS: &'static [&'static str] = $words;

            fn word(text: &str) -> Option<$word> {
                text.parse().ok()
            }
        }
    )* };
}

part! {
    /// The peers that are servers.
    Servers: PeerName = SERVER_WORDS;
    /// The peers that are clients.
    Clients: PeerName = CLIENT_WORDS;
    /// The logins that the lab sets up. The last of all is somebody else's.
    Logins: Login = all_but_last(Login::VARIANTS);
    /// What a generated ruleset does with the rest. The last of all is for programs.
    Defaults: DefaultPolicy = all_but_last(DefaultPolicy::VARIANTS);
}

const fn all_but_last(words: &'static [&'static str]) -> &'static [&'static str] {
    match words.split_last() {
        Some((_, words)) => words,
        None => words,
    }
}

/// When a step is done: at the start, or at a moment of the session.
pub(crate) struct Moments;

/// The word of a step that is done before the session.
pub(crate) const START: &str = "start";

impl Vocabulary for Moments {
    type Word = Option<Moment>;
    // Where clients are brought in step, no step is done.
    const WORDS: &'static [&'static str] = &[
        START,
        Moment::VARIANTS[Moment::LoggedIn as usize],
        Moment::VARIANTS[Moment::Halfway as usize],
    ];

    fn word(text: &str) -> Option<Option<Moment>> {
        match text {
            START => Some(None),
            moment => moment.parse().ok().map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use fwlab_ftp::{DataSourcePort, PassiveAddress};

    use super::*;
    use crate::Shape;

    #[test]
    fn every_word_is_read() {
        fn unread<V: Vocabulary>() -> Vec<&'static str> {
            let words = V::WORDS.iter().copied();
            words.filter(|word| V::word(word).is_none()).collect()
        }
        let unread = [
            unread::<Servers>(),
            unread::<Clients>(),
            unread::<Logins>(),
            unread::<Defaults>(),
            unread::<Moments>(),
            unread::<DataSourcePort>(),
            unread::<PassiveAddress>(),
            unread::<Shape>(),
        ];
        assert_eq!(unread.concat(), Vec::<&str>::new());
        assert_eq!(Moments::WORDS, ["start", "logged-in", "halfway"]);
    }
}
