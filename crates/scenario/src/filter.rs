//! Which cells of a plan are run.

use fwlab_record::{Axes, Backend, DataSetup, Family, Operation, PeerName, Protection};

/// Chooses cells by name. A filter is alternatives; each is terms that must all hold.
///
/// A term `axis=word` names a value of an axis (`scenario`, `ruleset`, `backend`,
/// `server`, `client`, `data`, `family`, `protection`, `operation`) or a `tag`;
/// any other term is looked for in the cell's name, as whole words of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    alternatives: Vec<Vec<Term>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Axis(&'static str, String),
    Part(String),
}

/// A filter that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// There is nothing in it.
    #[error("an empty filter chooses nothing")]
    Empty,
    /// `axis=word` with an axis that is none.
    #[error("`{0}` is not an axis; the axes are {axes}", axes = axes().collect::<Vec<_>>().join(", "))]
    UnknownAxis(String),
    /// `axis=word` with a word that the axis never has.
    #[error("`{word}` is not a value of {axis}; write {}", words.join(", "))]
    UnknownWord {
        /// The axis.
        axis: &'static str,
        /// The word.
        word: String,
        /// The words of that axis.
        words: Vec<&'static str>,
    },
}

/// What a filter can name: the axes, and a scenario's tags.
fn axes() -> impl Iterator<Item = &'static str> {
    Axes::NAMES.into_iter().chain(["tag"])
}

impl Filter {
    /// Reads the alternatives of a command line; none at all admit every cell.
    pub fn parse<S: AsRef<str>>(alternatives: &[S]) -> Result<Filter, FilterError> {
        let alternatives = alternatives.iter().map(|text| {
            let terms = text
                .as_ref()
                .split_whitespace()
                .map(term)
                .collect::<Result<Vec<_>, _>>()?;
            if terms.is_empty() {
                Err(FilterError::Empty)
            } else {
                Ok(terms)
            }
        });
        Ok(Filter {
            alternatives: alternatives.collect::<Result<_, _>>()?,
        })
    }

    /// Whether a cell is chosen.
    pub fn admits(&self, axes: &Axes, tags: &[String]) -> bool {
        let name = axes.to_string();
        let holds = |term: &Term| match term {
            Term::Part(part) => has_words(&name, part),
            Term::Axis("tag", word) => tags.iter().any(|tag| tag == word),
            Term::Axis(axis, word) => value(axes, axis) == *word,
        };
        self.alternatives.is_empty()
            || self
                .alternatives
                .iter()
                .any(|terms| terms.iter().all(holds))
    }
}

/// Whether words stand in a name in whole: `nft` is none of `libunftp`, and `server-nat` two of `topologies/server-nat`.
fn has_words(name: &str, words: &str) -> bool {
    let is_inner = |neighbour: Option<char>, edge: Option<char>| {
        let is_part = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        is_part(neighbour) && is_part(edge)
    };
    name.match_indices(words).any(|(at, found)| {
        let before = name[..at].chars().next_back();
        let after = name[at + found.len()..].chars().next();
        !is_inner(before, found.chars().next()) && !is_inner(after, found.chars().next_back())
    })
}

fn term(text: &str) -> Result<Term, FilterError> {
    match text.split_once('=') {
        None => Ok(Term::Part(text.to_owned())),
        Some((axis, word)) => match axes().find(|known| *known == axis) {
            Some(axis) => match words_of(axis) {
                Some(words) if !words.contains(&word) => Err(FilterError::UnknownWord {
                    axis,
                    word: word.to_owned(),
                    words,
                }),
                _ => Ok(Term::Axis(axis, word.to_owned())),
            },
            None => Err(FilterError::UnknownAxis(axis.to_owned())),
        },
    }
}

/// The words of an axis that has a closed set of them.
fn words_of(axis: &str) -> Option<Vec<&'static str>> {
    let peers = |servers: bool| {
        let peers = PeerName::ALL.iter().copied();
        peers
            .filter(|peer| peer.is_server() == servers)
            .map(PeerName::word)
            .collect()
    };
    Some(match axis {
        "backend" => Backend::ALL.iter().map(|word| word.word()).collect(),
        "server" => peers(true),
        "client" => peers(false),
        "data" => DataSetup::ALL.iter().map(|word| word.word()).collect(),
        "protection" => Protection::ALL.iter().map(|word| word.word()).collect(),
        "family" => Family::ALL.iter().map(|word| word.word()).collect(),
        "operation" => Operation::ALL.iter().map(|word| word.word()).collect(),
        _ => return None,
    })
}

fn value(axes: &Axes, axis: &str) -> String {
    match axis {
        "scenario" => axes.scenario.clone(),
        "ruleset" => axes.ruleset.clone(),
        "backend" => axes.backend.to_string(),
        "server" => axes.server.to_string(),
        "client" => axes.client.to_string(),
        "data" => axes.data.to_string(),
        "protection" => axes.protection.to_string(),
        "family" => axes.family.to_string(),
        _ => axes.operation.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_in_whole() {
        let name =
            "seed/passive-client::verbatim::legacy::libunftp::suppaftp::pasv::plain::ipv4::retr";
        for words in [
            "legacy",
            "passive",
            "passive-client",
            "seed/passive",
            "verbatim::legacy",
            "::pasv::",
        ] {
            assert!(has_words(name, words), "{words}");
        }
        for words in ["nft", "ftp", "pas", "ipv", "etr", "erbatim::legacy"] {
            assert!(!has_words(name, words), "{words}");
        }
    }

    fn axes() -> Axes {
        Axes {
            scenario: "seed/active".into(),
            ruleset: "helper".into(),
            backend: Backend::Nft,
            server: PeerName::Libunftp,
            client: PeerName::Suppaftp,
            data: DataSetup::Pasv,
            protection: Protection::Plain,
            family: Family::Ipv4,
            operation: Operation::Retr,
        }
    }

    #[test]
    fn terms_of_one_alternative_must_all_hold() {
        let admits = |texts: &[&str]| {
            Filter::parse(texts)
                .expect("a filter")
                .admits(&axes(), &["seed".into()])
        };
        assert!(admits(&[]));
        assert!(admits(&["active"]));
        assert!(admits(&["data=pasv backend=nft"]));
        assert!(!admits(&["data=pasv backend=legacy"]));
        assert!(admits(&["data=port", "data=pasv"]));
        assert!(admits(&["tag=seed"]));
        assert!(!admits(&["tag=see"]));
        assert!(!admits(&["passive"]));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        assert_eq!(
            Filter::parse(&["side=x"]),
            Err(FilterError::UnknownAxis("side".into()))
        );
        assert_eq!(Filter::parse(&[" "]), Err(FilterError::Empty));
        let error = Filter::parse(&["data=psav"]).expect_err("no data setup");
        assert_eq!(
            error.to_string(),
            "`psav` is not a value of data; write port, eprt, pasv, epsv"
        );
    }
}
