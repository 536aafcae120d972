//! One value of a file: read as a text, a number or a word, or told.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use crate::format::section::Section;
use crate::format::table::Placed;
use crate::format::value::FromText;
use crate::format::vocabulary::Vocabulary;
use crate::problem::Problems;

pub(crate) fn one_or_many<'v, 'a>(
    value: &'v Spanned<DeValue<'a>>,
) -> Vec<&'v Spanned<DeValue<'a>>> {
    match value.get_ref().as_array() {
        Some(array) => array.iter().collect(),
        None => vec![value],
    }
}

/// The values of a list, or the one that stands in its place.
pub(crate) fn several<'v, 'a>(
    key: &str,
    value: &'v Spanned<DeValue<'a>>,
    problems: &mut Problems,
) -> Option<Vec<&'v Spanned<DeValue<'a>>>> {
    let values = one_or_many(value);
    if values.is_empty() {
        problems.add_with_help(
            value.span(),
            format!("`{key}` is empty"),
            "name at least one, or remove the key",
        );
        return None;
    }
    Some(values)
}

pub(crate) fn texts_of(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<Vec<Placed<String>>> {
    let values = several(key, value, problems)?.into_iter();
    Some(
        values
            .filter_map(|value| text_at(value, problems))
            .collect(),
    )
}

pub(crate) fn text_at(
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<Placed<String>> {
    text_of(value, problems).map(|text| Placed {
        value: text.to_owned(),
        span: value.span(),
    })
}

/// A text that is to be something more; tells if it is not.
pub(crate) fn parsed<T: FromText>(
    text: &Placed<String>,
    problems: &mut Problems,
) -> Option<Placed<T>> {
    let span = text.span.clone();
    match text.value.parse::<T>() {
        Ok(value) => Some(Placed { value, span }),
        Err(error) => {
            // With the value and what it should be, where the error does not say that itself.
            let error = error.to_string();
            let message = match error.contains(&text.value) {
                true => error,
                false => format!("`{}` is not a valid {}: {error}", text.value, T::WHAT),
            };
            problems.add_with_help(span, message, format!("for example \"{}\"", T::EXAMPLE));
            None
        }
    }
}

pub(crate) fn parsed_each<T: FromText>(
    texts: &[Placed<String>],
    problems: &mut Problems,
) -> Vec<Placed<T>> {
    let each = texts.iter();
    each.filter_map(|text| parsed(text, problems)).collect()
}

pub(crate) fn wrong_type(value: &Spanned<DeValue<'_>>, wanted: &str, problems: &mut Problems) {
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

pub(crate) fn text_of<'v>(
    value: &'v Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<&'v str> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        wrong_type(value, "text in quotes", problems);
    }
    text
}

pub(crate) fn port_of(value: &Spanned<DeValue<'_>>, problems: &mut Problems) -> Option<u16> {
    let port = number_of(value, 1..=65535, problems)?;
    u16::try_from(port).ok()
}

pub(crate) fn ports_of(
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<(u16, u16)> {
    if value.get_ref().as_integer().is_some() {
        return port_of(value, problems).map(|port| (port, port));
    }
    let text = text_of(value, problems)?;
    let (low, high) = text.split_once(['-', ':']).unwrap_or((text, text));
    let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
    let ports = port(low).zip(port(high));
    if ports.is_none() {
        problems.add_with_help(
            value.span(),
            format!("`{text}` is not a port or a range of ports"),
            "a port is 1 to 65535; write a range as \"50000-50100\"",
        );
    }
    ports
}

pub(crate) fn number_of(
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
pub(crate) fn decimal(integer: &DeInteger<'_>) -> String {
    i128::from_str_radix(integer.as_str(), integer.radix())
        .map_or_else(|_| integer.as_str().to_owned(), |number| number.to_string())
}

pub(crate) fn word_of<V: Vocabulary>(
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems,
) -> Option<V::Word> {
    let known = V::WORDS;
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
        .and_then(|word| V::word(word));
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

pub(crate) fn nearest_key(section: &'static Section, written: &str) -> Option<&'static str> {
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
