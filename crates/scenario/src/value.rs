//! One value of a file: read as what it should be, or told.

use std::ops::RangeInclusive;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use super::problem::Problems;
use super::reader::At;
use super::section::Section;

pub(super) fn one_or_many<'a>(value: &'a Spanned<DeValue<'a>>) -> Vec<&'a Spanned<DeValue<'a>>> {
    match value.get_ref().as_array() {
        Some(array) => array.iter().collect(),
        None => vec![value],
    }
}

/// A text that is to be something more; tells if it is not.
pub(super) fn parsed<T: FromStr>(
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

pub(super) fn parsed_each<T: FromStr>(
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

pub(super) fn wrong_type(value: &Spanned<DeValue<'_>>, wanted: &str, problems: &mut Problems) {
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

pub(super) fn text_of<'a>(
    value: &'a Spanned<DeValue<'a>>,
    problems: &mut Problems,
) -> Option<&'a str> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        wrong_type(value, "text in quotes", problems);
    }
    text
}

pub(super) fn number_of(
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
pub(super) fn decimal(integer: &DeInteger<'_>) -> String {
    i128::from_str_radix(integer.as_str(), integer.radix())
        .map_or_else(|_| integer.as_str().to_owned(), |number| number.to_string())
}

pub(super) fn word_of<T: FromStr>(
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

pub(super) fn nearest_key(section: &'static Section, written: &str) -> Option<&'static str> {
    nearest(written, section.fields.iter().map(|field| field.key))
}

/// The known word that a misspelt one was most likely meant to be.
pub(super) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase().replace('_', "-");
    known
        .map(|word| (strsim::jaro_winkler(&text, word), word))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, word)| word)
}
