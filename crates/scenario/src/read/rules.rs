use std::mem::take;
use std::ops::Range;

use fwlab_model::ruleset::{Side, Source};
use fwlab_record::{Backend, Family, NodeName};

use crate::ServerTerms;
use crate::deployment::Deployment;
use crate::format::table::{Key, Place, Placed, Table as _, missing, table};
use crate::format::toml_value::nearest;
use crate::format::value::{Node, Switch, Table, Tables, Text, Word, Words};
use crate::problem::Problems;
use crate::read::language::{Language, without_iptables};
use crate::read::nodes::known_node;
use crate::read::policy::{PolicyTable, policy};
use crate::read::source::{RulesText, ScenarioFile, source};
use crate::rules::{RulesAt, RulesOrigin, RulesetEntry};

table! {
    RulesetTable, [["ruleset"]],
    "A ruleset that a node loads: exactly one of `file`, `text`, `policy` or `none`. An IPv6 dump goes in \
     `file6` or `text6`, beside an IPv4 one or alone; commands name their family themselves.",
    keys {
        required "name", Text, "its name in the matrix, unique in the file" -> name;
        "file", Text,
        "a file, relative to this one: what `iptables-save` writes, lines of `iptables` commands, or an nft script"
            -> file;
        "text", RulesText, "the same, in place" -> text;
        "file6", Text, "a file of what `ip6tables-save` writes" -> file6;
        "text6", RulesText, "the same, in place" -> text6;
        "policy", Table<PolicyTable>, "a ruleset generated for a purpose, for every family of the matrix" -> policy;
        "none", Switch, "`true`: no rules at all" -> none;
        "helper", Switch,
        "`true` adds the rule that assigns the conntrack helper `ftp` to the control connection, where it belongs on \
         this node, for every family of the matrix; default `false`" -> helper;
        "skip-refused-lines", Switch,
        "`true` goes on without refused lines, as a shell script does; default `false`"
            -> skip_refused_lines;
        "backends", Words<Backend>,
        "the backends that load it: `nft` and `legacy` iptables rules, `native` an nft script; default both, or \
         `native`" -> backends;
        "at", Node, "the node that loads it; default the topology's firewall" -> at;
        "also", Tables<AlsoTable>, "rules that other nodes load at the same time" -> also;
        "sets", Text,
        "a file that `ipset save` wrote: the sets that the rules match on. Sets that a script makes with `ipset` \
         commands itself need none" -> sets;
        "beside", Table<BesideTable>,
        "rules beside it in the same namespace, loaded through another backend" -> beside;
    }
}

table! {
    AlsoTable, [["ruleset.also"]],
    "Rules that another node loads in the same cells, through the same backend: exactly one of `file`, `text` or \
     `policy`, or an IPv6 dump in `file6` or `text6`.",
    keys {
        required "at", Node, "the node that loads them" -> at;
        "file", Text, "a file, relative to the scenario" -> file;
        "text", RulesText, "the rules in place" -> text;
        "file6", Text, "a file of what `ip6tables-save` writes" -> file6;
        "text6", RulesText, "the same, in place" -> text6;
        "policy", Table<PolicyTable>, "rules generated for a purpose" -> policy;
        "helper", Switch, "`true` adds the rule that assigns the conntrack helper; default `false`" -> helper;
    }
}

table! {
    BesideTable, ["ruleset.beside"], "Rules beside a ruleset: exactly one of `file` or `text`.",
    keys {
        required "backend", Word<Backend>, "" -> backend;
        "file", Text, "a file, relative to the scenario" -> file;
        "text", RulesText, "the rules in place" -> text;
    }
}

/// The longest name of a ruleset, in characters.
const LONGEST_NAME: usize = 100;

/// The most rulesets that are named where another was meant.
const NAMED: usize = 20;

/// The keys that say which rules there are; an IPv6 dump is beside one of them or alone.
const OF_RULESETS: [&str; 4] = ["file", "text", "policy", "none"];

/// What rulesets stand in: the scenario file, and what it says before them.
pub(crate) struct ReadContext<'a> {
    pub(crate) file: &'a ScenarioFile<'a>,
    pub(crate) deployment: &'a Deployment,
    pub(crate) server: &'a ServerTerms,
    pub(crate) families: &'a [Family],
}

pub(crate) fn ruleset(
    entry: Placed<RulesetTable>,
    context: &ReadContext<'_>,
    problems: &mut Problems,
) -> Option<RulesetEntry> {
    let Placed {
        value: mut entry,
        span,
    } = entry;
    let there = entry.there();
    let at_key = |key| there.iter().find(|place| place.key == key).cloned();
    let name = take(&mut entry.name).at()?;
    if name.value.is_empty()
        || name.value.contains("::")
        || name.value.contains(char::is_whitespace)
    {
        problems.add_with_help(
            name.span.clone(),
            format!("`{}` is not a ruleset name", name.value),
            "a name cannot contain a blank or `::`, since cells are named by it",
        );
    } else if name.value.chars().nth(LONGEST_NAME).is_some() {
        problems.add_with_help(
            name.span.clone(),
            format!("a ruleset's name has at most {LONGEST_NAME} characters"),
            "cells are named by it, and a short one is easier to filter by",
        );
    }
    let is_placed = entry.at.is_there;
    let at = take(&mut entry.at);
    let at = known_node(at, &context.deployment.topology, problems).map(|at| at.value);
    let node = at.as_ref().or(context.deployment.firewall.as_ref());
    if node.is_none() && !is_placed && !entry.none.is_there {
        problems.add_with_help(
            name.span.clone(),
            format!("nobody loads ruleset `{}`", name.value),
            "this topology has no firewall of its own: write `at = …` with the node that loads it",
        );
    }
    let what = format!("ruleset `{}`", name.value);
    let choice = choice(&what, &OF_RULESETS, &there, &span, problems)?;
    let Rules {
        chosen,
        origin,
        ipv6,
    } = rules(choice, &mut entry, node, context, problems)?;
    let beside = match entry.beside.at() {
        None => None,
        Some(table) => beside(table, context.file, problems)?,
    };
    let language = Language {
        rules: chosen,
        backends: Place {
            key: "backends",
            span: entry.backends.span,
        },
    };
    let backends = language.backends(origin.as_ref(), entry.backends.value, problems);
    let helper = entry.helper.value.unwrap_or(false);
    let skip_refused_lines = entry.skip_refused_lines.value.unwrap_or(false);
    if backends.contains(&Backend::Native) {
        let beside_native = matches!(beside, Some((Backend::Native, _)));
        let asks = [
            at_key("helper").filter(|_| helper),
            at_key("skip-refused-lines").filter(|_| skip_refused_lines),
            at_key("beside").filter(|_| beside_native),
        ];
        without_iptables(asks.into_iter().flatten(), problems);
    }
    let also_place = entry.also.span.clone();
    let elsewhere: Vec<RulesAt> = entry
        .also
        .value
        .unwrap_or_default()
        .into_iter()
        .filter_map(|table| also(table, &backends, context, problems))
        .collect();
    for (place, one) in elsewhere.iter().enumerate() {
        let mut earlier = elsewhere[..place].iter().map(|other| &other.at).chain(node);
        if earlier.any(|other| *other == one.at) {
            problems.add_with_help(
                also_place.clone(),
                format!(
                    "node `{}` loads two rulesets, but the second would replace the first",
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
        sets: read(&mut entry.sets, context.file, problems),
        beside: beside.into_iter().collect(),
        also: elsewhere,
    })
}

/// Rules beside a ruleset; `Some(None)` where they are not read.
fn beside(
    table: Placed<BesideTable>,
    file: &ScenarioFile<'_>,
    problems: &mut Problems,
) -> Option<Option<(Backend, Source)>> {
    let Placed {
        value: mut table,
        span,
    } = table;
    let backends = Place {
        key: "backend",
        span: table.backend.span,
    };
    let backend = table.backend.value?;
    let (rules, source) = match table.file.place("file") {
        Some(place) => (place, read(&mut table.file, file, problems)),
        None => {
            if !table.text.is_there {
                missing(BesideTable::SECTION, "text", span, problems);
            }
            let key = "text";
            let span = table.text.span;
            (Place { key, span }, table.text.value)
        }
    };
    if let Some(source) = &source {
        Language { rules, backends }.check(source, &[backend], problems);
    }
    Some(source.map(|source| (backend, source)))
}

/// Rules that another node loads, through the same backends.
fn also(
    entry: Placed<AlsoTable>,
    backends: &[Backend],
    context: &ReadContext<'_>,
    problems: &mut Problems,
) -> Option<RulesAt> {
    let Placed { value: entry, span } = entry;
    let there = entry.there();
    let at = known_node(entry.at, &context.deployment.topology, problems)?.value;
    let what = format!("what `{at}` loads");
    // No rules at all are no reason to name a node.
    let (_, keys) = OF_RULESETS.split_last().expect("there are keys");
    let choice = choice(&what, keys, &there, &span, problems)?;
    let mut rulesets = RulesetTable {
        file: entry.file,
        text: entry.text,
        policy: entry.policy,
        file6: entry.file6,
        text6: entry.text6,
        ..RulesetTable::default()
    };
    let Rules {
        chosen,
        origin,
        ipv6,
    } = rules(choice, &mut rulesets, Some(&at), context, problems)?;
    let helper = entry.helper.value.unwrap_or(false);
    let language = Language {
        backends: chosen.clone(),
        rules: chosen,
    };
    language.check_all(origin.as_ref(), backends, problems);
    if backends.contains(&Backend::Native) {
        let asks = there
            .into_iter()
            .filter(|place| helper && place.key == "helper");
        without_iptables(asks, problems);
    }
    Some(RulesAt {
        at,
        origin: origin.unwrap_or(RulesOrigin::None),
        ipv6,
        helper,
    })
}

/// The index of a ruleset by its name; a name that is none is a mistake.
pub(crate) fn known_ruleset(
    name: &Placed<String>,
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
    chosen: Place,
    /// `None`: they stand in a file that is not read.
    origin: Option<RulesOrigin>,
    ipv6: Option<Source>,
}

/// The key that is chosen among those of which just one is to be `there`, and that of an IPv6 dump.
fn choice<'a>(
    what: &str,
    keys: &[&'static str],
    there: &'a [Place],
    entry: &Range<usize>,
    problems: &mut Problems,
) -> Option<(&'a Place, Option<&'a Place>)> {
    let among = |keys: &[&'static str]| -> Vec<&'a Place> {
        let there = there.iter();
        there.filter(|place| keys.contains(&place.key)).collect()
    };
    let (own, dumps) = (among(keys), among(&["file6", "text6"]));
    match (&own[..], &dumps[..]) {
        (&[one], []) => return Some((one, None)),
        (&[one], &[dump]) if ["file", "text"].contains(&one.key) => return Some((one, Some(dump))),
        ([], &[dump]) => return Some((dump, Some(dump))),
        _ => {}
    }
    let found: Vec<&str> = own.iter().chain(&dumps).map(|place| place.key).collect();
    let found = match found.is_empty() {
        true => "none of them".to_owned(),
        false => found.join(" and "),
    };
    let (last, first) = keys.split_last()?;
    let first = first.join(", ");
    problems.add_with_help(
        entry.clone(),
        format!("{what} wants exactly one of {first} or {last}, and has {found}"),
        "for example `file = \"rules.v4\"`",
    );
    None
}

/// Takes the rules that the chosen keys say out of their table.
fn rules(
    (chosen, dump): (&Place, Option<&Place>),
    table: &mut RulesetTable,
    node: Option<&NodeName>,
    context: &ReadContext<'_>,
    problems: &mut Problems,
) -> Option<Rules> {
    let origin = match chosen.key {
        "policy" => {
            let side = node.map_or(Side::Gateway, |node| context.deployment.side_of(node));
            let listening = context.server.control_port;
            let port = context.deployment.control_port_at(side, listening);
            let table = take(&mut table.policy).at()?;
            let policy = policy(table, side, port, context.server, problems)?;
            Some(RulesOrigin::Generated(policy))
        }
        "none" => table.none.value.map(|_| RulesOrigin::None),
        "file" => read(&mut table.file, context.file, problems).map(RulesOrigin::Written),
        "text" => table.text.value.take().map(RulesOrigin::Written),
        _ => Some(RulesOrigin::None),
    };
    let ipv6 = dump.and_then(|dump| match dump.key {
        "file6" => read(&mut table.file6, context.file, problems),
        _ => table.text6.value.take(),
    });
    crate::read::family::check(
        origin.as_ref(),
        chosen,
        ipv6.as_ref().zip(dump),
        context.families,
        problems,
    );
    Some(Rules {
        chosen: chosen.clone(),
        origin,
        ipv6,
    })
}

/// The rules, or the sets, in the file that a key names.
fn read(key: &mut Key<String>, file: &ScenarioFile<'_>, problems: &mut Problems) -> Option<Source> {
    source(&take(key).at()?, file, problems)
}
