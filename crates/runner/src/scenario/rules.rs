use fwlab_model::Backend;
use fwlab_model::ruleset::{Policy, Source};

/// A ruleset of a scenario, before it is parsed.
#[derive(Debug, Clone)]
pub struct RulesetEntry {
    /// Its name in the matrix.
    pub name: String,
    /// Where its rules come from.
    pub origin: RulesOrigin,
    /// Whether the rule that assigns the conntrack helper is added.
    pub helper: bool,
    /// Whether refused lines are left out, as a shell script goes on after a failed command.
    pub skip_refused_lines: bool,
    /// The backends that load it.
    pub backends: Vec<Backend>,
    /// Rules that stand beside it, through a backend of their own.
    pub beside: Option<(Backend, Source)>,
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
