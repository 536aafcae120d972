use std::collections::BTreeSet;
use std::sync::Arc;

use fwlab_fabric::Fabric;
use fwlab_model::ruleset::native::{NativeListing, NativeScript};
use fwlab_model::ruleset::{Mistakes, Parsed, Ruleset, Source, correspond, generate, parse};
use fwlab_model::{NodeSpec, Topology};
use fwlab_record::{Backend, Family, NodeName, TableFamily};

use super::error::PrepareError;
use super::image::examine;
use super::interfaces::strange_interfaces;
use super::loader::{Loader, PROVEN, words_of};
use super::{Doubt, Listed, Part, PreparedRuleset, lacks};
use crate::scenario::{RulesOrigin, RulesetEntry, Scenario};

/// Rules as they were read, before they are tried, and the node that is to load them.
struct Wanted<'a> {
    node: &'a NodeName,
    rules: Rules,
}

enum Rules {
    Iptables(Backend, Ruleset),
    Native(NativeScript),
}

impl Loader {
    /// Makes a ruleset of a scenario ready to be loaded through a backend: parses it, and
    /// proves in a throwaway node that it loads, and that what the kernel then lists is
    /// what was asked. Of what an image loads by itself, whether it can be started.
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
        if let RulesOrigin::Image(rules) = &entry.origin {
            return examine(rules).await;
        }
        let wanted = wanted(scenario, entry, backend, &mut prepared.notes)?;
        for Wanted { node, rules } in &wanted {
            let named = match rules {
                Rules::Iptables(_, rules) => rules.interfaces_used(),
                Rules::Native(script) => script.interfaces_used(),
            };
            let strange = strange_interfaces(named, &scenario.stage, node);
            prepared.notes.extend(strange);
        }
        for Wanted { node, rules } in &wanted {
            match rules {
                Rules::Native(script) => {
                    let proven = self
                        .prove_script(&entry.name, &scenario.stage, node, script)
                        .await?;
                    prepared.parts.push(proven.part);
                    prepared.doubts.extend(proven.doubts);
                    prepared.by_port.extend(at(node, proven.by_port));
                    prepared.by_push.extend(at(node, proven.by_push));
                    prepared.notes.extend(proven.notes);
                }
                Rules::Iptables(backend, rules) => {
                    if rules.is_unreached() {
                        prepared.notes.push(UNREACHED.to_owned());
                    }
                    prepared.by_port.extend(at(node, rules.by_port()));
                    prepared.by_push.extend(at(node, rules.by_push()));
                    let impurities = rules.impurities();
                    prepared
                        .doubts
                        .extend(Doubt::of_iptables(node, *backend, impurities));
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
        let key = (backend, family, Arc::clone(&input));
        let listing = match PROVEN.get(&key) {
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
                PROVEN.insert(key, Arc::clone(&listing));
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

/// A part of a ruleset, most likely: ufw's `user.rules`, for one.
const UNREACHED: &str = "no built-in chain has a rule, so no packet comes to one of these: are they a part of a ruleset? \
                         `iptables-save` prints all of it";

fn at<R>(node: &NodeName, rules: Vec<R>) -> impl Iterator<Item = (NodeName, R)> {
    rules.into_iter().map(|rule| (node.clone(), rule))
}

/// Reads the rules of a ruleset, those beside it and those of other nodes.
fn wanted<'a>(
    scenario: &'a Scenario,
    entry: &'a RulesetEntry,
    backend: Backend,
    notes: &mut Vec<String>,
) -> Result<Vec<Wanted<'a>>, PrepareError> {
    let mut wanted = Vec::new();
    let firewall = entry.at.as_ref().or(scenario.stage.firewall.as_ref());
    if let Some(node) = firewall {
        let own = Written {
            origin: &entry.origin,
            ipv6: entry.ipv6.as_ref(),
            helper: entry.helper,
        };
        let mut here = own.read(scenario, entry, node, backend, notes)?;
        match &entry.beside {
            None => {}
            // It may begin with `flush ruleset`, so it goes first, and what is beside it stands beside it.
            Some((Backend::Native, source)) => {
                here.insert(0, Rules::Native(NativeScript::read(source)?));
            }
            Some((backend, source)) => {
                let rules = read(source, Family::Ipv4, entry.skip_refused_lines, notes)?;
                here.push(Rules::Iptables(*backend, rules));
            }
        }
        wanted.extend(here.into_iter().map(|rules| Wanted { node, rules }));
    }
    for also in &entry.also {
        let there = Written {
            origin: &also.origin,
            ipv6: also.ipv6.as_ref(),
            helper: also.helper,
        };
        let there = there.read(scenario, entry, &also.at, backend, notes)?;
        let node = &also.at;
        wanted.extend(there.into_iter().map(|rules| Wanted { node, rules }));
    }
    Ok(wanted)
}

/// The rules of one node as they are written.
struct Written<'a> {
    origin: &'a RulesOrigin,
    ipv6: Option<&'a Source>,
    helper: bool,
}

impl Written<'_> {
    fn read(
        &self,
        scenario: &Scenario,
        entry: &RulesetEntry,
        node: &NodeName,
        backend: Backend,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Rules>, PrepareError> {
        let families = &scenario.matrix.families;
        let skip = entry.skip_refused_lines;
        let mut rulesets: Vec<Ruleset> = match (self.origin, backend) {
            // It loads them itself.
            (RulesOrigin::Image(_), _) => return Ok(Vec::new()),
            (RulesOrigin::None, Backend::Native) if self.ipv6.is_none() => return Ok(Vec::new()),
            (RulesOrigin::Written(source), Backend::Native) if !self.helper => {
                return Ok(vec![Rules::Native(NativeScript::read(source)?)]);
            }
            (_, Backend::Native) => {
                return Err(PrepareError::NoScript {
                    ruleset: entry.name.clone(),
                });
            }
            (RulesOrigin::None, _) => Vec::new(),
            (RulesOrigin::Written(source), _) => vec![read(source, Family::Ipv4, skip, notes)?],
            (RulesOrigin::Generated(policy), _) => families
                .iter()
                .map(|family| generate(policy, *family))
                .collect(),
        };
        if let Some(source) = self.ipv6 {
            rulesets.push(read(source, Family::Ipv6, skip, notes)?);
        }
        if self.helper {
            let side = scenario.stage.side_of(node);
            let port = (scenario.stage).control_port_at(side, scenario.server.control_port);
            for &family in families {
                let holds = |ruleset: &Ruleset| ruleset.families().any(|one| one == family);
                // Two rulesets of one family would replace each other's tables.
                let place = rulesets.iter().position(holds);
                let rules = place.map_or_else(Ruleset::default, |place| rulesets.remove(place));
                rulesets.push(rules.with_helper(side, port, family));
            }
        }
        let iptables = |rules| Rules::Iptables(backend, rules);
        Ok(rulesets.into_iter().map(iptables).collect())
    }
}

/// A table that a script of nft makes and that rules of iptables-nft, or of another script, are in, too, on one node.
fn shared_table(parts: &[Part]) -> Option<(TableFamily, String)> {
    let mut seen: BTreeSet<(&NodeName, TableFamily, String)> = BTreeSet::new();
    let of_native = |listing: &NativeListing| -> Vec<(TableFamily, String)> {
        let tables = listing.tables();
        tables
            .map(|(family, table)| (family, table.to_owned()))
            .collect()
    };
    let tables_of = |part: &Part| match &part.listed {
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
    };
    let mut tables = parts.iter().flat_map(|part| {
        let tables = tables_of(part).into_iter();
        tables.map(|(family, table)| (&part.node, family, table))
    });
    let (_, family, table) = tables.find(|table| !seen.insert(table.clone()))?;
    Some((family, table))
}

/// Parses a source; where refused lines are to be left out, goes on without them, as a
/// shell script goes on after a command that failed.
fn read(
    source: &Source,
    family: Family,
    skip_refused_lines: bool,
    notes: &mut Vec<String>,
) -> Result<Ruleset, Mistakes> {
    let mut with_notes = |parsed: Parsed| {
        let told = parsed.notes.iter();
        notes.extend(told.map(|note| format!("{}: {note}", source.name)));
        parsed.ruleset
    };
    let mistakes = match parse(source, family) {
        Ok(parsed) => return Ok(with_notes(parsed)),
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
            if refused.contains(&(index + source.begins.0 as usize)) {
                ""
            } else {
                line
            }
        })
        .collect();
    let kept = Source {
        text: kept.join("\n").into_bytes(),
        ..source.clone()
    };
    parse(&kept, family).map(with_notes)
}
