use fwlab_model::ruleset::native::{NativeImpurity, NativePlace};
use fwlab_model::ruleset::{Dependence, Impurity, Only};
use fwlab_record::{Backend, NodeName, RuleId};

use super::way::Way;

/// A rule by which the same packet may be decided on otherwise the next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The node that has the rule.
    pub node: NodeName,
    /// The backend that it is loaded through.
    pub backend: Backend,
    /// The rule. Nothing for one that cannot be placed: then any packet may meet it.
    pub rule: Option<RuleId>,
    /// The packets that it looks at.
    pub only: Only,
    /// Whether all that it depends on is who sends the packet: what TCP itself sends again is decided on as before.
    pub of_sender: bool,
    /// Whether it is a match by chance, as `-m statistic`: it may decide on any packet otherwise the next time.
    pub is_chance: bool,
    /// What it depends on, in words.
    pub why: String,
}

/// Matches by chance alone, as iptables and nft name them.
const BY_CHANCE: [&str; 2] = ["-m statistic", "numgen"];

impl Doubt {
    /// What iptables' rules depend on, as far as they decide.
    pub(super) fn of_iptables(
        node: &NodeName,
        backend: Backend,
        impurities: Vec<Impurity>,
    ) -> impl Iterator<Item = Doubt> {
        impurities
            .into_iter()
            .filter(|impurity| impurity.decides)
            .map(move |impurity| Doubt {
                node: node.clone(),
                backend,
                why: impurity.to_string(),
                is_chance: BY_CHANCE.contains(&impurity.what.as_str()),
                of_sender: impurity.why == Dependence::Sender,
                only: impurity.only,
                rule: Some(impurity.rule),
            })
    }

    /// What rules of nft depend on, as far as they decide.
    pub(super) fn of_native(
        node: &NodeName,
        impurities: Vec<NativeImpurity>,
    ) -> impl Iterator<Item = Doubt> {
        impurities.into_iter().flat_map(move |impurity| {
            let why = impurity.to_string();
            let is_chance = BY_CHANCE.contains(&impurity.what.as_str());
            // What is in a set that elements leave is no matter of who sends a packet.
            let of_sender = impurity.why == Dependence::Sender
                && matches!(impurity.place, NativePlace::Rule(_));
            impurity
                .decides_in
                .into_iter()
                .map(move |(rule, only)| Doubt {
                    node: node.clone(),
                    backend: Backend::Native,
                    rule: Some(rule),
                    only,
                    is_chance,
                    of_sender,
                    why: why.clone(),
                })
        })
    }

    pub(super) fn is_on(&self, way: &Way, stopped_by: Option<&RuleId>) -> bool {
        let Some(rule) = &self.rule else { return true };
        let is_behind =
            stopped_by.is_some_and(|stop| stop.chain == rule.chain && stop.ordinal < rule.ordinal);
        !is_behind
            && way.chains.contains(&(self.backend, rule.chain.clone()))
            && way.packets.iter().any(|packet| self.only.may_be(packet))
    }
}
