//! The same ruleset written otherwise, and rulesets with a little less in them.

use crate::random::Draws;
use crate::rule::{Language, Match, Verdict};
use crate::ruleset::Ruleset;

/// A rewrite after which every packet fares as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewrite {
    /// A rule that only logs or counts is put somewhere.
    Logged,
    /// `-m state` becomes `-m conntrack --ctstate`, and the other way.
    Spelled,
    /// A rule moves into a chain of its own, with a jump to it in its place.
    Chained,
}

impl Rewrite {
    pub(crate) const ALL: [Rewrite; 3] = [Rewrite::Logged, Rewrite::Spelled, Rewrite::Chained];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Rewrite::Logged => "logged",
            Rewrite::Spelled => "spelled",
            Rewrite::Chained => "chained",
        }
    }

    /// The rewritten ruleset; nothing where there is nothing to rewrite.
    pub(crate) fn of(self, ruleset: &Ruleset, draws: &mut Draws) -> Option<Ruleset> {
        match self {
            Rewrite::Logged => logged(ruleset, draws),
            Rewrite::Spelled => spelled(ruleset),
            Rewrite::Chained => chained(ruleset, draws),
        }
    }
}

fn logged(ruleset: &Ruleset, draws: &mut Draws) -> Option<Ruleset> {
    let mut rewritten = ruleset.clone();
    let at = draws.below(ruleset.chains.len().max(1));
    ruleset.chains.get(at)?;
    let matches = draws.pick(&[vec![], vec![Match::Tcp], vec![Match::Dport(1024, 65535)]]);
    let verdict = draws.pick(&[Verdict::Log, Verdict::Count]);
    let rule = rewritten.rule(matches, verdict);
    let rules = &mut rewritten.chains[at].rules;
    rules.insert(draws.below(rules.len() + 1), rule);
    Some(rewritten)
}

fn spelled(ruleset: &Ruleset) -> Option<Ruleset> {
    let language = match ruleset.language {
        Language::State => Language::Conntrack,
        Language::Conntrack => Language::State,
        Language::Native => return None,
    };
    let of_states = |one: &Match| matches!(one, Match::State(_));
    let mut rules = ruleset.chains.iter().flat_map(|chain| &chain.rules);
    let is_there = rules.any(|rule| rule.matches.iter().any(of_states));
    is_there.then(|| {
        let mut rewritten = ruleset.clone();
        rewritten.language = language;
        rewritten
    })
}

fn chained(ruleset: &Ruleset, draws: &mut Draws) -> Option<Ruleset> {
    // What returns, or goes on in another chain for good, would come back to the wrong place.
    let movable = |verdict: &Verdict| !matches!(verdict, Verdict::Return | Verdict::Goto(_));
    let places: Vec<(usize, usize)> = ruleset
        .chains
        .iter()
        .enumerate()
        .flat_map(|(chain, all)| {
            let rules = all.rules.iter().enumerate();
            rules
                .filter(|(_, rule)| movable(&rule.verdict))
                .map(move |(at, _)| (chain, at))
        })
        .collect();
    if places.is_empty() {
        return None;
    }
    let (chain, at) = draws.pick(&places);
    let mut rewritten = ruleset.clone();
    let jump = rewritten.rule(Vec::new(), Verdict::Jump("APART".into()));
    let table = rewritten.chains[chain].table;
    let moved = std::mem::replace(&mut rewritten.chains[chain].rules[at], jump);
    rewritten.user_chain(table, "APART", vec![moved]);
    Some(rewritten)
}

/// The ruleset without the rule of that number.
pub(crate) fn without_rule(ruleset: &Ruleset, number: u32) -> Ruleset {
    let mut less = ruleset.clone();
    for chain in &mut less.chains {
        chain.rules.retain(|rule| rule.number != number);
    }
    less
}

/// The ruleset with that chain's policy ACCEPT.
pub(crate) fn without_policy(ruleset: &Ruleset, table: &str, name: &str) -> Ruleset {
    let mut less = ruleset.clone();
    let mut chains = less.chains.iter_mut();
    if let Some(chain) = chains.find(|chain| chain.table == table && chain.name == name) {
        chain.drops = Some(false);
    }
    less
}
