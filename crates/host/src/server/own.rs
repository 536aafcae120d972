//! What of a server's own settings runs as it stands, where that very program runs in the lab.
//!
//! A file of settings is somebody else's text. Nothing of it is pasted anywhere: settings that are known to be harmless
//! are handed on one by one, by their names and values, and all others are not.

use std::collections::BTreeSet;

use super::reader::Setting;

/// The longest value that is handed on, in bytes.
const LONGEST: usize = 200;

/// As many names that nobody knows are kept.
const MOST_UNKNOWN: usize = 50;

/// Why a setting is left out that no list has.
const UNKNOWN: &str = "not known to be harmless";

/// What becomes of a server's own settings where that program runs in the lab.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnSettings {
    /// What runs as it stands.
    pub stand: Vec<OwnSetting>,
    /// How many say what the lab sets up by itself: ports, addresses, TLS.
    pub set_up: usize,
    /// The port, not 20, that its active data connections come from.
    pub data_port: Option<u16>,
    /// In whose place the lab has settings of its own: paths, users, logs.
    pub replaced: Vec<String>,
    /// What is left out, and why.
    pub left_out: Vec<(String, &'static str)>,
    /// What is left out since fwlab knows no such setting. The program may not, either.
    pub unknown: Vec<OwnSetting>,
}

/// A setting, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSetting {
    /// The file.
    pub file: String,
    /// The line, 1 for the first.
    pub line: u32,
    /// Its name, in the program's own spelling.
    pub key: String,
    /// What stands between the two in the file.
    pub between: char,
    /// Its value: printable ASCII, at most 200 bytes.
    pub value: String,
}

impl OwnSetting {
    /// The setting as its file has it.
    pub fn as_written(&self) -> String {
        format!("{}{}{}", self.key, self.between, self.value)
    }
}

/// What becomes of one setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It runs as it stands.
    Stands,
    /// It is read, and the lab sets that up.
    SetUp,
    /// The lab has another in its place.
    Replaced,
    /// It is left out, and why.
    LeftOut(&'static str),
    /// Nobody knows of it.
    Unknown,
}

impl Fate {
    /// That of a setting which no list has.
    pub(super) const UNLISTED: Fate = Fate::LeftOut(UNKNOWN);
}

/// Settings as they are taken one by one.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) own: OwnSettings,
    /// What is replaced or left out, by name: each is told once.
    told: BTreeSet<String>,
}

impl Taken {
    /// Takes a setting as what becomes of it. What would stand and is not plain text is left out.
    pub(super) fn take(&mut self, setting: &Setting, key: &str, fate: Fate) {
        let own = || OwnSetting {
            file: setting.file.clone(),
            line: setting.line,
            key: key.to_owned(),
            between: setting.between,
            value: setting.value.clone(),
        };
        match fate {
            Fate::Stands if is_plain(&setting.value) => self.own.stand.push(own()),
            Fate::Stands => self.leave_out(key, "its value is not plain text"),
            Fate::SetUp => self.own.set_up += 1,
            Fate::Replaced => {
                if self.told.insert(key.to_owned()) {
                    self.own.replaced.push(key.to_owned());
                }
            }
            Fate::LeftOut(why) => self.leave_out(key, why),
            Fate::Unknown => {
                self.leave_out(key, UNKNOWN);
                if is_name(key) && self.own.unknown.len() < MOST_UNKNOWN {
                    self.own.unknown.push(OwnSetting {
                        value: String::new(),
                        ..own()
                    });
                }
            }
        }
    }

    fn leave_out(&mut self, key: &str, why: &'static str) {
        if self.told.insert(key.to_owned()) {
            self.own.left_out.push((key.to_owned(), why));
        }
    }
}

/// Whether a value is one line of visible text.
fn is_plain(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    value.len() <= LONGEST && value.bytes().all(plain)
}

/// Whether a name can be a setting's, in any program.
fn is_name(key: &str) -> bool {
    let mut bytes = key.bytes();
    (1..=64).contains(&key.len()) && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(key: &str, value: &str, fate: Fate) -> OwnSettings {
        let setting = Setting {
            file: "vsftpd.conf".into(),
            line: 7,
            key: key.into(),
            between: '=',
            value: value.into(),
        };
        let mut taken = Taken::default();
        taken.take(&setting, key, fate);
        taken.own
    }

    #[test]
    fn what_is_no_plain_line_does_not_stand() {
        let long = "x".repeat(LONGEST + 1);
        for value in ["YES\nlisten_port=1", "YES\r", "\u{1b}[2J", "é", "\t", &long] {
            let own = taken("port_enable", value, Fate::Stands);
            assert_eq!(own.stand, [], "{value:?}");
            assert_eq!(own.left_out.len(), 1, "{value:?}");
        }
        assert_eq!(taken("port_enable", "YES", Fate::Stands).stand[0].line, 7);
    }

    #[test]
    fn of_what_nobody_knows_the_name_alone_is_kept() {
        let own = taken("no_such", "/etc/shadow", Fate::Unknown);
        assert_eq!(own.unknown[0].value, "");
        for key in ["", "a b", "a\nb", "a=b", "#a", "../x"] {
            assert_eq!(taken(key, "", Fate::Unknown).unknown, [], "{key:?}");
        }
    }
}
