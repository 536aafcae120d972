//! A ruleset that can be rewritten: chains of numbered rules.

use std::fmt::Write;

use fwlab_record::{ChainId, Family};

use crate::rule::{Language, Match, Rule, Verdict};

/// A chain: a hook's, or a user's, which has no policy.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) table: &'static str,
    pub(crate) name: String,
    /// Whether its policy is DROP; `None` for a user's chain.
    pub(crate) drops: Option<bool>,
    pub(crate) rules: Vec<Rule>,
}

/// A ruleset.
#[derive(Debug, Clone)]
pub(crate) struct Ruleset {
    pub(crate) language: Language,
    pub(crate) family: Family,
    pub(crate) chains: Vec<Chain>,
    numbers: u32,
}

impl Ruleset {
    pub(crate) fn new(language: Language, family: Family) -> Ruleset {
        Ruleset {
            language,
            family,
            chains: Vec::new(),
            numbers: 0,
        }
    }

    /// A rule with a number of its own.
    pub(crate) fn rule(&mut self, matches: Vec<Match>, verdict: Verdict) -> Rule {
        self.numbers += 1;
        Rule {
            number: self.numbers,
            matches,
            verdict,
        }
    }

    /// A hook's chain, made where it is not there.
    pub(crate) fn hook(&mut self, table: &'static str, name: &str) -> &mut Chain {
        let is_it = |chain: &Chain| chain.table == table && chain.name == name;
        let at = self.chains.iter().position(is_it).unwrap_or_else(|| {
            self.chains.push(Chain {
                table,
                name: name.into(),
                drops: Some(false),
                rules: Vec::new(),
            });
            self.chains.len() - 1
        });
        &mut self.chains[at]
    }

    /// Adds a user's chain.
    pub(crate) fn user_chain(&mut self, table: &'static str, name: &str, rules: Vec<Rule>) {
        self.chains.push(Chain {
            table,
            name: name.into(),
            drops: None,
            rules,
        });
    }

    /// Adds a rule to a hook's chain, unless it stands there already: one text names one rule.
    pub(crate) fn add(
        &mut self,
        table: &'static str,
        hook: &str,
        matches: Vec<Match>,
        verdict: Verdict,
    ) {
        let rule = self.rule(matches, verdict);
        let rules = &mut self.hook(table, hook).rules;
        if !rules.iter().any(|other| other.is_same(&rule)) {
            rules.push(rule);
        }
    }

    /// The chain that a cause names.
    pub(crate) fn chain(&self, id: &ChainId) -> Option<&Chain> {
        self.chains.iter().find(|chain| match self.language {
            Language::Native => id.table == "f" && id.chain == chain.native_name(),
            _ => id.table == chain.table && id.chain == chain.name,
        })
    }

    /// The rules as the loader takes them.
    pub(crate) fn text(&self) -> String {
        match self.language {
            Language::Native => self.script(),
            Language::State | Language::Conntrack => self.commands(),
        }
    }

    fn commands(&self) -> String {
        let program = crate::role::of(self.family, "iptables", "ip6tables");
        let mut text = String::new();
        let mut line = |chain: &Chain, rest: String| {
            let _ = writeln!(text, "{program} -t {} {rest}", chain.table);
        };
        for chain in &self.chains {
            match chain.drops {
                None => line(chain, format!("-N {}", chain.name)),
                Some(true) => line(chain, format!("-P {} DROP", chain.name)),
                Some(false) => {}
            }
        }
        for chain in &self.chains {
            for rule in &chain.rules {
                let rule = rule.text(self.language, self.family);
                line(chain, format!("-A {} {rule}", chain.name));
            }
        }
        // A ruleset is not nothing.
        if text.is_empty() {
            text = format!("{program} -P INPUT ACCEPT\n");
        }
        text
    }

    fn script(&self) -> String {
        let mut text =
            String::from("table inet f {\n  ct helper ftp-tcp { type \"ftp\" protocol tcp; }\n");
        let (users, hooks): (Vec<&Chain>, Vec<&Chain>) =
            self.chains.iter().partition(|chain| chain.drops.is_none());
        for chain in users.into_iter().chain(hooks) {
            let _ = writeln!(text, "  chain {} {{", chain.native_name());
            if let Some(drops) = chain.drops {
                let (kind, priority) = chain.native_place();
                let hook = chain.name.to_ascii_lowercase();
                let policy = if drops { "drop" } else { "accept" };
                let _ = writeln!(
                    text,
                    "    type {kind} hook {hook} priority {priority}; policy {policy};"
                );
            }
            for rule in &chain.rules {
                let _ = writeln!(text, "    {}", rule.text(self.language, self.family));
            }
            text += "  }\n";
        }
        text += "}\n";
        text
    }
}

impl Chain {
    fn native_name(&self) -> String {
        match self.drops {
            None => self.name.clone(),
            Some(_) => format!("{}_{}", self.table, self.name),
        }
    }

    /// The type and the priority of a hook's chain. A helper is assigned after conntrack has seen the packet.
    fn native_place(&self) -> (&'static str, i32) {
        match (self.table, self.name.as_str()) {
            ("raw", _) => ("filter", -150),
            ("mangle", _) => ("filter", -140),
            ("nat", "POSTROUTING" | "INPUT") => ("nat", 100),
            ("nat", _) => ("nat", -100),
            _ => ("filter", 0),
        }
    }
}
