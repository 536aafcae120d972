//! Users that rules name. Their numbers are the host's, and not known here.

use std::collections::{BTreeMap, BTreeSet};

/// The users that nobody in the lab is, by name, with the number that stands for each.
#[derive(Debug, Default)]
pub(super) struct Users {
    numbers: BTreeMap<String, u32>,
    /// The numbers that the text has, once they are asked for.
    written: Option<BTreeSet<u32>>,
}

/// What stands for a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) number: u32,
    /// What a note says of it, where it was made up.
    pub(super) note: Option<String>,
}

impl Users {
    /// The number for a name, of at most so many digits and of no number that a text has; nothing where what stands there is a number already, and
    /// where FTP itself may be that user: then its number is to be asked for.
    pub(super) fn number(&mut self, name: &str, digits: usize, text: &str) -> Option<Number> {
        if !is_name(name) || may_be_of_ftp(name) {
            return None;
        }
        if name == "root" {
            return Some(Number {
                number: 0,
                note: None,
            });
        }
        let known = self.numbers.get(name).copied();
        let is_new = known.is_none();
        let number = known.or_else(|| self.made_up(digits, text))?;
        self.numbers.insert(name.to_owned(), number);
        let note = format!(
            "`{name}` is a user of the host whose number is not known here: {number} takes its place, and nobody in the lab is that user"
        );
        Some(Number {
            number,
            note: is_new.then_some(note),
        })
    }

    /// A number that stands nowhere in the text, and that no user of the lab has.
    fn made_up(&mut self, digits: usize, text: &str) -> Option<u32> {
        let numbers = match digits {
            0 => return None,
            1 => 1..10,
            2 => 10..100,
            3 => 700..800,
            4 => 7000..8000,
            _ => 64_000..65_000_u32,
        };
        let written = self.written.get_or_insert_with(|| {
            let runs = text.split(|char: char| !char.is_ascii_digit());
            runs.filter_map(|run| run.parse().ok()).collect()
        });
        let number = numbers.rev().find(|number| !written.contains(number))?;
        written.insert(number);
        Some(number)
    }
}

/// Whether a value is a name, and neither a number nor a range of numbers.
fn is_name(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-@".contains(&byte);
    !value.is_empty()
        && value.len() <= 32
        && value.bytes().all(plain)
        && value.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

/// Whether servers of FTP run as a user of that name.
fn may_be_of_ftp(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("ftp") || matches!(&*name, "nobody" | "anonymous" | "daemon" | "inetd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number_that_nobody_else_has() {
        let mut users = Users::default();
        let mut number = |name: &str, digits| {
            let found = users.number(name, digits, "skuid 64999 uid 799");
            found.map(|found| (found.number, found.note.is_some()))
        };
        assert_eq!(number("debian-tor", 10), Some((64_998, true)));
        assert_eq!(number("debian-tor", 10), Some((64_998, false)));
        assert_eq!(number("www-data", 8), Some((64_997, true)));
        assert_eq!(number("tor", 3), Some((798, true)));
        assert_eq!(number("root", 4), Some((0, false)));
        for name in [
            "1000", "0-999", "ftp", "vsftpd", "proftpd", "nobody", "a b", "$x", "",
        ] {
            assert_eq!(number(name, 10), None, "{name}");
        }
    }
}
