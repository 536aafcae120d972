use std::fmt;
use std::str::FromStr;

use fwlab_model::ruleset::nearest;
use fwlab_record::{Axes, DataSetup, Protection};
use fwlab_scenario::Selector;

/// Some transfers, in words: `passive`, `explicit/port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfers(Selector);

/// What names data setups, and which.
const SETUPS: [(&str, &[DataSetup]); 7] = [
    ("active", &[DataSetup::Port, DataSetup::Eprt]),
    ("passive", &[DataSetup::Pasv, DataSetup::Epsv]),
    ("port", &[DataSetup::Port]),
    ("eprt", &[DataSetup::Eprt]),
    ("pasv", &[DataSetup::Pasv]),
    ("epsv", &[DataSetup::Epsv]),
    ("all", &[]),
];

impl Transfers {
    /// Whether a cell is one of them.
    pub fn has(&self, axes: &Axes) -> bool {
        self.0.names(axes)
    }

    /// As a scenario selects them.
    pub fn selector(&self) -> &Selector {
        &self.0
    }
}

impl fmt::Display for Transfers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Transfers {
    type Err = String;

    fn from_str(text: &str) -> Result<Transfers, String> {
        let (protection, setup) = match text.split_once('/') {
            Some((protection, setup)) => (Some(protection), setup),
            None => (None, text),
        };
        let protections = protection.map(|word| {
            let tls = (
                "tls",
                Protection::ALL
                    .iter()
                    .filter(|one| **one != Protection::Plain)
                    .copied()
                    .collect(),
            );
            let all: Vec<(&str, Vec<Protection>)> = Protection::ALL
                .iter()
                .map(|one| (one.word(), vec![*one]))
                .chain([tls])
                .collect();
            among("a protection", word, &all)
        });
        let setups = among("a way to transfer", setup, &SETUPS)?;
        Ok(Transfers(Selector {
            data: setups.to_vec(),
            protections: protections.transpose()?.unwrap_or_default(),
            ..Selector::default()
        }))
    }
}

/// What a word of a closed set stands for.
pub(crate) fn among<T: Clone>(what: &str, word: &str, all: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, value)) = all.iter().find(|(known, _)| *known == word) {
        return Ok(value.clone());
    }
    let words: Vec<&str> = all.iter().map(|(known, _)| *known).collect();
    let near = nearest(word, words.iter().copied());
    let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    Err(format!(
        "`{word}` is not {what}: {near}[{}]",
        words.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_transfers() {
        let read = |text: &str| text.parse::<Transfers>();
        assert_eq!(
            read("explicit/passive").expect("it is right").to_string(),
            "explicit pasv,epsv"
        );
        assert_eq!(
            read("all").expect("it is right").selector(),
            &Selector::default()
        );
        assert_eq!(
            read("tls/port").expect("it is right").to_string(),
            "explicit,implicit,ccc port"
        );
        let error = read("ssl/port").expect_err("no such word");
        assert_eq!(
            error,
            "`ssl` is not a protection: [plain, explicit, implicit, ccc, tls]"
        );
        let error = read("passiv").expect_err("no such word");
        assert!(error.contains("did you mean `passive`?"), "{error}");
    }
}
