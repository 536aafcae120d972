use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::by_push;
use super::effect::{self, Effect};
use super::expression::{self, Found};
use super::ports_apart::ports_apart;
use super::statements::Statements;
use super::{LAB_PRIORITY, LAB_TABLE, NativeImpurity, NativePlace};
use crate::ruleset::apart::{Apart, Members};
use crate::ruleset::by_port::PortEnd;
use crate::ruleset::correspond::Correspondence;
use crate::ruleset::only::{Only, PortRange};
use fwlab_record::{ChainId, RuleId, RuleOrdinal, TableFamily};

/// What the kernel has of nf_tables, as nft lists it, save the lab's own table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativeListing {
    by: Option<String>,
    tables: BTreeSet<(TableFamily, String)>,
    chains: BTreeMap<ChainId, NativeChain>,
    /// Sets and maps that are not what they are for good, and why.
    sets: Vec<(SetId, Found)>,
}

/// A named set or map.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SetId {
    kind: &'static str,
    family: TableFamily,
    table: String,
    name: String,
}

impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SetId {
            kind,
            family,
            table,
            name,
        } = self;
        write!(f, "{kind} {family}/{table}/{name}")
    }
}

/// A chain of nft as the kernel has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativeChain {
    hook: String,
    is_before_trace: bool,
    rules: Vec<NativeRule>,
}

impl NativeChain {
    /// The hook and the policy as they are listed, `type filter hook input priority filter; policy drop;`.
    /// Empty where the chain is on no hook.
    pub fn hook(&self) -> &str {
        &self.hook
    }

    /// Whether it acts before the lab's trace begins: at a device's ingress, or before [`LAB_PRIORITY`].
    pub fn is_before_trace(&self) -> bool {
        self.is_before_trace
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[NativeRule] {
        &self.rules
    }
}

/// A rule of nft as the kernel has it.
///
/// Two rules are equal when they say the same.
#[derive(Debug, Clone)]
pub struct NativeRule {
    handle: u64,
    statement: String,
    rejects: Option<bool>,
    sets_trace: bool,
    impurities: Found,
    effect: Effect,
    only: Only,
    /// The destination ports of TCP in the named sets that it looks in: sets may change, so [`Only`] has none of them.
    ports_apart: Vec<(PortEnd, PortRange)>,
    /// Whether it tells segments of data apart by PSH.
    looks_at_push: bool,
    translates: bool,
    /// The named sets and maps that it mentions.
    sets: Vec<String>,
    /// Which hosts it tells apart.
    apart: Apart,
    /// The chains that it leads to, by itself or by a verdict map.
    targets: Vec<String>,
    /// What it asks beyond what a transfer can meet, and whether it ends every packet's way.
    asks: (Option<String>, bool),
}

impl PartialEq for NativeRule {
    fn eq(&self, other: &NativeRule) -> bool {
        // All else is read from what it says.
        self.statement == other.statement && self.impurities == other.impurities
    }
}

impl Eq for NativeRule {}

impl NativeRule {
    /// The number by which the kernel knows it.
    pub(super) fn handle(&self) -> u64 {
        self.handle
    }

    /// The rule as it is listed, `tcp dport 21 accept`.
    pub fn statement(&self) -> &str {
        &self.statement
    }

    /// Whether the sender of a packet that the rule stops is told so. Nothing where the rule may do
    /// either: a verdict map that drops beside a `reject`, or a target of iptables, which nft does not name.
    pub fn rejects(&self) -> Option<bool> {
        self.rejects
    }

    /// Whether it gives a connection another destination.
    pub fn translates(&self) -> bool {
        self.translates
    }

    /// Which hosts it tells apart.
    pub(in crate::ruleset) fn apart(&self) -> &Apart {
        &self.apart
    }

    /// The chains that it leads to.
    pub(in crate::ruleset) fn targets(&self) -> &[String] {
        &self.targets
    }

    /// What it asks beyond what a transfer can meet, and whether it ends every packet's way.
    pub(in crate::ruleset) fn asks(&self) -> (Option<&str>, bool) {
        (self.asks.0.as_deref(), self.asks.1)
    }

    /// Which packets it looks at.
    pub(in crate::ruleset) fn only(&self) -> &Only {
        &self.only
    }

    /// Whether the rule says itself which packets are traced (`meta nftrace set`).
    pub fn sets_trace(&self) -> bool {
        self.sets_trace
    }
}

/// Why what nft lists cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NativeListingError {
    /// It is no JSON.
    #[error("it is not JSON")]
    Json(#[from] serde_json::Error),
    /// Something in it lacks what it must have.
    #[error("a {0} in it lacks its {1}, or has one that is not known")]
    Lacks(&'static str, &'static str),
}

impl NativeListing {
    /// Reads what `nft -j -a list ruleset` and `nft -a list ruleset` wrote: the rules from the first, and how each is
    /// written from the second.
    ///
    /// # Errors
    /// When the first is not what nft writes.
    pub fn parse(json: &str, text: &str) -> Result<NativeListing, NativeListingError> {
        let json: Value = serde_json::from_str(json)?;
        let mut statements = Statements::read(text);
        let mut listing = NativeListing::default();
        let objects = json.get("nftables").and_then(Value::as_array);
        let objects = objects.ok_or(NativeListingError::Lacks("ruleset", "objects"))?;
        let mut members = Members::new();
        for (kind, body) in objects.iter().filter_map(Value::as_object).flatten() {
            if kind == "set" || kind == "map" {
                let id = (family(body, "set")?, name(body, "set", "table")?);
                let listed = body.get("elem").and_then(Value::as_array);
                members.insert((id.0, id.1, name(body, "set", "name")?), listed);
            }
        }
        for (kind, body) in objects.iter().filter_map(Value::as_object).flatten() {
            let table = if kind == "table" { "name" } else { "table" };
            if body["family"] == "inet" && body[table] == LAB_TABLE {
                continue;
            }
            match kind.as_str() {
                "metainfo" => {
                    let version = body.get("version").and_then(Value::as_str);
                    listing.by = version.map(|version| format!("nft {version}"));
                }
                "table" => {
                    let table = (family(body, "table")?, name(body, "table", "name")?);
                    listing.tables.insert(table);
                }
                "chain" => {
                    let id = ChainId {
                        family: family(body, "chain")?,
                        table: name(body, "chain", "table")?,
                        chain: name(body, "chain", "name")?,
                    };
                    let hook = statements.hook(&id).unwrap_or_default();
                    let chain = listing.chains.entry(id).or_default();
                    chain.hook = hook;
                    chain.is_before_trace = is_before_trace(body);
                }
                "rule" => {
                    let id = ChainId {
                        family: family(body, "rule")?,
                        table: name(body, "rule", "table")?,
                        chain: name(body, "rule", "chain")?,
                    };
                    let handle = body.get("handle").and_then(Value::as_u64);
                    let handle = handle.ok_or(NativeListingError::Lacks("rule", "handle"))?;
                    let statement = statements.rule(&id, handle);
                    let rule = rule(body, handle, statement, (&id, &members))?;
                    listing.chains.entry(id).or_default().rules.push(rule);
                }
                "set" | "map" => {
                    let mut found = Found::new();
                    expression::set(body, &mut found);
                    if !found.is_empty() {
                        let id = SetId {
                            kind: if kind == "set" { "set" } else { "map" },
                            family: family(body, "set")?,
                            table: name(body, "set", "table")?,
                            name: name(body, "set", "name")?,
                        };
                        listing.sets.push((id, found));
                    }
                }
                _ => {}
            }
        }
        Ok(listing)
    }

    /// The program that wrote it, and its version: `nft 1.0.6`.
    pub fn by(&self) -> Option<&str> {
        self.by.as_deref()
    }

    /// Whether there is such a table.
    pub fn has_table(&self, family: TableFamily, name: &str) -> bool {
        self.tables().any(|table| table == (family, name))
    }

    /// The tables.
    pub fn tables(&self) -> impl Iterator<Item = (TableFamily, &str)> {
        self.tables
            .iter()
            .map(|(family, name)| (*family, name.as_str()))
    }

    /// The chains, in order of table and name.
    pub fn chains(&self) -> impl Iterator<Item = (&ChainId, &NativeChain)> {
        self.chains.iter()
    }

    /// A chain.
    pub fn chain(&self, id: &ChainId) -> Option<&NativeChain> {
        self.chains.get(id)
    }

    /// A rule by its place.
    pub fn rule(&self, id: &RuleId) -> Option<&NativeRule> {
        let RuleOrdinal(ordinal) = id.ordinal;
        let rules = &self.chain(&id.chain)?.rules;
        rules.get((ordinal as usize).checked_sub(1)?)
    }

    /// The chains that a rule leads to from another.
    pub(in crate::ruleset) fn jumps(&self) -> impl Iterator<Item = (ChainId, ChainId)> {
        self.chains.iter().flat_map(|(from, listed)| {
            let targets = listed.rules.iter().flat_map(|rule| &rule.targets);
            targets.map(|target| {
                let chain = target.clone();
                let to = ChainId {
                    chain,
                    ..from.clone()
                };
                (from.clone(), to)
            })
        })
    }

    /// Each rule's chain and place, and the ports of TCP that it tells from others.
    pub(in crate::ruleset) fn ports_apart(
        &self,
    ) -> impl Iterator<Item = (&ChainId, u32, &[(PortEnd, PortRange)])> {
        self.chains.iter().flat_map(|(chain, listed)| {
            let rules = listed.rules.iter().zip(1..);
            rules.map(move |(rule, ordinal)| (chain, ordinal, &rule.ports_apart[..]))
        })
    }

    /// The rules that decide by PSH on segments of data, and the packets that each looks at.
    pub(in crate::ruleset) fn deciding_by_push(&self) -> impl Iterator<Item = (RuleId, &Only)> {
        self.chains.iter().flat_map(move |(chain, listed)| {
            let rules = listed.rules.iter().zip(1..).filter(move |(rule, _)| {
                rule.looks_at_push && self.decides(chain, rule, &mut Vec::new())
            });
            rules.map(move |(rule, ordinal)| {
                let id = RuleId {
                    chain: chain.clone(),
                    ordinal: RuleOrdinal(ordinal),
                };
                (id, &rule.only)
            })
        })
    }

    /// What makes the ruleset *impure*: every statement and expression by which a packet sent again may be decided on
    /// otherwise. Empty for a *pure* one. What is not known to be pure is taken for impure.
    pub fn impurities(&self, lines: &Correspondence) -> Vec<NativeImpurity> {
        let rules = self.chains.iter().flat_map(|(chain, listed)| {
            listed.rules.iter().zip(1..).flat_map(|(rule, ordinal)| {
                let id = RuleId {
                    chain: chain.clone(),
                    ordinal: RuleOrdinal(ordinal),
                };
                let source_line = lines.source_of(&id);
                let decides_in: Vec<_> = self
                    .decides(chain, rule, &mut Vec::new())
                    .then(|| (id.clone(), rule.only.clone()))
                    .into_iter()
                    .collect();
                rule.impurities
                    .iter()
                    .map(move |(what, why)| NativeImpurity {
                        place: NativePlace::Rule(id.clone()),
                        source_line,
                        what: what.clone(),
                        why: *why,
                        decides_in: decides_in.clone(),
                    })
            })
        });
        let sets = self.sets.iter().flat_map(|(set, found)| {
            let decides_in: Vec<_> = self.mentions(set).collect();
            found.iter().map(move |(what, why)| NativeImpurity {
                place: NativePlace::Set(set.to_string()),
                source_line: None,
                what: what.clone(),
                why: *why,
                decides_in: decides_in.clone(),
            })
        });
        rules.chain(sets).collect()
    }

    /// The rules that mention a set or map, and decide by it.
    fn mentions<'a>(&'a self, set: &'a SetId) -> impl Iterator<Item = (RuleId, Only)> + 'a {
        self.chains
            .iter()
            .filter(|(chain, _)| chain.family == set.family && chain.table == set.table)
            .flat_map(move |(chain, listed)| {
                let rules = listed.rules.iter().zip(1..);
                rules
                    .filter(|(rule, _)| {
                        rule.sets.contains(&set.name) && self.decides(chain, rule, &mut Vec::new())
                    })
                    .map(move |(rule, ordinal)| {
                        let id = RuleId {
                            chain: chain.clone(),
                            ordinal: RuleOrdinal(ordinal),
                        };
                        (id, rule.only.clone())
                    })
            })
    }

    /// Whether a rule decides what becomes of a packet, or changes it.
    fn decides(&self, chain: &ChainId, rule: &NativeRule, asked: &mut Vec<ChainId>) -> bool {
        match &rule.effect {
            Effect::Idle => false,
            Effect::Decides => true,
            Effect::Returns => self.chain_decides(chain, asked),
            Effect::Jumps(target) => {
                let target = ChainId {
                    chain: target.clone(),
                    ..chain.clone()
                };
                self.chain_decides(&target, asked)
            }
        }
    }

    fn chain_decides(&self, id: &ChainId, asked: &mut Vec<ChainId>) -> bool {
        let Some(chain) = self.chain(id).filter(|chain| chain.hook.is_empty()) else {
            return true;
        };
        if asked.contains(id) {
            return false;
        }
        asked.push(id.clone());
        let mut rules = chain.rules.iter();
        rules.any(|rule| self.decides(id, rule, asked))
    }
}

fn rule(
    body: &Value,
    handle: u64,
    statement: Option<String>,
    (chain, members): (&ChainId, &Members<'_>),
) -> Result<NativeRule, NativeListingError> {
    let statements = body.get("expr").and_then(Value::as_array);
    let statements = statements.ok_or(NativeListingError::Lacks("rule", "expressions"))?;
    let mut impurities = Found::new();
    for statement in statements {
        expression::statement(statement, &mut impurities);
    }
    let mut sets = Vec::new();
    statements
        .iter()
        .for_each(|statement| effect::sets(statement, &mut sets));
    let has = |name| {
        statements
            .iter()
            .any(|statement| statement.get(name).is_some())
    };
    let rejects = match (has("reject"), has("vmap")) {
        _ if has("xt") => None,
        (true, true) => None,
        (rejects, _) => Some(rejects),
    };
    let sets_trace = statements
        .iter()
        .any(|statement| statement["mangle"]["key"]["meta"]["key"] == "nftrace");
    Ok(NativeRule {
        handle,
        sets_trace,
        statement: statement.unwrap_or_else(|| "a rule that nft does not write out".to_owned()),
        rejects,
        impurities,
        effect: effect::effect(statements),
        only: effect::looked_at(statements),
        ports_apart: ports_apart(statements, chain, members),
        looks_at_push: by_push::tells_apart(statements),
        translates: has("dnat") || has("redirect"),
        sets,
        apart: Apart::read(statements, chain, members),
        targets: effect::targets(statements, chain, members),
        asks: super::asks::asks(statements),
    })
}

fn is_before_trace(chain: &Value) -> bool {
    let priority = chain.get("prio").and_then(Value::as_i64);
    match chain.get("hook").and_then(Value::as_str) {
        Some("ingress") => true,
        Some("prerouting" | "output") => {
            priority.is_some_and(|priority| priority <= LAB_PRIORITY.into())
        }
        _ => false,
    }
}

fn family(body: &Value, of: &'static str) -> Result<TableFamily, NativeListingError> {
    let family = body.get("family").and_then(Value::as_str);
    let family = family.and_then(|family| family.parse().ok());
    family.ok_or(NativeListingError::Lacks(of, "family"))
}

fn name(body: &Value, of: &'static str, key: &'static str) -> Result<String, NativeListingError> {
    let name = body.get(key).and_then(Value::as_str);
    name.map(str::to_owned)
        .ok_or(NativeListingError::Lacks(of, key))
}

#[cfg(test)]
mod tests;
