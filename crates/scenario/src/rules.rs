use std::ops::Range;
use std::sync::Arc;

use fwlab_containers::FirewallImage;
use fwlab_model::ruleset::{Policy, Source, SourceText};
use fwlab_record::{Backend, NodeName};

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
    /// The backends that load it. None, where the rules are not read and their language decides.
    pub backends: Vec<Backend>,
    /// What `ipset save` wrote: the sets that its rules match on.
    pub sets: Option<Source>,
    /// Rules that stand beside it, each through a backend of its own. A dump says which family it is of.
    pub beside: Vec<(Backend, Source)>,
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
    /// An image loads them by itself, in a container that is the firewall.
    Image(ImageRules),
    /// There are none.
    None,
}

/// An image whose container is the firewall's node, and where the scenario names it.
#[derive(Debug, Clone)]
pub struct ImageRules {
    /// The image, and when its rules are in.
    pub image: FirewallImage,
    /// Where it is named, in bytes.
    pub span: Range<usize>,
    /// The scenario file.
    pub file: Arc<SourceText>,
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
        let mut beside = self.beside.iter();
        own || beside.any(|(backend, source)| *backend == Backend::Native && adds(source))
    }

    /// The image that loads it by itself.
    pub fn image(&self) -> Option<&FirewallImage> {
        match &self.origin {
            RulesOrigin::Image(rules) => Some(&rules.image),
            RulesOrigin::Written(_) | RulesOrigin::Generated(_) | RulesOrigin::None => None,
        }
    }

    /// Whether a script of nft is among its rules.
    pub fn is_native(&self) -> bool {
        self.backends.contains(&Backend::Native)
            || self
                .beside
                .iter()
                .any(|(backend, _)| *backend == Backend::Native)
    }
}
