//! The scenario file format, as its tables declare it.

use serde_json::Value;

use crate::format::table::Table;
use crate::read::file::FileTable;

/// The format's version. It changes when a file that was valid stops being so.
pub const SCHEMA_VERSION: u32 = 1;

/// The format as a page of Markdown.
pub fn describe() -> String {
    let mut text = format!(
        "# The scenario file\n\nOne TOML file a scenario, version {SCHEMA_VERSION} of the format. \
         This page is what `fwlab schema` prints.\n\n"
    );
    FileTable::SECTION.describe(&mut text);
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The format as a JSON Schema (draft 2020-12), for editors.
pub fn json_schema() -> Value {
    let mut value = FileTable::SECTION.json();
    value["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    value["title"] = format!("fwlab scenario, version {SCHEMA_VERSION}").into();
    value
}
