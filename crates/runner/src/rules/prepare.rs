use std::collections::BTreeSet;
use std::sync::Arc;

use fwlab_fabric::Fabric;
use fwlab_model::ruleset::native::{NativeListing, NativeScript};
use fwlab_model::ruleset::{Mistakes, Ruleset, Side, Source, correspond, generate, parse};
use fwlab_model::{Backend, Family, NodeName, NodeSpec, TableFamily, Topology};

use super::error::PrepareError;
use super::interfaces::strange_interfaces;
use super::loader::{Loader, words_of};
use super::{Listed, Part, PreparedRuleset, lacks};
use crate::scenario::{RulesOrigin, RulesetEntry, Scenario};

/// Rules as they were read, before they are tried.
enum Wanted {
    Iptables(Backend, Ruleset),
    Native(NativeScript),
}

impl Loader {
    /// Makes a ruleset of a scenario ready to be loaded through a backend: parses it, and
    /// proves in a throwaway node that it loads, and that what the kernel then lists is
    /// what was asked.
    ///
    /// # Errors
    /// When it has mistakes, or does not load in full.
    pub async fn prepare(
        &self,
        scenario: &Scenario,
        ruleset: usize,
        backend: Backend,
    ) -> Result<PreparedRuleset, PrepareError> {
        let entry = &scenario.rulesets[ruleset];
        let mut prepared = PreparedRuleset {
            lacks: lacks(entry, backend),
            ..PreparedRuleset::default()
        };
        if prepared.lacks.is_some() {
            return Ok(prepared);
        }
        let wanted = wanted(scenario, entry, backend)?;
        for rules in &wanted {
            let named = match rules {
                Wanted::Iptables(_, rules) => rules.interfaces_used(),
                Wanted::Native(script) => script.interfaces_used(),
            };
            prepared
                .notes
                .extend(strange_interfaces(named, &scenario.stage));
        }
        let node = &scenario.stage.firewall;
        for rules in &wanted {
            match rules {
                Wanted::Native(script) => {
                    let proven = self
                        .prove_script(&entry.name, &scenario.stage, script)
                        .await?;
                    prepared.parts.push(proven.part);
                    prepared.impurities.extend(proven.impurities);
                    prepared.notes.extend(proven.notes);
                }
                Wanted::Iptables(backend, rules) => {
                    let impurities = rules.impurities();
                    prepared
                        .impurities
                        .extend(impurities.iter().map(ToString::to_string));
                    for family in rules.families() {
                        let part = self
                            .prove(&entry.name, node, *backend, family, rules)
                            .await?;
                        prepared.parts.push(part);
                    }
                }
            }
        }
        match shared_table(&prepared.parts) {
            None => Ok(prepared),
            Some((family, table)) => Err(PrepareError::SharedTable {
                ruleset: entry.name.clone(),
                family,
                table,
            }),
        }
    }

    async fn prove(
        &self,
        name: &str,
        node: &NodeName,
        backend: Backend,
        family: Family,
        rules: &Ruleset,
    ) -> Result<Part, PrepareError> {
        let rendered = rules.render(family);
        let input: Arc<str> = rendered.text().into();
        let text = rules.source(family).cloned();
        let listing = match Loader::proven(backend, family, &input) {
            Some(listing) => listing,
            None => {
                let failed = |source| PrepareError::Fabric {
                    ruleset: name.into(),
                    source,
                };
                let topology = Topology {
                    nodes: vec![NodeSpec::new(node.clone())],
                    links: Vec::new(),
                };
                let fabric = Fabric::build(&topology).await.map_err(failed)?;
                let throwaway = fabric
                    .nodes()
                    .next()
                    .expect("a topology of one node has one");
                let failed = |source| PrepareError::Load {
                    ruleset: name.into(),
                    source,
                };
                let (loader, output) = self
                    .restore_text(throwaway, backend, family, &input)
                    .await
                    .map_err(failed)?;
                if !output.status.success() {
                    let words = words_of(&output);
                    let complaints = rendered.complaints(&words);
                    return Err(PrepareError::Refused {
                        ruleset: name.into(),
                        loader,
                        complaints,
                        words,
                        text,
                    });
                }
                let listing = Arc::new(
                    self.save(throwaway, backend, family)
                        .await
                        .map_err(failed)?,
                );
                Loader::remember(backend, family, &input, &listing);
                listing
            }
        };
        let lines = correspond(rules, &listing).map_err(|differences| PrepareError::Differs {
            ruleset: name.into(),
            loader: format!("{}-{backend}-restore", super::tools::command(family)),
            differences,
            text,
        })?;
        Ok(Part {
            node: node.clone(),
            input,
            listed: Listed::Iptables {
                backend,
                family,
                listing,
            },
            lines: Arc::new(lines),
        })
    }
}

/// Reads the rules of a ruleset and those beside it, in the order in which they are loaded: a script of nft may begin
/// with `flush ruleset`, so it goes first, and what is beside it stands beside it.
fn wanted(
    scenario: &Scenario,
    entry: &RulesetEntry,
    backend: Backend,
) -> Result<Vec<Wanted>, PrepareError> {
    let family = scenario.stage.family();
    let mut wanted = Vec::new();
    match (&entry.origin, backend) {
        (RulesOrigin::None, _) => {}
        (RulesOrigin::Written(source), Backend::Native) if !entry.helper => {
            wanted.push(Wanted::Native(NativeScript::read(source)?));
        }
        (_, Backend::Native) => {
            return Err(PrepareError::NoScript {
                ruleset: entry.name.clone(),
            });
        }
        (origin, backend) => {
            let mut rules = match origin {
                RulesOrigin::Written(source) => read(source, family, entry.skip_refused_lines)?,
                RulesOrigin::Generated(policy) => generate(policy, family),
                RulesOrigin::None => Ruleset::default(),
            };
            if entry.helper {
                let side = side_of(&scenario.stage.firewall);
                rules = rules.with_helper(side, scenario.server.control_port, family);
            }
            wanted.push(Wanted::Iptables(backend, rules));
        }
    }
    match &entry.beside {
        None => {}
        Some((Backend::Native, source)) => {
            wanted.insert(0, Wanted::Native(NativeScript::read(source)?));
        }
        Some((backend, source)) => {
            let rules = read(source, family, entry.skip_refused_lines)?;
            wanted.push(Wanted::Iptables(*backend, rules));
        }
    }
    Ok(wanted)
}

/// A table that a script of nft makes and that rules of iptables-nft, or of another script, are in, too.
fn shared_table(parts: &[Part]) -> Option<(TableFamily, String)> {
    let mut seen: BTreeSet<(TableFamily, String)> = BTreeSet::new();
    let of_native = |listing: &NativeListing| -> Vec<(TableFamily, String)> {
        let tables = listing.tables();
        tables
            .map(|(family, table)| (family, table.to_owned()))
            .collect()
    };
    let tables = parts.iter().flat_map(|part| match &part.listed {
        Listed::Native(listing) => of_native(listing),
        Listed::Iptables {
            backend: Backend::Nft,
            family,
            listing,
        } => {
            let family = match family {
                Family::Ipv4 => TableFamily::Ip,
                Family::Ipv6 => TableFamily::Ip6,
            };
            listing
                .tables()
                .map(|table| (family, table.word().to_owned()))
                .collect()
        }
        Listed::Iptables { .. } => Vec::new(),
    });
    let mut tables = tables;
    tables.find(|table| !seen.insert(table.clone()))
}

/// Parses a source; where refused lines are to be left out, goes on without them, as a
/// shell script goes on after a command that failed.
fn read(source: &Source, family: Family, skip_refused_lines: bool) -> Result<Ruleset, Mistakes> {
    let mistakes = match parse(source, family) {
        Ok(parsed) => return Ok(parsed.ruleset),
        Err(mistakes) if !skip_refused_lines => return Err(mistakes),
        Err(mistakes) => mistakes,
    };
    let refused: BTreeSet<usize> = mistakes
        .told()
        .iter()
        .map(|mistake| mistake.line() as usize)
        .collect();
    let text = String::from_utf8_lossy(&source.text);
    let kept: Vec<&str> = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            if refused.contains(&(index + 1)) {
                ""
            } else {
                line
            }
        })
        .collect();
    parse(
        &Source::new(source.name.clone(), kept.join("\n").into_bytes()),
        family,
    )
    .map(|parsed| parsed.ruleset)
}

fn side_of(firewall: &NodeName) -> Side {
    match firewall.as_str() {
        "client" => Side::Client,
        "server" => Side::Server,
        _ => Side::Gateway,
    }
}
