use fwlab_model::ruleset::{Side, Source};
use fwlab_record::{Backend, Family, NodeName};

use super::problem::Problems;
use super::read_language::{Language, without_iptables};
use super::read_nodes::known_node;
use super::read_policy::policy;
use super::read_source::{Origin, written};
use super::reader::{At, Reader};
use super::rules::{RulesAt, RulesOrigin, RulesetEntry};
use super::stage::Stage;
use super::value::nearest;
use crate::ServerTerms;

/// The longest name of a ruleset, in characters.
const LONGEST_NAME: usize = 100;

/// The most rulesets that are named where another was meant.
const NAMED: usize = 20;

/// What rulesets stand in: the scenario file, and what it says before them.
pub(super) struct Around<'a> {
    pub(super) file: &'a Origin<'a>,
    pub(super) stage: &'a Stage,
    pub(super) server: &'a ServerTerms,
    pub(super) families: &'a [Family],
}

pub(super) fn ruleset(
    entry: &Reader<'_>,
    around: &Around<'_>,
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
    } else if name.value.chars().nth(LONGEST_NAME).is_some() {
        problems.add_with_help(
            name.span.clone(),
            format!("a ruleset's name has at most {LONGEST_NAME} characters"),
            "cells are named by it: a short one is easier to filter by",
        );
    }
    let at = known_node(entry, "at", &around.stage.topology, problems).map(|at| at.value);
    let node = at.as_ref().or(around.stage.firewall.as_ref());
    if node.is_none() && !entry.has("at") && !entry.has("none") {
        problems.add_with_help(
            name.span.clone(),
            format!("nobody loads ruleset `{}`", name.value),
            "this topology has no firewall of its own: write `at = …`, the node that loads it",
        );
    }
    let Rules {
        chosen,
        origin,
        ipv6,
    } = rules(
        entry,
        &format!("ruleset `{}`", name.value),
        &["file", "text", "policy", "none"],
        node,
        around,
        problems,
    )?;
    let beside = match entry.table("beside", problems) {
        None => None,
        Some(table) => {
            table.require("backend", problems);
            let backend = table.word::<Backend>("backend", problems)?;
            let key = if table.has("file") { "file" } else { "text" };
            table.require(key, problems);
            let source = written(&table, key, around.file, problems)?.read();
            let place = Language {
                entry: &table,
                rules: key,
                backends: "backend",
            };
            if let Some(source) = &source {
                place.check(source, &[backend.value], problems);
            }
            source.map(|source| (backend.value, source))
        }
    };
    let language = Language {
        entry,
        rules: chosen,
        backends: "backends",
    };
    let backends = language.backends(origin.as_ref(), problems);
    let helper = entry.switch("helper", problems).unwrap_or(false);
    let skip_refused_lines = entry
        .switch("skip-refused-lines", problems)
        .unwrap_or(false);
    if backends.contains(&Backend::Native) {
        let beside_native = matches!(beside, Some((Backend::Native, _)));
        without_iptables(entry, [helper, skip_refused_lines, beside_native], problems);
    }
    let sets = match entry.has("sets") {
        true => written(entry, "sets", around.file, problems)?.read(),
        false => None,
    };
    let elsewhere: Vec<RulesAt> = entry
        .tables("also", problems)
        .iter()
        .filter_map(|table| also(table, &backends, around, problems))
        .collect();
    for (place, one) in elsewhere.iter().enumerate() {
        let mut earlier = elsewhere[..place].iter().map(|other| &other.at).chain(node);
        if earlier.any(|other| *other == one.at) {
            problems.add_with_help(
                entry.span_of("also"),
                format!(
                    "node `{}` loads two rulesets, and the second would replace the first",
                    one.at
                ),
                "write them as one",
            );
        }
    }
    Some(RulesetEntry {
        name: name.value,
        at,
        origin: origin.unwrap_or(RulesOrigin::None),
        ipv6,
        helper,
        skip_refused_lines,
        backends,
        sets,
        beside: beside.into_iter().collect(),
        also: elsewhere,
    })
}

/// Rules that another node loads, through the same backends.
fn also(
    entry: &Reader<'_>,
    backends: &[Backend],
    around: &Around<'_>,
    problems: &mut Problems,
) -> Option<RulesAt> {
    entry.require("at", problems);
    let at = known_node(entry, "at", &around.stage.topology, problems)?.value;
    let what = format!("what `{at}` loads");
    let keys = &["file", "text", "policy"];
    let Rules {
        chosen,
        origin,
        ipv6,
    } = rules(entry, &what, keys, Some(&at), around, problems)?;
    let helper = entry.switch("helper", problems).unwrap_or(false);
    let language = Language {
        entry,
        rules: chosen,
        backends: chosen,
    };
    language.check_all(origin.as_ref(), backends, problems);
    if backends.contains(&Backend::Native) {
        without_iptables(entry, [helper, false, false], problems);
    }
    Some(RulesAt {
        at,
        origin: origin.unwrap_or(RulesOrigin::None),
        ipv6,
        helper,
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
        let all = || known().take(NAMED).collect::<Vec<_>>().join(", ");
        let near = problems.worded(|| nearest(&name.value, known()));
        let help = near.map_or_else(
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

/// Rules as they stand in a table, and the key that says which they are.
struct Rules {
    chosen: &'static str,
    /// `None`: they stand in a file that is not read.
    origin: Option<RulesOrigin>,
    ipv6: Option<Source>,
}

fn rules(
    entry: &Reader<'_>,
    what: &str,
    keys: &[&'static str],
    node: Option<&NodeName>,
    around: &Around<'_>,
    problems: &mut Problems,
) -> Option<Rules> {
    let there = |keys: &[&'static str]| -> Vec<&'static str> {
        let keys = keys.iter().copied();
        keys.filter(|key| entry.has(key)).collect()
    };
    let (own, dumps) = (there(keys), there(&["file6", "text6"]));
    let (chosen, dump) = match (&own[..], &dumps[..]) {
        (&[one], []) => (one, None),
        (&[one @ ("file" | "text")], &[dump]) => (one, Some(dump)),
        ([], &[dump]) => (dump, Some(dump)),
        _ => {
            let found = [own, dumps].concat();
            let found = if found.is_empty() {
                "none of them".to_owned()
            } else {
                found.join(" and ")
            };
            let (last, first) = keys.split_last().expect("there are keys");
            problems.add_with_help(
                entry.span.clone(),
                format!(
                    "{what} wants exactly one of {} or {last}, and has {found}",
                    first.join(", ")
                ),
                "for example `file = \"rules.v4\"`",
            );
            return None;
        }
    };
    let origin = match chosen {
        "policy" => {
            let side = node.map_or(Side::Gateway, |node| around.stage.side_of(node));
            let port = around
                .stage
                .control_port_at(side, around.server.control_port);
            let table = entry.table("policy", problems)?;
            Some(RulesOrigin::Generated(policy(
                &table,
                side,
                port,
                around.server,
                problems,
            )?))
        }
        "none" => {
            entry.switch("none", problems)?;
            Some(RulesOrigin::None)
        }
        key @ ("file" | "text") => {
            let source = written(entry, key, around.file, problems)?.read();
            source.map(RulesOrigin::Written)
        }
        _ => Some(RulesOrigin::None),
    };
    let ipv6 = match dump {
        Some(key) => written(entry, key, around.file, problems)?.read(),
        None => None,
    };
    let rules = Rules {
        chosen,
        origin,
        ipv6,
    };
    super::read_family::check(
        entry,
        rules.origin.as_ref(),
        chosen,
        rules.ipv6.as_ref().zip(dump),
        around.families,
        problems,
    );
    Some(rules)
}
