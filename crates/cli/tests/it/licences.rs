//! Holds the licences and sources of all dependencies against deny.toml, without cargo-deny: it is the one list of both.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand};

use crate::support::root;

/// What deny.toml allows.
struct Allowed {
    everywhere: BTreeSet<String>,
    /// By the name of a crate.
    exceptions: BTreeMap<String, BTreeSet<String>>,
}

impl Allowed {
    fn read() -> Allowed {
        let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml is there");
        let file: toml::Table = text.parse().expect("deny.toml is TOML");
        let licenses = &file["licenses"];
        let exceptions = licenses["exceptions"].as_array().expect("a list");
        Allowed {
            everywhere: words(&licenses["allow"]),
            exceptions: exceptions
                .iter()
                .map(|one| {
                    let name = one["crate"].as_str().expect("a crate's name");
                    (name.to_owned(), words(&one["allow"]))
                })
                .collect(),
        }
    }

    fn allows(&self, package: &str, licence: &str) -> bool {
        let exception = self.exceptions.get(package);
        self.everywhere.contains(licence) || exception.is_some_and(|them| them.contains(licence))
    }
}

fn words(list: &toml::Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list of licences");
    list.iter()
        .map(|word| word.as_str().expect("a licence's name").to_owned())
        .collect()
}

/// Whether an SPDX expression can be met with what is allowed. `/` is how crates wrote OR once; AND binds more than OR.
fn is_met(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut tokens: Vec<&str> = spaced.split_whitespace().rev().collect();
    let met = any_of(&mut tokens, allowed);
    assert!(tokens.is_empty(), "not understood: {expression}");
    met
}

fn any_of(tokens: &mut Vec<&str>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = all_of(tokens, allowed);
    while tokens.pop_if(|token| *token == "OR").is_some() {
        met |= all_of(tokens, allowed);
    }
    met
}

fn all_of(tokens: &mut Vec<&str>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = one(tokens, allowed);
    while tokens.pop_if(|token| *token == "AND").is_some() {
        met &= one(tokens, allowed);
    }
    met
}

fn one(tokens: &mut Vec<&str>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let token = tokens.pop().expect("a licence");
    if token == "(" {
        let met = any_of(tokens, allowed);
        assert_eq!(tokens.pop(), Some(")"));
        return met;
    }
    // With an exception it is another licence.
    match tokens.pop_if(|token| *token == "WITH") {
        Some(_) => {
            let exception = tokens.pop().expect("an exception");
            allowed(&format!("{token} WITH {exception}"))
        }
        None => allowed(token),
    }
}

/// Everything that is built here. Crates for other systems need not be on this machine, and without a network cargo could not
/// say what their licence is.
fn metadata() -> Metadata {
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc");
    let about = String::from_utf8(rustc.stdout).expect("it is text");
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let options = ["--offline", "--locked", "--filter-platform"];
    let options = options.into_iter().chain(host).map(str::to_owned);
    MetadataCommand::new()
        .current_dir(root())
        .other_options(options.collect::<Vec<String>>())
        .exec()
        .expect("cargo metadata")
}

#[test]
fn every_licence_and_source_is_one_that_deny_toml_allows() {
    let allowed = Allowed::read();
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for package in &metadata().packages {
        let (name, version) = (package.name.as_str(), &package.version);
        match &package.license {
            Some(licence) if is_met(licence, &|word| allowed.allows(name, word)) => {
                used.extend(allowed.everywhere.iter().filter(|word| {
                    // It is used where the expression could not be met without it.
                    !is_met(licence, &|other| {
                        other != *word && allowed.allows(name, other)
                    })
                }));
            }
            Some(licence) => wrong.push(format!("{name} {version}: {licence}")),
            None => wrong.push(format!("{name} {version}: no licence is told")),
        }
        if let Some(source) = package.source.as_ref().filter(|it| !it.is_crates_io()) {
            wrong.push(format!("{name} {version}: it comes from {source}"));
        }
    }
    assert!(wrong.is_empty(), "deny.toml does not allow: {wrong:#?}");
    let unused: Vec<_> = allowed
        .everywhere
        .iter()
        .filter(|it| !used.contains(it))
        .collect();
    assert!(
        unused.is_empty(),
        "deny.toml allows and nothing needs: {unused:?}"
    );
}

#[test]
fn expressions_are_read_as_spdx_has_them() {
    let met = |expression| is_met(expression, &|word| word == "MIT" || word == "ISC");
    for good in [
        "MIT",
        "GPL-3.0-only OR MIT",
        "X/MIT",
        "MIT AND (X OR ISC)",
        "X AND Y OR ISC",
    ] {
        assert!(met(good), "{good}");
    }
    for bad in [
        "X",
        "MIT AND X",
        "MIT WITH X",
        "(MIT OR ISC) AND X",
        "X AND (MIT OR ISC)",
    ] {
        assert!(!met(bad), "{bad}");
    }
}
