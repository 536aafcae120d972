use std::net::IpAddr;

use fwlab_model::IpNet;
use serde::de::DeserializeOwned;

use crate::frame::Content;
use crate::mistake::{Problem, quote};
use crate::reading::Reading;
use crate::section::SectionName;

/// What a command answered, line by line.
#[derive(Clone, Copy)]
pub(crate) struct Answered<'a> {
    pub(crate) section: SectionName,
    /// The line of the file that the first line is.
    pub(crate) begins: u32,
    pub(crate) content: Content<'a>,
}

impl<'a> Answered<'a> {
    /// Whether it is JSON. An `ip` that does not know JSON for something answers in words.
    pub(crate) fn is_json(&self) -> bool {
        let mut lines = self.content.lines().map(<[u8]>::trim_ascii);
        lines
            .find(|line| !line.is_empty())
            .is_some_and(|line| line.starts_with(b"["))
    }

    /// Whether there is more in it than any host has; then that is taken down. What is read takes many times as much room
    /// as what is written.
    pub(crate) fn is_too_much(&self, reading: &mut Reading<'_>) -> bool {
        const MOST: usize = 500_000;
        let braces = |line: &[u8]| line.iter().filter(|byte| **byte == b'{').count();
        let entries: usize = self.content.lines().map(|line| 1 + braces(line)).sum();
        if entries > MOST {
            let what = format!("there is more in it than is read: {MOST} lines and entries");
            self.mistake(reading, self.begins, &what);
        }
        entries > MOST
    }

    /// Its JSON as a list; a mistake is taken down at its line.
    pub(crate) fn json<T: DeserializeOwned>(&self, reading: &mut Reading<'_>) -> Vec<T> {
        serde_json::from_slice(&self.content.text()).unwrap_or_else(|error| {
            let line = self.begins + (error.line() as u32).saturating_sub(1);
            // Its place is told as the file's.
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            self.mistake(reading, line, what);
            Vec::new()
        })
    }

    /// Its lines as text that are not blank, each with its line of the file.
    pub(crate) fn text(&self) -> impl Iterator<Item = (u32, String)> + use<'a> {
        let lines = self.content.lines().zip(self.begins..);
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
        reading.mistake(line, problem);
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
            let message = format!("`{}` is not a valid {what}", quote(text.as_bytes()));
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
