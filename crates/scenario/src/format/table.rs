//! How a table of the file is declared: its keys once, with what stands behind each, what it means, and where it goes.

use std::ops::{Deref, Range};

use toml::de::DeTable;

use crate::format::section::{Kind, Section};
use crate::format::toml_value::nearest_key;
use crate::format::value::{Found, Value};
use crate::problem::Problems;
use crate::read::source::ScenarioFile;

/// A value with the place where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

impl<T> Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A key of a table as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Key<T> {
    /// Whether it stands there, right or wrong.
    pub(crate) is_there: bool,
    /// Whether another key stands there that was most likely meant to be this one, which was told.
    pub(crate) is_misspelt: bool,
    /// Where its value stands, or the table where there is none.
    pub(crate) span: Range<usize>,
    /// What it says; nothing also where that was wrong, and told.
    pub(crate) value: Option<T>,
}

/// It is not there.
impl<T> Default for Key<T> {
    fn default() -> Self {
        Key {
            is_there: false,
            is_misspelt: false,
            span: 0..0,
            value: None,
        }
    }
}

impl<T> Key<T> {
    /// Where it stands, if it is there; its name is `key`.
    pub(crate) fn place(&self, key: &'static str) -> Option<Place> {
        let span = self.span.clone();
        self.is_there.then_some(Place { key, span })
    }

    /// What it says, with its place.
    pub(crate) fn at(self) -> Option<Placed<T>> {
        let Key { span, value, .. } = self;
        value.map(|value| Placed { value, span })
    }
}

/// A key by its name, and where its value stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) key: &'static str,
    pub(crate) span: Range<usize>,
}

/// A table of the file, as [`table!`] declares it.
pub(crate) trait Table: Sized {
    /// The table and its keys in the schema.
    const SECTION: &'static Section;

    /// Reads every key, and tells what is wrong with each.
    fn read(reader: Reader<'_>) -> Self;

    /// The keys that are looked at once more and are there, in the order of the schema.
    fn there(&self) -> Vec<Place>;
}

/// Where a key's value goes that needs no second look.
pub(crate) trait Take<T> {
    fn take(&mut self, key: Key<T>);
}

/// It has a default.
impl<T> Take<T> for T {
    fn take(&mut self, key: Key<T>) {
        if let Some(value) = key.value {
            *self = value;
        }
    }
}

impl<T> Take<T> for Option<T> {
    fn take(&mut self, key: Key<T>) {
        *self = key.value;
    }
}

/// A table of the file while it is read.
pub(crate) struct Reader<'r> {
    section: &'static Section,
    table: &'r DeTable<'r>,
    /// Where the table itself stands.
    span: Range<usize>,
    file: &'r ScenarioFile<'r>,
    problems: &'r mut Problems,
    /// What its unknown keys were told to be most likely meant to be.
    meant: Vec<&'static str>,
}

/// Reads a table, and tells every key that it does not know.
pub(crate) fn read<T: Table>(
    table: &DeTable<'_>,
    span: Range<usize>,
    file: &ScenarioFile<'_>,
    problems: &mut Problems,
) -> T {
    let mut reader = Reader {
        section: T::SECTION,
        table,
        span,
        file,
        problems,
        meant: Vec::new(),
    };
    reader.unknown_keys();
    T::read(reader)
}

impl Reader<'_> {
    /// Reads a key. One that is required and not there is told.
    pub(crate) fn key<V: Value>(&mut self, key: &'static str) -> Key<V::Read> {
        let Some(value) = self.table.get(key) else {
            if self.section.field(key).is_some_and(|field| field.required) {
                self.missing(key);
            }
            return Key {
                is_misspelt: self.meant.contains(&key),
                span: self.span.clone(),
                ..Key::default()
            };
        };
        Key {
            is_there: true,
            is_misspelt: false,
            span: value.span(),
            value: V::read(Found {
                key,
                value,
                file: self.file,
                problems: self.problems,
            }),
        }
    }

    /// Tells that a required key is not there.
    fn missing(&mut self, key: &'static str) {
        if !is_misspelt(self.section, self.table, key) {
            missing(self.section, key, self.span.clone(), self.problems);
        }
    }

    fn unknown_keys(&mut self) {
        let section = self.section;
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if section.field(name).is_some() {
                continue;
            }
            let near = self.problems.worded(|| nearest_key(section, name));
            self.meant.extend(near);
            let known = || {
                let keys = section.fields.iter().map(|field| field.key);
                keys.collect::<Vec<_>>().join(", ")
            };
            let place = match section.name {
                "" => "at the top".to_owned(),
                name => format!("in [{name}]"),
            };
            let help = near.map_or_else(
                || format!("the keys here are {}", known()),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("unknown key `{name}` {place}");
            self.problems.add_with_help(key.span(), message, help);
        }
    }
}

/// Whether a table has a key that it does not know, and that was most likely meant to be this one: that is told already.
pub(crate) fn is_misspelt(section: &'static Section, table: &DeTable<'_>, key: &str) -> bool {
    let mut keys = table.keys().map(|written| written.get_ref().as_ref());
    keys.any(|written: &str| {
        section.field(written).is_none() && nearest_key(section, written) == Some(key)
    })
}

/// Tells that a table lacks a key.
pub(crate) fn missing(section: &Section, key: &str, span: Range<usize>, problems: &mut Problems) {
    let place = match section.name {
        "" => "the file".to_owned(),
        name => format!("[{name}]"),
    };
    let message = format!("{place} has no `{key}`");
    let help = match section.field(key).map(|field| field.kind) {
        Some(Kind::Table(_)) => format!("write `[{key}]`"),
        Some(Kind::Tables(_)) => format!("write `[[{key}]]`"),
        _ => format!("write `{key} = …`"),
    };
    problems.add_with_help(span, message, help);
}

/// Declares a table of the file: a struct that is read of it, and its part of the schema. Each key stands once, in the
/// order of the schema: its name, what stands behind it, what it means; then `-> field`, as a [`Key`] of the struct, for
/// what is looked at once more, or `=> field: type = default`, as a field of what the table `fills`. Where a key is
/// `required`, its absence is a mistake.
///
/// ```text
/// table! {
///     TransferTable, ["transfer"], "What is transferred.",
///     keys {
///         "size", Number<u64, 0, 100>, "bytes, 0 to 100; default 30" -> size;
///     }
/// }
/// ```
macro_rules! table {
    (
        $table:ident, $head:tt, $about:literal,
        $( fills $values:ident: $(#[$meta:meta])* pub struct $Values:ident $further:tt )?
        keys $keys:tt
    ) => {
        $( $crate::format::table::table!(@values [$(#[$meta])*] $Values $further $keys); )?
        $crate::format::table::table!(@table $table, $head, $about, [$($values: $Values)?] $keys);
    };
    (@values [$(#[$meta:meta])*] $Values:ident {
        $( $(#[$doc:meta])* $further:ident: $further_type:ty = $further_default:expr, )*
    } { $(
        $($required:ident)? $key:literal, $kind:ty, $text:literal
        $(-> $raw:ident)? $(=> $field:ident: $type:ty = $default:expr)?;
    )* }) => {
        $(#[$meta])*
        pub struct $Values {
            $( $( #[doc = $text] pub $field: $type, )? )*
            $( $(#[$doc])* pub $further: $further_type, )*
        }

        impl Default for $Values {
            fn default() -> Self {
                $Values {
                    $( $( $field: $default, )? )*
                    $( $further: $further_default, )*
                }
            }
        }

        impl $Values {
            fn read(reader: &mut $crate::format::table::Reader<'_>) -> $Values {
                let mut values = $Values::default();
                $( $(
                    let key = reader.key::<$kind>($key);
                    $crate::format::table::Take::take(&mut values.$field, key);
                )? )*
                values
            }
        }
    };
    (@table $table:ident, $head:tt, $about:literal, [$($values:ident: $Values:ident)?] { $(
        $($required:ident)? $key:literal, $kind:ty, $text:literal
        $(-> $raw:ident)? $(=> $field:ident: $type:ty = $default:expr)?;
    )* }) => {
        #[derive(Default)]
        pub(crate) struct $table {
            $( pub(crate) $values: $Values, )?
            $( $( pub(crate) $raw: $crate::format::table::Key<<$kind as $crate::format::value::Value>::Read>, )? )*
        }

        impl $crate::format::table::Table for $table {
            const SECTION: &'static $crate::format::section::Section = &$crate::format::section::Section {
                name: $crate::format::table::table!(@name $head),
                repeated: $crate::format::table::table!(@repeated $head),
                about: $about,
                fields: &[$( $crate::format::section::Field {
                    key: $key,
                    kind: <$kind as $crate::format::value::Value>::KIND,
                    about: $text,
                    required: $crate::format::table::table!(@required $($required)?),
                }, )*],
            };

            fn read(mut reader: $crate::format::table::Reader<'_>) -> $table {
                $table {
                    $( $values: $Values::read(&mut reader), )?
                    $( $( $raw: reader.key::<$kind>($key), )? )*
                }
            }

            fn there(&self) -> Vec<$crate::format::table::Place> {
                let keys = [$( $( self.$raw.place($key), )? )*];
                keys.into_iter().flatten().collect()
            }
        }
    };
    // `[name]`, or `[[name]]` where it may stand several times.
    (@name [[$name:literal]]) => { $name };
    (@name [$name:literal]) => { $name };
    (@repeated [[$name:literal]]) => { true };
    (@repeated [$name:literal]) => { false };
    (@required required) => { true };
    (@required) => { false };
}

pub(crate) use table;
