//! What the table of the format is made of: a table of the file, its keys, and what their values are.

use serde_json::{Map, Value, json};

/// A table of the scenario file.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its name as it stands between brackets; empty for the top of the file.
    pub(crate) name: &'static str,
    /// Whether it may stand several times, `[[name]]`.
    pub(crate) repeated: bool,
    /// What it is for.
    pub(crate) about: &'static str,
    /// Its keys.
    pub(crate) fields: &'static [Field],
}

/// A key of a table.
#[derive(Debug)]
pub(crate) struct Field {
    /// The key.
    pub(crate) key: &'static str,
    /// What the value is.
    pub(crate) kind: Kind,
    /// What it means, and its default.
    pub(crate) about: &'static str,
    /// Whether it is a mistake to leave it out.
    pub(crate) required: bool,
}

impl Field {
    /// What it means, and whether it must be there.
    fn described(&self) -> String {
        match (self.about, self.required) {
            (about, false) => about.to_owned(),
            ("", true) => "required".to_owned(),
            (about, true) => format!("{about}. Required"),
        }
    }
}

/// What a value is. Texts say in words what they are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text(&'static str),
    /// One text or a list of texts.
    Texts(&'static str),
    /// True or false.
    Switch,
    /// A whole number.
    Number,
    /// A TCP port, 1 to 65535.
    Port,
    /// A port or a range, `"31240"` or `"50000-50100"`.
    Ports,
    /// One of a closed set of words.
    Word(&'static [&'static str]),
    /// One or a list of a closed set of words.
    Words(&'static [&'static str]),
    /// A table of free keys with text values.
    Settings,
    /// A table of free keys with lists of texts.
    Lists,
    /// A table of its own.
    Table(&'static Section),
    /// A list of tables.
    Tables(&'static Section),
    /// The name of a node, or a table that says more of it.
    NodeOrTable(&'static Section),
}

impl Kind {
    fn in_words(self) -> String {
        match self {
            Kind::Text(words) | Kind::Texts(words) => words.into(),
            Kind::Switch => "true or false".into(),
            Kind::Number => "number".into(),
            Kind::Port => "port".into(),
            Kind::Ports => "port or range".into(),
            Kind::Word(words) => words.join(" | "),
            Kind::Words(words) => format!("{}, or list of", words.join(" | ")),
            Kind::Settings => "table of text".into(),
            Kind::Lists => "table of lists".into(),
            Kind::Table(section) | Kind::Tables(section) => {
                format!("table, see [{}]", section.name)
            }
            Kind::NodeOrTable(section) => format!("node, or table, see [{}]", section.name),
        }
    }

    fn json(self) -> Value {
        let text = json!({ "type": "string" });
        let one_or_many = |one: Value| json!({ "anyOf": [one, { "type": "array", "items": one }] });
        let free = |values: Value| json!({ "type": "object", "additionalProperties": values });
        match self {
            Kind::Text(_) => text,
            Kind::Texts(_) => one_or_many(text),
            Kind::Switch => json!({ "type": "boolean" }),
            Kind::Number => json!({ "type": "integer", "minimum": 0 }),
            Kind::Port => json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
            Kind::Ports => json!({ "type": ["string", "integer"] }),
            Kind::Word(words) => json!({ "enum": words }),
            Kind::Words(words) => one_or_many(json!({ "enum": words })),
            Kind::Settings => free(json!({ "type": ["string", "integer"] })),
            Kind::Lists => free(json!({ "type": "array", "items": text })),
            Kind::Table(section) => section.json(),
            Kind::Tables(section) => json!({ "type": "array", "items": section.json() }),
            Kind::NodeOrTable(section) => json!({ "anyOf": [text, section.json()] }),
        }
    }
}

impl Section {
    /// One of its keys.
    pub(crate) fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    pub(crate) fn json(&self) -> Value {
        let properties: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| {
                let mut value = field.kind.json();
                value["description"] = field.described().into();
                (field.key.to_owned(), value)
            })
            .collect();
        json!({ "type": "object", "description": self.about, "additionalProperties": false, "properties": properties })
    }

    fn inner(&self) -> impl Iterator<Item = &'static Section> {
        self.fields.iter().filter_map(|field| match field.kind {
            Kind::Table(section) | Kind::Tables(section) | Kind::NodeOrTable(section) => {
                Some(section)
            }
            _ => None,
        })
    }

    pub(crate) fn describe(&'static self, text: &mut String) {
        let heading = match (self.name, self.repeated) {
            ("", _) => "At the top of the file".to_owned(),
            (name, false) => format!("`[{name}]`"),
            (name, true) => format!("`[[{name}]]`"),
        };
        *text += &format!(
            "## {heading}\n\n{}\n\n| key | value | meaning |\n| --- | --- | --- |\n",
            self.about
        );
        for field in self.fields {
            let kind = field.kind.in_words().replace('|', "\\|");
            *text += &format!(
                "| `{}` | {kind} | {} |\n",
                field.key,
                field.described().replace('|', "\\|")
            );
        }
        text.push('\n');
        for section in self.inner() {
            section.describe(text);
        }
    }
}
