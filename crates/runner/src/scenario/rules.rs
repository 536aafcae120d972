use fwlab_model::ruleset::{Policy, Source};
use fwlab_model::{Backend, NodeName};

/// A ruleset of a scenario, before it is parsed.
#[derive(Debug, Clone)]
pub struct RulesetEntry {
    /// Its name in the matrix.
    pub name: String,
    /// The node that loads it; without, the stage's firewall.
    pub at: Option<NodeName>,
    /// Where its rules come from. A dump here is IPv4's.
    pub origin: RulesOrigin,
    /// What `ip6tables-save` wrote, beside an IPv4 dump or alone.
    pub ipv6: Option<Source>,
    /// Whether the rule that assigns the conntrack helper is added.
    pub helper: bool,
    /// Whether refused lines are left out, as a shell script goes on after a failed command.
    pub skip_refused_lines: bool,
    /// The backends that load it.
    pub backends: Vec<Backend>,
    /// Rules that stand beside it, through a backend of their own.
    pub beside: Option<(Backend, Source)>,
    /// Rules that other nodes load in the same cells, through the same backend.
    pub also: Vec<RulesAt>,
}

/// Rules that a node loads in the cells of another node's ruleset.
#[derive(Debug, Clone)]
pub struct RulesAt {
    /// The node.
    pub at: NodeName,
    /// Where the rules come from. A dump here is IPv4's.
    pub origin: RulesOrigin,
    /// What `ip6tables-save` wrote, beside an IPv4 dump or alone.
    pub ipv6: Option<Source>,
    /// Whether the rule that assigns the conntrack helper is added.
    pub helper: bool,
}

/// Where rules come from.
#[derive(Debug, Clone)]
pub enum RulesOrigin {
    /// Somebody wrote them.
    Written(Source),
    /// Generated for a purpose.
    Generated(Policy),
    /// There are none.
    None,
}

impl RulesetEntry {
    /// Whether it adds to what nft loaded before, instead of replacing it.
    pub(crate) fn adds_to_nft(&self) -> bool {
        let adds = |source: &Source| {
            let text = String::from_utf8_lossy(&source.text);
            !text
                .lines()
                .any(|line| line.trim_start().starts_with("flush ruleset"))
        };
        let own = self.backends.contains(&Backend::Native)
            && matches!(&self.origin, RulesOrigin::Written(source) if adds(source));
        let beside = matches!(&self.beside, Some((Backend::Native, source)) if adds(source));
        own || beside
    }

    /// Whether a script of nft is among its rules.
    pub fn is_native(&self) -> bool {
        self.backends.contains(&Backend::Native)
            || matches!(self.beside, Some((Backend::Native, _)))
    }
}
