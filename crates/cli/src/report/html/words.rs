//! The texts of a page, each once.

use std::collections::HashMap;

use fwlab_text::one_line;

/// The place of a text among all words.
pub(super) type Word = usize;

/// Texts, each once, with nothing in them that cannot be seen.
#[derive(Debug, Default)]
pub(super) struct Words {
    places: HashMap<String, Word>,
    words: Vec<String>,
    bytes: usize,
}

impl Words {
    pub(super) fn of(&mut self, text: impl std::fmt::Display) -> Word {
        let text = one_line(text);
        if let Some(place) = self.places.get(&text) {
            return *place;
        }
        let place = self.words.len();
        self.bytes += text.len();
        self.words.push(text.clone());
        self.places.insert(text, place);
        place
    }

    /// How long they are together, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn all(self) -> Vec<String> {
        self.words
    }
}
