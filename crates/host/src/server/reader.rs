use std::net::Ipv4Addr;
use std::str::FromStr;

use super::own::{Fate, Taken};
use super::{MAX_SERVER_CONFIG, ServerProgram, ServerRead, ServerSettings};
use super::{SettingMistake, SettingMistakes, SettingNote};
use crate::mistake::quote;
use crate::piece::Piece;

/// As many mistakes, and as many notes, are told.
const TOLD: usize = 10;

/// A setting, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) key: String,
    /// What stands between the two in the file.
    pub(super) between: char,
    pub(super) value: String,
}

impl Setting {
    pub(super) fn words(&self) -> Vec<&str> {
        self.value.split_ascii_whitespace().collect()
    }
}

/// The lines of a file with their numbers, without what ends them.
pub(super) fn lines(piece: &Piece) -> impl Iterator<Item = (u32, String)> {
    let lines = piece.text.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| String::from_utf8_lossy(line).into_owned());
    // Of passwords, a captured host has the names alone.
    (piece.begins..)
        .zip(lines)
        .filter(|(_, line)| !line.trim_end().ends_with(" (left out)"))
}

/// What is collected while settings are read.
#[derive(Debug, Default)]
pub(super) struct Reader {
    mistakes: Vec<SettingMistake>,
    more: usize,
    notes: Vec<SettingNote>,
    own: Taken,
}

impl Reader {
    pub(super) fn mistake(&mut self, at: &Setting, what: &str, help: impl Into<String>) {
        let written = match at.value.is_empty() {
            true => at.key.clone(),
            false => format!("{}{}{}", at.key, at.between, at.value),
        };
        let what = format!("`{}` {what}", quote(written.as_bytes()));
        self.push(SettingMistake {
            file: at.file.clone(),
            line: Some(at.line),
            what,
            help: help.into(),
        });
    }

    pub(super) fn too_large(&mut self, file: &str) {
        self.push(SettingMistake {
            file: file.to_owned(),
            line: None,
            what: format!(
                "it is larger than {} MiB, the most that fwlab reads of a server's settings",
                MAX_SERVER_CONFIG >> 20
            ),
            help: "give the server's own file, such as vsftpd.conf".into(),
        });
    }

    fn push(&mut self, mistake: SettingMistake) {
        match self.mistakes.len() {
            TOLD => self.more += 1,
            _ => self.mistakes.push(mistake),
        }
    }

    pub(super) fn note(&mut self, at: &Setting, what: impl Into<String>) {
        self.push_note(at, what.into(), false);
    }

    /// What is so where another program runs in the server's place.
    pub(super) fn note_of_another(&mut self, at: &Setting, what: impl Into<String>) {
        self.push_note(at, what.into(), true);
    }

    fn push_note(&mut self, at: &Setting, what: String, of_another: bool) {
        if self.notes.len() < TOLD {
            self.notes.push(SettingNote {
                file: at.file.clone(),
                line: at.line,
                what,
                of_another,
            });
        }
    }

    /// What becomes of a setting where the program itself runs.
    pub(super) fn own(&mut self, at: &Setting, key: &str, fate: Fate) {
        self.own.take(at, key, fate);
    }

    /// The port, not 20, that active data connections of the program come from.
    pub(super) fn data_port(&mut self, port: u16) {
        self.own.own.data_port = Some(port);
    }

    /// Says that there is no such setting, where there is none.
    pub(super) fn unknown(&mut self, at: &Setting, program: ServerProgram) {
        if self.notes.len() == TOLD || program.knows(&at.key) {
            return;
        }
        let near = program
            .nearest(&at.key)
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let key = quote(at.key.as_bytes());
        self.note(
            at,
            format!("{program} has no setting `{key}` that fwlab knows: it is ignored{near}"),
        );
    }

    /// A port that is one, 1 to 65535.
    pub(super) fn port(&mut self, at: &Setting, word: &str) -> Option<u16> {
        let port = word.parse().ok().filter(|port| *port > 0);
        if port.is_none() {
            self.mistake(at, "is not a port", "write a number, 1 to 65535");
        }
        port
    }

    /// The two ends of a range of ports, in order.
    pub(super) fn range(&mut self, at: &Setting, ends: [&str; 2]) -> Option<(u16, u16)> {
        let [first, last] = ends.map(|end| self.port(at, end));
        let (first, last) = (first?, last?);
        if first > last {
            self.mistake(
                at,
                "is a range of ports the wrong way round",
                format!("write the lower one first: {last} and {first}"),
            );
            return None;
        }
        Some((first, last))
    }

    /// What is one of the words of a setting.
    pub(super) fn one_of<T: Copy>(&mut self, at: &Setting, words: &[(&str, T)]) -> Option<T> {
        let found = words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(&at.value));
        if found.is_none() {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let help = format!("write one of {}", words.join(", "));
            self.mistake(at, "is not one of its values", help);
        }
        found.map(|(_, value)| *value)
    }

    /// The IPv4 address that is announced. A name is noted, since no name is looked up here.
    pub(super) fn announced(&mut self, at: &Setting, may_be_name: bool) -> Option<Ipv4Addr> {
        if let Ok(address) = Ipv4Addr::from_str(&at.value) {
            return Some(address);
        }
        let is_name = at
            .value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
            && at.value.contains(|c: char| c.is_ascii_alphabetic());
        match may_be_name && is_name {
            true => self.note(
                at,
                format!(
                    "the announced address is that of `{}`, but no names are looked up here: give it with --advertise",
                    quote(at.value.as_bytes())
                ),
            ),
            false => self.mistake(at, "is not an IPv4 address", "write it as in 192.0.2.7"),
        }
        None
    }

    pub(super) fn end(
        mut self,
        program: ServerProgram,
        name: &str,
        settings: ServerSettings,
    ) -> Result<ServerRead, SettingMistakes> {
        if !self.mistakes.is_empty() {
            return Err(SettingMistakes {
                told: self.mistakes,
                more: self.more,
            });
        }
        // Included files stand where they are included.
        self.notes.dedup();
        Ok(ServerRead {
            program,
            name: name.to_owned(),
            settings,
            notes: self.notes,
            own: self.own.own,
        })
    }
}
