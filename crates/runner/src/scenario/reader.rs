use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use ipnet::IpNet;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::problem::Problems;
use super::schema::{Kind, Section};

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

fn one_or_many<'a>(value: &'a Spanned<DeValue<'a>>) -> Vec<&'a Spanned<DeValue<'a>>> {
    match value.get_ref().as_array() {
        Some(array) => array.iter().collect(),
        None => vec![value],
    }
}

/// A text that is to be something more; tells if it is not.
pub(crate) fn parsed<T: FromStr>(
    text: &At<String>,
    what: &str,
    problems: &mut Problems,
) -> Option<At<T>>
where
    T::Err: std::fmt::Display,
{
    let span = text.span.clone();
    match text.value.parse() {
        Ok(value) => Some(At { value, span }),
        Err(error) => {
            let message = told_once(&text.value, what, &error);
            problems.add_with_help(span, message, example_of(what));
            None
        }
    }
}

pub(crate) fn parsed_each<T: FromStr>(
    texts: &[At<String>],
    what: &str,
    problems: &mut Problems,
) -> Vec<At<T>>
where
    T::Err: std::fmt::Display,
{
    let each = texts.iter();
    each.filter_map(|text| parsed(text, what, problems))
        .collect()
}

/// The error, with the value and what it should be where the error does not say that itself.
fn told_once(value: &str, what: &str, error: &dyn std::fmt::Display) -> String {
    let error = error.to_string();
    if error.contains(value) {
        error
    } else {
        format!("`{value}` is no {what}: {error}")
    }
}

fn example_of(what: &str) -> String {
    if what.contains("interface") {
        return "for example \"eth0\"".into();
    }
    let example = if what.contains("prefix") {
        "192.168.0.211/24"
    } else {
        "192.168.0.211"
    };
    format!("for example \"{example}\"")
}

fn wrong_type(value: &Spanned<DeValue<'_>>, wanted: &str, problems: &mut Problems) {
    problems.add(
        value.span(),
        format!(
            "{wanted} goes here, not {} {}",
            article(value),
            value.get_ref().type_str()
        ),
    );
}

fn article(value: &Spanned<DeValue<'_>>) -> &'static str {
    if matches!(value.get_ref(), DeValue::Integer(_) | DeValue::Array(_)) {
        "an"
    } else {
        "a"
    }
}

fn text_of<'a>(value: &'a Spanned<DeValue<'a>>, problems: &mut Problems) -> Option<&'a str> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        wrong_type(value, "text in quotes", problems);
    }
    text
}

fn number_of(
    value: &Spanned<DeValue<'_>>,
    within: RangeInclusive<u64>,
    problems: &mut Problems,
) -> Option<u64> {
    let Some(integer) = value.get_ref().as_integer() else {
        wrong_type(value, "a whole number", problems);
        return None;
    };
    let number = u64::from_str_radix(integer.as_str(), integer.radix())
        .ok()
        .filter(|number| within.contains(number));
    if number.is_none() {
        problems.add_with_help(
            value.span(),
            format!("{} is out of range", decimal(integer)),
            format!("{} to {}", within.start(), within.end()),
        );
    }
    number
}

/// An integer in decimal digits, whatever base it is written in; as it is written where it is beyond all measure.
fn decimal(integer: &DeInteger<'_>) -> String {
    i128::from_str_radix(integer.as_str(), integer.radix())
        .map_or_else(|_| integer.as_str().to_owned(), |number| number.to_string())
}

fn word_of<T: FromStr>(
    value: &Spanned<DeValue<'_>>,
    known: &[&'static str],
    problems: &mut Problems,
) -> Option<T> {
    let number;
    let text = match value.get_ref() {
        DeValue::Integer(integer) => {
            number = decimal(integer);
            &number
        }
        _ => text_of(value, problems)?,
    };
    let word = known
        .iter()
        .find(|word| **word == text)
        .and_then(|word| word.parse().ok());
    if word.is_none() {
        let near = nearest(text, known.iter().copied());
        problems.add_with_help(
            value.span(),
            format!("`{text}` is not one of {}", known.join(", ")),
            near.map_or_else(
                || format!("write one of {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            ),
        );
    }
    word
}

fn nearest_key(section: &'static Section, written: &str) -> Option<&'static str> {
    nearest(written, section.fields.iter().map(|field| field.key))
}

/// The known word that a misspelt one was most likely meant to be.
pub(crate) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase().replace('_', "-");
    known
        .map(|word| (strsim::jaro_winkler(&text, word), word))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, word)| word)
}
