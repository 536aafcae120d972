use std::collections::BTreeSet;
use std::sync::Arc;

use fwlab_model::ruleset::native::{NativeListing, NativeScript};
use fwlab_model::ruleset::{ByPort, Mistakes, Ruleset, Sets, Source, dump_family, generate, parse};
use fwlab_record::{Backend, Family, NodeName, TableFamily};
use fwlab_scenario::{RulesOrigin, RulesetEntry, Scenario};

use super::error::PrepareError;
use super::image::examine;
use super::interfaces::strange_interfaces;
use super::loader::Loader;
use super::node_ruleset::forget_single_file;
use super::sets::{NO_IPSET, SetsAt};
use super::{Listed, NodeRuleset, PreparedRuleset, lacks};

/// Rules as they were read, before they are tried, and the node that is to load them.
struct Pending<'a> {
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
    ) -> Result<PreparedRuleset, Vec<PrepareError>> {
        let entry = &scenario.rulesets[ruleset];
        let mut prepared = PreparedRuleset {
            lacks: lacks(entry, backend),
            ..PreparedRuleset::default()
        };
        if prepared.lacks.is_some() {
            return Ok(prepared);
        }
        if let RulesOrigin::Image(rules) = &entry.origin {
            return examine(rules).await.map_err(|error| vec![error]);
        }
        let mut read = Reading::default();
        let wanted = wanted(scenario, entry, backend, &mut read).map_err(|error| vec![error])?;
        prepared.notes.append(&mut read.notes);
        if let Some(source) = &entry.sets
            && let Some(node) = entry.at.as_ref().or(scenario.deployment.firewall.as_ref())
        {
            read.sets
                .insert(0, (node.clone(), Arc::new(Sets::read(source))));
        }
        prepared.sets = std::mem::take(&mut read.sets);
        if !prepared.sets.is_empty() && !self.makes_sets() {
            prepared.lacks = Some(NO_IPSET.to_owned());
            return Ok(prepared);
        }
        let mut errors: Vec<PrepareError> = read
            .mistakes
            .into_iter()
            .map(PrepareError::Mistakes)
            .collect();
        for Pending { node, rules } in &wanted {
            let named = match rules {
                Rules::Iptables(_, rules) => rules.interfaces_used(),
                Rules::Native(script) => script.interfaces_used(),
            };
            let strange = strange_interfaces(named, &scenario.deployment, node);
            prepared.notes.extend(strange);
        }
        if let Err(refused) = self.prove_sets(&entry.name, &prepared.sets).await {
            errors.push(refused);
            return Err(errors);
        }
        for Pending { node, rules } in &wanted {
            let proven = match rules {
                Rules::Native(script) => self
                    .prove_script(&entry.name, &scenario.deployment, node, script)
                    .await
                    .map(|proven| vec![proven]),
                Rules::Iptables(backend, rules) => {
                    let here = prepared.sets.iter().filter(|(at, _)| *at == **node);
                    let sets: Vec<SetsAt> = here.cloned().collect();
                    let skips = entry.skip_refused_lines;
                    self.prove(&entry.name, node, *backend, rules, (&sets, skips))
                        .await
                }
            };
            match proven {
                Err(error) => errors.push(error),
                Ok(proven) => {
                    for proven in proven {
                        prepared.parts.push(proven.part);
                        prepared.doubts.extend(proven.doubts);
                        let by_port = proven.by_port.into_iter();
                        let by_port = by_port.filter(|rule| tells_ports_apart(rule, scenario));
                        prepared.by_port.extend(at(node, by_port.collect()));
                        prepared.by_push.extend(at(node, proven.by_push));
                        prepared.notes.extend(proven.notes);
                    }
                }
            }
        }
        joined(&mut prepared.by_port);
        if !errors.is_empty() {
            return Err(errors);
        }
        forget_single_file(&mut prepared.parts);
        match shared_table(&prepared.parts) {
            None => Ok(prepared),
            Some((family, table)) => Err(vec![PrepareError::SharedTable {
                ruleset: entry.name.clone(),
                family,
                table,
            }]),
        }
    }
}

fn at<R>(node: &NodeName, rules: Vec<R>) -> impl Iterator<Item = (NodeName, R)> {
    rules.into_iter().map(|rule| (node.clone(), rule))
}

/// Reads the rules of a ruleset, those beside it and those of other nodes.
fn wanted<'a>(
    scenario: &'a Scenario,
    entry: &'a RulesetEntry,
    backend: Backend,
    read: &mut Reading,
) -> Result<Vec<Pending<'a>>, PrepareError> {
    let mut wanted = Vec::new();
    let firewall = entry.at.as_ref().or(scenario.deployment.firewall.as_ref());
    if let Some(node) = firewall {
        let own = Written {
            origin: &entry.origin,
            ipv6: entry.ipv6.as_ref(),
            helper: entry.helper,
        };
        let mut here = own.read(scenario, entry, node, backend, read)?;
        for (backend, source) in &entry.beside {
            // It may begin with `flush ruleset`, so it goes first, and what is beside it stands beside it.
            if *backend == Backend::Native {
                here.insert(0, Rules::Native(NativeScript::read(source)?));
                continue;
            }
            let family = dump_family(source).unwrap_or(Family::Ipv4);
            let rules = read.rules(node, source, family, entry.skip_refused_lines);
            here.push(Rules::Iptables(*backend, rules));
        }
        wanted.extend(here.into_iter().map(|rules| Pending { node, rules }));
    }
    for also in &entry.also {
        let there = Written {
            origin: &also.origin,
            ipv6: also.ipv6.as_ref(),
            helper: also.helper,
        };
        let there = there.read(scenario, entry, &also.at, backend, read)?;
        let node = &also.at;
        wanted.extend(there.into_iter().map(|rules| Pending { node, rules }));
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
        read: &mut Reading,
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
            (RulesOrigin::Written(source), _) => vec![read.rules(node, source, Family::Ipv4, skip)],
            (RulesOrigin::Generated(policy), _) => families
                .iter()
                .map(|family| generate(policy, *family))
                .collect(),
        };
        if let Some(source) = self.ipv6 {
            rulesets.push(read.rules(node, source, Family::Ipv6, skip));
        }
        if self.helper {
            let side = scenario.deployment.side_of(node);
            let port = (scenario.deployment).control_port_at(side, scenario.server.control_port);
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
fn shared_table(parts: &[NodeRuleset]) -> Option<(TableFamily, String)> {
    let mut seen: BTreeSet<(&NodeName, TableFamily, String)> = BTreeSet::new();
    let of_native = |listing: &NativeListing| -> Vec<(TableFamily, String)> {
        let tables = listing.tables();
        tables
            .map(|(family, table)| (family, table.to_owned()))
            .collect()
    };
    let tables_of = |part: &NodeRuleset| match &part.listed {
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

/// What reading sources told beside their rules.
#[derive(Default)]
struct Reading {
    notes: Vec<String>,
    sets: Vec<SetsAt>,
    mistakes: Vec<Mistakes>,
}

impl Reading {
    /// Reads a source; where refused lines are to be left out, goes on without them, as a
    /// shell script goes on after a command that failed.
    fn rules(&mut self, node: &NodeName, source: &Source, family: Family, skips: bool) -> Ruleset {
        let parsed = parse(source, family);
        let sets = parsed.sets.map(|sets| (node.clone(), Arc::new(sets)));
        self.sets.extend(sets);
        let told = parsed.notes.iter();
        self.notes
            .extend(told.map(|note| format!("{}: {note}", source.name)));
        match parsed.mistakes {
            Some(mistakes) if skips => self.notes.extend(left_out(&mistakes)),
            mistakes => self.mistakes.extend(mistakes),
        }
        parsed.ruleset
    }
}

/// What is said of lines that were refused, and that the ruleset goes without.
pub(super) fn left_out(mistakes: &Mistakes) -> impl Iterator<Item = String> {
    let name = mistakes.source().name();
    let told = mistakes.told().iter();
    told.map(move |mistake| format!("{name}: line {}: left out: {mistake}", mistake.line()))
}

/// Whether a rule tells some ports that a peer may pick from the rest. One port alone is mostly that of another service, but not
/// within a range that a peer keeps to.
fn tells_ports_apart(rule: &ByPort, scenario: &Scenario) -> bool {
    let is_kept = |(first, last): (u16, u16)| (first..=last).contains(&rule.ports.0);
    let active = scenario.client.active_ports.clone();
    !rule.is_single()
        || scenario.server.passive_ports.is_some_and(is_kept)
        || active.is_some_and(|ports| is_kept((*ports.start(), *ports.end())))
}

/// Makes one of rules about one port each that stand in one chain and follow one another: so NodePort has a range of two.
fn joined(rules: &mut Vec<(NodeName, ByPort)>) {
    rules.dedup_by(|(node, next), (before, rule)| {
        let follows = next.is_single()
            && (node, &next.rule.chain, next.end) == (before, &rule.rule.chain, rule.end)
            && rule.ports.1.checked_add(1) == Some(next.ports.0);
        if follows {
            rule.ports.1 = next.ports.1;
        }
        follows
    });
}
