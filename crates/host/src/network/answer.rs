use std::net::IpAddr;

use fwlab_model::IpNet;
use serde::de::DeserializeOwned;

use crate::mistake::{CaptureMistake, Problem, quote};
use crate::reading::Reading;
use crate::section::SectionName;

/// What a command answered, line by line.
pub(crate) struct Answered<'a> {
    pub(crate) section: SectionName,
    /// The line of the file that the first line is.
    pub(crate) begins: u32,
    pub(crate) lines: Vec<&'a [u8]>,
}

impl<'a> Answered<'a> {
    /// Whether it is JSON. An `ip` that does not know JSON for something answers in words.
    pub(crate) fn is_json(&self) -> bool {
        let mut lines = self.lines.iter().map(|line| line.trim_ascii());
        lines
            .find(|line| !line.is_empty())
            .is_some_and(|line| line.starts_with(b"["))
    }

    /// Its JSON as a list; a mistake is taken down at its line.
    pub(crate) fn json<T: DeserializeOwned>(&self, reading: &mut Reading<'_>) -> Vec<T> {
        serde_json::from_slice(&self.lines.join(&b'\n')).unwrap_or_else(|error| {
            let line = self.begins + (error.line() as u32).saturating_sub(1);
            // Its place is told as the file's.
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            self.mistake(reading, line, what);
            Vec::new()
        })
    }

    /// Its lines as text that are not blank, each with its line of the file.
    pub(crate) fn text(&self) -> impl Iterator<Item = (u32, String)> + use<'a, '_> {
        let lines = self.lines.iter().zip(self.begins..);
        let lines = lines.map(|(line, at)| (at, String::from_utf8_lossy(line).into_owned()));
        lines.filter(|(_, line)| !line.trim().is_empty())
    }

    /// Takes down something that cannot be.
    pub(crate) fn mistake(&self, reading: &mut Reading<'_>, line: u32, what: &str) {
        let what = fwlab_text::line(what).into_owned();
        let problem = Problem::Answer {
            section: self.section,
            what,
        };
        let mistake = CaptureMistake::new(reading.name, line, problem);
        reading.mistakes.push(mistake);
    }

    /// Takes down a line that is not understood, and can be done without.
    pub(crate) fn not_understood(&self, reading: &mut Reading<'_>, line: u32, text: &str) {
        let why = format!("`{}` is not understood", quote(text.trim().as_bytes()));
        reading.unread(self.section, line, why);
    }

    /// What a text says, where it must say such a thing.
    pub(crate) fn valid<T>(
        &self,
        reading: &mut Reading<'_>,
        line: u32,
        text: &str,
        what: &str,
    ) -> Option<T>
    where
        T: std::str::FromStr,
    {
        let value = text.parse().ok();
        if value.is_none() {
            let message = format!("`{}` is no {what}", quote(text.as_bytes()));
            self.mistake(reading, line, &message);
        }
        value
    }

    /// A network: `10.0.0.0/8`, or `10.0.0.1` for one address.
    pub(crate) fn net(&self, reading: &mut Reading<'_>, line: u32, text: &str) -> Option<IpNet> {
        if text.contains('/') {
            self.valid(reading, line, text, "network")
        } else {
            let address = self.valid::<IpAddr>(reading, line, text, "address")?;
            Some(address.into())
        }
    }
}
