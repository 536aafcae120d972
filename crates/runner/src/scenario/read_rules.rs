use std::ops::Range;
use std::path::{Path, PathBuf};

use fwlab_ftp::DataSourcePort;
use fwlab_model::ruleset::{DefaultPolicy, Passive, Policy, Side, Source};
use fwlab_model::{Backend, DataSetup};

use super::ServerTerms;
use super::problem::Problems;
use super::read_language::{Language, without_iptables};
use super::reader::{At, Reader, nearest};
use super::rules::{RulesOrigin, RulesetEntry};
use super::stage::Shape;

/// The scenario file that rulesets and scripts stand in, or beside.
pub(super) struct Origin<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Origin<'_> {
    /// The byte of the file that a value's text begins at, where it stands there
    /// letter by letter.
    pub(super) fn place_of(&self, text: &str, value: &Range<usize>) -> Option<usize> {
        let written = self.text.get(value.clone())?;
        let at = written.find(text).filter(|_| !text.is_empty())?;
        Some(value.start + at)
    }
}

pub(super) fn ruleset(
    entry: &Reader<'_>,
    shape: Shape,
    server: &ServerTerms,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> Option<RulesetEntry> {
    entry.require("name", problems);
    let name = entry.text("name", problems)?;
    if name.value.is_empty()
        || name.value.contains("::")
        || name.value.contains(char::is_whitespace)
    {
        problems.add_with_help(
            name.span.clone(),
            format!("`{}` is no ruleset name", name.value),
            "a name has no blank and no `::`, since cells are named by it",
        );
    }
    let chosen: Vec<&'static str> = ["file", "text", "policy", "none"]
        .into_iter()
        .filter(|key| entry.has(key))
        .collect();
    let [chosen] = chosen[..] else {
        let found = if chosen.is_empty() {
            "none of them".to_owned()
        } else {
            chosen.join(" and ")
        };
        problems.add_with_help(
            entry.span.clone(),
            format!(
                "ruleset `{}` wants exactly one of file, text, policy or none, and has {found}",
                name.value
            ),
            "for example `file = \"rules.v4\"`",
        );
        return None;
    };
    let origin = match chosen {
        "policy" => RulesOrigin::Generated(policy(
            &entry.table("policy", problems)?,
            shape,
            server,
            problems,
        )?),
        "none" => entry.switch("none", problems).map(|_| RulesOrigin::None)?,
        key => RulesOrigin::Written(written(entry, key, file, problems)?),
    };
    let beside = match entry.table("beside", problems) {
        None => None,
        Some(table) => {
            table.require("backend", problems);
            let backend = table.word::<Backend>("backend", problems)?;
            let key = if table.has("file") { "file" } else { "text" };
            table.require(key, problems);
            let source = written(&table, key, file, problems)?;
            let place = Language {
                entry: &table,
                rules: key,
                backends: "backend",
            };
            place.check(&source, &[backend.value], problems);
            Some((backend.value, source))
        }
    };
    let language = Language {
        entry,
        rules: chosen,
        backends: "backends",
    };
    let backends = language.backends(&origin, problems);
    let helper = entry.switch("helper", problems).unwrap_or(false);
    let skip_refused_lines = entry
        .switch("skip-refused-lines", problems)
        .unwrap_or(false);
    if backends.contains(&Backend::Native) {
        let beside_native = matches!(beside, Some((Backend::Native, _)));
        without_iptables(entry, [helper, skip_refused_lines, beside_native], problems);
    }
    Some(RulesetEntry {
        name: name.value,
        origin,
        helper,
        skip_refused_lines,
        backends,
        beside,
    })
}

/// The index of a ruleset by its name; a name that is none is a mistake.
pub(super) fn known_ruleset(
    name: &At<String>,
    rulesets: &[RulesetEntry],
    problems: &mut Problems,
) -> Option<usize> {
    let known = || rulesets.iter().map(|ruleset| ruleset.name.as_str());
    let found = known().position(|known| known == name.value);
    if found.is_none() {
        let all = || known().collect::<Vec<_>>().join(", ");
        let help = nearest(&name.value, known()).map_or_else(
            || format!("the rulesets are {}", all()),
            |near| format!("did you mean `{near}`?"),
        );
        problems.add_with_help(
            name.span.clone(),
            format!("no ruleset is named `{}`", name.value),
            help,
        );
    }
    found
}

/// Rules in a file beside the scenario, or in place.
fn written(
    entry: &Reader<'_>,
    key: &'static str,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> Option<Source> {
    let At { value, span } = entry.text(key, problems)?;
    if key == "text" {
        return Some(in_place(&value, span, file));
    }
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let path = folder.join(&value);
    match std::fs::read(&path) {
        Ok(text) => Some(Source::new(tidy(&path).display().to_string(), text)),
        Err(error) => {
            problems.add_with_help(
                span,
                format!("cannot read {}: {error}", tidy(&path).display()),
                "the path is relative to the scenario file",
            );
            None
        }
    }
}

/// A path without `folder/..` in it, as far as that can be told without the file system.
pub(super) fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        if component == std::path::Component::ParentDir
            && matches!(
                tidy.components().next_back(),
                Some(std::path::Component::Normal(_))
            )
        {
            tidy.pop();
        } else {
            tidy.push(component);
        }
    }
    tidy
}

/// Rules in place are told by the lines of the scenario file: everything before
/// them is blanked, where the text stands in the file letter by letter.
fn in_place(text: &str, span: Range<usize>, file: &Origin<'_>) -> Source {
    let name = file.path.display().to_string();
    match file.place_of(text, &span) {
        Some(at) => {
            let mut padded: Vec<u8> = file.text.as_bytes()[..at]
                .iter()
                .map(|byte| if *byte == b'\n' { b'\n' } else { b' ' })
                .collect();
            padded.extend_from_slice(text.as_bytes());
            Source::new(name, padded)
        }
        None => Source::new(name, text.as_bytes().to_vec()),
    }
}

fn policy(
    table: &Reader<'_>,
    shape: Shape,
    server: &ServerTerms,
    problems: &mut Problems,
) -> Option<Policy> {
    table.require("allow", problems);
    let allow = table.words::<DataSetup>("allow", problems)?;
    let stateful = table.switch("stateful", problems).unwrap_or(true);
    let range = table.ports("passive-ports", problems);
    let passive = match (stateful, range) {
        (true, None) => Passive::Stateful,
        (true, Some(range)) => {
            problems.add_with_help(
                range.span,
                "a stateful policy opens no range",
                "leave `passive-ports` out, or write `stateful = false`",
            );
            return None;
        }
        (
            false,
            Some(At {
                value: (low, high), ..
            }),
        ) if low <= high => Passive::StaticRange(low..=high),
        (
            false,
            Some(At {
                value: (low, high),
                span,
            }),
        ) => {
            problems.add_with_help(
                span,
                format!("{low} is above {high}"),
                format!("write \"{high}-{low}\""),
            );
            return None;
        }
        (false, None) => {
            problems.add_with_help(
                table.span.clone(),
                "a policy that is not stateful needs the passive range that it opens",
                "write `passive-ports = \"50000-50100\"`",
            );
            return None;
        }
    };
    let default = match table
        .word::<String>("default", problems)
        .map(|word| word.value)
        .as_deref()
    {
        Some("reject") => DefaultPolicy::Reject,
        Some("accept") => DefaultPolicy::Accept,
        _ => DefaultPolicy::Drop,
    };
    let side = match shape {
        Shape::ClientFirewall => Side::Client,
        Shape::ServerFirewall => Side::Server,
        Shape::Gateway | Shape::ClientNat | Shape::ServerNat => Side::Gateway,
    };
    Some(Policy {
        passive,
        helper: table.switch("helper", problems).unwrap_or(stateful),
        default,
        control_port: server.control_port,
        data_source_port: (server.data_source_port == DataSourcePort::Twenty).then_some(20),
        ..Policy::new(side, allow)
    })
}
