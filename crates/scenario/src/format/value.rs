//! What can stand behind a key of a file: each reads one value, or tells what is wrong with it.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use fwlab_record::{InterfaceName, NodeName};
use ipnet::IpNet;
use toml::Spanned;
use toml::de::DeValue;

use crate::format::section::Kind;
use crate::format::table::{self, Placed};
use crate::format::toml_value::{
    decimal, number_of, one_or_many, parsed, parsed_each, port_of, ports_of, several, text_at,
    texts_of, word_of, wrong_type,
};
use crate::format::vocabulary::Vocabulary;
use crate::problem::Problems;
use crate::read::source::ScenarioFile;

/// What was found behind a key.
pub(crate) struct Found<'r> {
    pub(crate) key: &'static str,
    pub(crate) value: &'r Spanned<DeValue<'r>>,
    /// The file that it stands in.
    pub(crate) file: &'r ScenarioFile<'r>,
    pub(crate) problems: &'r mut Problems,
}

impl Found<'_> {
    /// It is a text, or told.
    pub(crate) fn text(&mut self) -> Option<Placed<String>> {
        text_at(self.value, self.problems)
    }

    fn is_no(&mut self, wanted: &str) {
        wrong_type(self.value, wanted, self.problems);
    }
}

/// What can stand behind a key.
pub(crate) trait Value {
    /// What it is read as.
    type Read;

    /// What the schema says of it.
    const KIND: Kind;

    /// Reads what was found, and tells if it is not what it should be.
    fn read(found: Found<'_>) -> Option<Self::Read>;
}

/// Free text.
pub(crate) struct Text;

impl Value for Text {
    type Read = String;
    const KIND: Kind = Kind::Text("text");

    fn read(mut found: Found<'_>) -> Option<String> {
        found.text().map(|at| at.value)
    }
}

/// The name of a node; whether the topology has it is seen later.
pub(crate) struct Node;

impl Value for Node {
    type Read = String;
    const KIND: Kind = Kind::Text("node");

    fn read(found: Found<'_>) -> Option<String> {
        Text::read(found)
    }
}

/// True or false.
pub(crate) struct Switch;

impl Value for Switch {
    type Read = bool;
    const KIND: Kind = Kind::Switch;

    fn read(mut found: Found<'_>) -> Option<bool> {
        let switch = found.value.get_ref().as_bool();
        if switch.is_none() {
            found.is_no("true or false");
        }
        switch
    }
}

/// A whole number within bounds that `T` can hold.
pub(crate) struct Number<T, const LOW: u64, const HIGH: u64>(PhantomData<T>);

impl<T: TryFrom<u64>, const LOW: u64, const HIGH: u64> Value for Number<T, LOW, HIGH> {
    type Read = T;
    const KIND: Kind = Kind::Number;

    fn read(found: Found<'_>) -> Option<T> {
        let number = number_of(found.value, LOW..=HIGH, found.problems)?;
        T::try_from(number).ok()
    }
}

/// A TCP port.
pub(crate) struct Port;

impl Value for Port {
    type Read = u16;
    const KIND: Kind = Kind::Port;

    fn read(found: Found<'_>) -> Option<u16> {
        port_of(found.value, found.problems)
    }
}

/// A port or `LOW-HIGH`, in the order in which they are written.
pub(crate) struct Ports;

impl Value for Ports {
    type Read = (u16, u16);
    const KIND: Kind = Kind::Ports;

    fn read(found: Found<'_>) -> Option<(u16, u16)> {
        ports_of(found.value, found.problems)
    }
}

/// The same, the lower one first.
pub(crate) struct PortRange;

impl Value for PortRange {
    type Read = RangeInclusive<u16>;
    const KIND: Kind = Kind::Ports;

    fn read(found: Found<'_>) -> Option<RangeInclusive<u16>> {
        let (low, high) = ports_of(found.value, found.problems)?;
        if low > high {
            found.problems.add_with_help(
                found.value.span(),
                format!("{low} is above {high}"),
                format!("write the lower port first: \"{high}-{low}\""),
            );
        }
        Some(low..=high)
    }
}

/// A text that is something more.
pub(crate) struct Parsed<T>(PhantomData<T>);

impl<T: FromText> Value for Parsed<T> {
    type Read = T;
    const KIND: Kind = T::KIND;

    fn read(mut found: Found<'_>) -> Option<T> {
        let text = found.text()?;
        parsed(&text, found.problems).map(|at| at.value)
    }
}

/// What a text can be that is something more.
pub(crate) trait FromText: FromStr<Err: std::fmt::Display> {
    /// What the schema says of it.
    const KIND: Kind = Kind::Text("text");
    /// What it is called where a text is none.
    const WHAT: &'static str;
    /// One.
    const EXAMPLE: &'static str;
}

impl FromText for IpNet {
    const KIND: Kind = Kind::Text("address/prefix");
    const WHAT: &'static str = "address with a prefix length";
    const EXAMPLE: &'static str = "192.168.0.211/24";
}

impl FromText for IpAddr {
    const KIND: Kind = Kind::Text("address");
    const WHAT: &'static str = "address";
    const EXAMPLE: &'static str = "192.168.0.211";
}

impl FromText for Ipv4Addr {
    const KIND: Kind = Kind::Text("address");
    const WHAT: &'static str = "IPv4 address";
    const EXAMPLE: &'static str = "192.168.0.211";
}

impl FromText for InterfaceName {
    const WHAT: &'static str = "interface name";
    const EXAMPLE: &'static str = "eth0";
}

impl FromText for NodeName {
    const WHAT: &'static str = "node name";
    const EXAMPLE: &'static str = "router";
}

/// One or several addresses with their prefix lengths.
pub(crate) struct Prefixes;

impl Value for Prefixes {
    type Read = Vec<Placed<IpNet>>;
    const KIND: Kind = Kind::Texts("address/prefix, or list of");

    fn read(found: Found<'_>) -> Option<Vec<Placed<IpNet>>> {
        let texts = texts_of(found.key, found.value, found.problems)?;
        Some(parsed_each(&texts, found.problems))
    }
}

/// One address, or one of each family.
pub(crate) struct Addresses;

impl Value for Addresses {
    type Read = Vec<Placed<IpAddr>>;
    const KIND: Kind = Kind::Texts("address, or one for each family");

    fn read(found: Found<'_>) -> Option<Vec<Placed<IpAddr>>> {
        let texts = texts_of(found.key, found.value, found.problems)?;
        let addresses = parsed_each::<IpAddr>(&texts, found.problems);
        for (place, address) in addresses.iter().enumerate() {
            let same = |other: &&Placed<IpAddr>| other.value.is_ipv4() == address.value.is_ipv4();
            if let Some(first) = addresses[..place].iter().find(same) {
                found.problems.add_with_help(
                    address.span.clone(),
                    format!("{} is of the same family as {}", address.value, first.value),
                    "name at most one of each family",
                );
            }
        }
        Some(addresses)
    }
}

/// One text or several; `T` is a text with or without its place.
pub(crate) struct Texts<T = Placed<String>>(PhantomData<T>);

impl<T: From<Placed<String>>> Value for Texts<T> {
    type Read = Vec<T>;
    const KIND: Kind = Kind::Texts("text, or list of");

    fn read(found: Found<'_>) -> Option<Vec<T>> {
        let texts = texts_of(found.key, found.value, found.problems)?;
        Some(texts.into_iter().map(T::from).collect())
    }
}

impl From<Placed<String>> for String {
    fn from(at: Placed<String>) -> String {
        at.value
    }
}

/// A free key of a table, and the texts that stand there.
pub(crate) type NamedList = (Placed<String>, Vec<Placed<String>>);

/// A table of free keys with lists of texts, in order of key.
pub(crate) struct Lists;

impl Value for Lists {
    type Read = Vec<NamedList>;
    const KIND: Kind = Kind::Lists;

    fn read(mut found: Found<'_>) -> Option<Vec<NamedList>> {
        let Some(table) = found.value.get_ref().as_table() else {
            found.is_no("a table, { name = [\"text\"] }");
            return None;
        };
        let lists = table.iter().map(|(name, value)| {
            let span = name.span();
            let value = one_or_many(value).into_iter();
            let texts = value.filter_map(|text| text_at(text, found.problems));
            let texts = texts.collect();
            let value = name.get_ref().to_string();
            (Placed { value, span }, texts)
        });
        Some(lists.collect())
    }
}

/// A table of free keys with texts or numbers; `T` is a text with or without the place of the two.
pub(crate) struct Settings<T = Placed<String>>(PhantomData<T>);

impl<T: From<Placed<String>>> Value for Settings<T> {
    type Read = BTreeMap<String, T>;
    const KIND: Kind = Kind::Settings;

    fn read(mut found: Found<'_>) -> Option<BTreeMap<String, T>> {
        let Some(table) = found.value.get_ref().as_table() else {
            found.is_no("a table, { name = \"value\" }");
            return None;
        };
        let mut settings = BTreeMap::new();
        for (name, value) in table {
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => decimal(number),
                _ => {
                    wrong_type(value, "text or a number", found.problems);
                    continue;
                }
            };
            let span = name.span().start..value.span().end;
            let setting = T::from(Placed { value: text, span });
            settings.insert(name.get_ref().to_string(), setting);
        }
        Some(settings)
    }
}

/// A word of a vocabulary.
pub(crate) struct Word<V>(PhantomData<V>);

impl<V: Vocabulary> Value for Word<V> {
    type Read = V::Word;
    const KIND: Kind = Kind::Word(V::WORDS);

    fn read(found: Found<'_>) -> Option<V::Word> {
        word_of::<V>(found.value, found.problems)
    }
}

/// A word or several of a vocabulary, each once.
pub(crate) struct Words<V>(PhantomData<V>);

impl<V: Vocabulary> Value for Words<V> {
    type Read = Vec<V::Word>;
    const KIND: Kind = Kind::Words(V::WORDS);

    fn read(found: Found<'_>) -> Option<Vec<V::Word>> {
        let mut words = Vec::new();
        for value in several(found.key, found.value, found.problems)? {
            let Some(word) = word_of::<V>(value, found.problems) else {
                continue;
            };
            if words.contains(&word) {
                let message = "this word appears twice";
                let help = "leave one of them out";
                found.problems.add_with_help(value.span(), message, help);
            }
            words.push(word);
        }
        Some(words)
    }
}

/// A table of the file.
pub(crate) struct Table<T>(PhantomData<T>);

impl<T: table::Table> Value for Table<T> {
    type Read = T;
    const KIND: Kind = Kind::Table(T::SECTION);

    fn read(mut found: Found<'_>) -> Option<T> {
        let Some(table) = found.value.get_ref().as_table() else {
            found.is_no(&format!("a table, [{}]", T::SECTION.name));
            return None;
        };
        let span = found.value.span();
        Some(table::read(table, span, found.file, found.problems))
    }
}

/// A table that may stand several times.
pub(crate) struct Tables<T>(PhantomData<T>);

impl<T: table::Table> Value for Tables<T> {
    type Read = Vec<Placed<T>>;
    const KIND: Kind = Kind::Tables(T::SECTION);

    fn read(mut found: Found<'_>) -> Option<Vec<Placed<T>>> {
        let name = T::SECTION.name;
        let Some(array) = found.value.get_ref().as_array() else {
            found.is_no(&format!("a list of tables, [[{name}]]"));
            return None;
        };
        let mut tables = Vec::new();
        for value in array.iter() {
            let span = value.span();
            match value.get_ref().as_table() {
                Some(table) => tables.push(Placed {
                    value: table::read(table, span.clone(), found.file, found.problems),
                    span,
                }),
                None => wrong_type(value, &format!("a table, [[{name}]]"), found.problems),
            }
        }
        Some(tables)
    }
}

/// The name of a node, or a table that says more of it.
pub(crate) struct NodeOr<T>(PhantomData<T>);

/// What stands where a node or a table can.
pub(crate) enum NodeOrTable<T> {
    Node(String),
    Table(T),
}

impl<T: table::Table> Value for NodeOr<T> {
    type Read = NodeOrTable<T>;
    const KIND: Kind = Kind::NodeOrTable(T::SECTION);

    fn read(found: Found<'_>) -> Option<NodeOrTable<T>> {
        match found.value.get_ref() {
            DeValue::Table(_) => Table::read(found).map(NodeOrTable::Table),
            _ => Node::read(found).map(NodeOrTable::Node),
        }
    }
}
