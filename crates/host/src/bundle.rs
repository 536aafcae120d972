//! A run in one file, in the form that a captured host has: sections of lines that begin with `|`, and a last line with
//! their number, bytes and sum. What the sections say is for others to read.
//!
//! ```text
//! fwlab bundle 2
//!
//! == about
//! |what it is, as JSON
//!
//! == scenario PATH
//! |its text
//!
//! == file PATH
//! |what stands in it
//!
//! == records
//! |a line of JSON a cell
//!
//! == streams
//! |a line of JSON a client
//!
//! == packets NUMBER
//! |the pcapng file of the cell of that line of the records, as base64
//! end sections=6 bytes=123 cksum=4567
//! ```

mod packets;

use std::collections::BTreeMap;

use crate::frame::{Content, Lines, MAX_SECTION, split_end, version};
use crate::mistake::{Problem, quote};
use crate::seal::push_end;

/// The format that is written. It changes when the file does.
const FORMAT: u32 = 2;

/// The format before, which is read too: it has no packets.
const WITHOUT_PACKETS: u32 = 1;

/// The most bytes that are written and read.
pub const MAX_BUNDLE: u64 = 256 << 20;

/// The most files beside the scenario.
const MAX_FILES: usize = 512;

/// A run in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// What it is, and what wrote it.
    pub about: Vec<u8>,
    /// The path of the scenario.
    pub scenario: String,
    /// Its text.
    pub text: Vec<u8>,
    /// The files that the scenario names, by their paths.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What became of the cells.
    pub records: Vec<u8>,
    /// What each cell's judge was told.
    pub streams: Vec<u8>,
    /// The packets of cells as pcapng, by the places of their records.
    pub packets: BTreeMap<usize, Vec<u8>>,
}

/// Why a file is not read as a bundle, or cannot be written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleMistake {
    /// It begins otherwise.
    #[error(
        "it is not a bundle of `fwlab run --bundle`: its first line is not `fwlab bundle {FORMAT}`"
    )]
    NotABundle,
    /// It is of a format that came later.
    #[error(
        "it is a bundle of format {0}, and this fwlab reads formats {WITHOUT_PACKETS} and {FORMAT}: a newer fwlab made it"
    )]
    Newer(String),
    /// There is more of it than is read.
    #[error("it is larger than {} MiB, the most that a bundle may have", MAX_BUNDLE >> 20)]
    TooLarge,
    /// Its end is not there.
    #[error("it is cut off: its last line does not begin with `end`")]
    CutOff,
    /// Something stands behind its last line.
    #[error("there is more after its last line")]
    BehindEnd,
    /// It is not what was written.
    #[error("it was edited, or damaged on the way: {0}")]
    Edited(String),
    /// A line that is none of the format.
    #[error("line {line}: `{text}` is not a line that a bundle has here")]
    Misplaced {
        /// Which line, 1 for the first.
        line: u32,
        /// What stands there.
        text: String,
    },
    /// A section that is not there.
    #[error("the section `{0}` is not there")]
    Missing(&'static str),
    /// A section, or a file, that stands there already.
    #[error("line {line}: `{text}` appears twice")]
    Twice {
        /// Which line, 1 for the first.
        line: u32,
        /// The section's heading.
        text: String,
    },
    /// A path that leads out of the bundle.
    #[error("the path `{0}` is not below the bundle's own folder")]
    Outside(String),
    /// A file that is too large.
    #[error("the file `{0}` is larger than {most} MiB, the most that is read of one", most = MAX_SECTION >> 20)]
    LargeFile(String),
    /// What should be the packets of a cell and is not.
    #[error("`{0}`: it is not a pcapng file in lines of base64")]
    NotPackets(String),
    /// The packets of a cell are more than are read.
    #[error("`{0}`: the packets take more than {most} MiB, the most for one cell", most = MAX_SECTION >> 20)]
    ManyPackets(String),
    /// More files than are read.
    #[error("it has more than {MAX_FILES} files")]
    ManyFiles,
}

impl BundleMistake {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            BundleMistake::NotABundle => "`fwlab run FILE --bundle OUT` writes one",
            BundleMistake::Newer(_) => "use that fwlab, or have it written again by this version",
            BundleMistake::TooLarge
            | BundleMistake::LargeFile(_)
            | BundleMistake::ManyFiles
            | BundleMistake::ManyPackets(_) => "bundle fewer cells: choose them with --filter",
            BundleMistake::CutOff | BundleMistake::BehindEnd | BundleMistake::Edited(_) => {
                "copy it again as it is (binary, not text), or have it written again"
            }
            BundleMistake::Misplaced { .. }
            | BundleMistake::Missing(_)
            | BundleMistake::Twice { .. }
            | BundleMistake::NotPackets(_)
            | BundleMistake::Outside(_) => {
                "fwlab does not write it so: write it again with `fwlab run FILE --bundle OUT`"
            }
        }
    }
}

impl Bundle {
    /// How every bundle begins, of whichever format.
    pub const BEGIN: &'static [u8] = b"fwlab bundle ";

    /// Reads a file.
    ///
    /// # Errors
    /// Where it is not whole, or not what was written; then nothing of it is read.
    pub fn read(bytes: &[u8]) -> Result<Bundle, BundleMistake> {
        if bytes.len() as u64 > MAX_BUNDLE {
            return Err(BundleMistake::TooLarge);
        }
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or(b"");
        let version = version("bundle", first.strip_suffix(b"\r").unwrap_or(first));
        let has_packets = version.as_deref() == Some(&FORMAT.to_string());
        match version {
            None => return Err(BundleMistake::NotABundle),
            Some(version) if !has_packets && version != WITHOUT_PACKETS.to_string() => {
                return Err(BundleMistake::Newer(version));
            }
            Some(_) if first.ends_with(b"\r") => {
                let why = "its lines end with CR LF".to_owned();
                return Err(BundleMistake::Edited(why));
            }
            Some(_) => {}
        }
        let (body, end) = split_end(bytes).map_err(|problem| match problem {
            Problem::BehindEnd => BundleMistake::BehindEnd,
            _ => BundleMistake::CutOff,
        })?;
        end.holds(body).map_err(BundleMistake::Edited)?;
        let mut reading = Reading {
            has_packets,
            ..Reading::default()
        };
        let mut lines = Lines::new("", body);
        while let Some(next) = lines.peek() {
            if next.is_empty() {
                lines.after("");
                continue;
            }
            let Some((line, heading)) = lines.after("== ") else {
                let (line, text) = (lines.line, quote(next));
                return Err(BundleMistake::Misplaced { line, text });
            };
            reading.section(line, heading, lines.content("|"))?;
        }
        if reading.sections != end.sections {
            let (has, had) = (reading.sections, end.sections);
            let why = format!("it has {has} sections, and was written with {had}");
            return Err(BundleMistake::Edited(why));
        }
        reading.whole()
    }

    /// The bundle as a file.
    ///
    /// # Errors
    /// Where it could not be read again: a path is none that can be, or there is too much.
    pub fn write(&self) -> Result<Vec<u8>, BundleMistake> {
        let mut text = format!("fwlab bundle {FORMAT}\n").into_bytes();
        let mut sections = 0;
        let mut section = |heading: &str, content: &[u8]| {
            text.extend_from_slice(format!("\n== {heading}\n").as_bytes());
            for line in content.split(|byte| *byte == b'\n') {
                text.push(b'|');
                text.extend_from_slice(line);
                text.push(b'\n');
            }
            sections += 1;
        };
        section("about", &self.about);
        within(&self.scenario)?;
        section(&format!("scenario {}", self.scenario), &self.text);
        if self.files.len() > MAX_FILES {
            return Err(BundleMistake::ManyFiles);
        }
        for (path, content) in &self.files {
            within(path)?;
            if content.len() > MAX_SECTION {
                return Err(BundleMistake::LargeFile(quote(path.as_bytes())));
            }
            section(&format!("file {path}"), content);
        }
        section("records", &self.records);
        section("streams", &self.streams);
        for (place, file) in &self.packets {
            let heading = format!("packets {}", place + 1);
            if !packets::is_pcapng(file) {
                return Err(BundleMistake::NotPackets(heading));
            }
            if file.len() > MAX_SECTION {
                return Err(BundleMistake::ManyPackets(heading));
            }
            section(&heading, &packets::encoded(file));
        }
        push_end(&mut text, sections);
        match text.len() as u64 > MAX_BUNDLE {
            true => Err(BundleMistake::TooLarge),
            false => Ok(text),
        }
    }
}

/// Whether a path is one below the bundle's folder, written in one way alone.
fn within(path: &str) -> Result<(), BundleMistake> {
    let is_part = |part: &str| {
        !part.is_empty() && part != "." && part != ".." && !part.contains(char::is_control)
    };
    match path.split('/').all(is_part) {
        true => Ok(()),
        false => Err(BundleMistake::Outside(quote(path.as_bytes()))),
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    sections: usize,
    /// Whether its format has packets.
    has_packets: bool,
    about: Option<Vec<u8>>,
    scenario: Option<(String, Vec<u8>)>,
    files: BTreeMap<String, Vec<u8>>,
    records: Option<Vec<u8>>,
    streams: Option<Vec<u8>>,
    packets: BTreeMap<usize, Vec<u8>>,
}

impl Reading {
    fn section(
        &mut self,
        line: u32,
        heading: &[u8],
        content: Content<'_>,
    ) -> Result<(), BundleMistake> {
        let text = || quote(heading);
        let words = std::str::from_utf8(heading)
            .map_err(|_| BundleMistake::Misplaced { line, text: text() })?;
        let (word, path) = words.split_once(' ').unwrap_or((words, ""));
        let is_twice = match (word, path) {
            ("about", "") => self.about.replace(content.text()).is_some(),
            ("records", "") => self.records.replace(content.text()).is_some(),
            ("streams", "") => self.streams.replace(content.text()).is_some(),
            ("packets", number) if self.has_packets => {
                let place = packets::place(number)
                    .ok_or_else(|| BundleMistake::Misplaced { line, text: text() })?;
                let file = packets::decoded(&content.text())
                    .ok_or_else(|| BundleMistake::NotPackets(text()))?;
                if file.len() > MAX_SECTION {
                    return Err(BundleMistake::ManyPackets(text()));
                }
                self.packets.insert(place, file).is_some()
            }
            ("scenario" | "file", path) => {
                within(path)?;
                let bytes = content.text();
                if bytes.len() > MAX_SECTION {
                    return Err(BundleMistake::LargeFile(quote(path.as_bytes())));
                }
                let path = path.to_owned();
                match word {
                    "scenario" => self.scenario.replace((path, bytes)).is_some(),
                    _ => self.files.insert(path, bytes).is_some(),
                }
            }
            _ => {
                let text = text();
                return Err(BundleMistake::Misplaced { line, text });
            }
        };
        if is_twice {
            let text = text();
            return Err(BundleMistake::Twice { line, text });
        }
        if self.files.len() > MAX_FILES {
            return Err(BundleMistake::ManyFiles);
        }
        self.sections += 1;
        Ok(())
    }

    fn whole(self) -> Result<Bundle, BundleMistake> {
        let (scenario, text) = self.scenario.ok_or(BundleMistake::Missing("scenario"))?;
        Ok(Bundle {
            about: self.about.ok_or(BundleMistake::Missing("about"))?,
            scenario,
            text,
            files: self.files,
            records: self.records.ok_or(BundleMistake::Missing("records"))?,
            streams: self.streams.ok_or(BundleMistake::Missing("streams"))?,
            packets: self.packets,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bundle() -> Bundle {
        Bundle {
            about: b"{}".to_vec(),
            scenario: "a/s.toml".into(),
            text: b"x = 1\n\nend sections=1 bytes=1 cksum=1\n== file y\n".to_vec(),
            files: BTreeMap::from([("rules/r 1".into(), vec![0, b'\r', b'\n', 255])]),
            records: b"{}\n{}\n".to_vec(),
            streams: Vec::new(),
            packets: BTreeMap::from([(1, b"\n\r\r\nx".to_vec())]),
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let written = bundle().write().expect("its paths are good");
        assert_eq!(Bundle::read(&written), Ok(bundle()));
        assert!(written.starts_with(Bundle::BEGIN));
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_told() {
        let written = bundle().write().expect("its paths are good");
        for length in 0..written.len() {
            let read = Bundle::read(&written[..length]);
            assert!(read.is_err(), "{length} bytes are read");
        }
        for at in 0..written.len() {
            for bit in 0..8 {
                let mut changed = written.clone();
                changed[at] ^= 1 << bit;
                let read = Bundle::read(&changed);
                assert!(read.is_err(), "byte {at}, bit {bit}: {read:?}");
            }
        }
        let mut more = written.clone();
        more.extend_from_slice(b"x\n");
        assert_eq!(Bundle::read(&more), Err(BundleMistake::BehindEnd));
    }

    #[test]
    fn a_newer_one_is_told_by_its_number() {
        let newer = b"fwlab bundle 3\nwhatever\n";
        assert_eq!(Bundle::read(newer), Err(BundleMistake::Newer("3".into())));
        assert_eq!(
            Bundle::read(b"fwlab host 1\n"),
            Err(BundleMistake::NotABundle)
        );
    }

    /// What nobody wrote, with a sum that fits.
    fn sealed(sections: &[&str]) -> Result<Bundle, BundleMistake> {
        sealed_as(FORMAT, sections)
    }

    fn sealed_as(format: u32, sections: &[&str]) -> Result<Bundle, BundleMistake> {
        let mut text = format!("fwlab bundle {format}\n").into_bytes();
        for section in sections {
            text.extend_from_slice(format!("\n== {section}\n|x\n").as_bytes());
        }
        push_end(&mut text, sections.len());
        Bundle::read(&text)
    }

    #[test]
    fn one_of_the_format_before_is_read_and_has_no_packets() {
        let good = ["about", "scenario s.toml", "records", "streams"];
        let read = sealed_as(WITHOUT_PACKETS, &good).expect("it is read");
        assert_eq!(read.packets, BTreeMap::new());
        let more = [&good[..], &["packets 1"]].concat();
        let read = sealed_as(WITHOUT_PACKETS, &more);
        assert!(
            matches!(read, Err(BundleMistake::Misplaced { .. })),
            "{read:?}"
        );
        let read = sealed(&more);
        assert!(
            matches!(read, Err(BundleMistake::NotPackets(_))),
            "{read:?}"
        );
    }

    #[test]
    fn paths_outside_and_sections_that_are_none_are_told() {
        let good = ["about", "scenario s.toml", "records", "streams"];
        assert!(sealed(&good).is_ok());
        for path in [
            "../x",
            "/etc/passwd",
            "a/../../x",
            "",
            ".",
            "a//b",
            "a/",
            "a\tb",
        ] {
            for word in ["file", "scenario"] {
                let heading = format!("{word} {path}");
                let sections = [&good[..], &[&heading]].concat();
                let read = sealed(&sections);
                assert!(matches!(read, Err(BundleMistake::Outside(_))), "{read:?}");
            }
            let mut bundle = bundle();
            bundle.files.insert(path.into(), Vec::new());
            assert!(matches!(bundle.write(), Err(BundleMistake::Outside(_))));
        }
        for (sections, told) in [
            (&["about"][..], "the section `scenario` is not there"),
            (&good[..3], "the section `streams` is not there"),
            (&["about", "about"], "line 6: `about` appears twice"),
            (&["file x", "file x"], "line 6: `file x` appears twice"),
            (
                &["else"],
                "line 3: `else` is not a line that a bundle has here",
            ),
        ] {
            let error = sealed(sections).expect_err(told);
            assert_eq!(error.to_string(), told);
        }
    }

    proptest! {
        #[test]
        fn any_content_is_kept(
            text in proptest::collection::vec(any::<u8>(), 0..80),
            streams in "[|=\n a-z]{0,40}",
        ) {
            let bundle = Bundle { text, streams: streams.into_bytes(), ..bundle() };
            let written = bundle.write().expect("its paths are good");
            prop_assert_eq!(Bundle::read(&written), Ok(bundle));
        }
    }
}
