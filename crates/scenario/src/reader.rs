use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use ipnet::IpNet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problems;
use super::section::{Kind, Section};
use super::value::{
    decimal, nearest_key, number_of, one_or_many, parsed, parsed_each, text_of, word_of, wrong_type,
};

/// A value with the place where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// A free key of a table, and the texts that stand there.
pub(crate) type NamedList = (At<String>, Vec<At<String>>);

/// A table of the file beside its description. Every getter checks what stands
/// there, tells what is wrong with it, and gives `None` for what is absent or wrong.
pub(crate) struct Reader<'a> {
    section: &'static Section,
    table: &'a DeTable<'a>,
    /// Where the table itself stands.
    pub(crate) span: Range<usize>,
}

impl<'a> Reader<'a> {
    /// Takes a table, and tells every key that its section does not know.
    pub(crate) fn new(
        section: &'static Section,
        table: &'a DeTable<'a>,
        span: Range<usize>,
        problems: &mut Problems,
    ) -> Reader<'a> {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !section.fields.iter().any(|field| field.key == name) {
                let near = problems.worded(|| nearest_key(section, name));
                let known = || {
                    section
                        .fields
                        .iter()
                        .map(|field| field.key)
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                let place = if section.name.is_empty() {
                    "at the top"
                } else {
                    section.name
                };
                problems.add_with_help(
                    key.span(),
                    format!(
                        "unknown key `{name}` {}",
                        if section.name.is_empty() {
                            place.into()
                        } else {
                            format!("in [{place}]")
                        }
                    ),
                    near.map_or_else(
                        || format!("the keys here are {}", known()),
                        |near| format!("did you mean `{near}`?"),
                    ),
                );
            }
        }
        Reader {
            section,
            table,
            span,
        }
    }

    fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        debug_assert!(
            self.kind(key).is_some(),
            "the schema has no key {key} in [{}]",
            self.section.name
        );
        self.table.get(key)
    }

    fn kind(&self, key: &str) -> Option<Kind> {
        self.section
            .fields
            .iter()
            .find(|field| field.key == key)
            .map(|field| field.kind)
    }

    pub(crate) fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// Whether a table stands there, where something else could.
    pub(crate) fn has_table(&self, key: &'static str) -> bool {
        let value = self.get(key);
        value.is_some_and(|value| value.get_ref().as_table().is_some())
    }

    /// Where a key's value stands, or the table where there is none.
    pub(crate) fn span_of(&self, key: &'static str) -> Range<usize> {
        self.get(key)
            .map_or_else(|| self.span.clone(), Spanned::span)
    }

    /// Tells that a required key is not there.
    pub(crate) fn require(&self, key: &'static str, problems: &mut Problems) {
        let misspelt = || {
            let mut keys = self.table.keys().map(|written| written.get_ref().as_ref());
            keys.any(|written| {
                self.kind(written).is_none() && nearest_key(self.section, written) == Some(key)
            })
        };
        // A key that is misspelt is told already.
        if !self.has(key) && !misspelt() {
            let place = if self.section.name.is_empty() {
                "the file".into()
            } else {
                format!("[{}]", self.section.name)
            };
            problems.add_with_help(
                self.span.clone(),
                format!("{place} has no `{key}`"),
                format!("write `{key} = …`"),
            );
        }
    }

    pub(crate) fn text(&self, key: &'static str, problems: &mut Problems) -> Option<At<String>> {
        let value = self.get(key)?;
        text_of(value, problems).map(|text| At {
            value: text.to_owned(),
            span: value.span(),
        })
    }

    pub(crate) fn texts(
        &self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<Vec<At<String>>> {
        self.each(key, problems, |value, problems| {
            text_of(value, problems).map(str::to_owned)
        })
    }

    pub(crate) fn switch(&self, key: &'static str, problems: &mut Problems) -> Option<bool> {
        let value = self.get(key)?;
        let switch = value.get_ref().as_bool();
        if switch.is_none() {
            wrong_type(value, "true or false", problems);
        }
        switch
    }

    pub(crate) fn number(
        &self,
        key: &'static str,
        within: RangeInclusive<u64>,
        problems: &mut Problems,
    ) -> Option<u64> {
        let value = self.get(key)?;
        number_of(value, within, problems)
    }

    pub(crate) fn port(&self, key: &'static str, problems: &mut Problems) -> Option<u16> {
        self.number(key, 1..=65535, problems)
            .and_then(|port| u16::try_from(port).ok())
    }

    /// A port or `LOW-HIGH`, in the order in which they are written.
    pub(crate) fn ports(
        &self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<At<(u16, u16)>> {
        let value = self.get(key)?;
        let span = value.span();
        if value.get_ref().as_integer().is_some() {
            let port = u16::try_from(number_of(value, 1..=65535, problems)?).ok()?;
            return Some(At {
                value: (port, port),
                span,
            });
        }
        let text = text_of(value, problems)?;
        let (low, high) = text.split_once(['-', ':']).unwrap_or((text, text));
        let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        if let (Some(low), Some(high)) = (port(low), port(high)) {
            Some(At {
                value: (low, high),
                span,
            })
        } else {
            problems.add_with_help(
                span,
                format!("`{text}` is no port and no range of ports"),
                "a port is 1 to 65535; a range is written \"50000-50100\"",
            );
            None
        }
    }

    pub(crate) fn parsed<T: FromStr>(
        &self,
        key: &'static str,
        what: &str,
        problems: &mut Problems,
    ) -> Option<At<T>>
    where
        T::Err: std::fmt::Display,
    {
        parsed(&self.text(key, problems)?, what, problems)
    }

    pub(crate) fn prefix(&self, key: &'static str, problems: &mut Problems) -> Option<At<IpNet>> {
        self.parsed(key, "address with a prefix length", problems)
    }

    pub(crate) fn address(&self, key: &'static str, problems: &mut Problems) -> Option<At<IpAddr>> {
        self.parsed(key, "address", problems)
    }

    /// One or several addresses with their prefix lengths.
    pub(crate) fn prefixes(
        &self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<Vec<At<IpNet>>> {
        let texts = self.texts(key, problems)?;
        Some(parsed_each(
            &texts,
            "address with a prefix length",
            problems,
        ))
    }

    /// One address, or one of each family.
    pub(crate) fn addresses(
        &self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<Vec<At<IpAddr>>> {
        let texts = self.texts(key, problems)?;
        let addresses = parsed_each::<IpAddr>(&texts, "address", problems);
        for (place, address) in addresses.iter().enumerate() {
            let same = |other: &&At<IpAddr>| other.value.is_ipv4() == address.value.is_ipv4();
            if let Some(first) = addresses[..place].iter().find(same) {
                problems.add_with_help(
                    address.span.clone(),
                    format!("{} is of the same family as {}", address.value, first.value),
                    "name at most one of each family",
                );
            }
        }
        Some(addresses)
    }

    /// A table of free keys with lists of texts, in order of key.
    pub(crate) fn lists(
        &self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<Vec<NamedList>> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            wrong_type(value, "a table, { name = [\"text\"] }", problems);
            return None;
        };
        let mut lists = Vec::new();
        for (name, value) in table {
            let name = At {
                value: name.get_ref().to_string(),
                span: name.span(),
            };
            let texts = one_or_many(value).into_iter().filter_map(|value| {
                let text = text_of(value, problems)?.to_owned();
                let span = value.span();
                Some(At { value: text, span })
            });
            lists.push((name, texts.collect()));
        }
        Some(lists)
    }

    /// A word of the closed set that the schema gives the key.
    pub(crate) fn word<T: FromStr>(
        &self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<At<T>> {
        let value = self.get(key)?;
        let (Some(Kind::Word(known)), span) = (self.kind(key), value.span()) else {
            return None;
        };
        word_of(value, known, problems).map(|value| At { value, span })
    }

    /// A word or a list of words of the closed set that the schema gives the key.
    pub(crate) fn words<T: FromStr + PartialEq>(
        &self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<Vec<T>> {
        let Some(Kind::Words(known)) = self.kind(key) else {
            return None;
        };
        let words = self.each(key, problems, |value, problems| {
            word_of(value, known, problems)
        })?;
        Self::twice(&words, problems);
        Some(words.into_iter().map(|word| word.value).collect())
    }

    /// Tells words that stand twice in a list.
    fn twice<T: PartialEq>(words: &[At<T>], problems: &mut Problems) {
        let mut seen: Vec<&T> = Vec::new();
        for At { value, span } in words {
            if seen.contains(&value) {
                problems.add_with_help(
                    span.clone(),
                    "this word stands here twice",
                    "leave one of them out",
                );
            } else {
                seen.push(value);
            }
        }
    }

    /// A table of free keys.
    pub(crate) fn settings(
        &self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<BTreeMap<String, At<String>>> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            wrong_type(value, "a table, { name = \"value\" }", problems);
            return None;
        };
        let mut settings = BTreeMap::new();
        for (name, value) in table {
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => decimal(number),
                _ => {
                    wrong_type(value, "text or a number", problems);
                    continue;
                }
            };
            settings.insert(
                name.get_ref().to_string(),
                At {
                    value: text,
                    span: name.span().start..value.span().end,
                },
            );
        }
        Some(settings)
    }

    pub(crate) fn table(&self, key: &'static str, problems: &mut Problems) -> Option<Reader<'a>> {
        let value = self.get(key)?;
        let Some(Kind::Table(section) | Kind::NodeOrTable(section)) = self.kind(key) else {
            return None;
        };
        match value.get_ref().as_table() {
            Some(table) => Some(Reader::new(section, table, value.span(), problems)),
            None => {
                wrong_type(value, &format!("a table, [{}]", section.name), problems);
                None
            }
        }
    }

    pub(crate) fn tables(&self, key: &'static str, problems: &mut Problems) -> Vec<Reader<'a>> {
        let (Some(value), Some(Kind::Tables(section))) = (self.get(key), self.kind(key)) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            wrong_type(
                value,
                &format!("a list of tables, [[{}]]", section.name),
                problems,
            );
            return Vec::new();
        };
        let mut readers = Vec::new();
        for value in array.iter() {
            match value.get_ref().as_table() {
                Some(table) => readers.push(Reader::new(section, table, value.span(), problems)),
                None => wrong_type(value, &format!("a table, [[{}]]", section.name), problems),
            }
        }
        readers
    }

    fn each<T>(
        &self,
        key: &'static str,
        problems: &mut Problems,
        read: impl Fn(&'a Spanned<DeValue<'a>>, &mut Problems) -> Option<T>,
    ) -> Option<Vec<At<T>>> {
        let value = self.get(key)?;
        let values = one_or_many(value);
        if values.is_empty() {
            problems.add_with_help(
                value.span(),
                format!("`{key}` is empty"),
                "name at least one, or leave the key out",
            );
            return None;
        }
        let read = values.into_iter().filter_map(|value| {
            let span = value.span();
            read(value, problems).map(|value| At { value, span })
        });
        Some(read.collect())
    }
}
