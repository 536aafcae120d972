//! Which language rules are written in, and whether their backends load it.

use fwlab_model::ruleset::{Format, Source, recognise};
use fwlab_record::Backend;

use crate::format::table::Place;
use crate::problem::Problems;
use crate::rules::RulesOrigin;

/// Rules of a scenario file: the keys that they and their backends stand in.
pub(crate) struct Language {
    pub(crate) rules: Place,
    pub(crate) backends: Place,
}

impl Language {
    /// The backends that load a ruleset: those that are written, or those that its language has. None, where
    /// neither is known: it stands in a file that is not read.
    pub(crate) fn backends(
        &self,
        origin: Option<&RulesOrigin>,
        written: Option<Vec<Backend>>,
        problems: &mut Problems,
    ) -> Vec<Backend> {
        let Some(origin) = origin else {
            return written.unwrap_or_default();
        };
        let source = match origin {
            RulesOrigin::Written(source) => Some(source),
            RulesOrigin::Generated(_) | RulesOrigin::Image(_) | RulesOrigin::None => None,
        };
        let Some(backends) = written else {
            return match source.map(recognise) {
                Some(Format::Nft) => vec![Backend::Native],
                _ => Backend::IPTABLES.to_vec(),
            };
        };
        match source {
            Some(source) => self.check(source, &backends, problems),
            None if backends.contains(&Backend::Native) => problems.add_with_help(
                self.backends.span.clone(),
                format!("`{}` is not something that `native` loads", self.rules.key),
                "`native` loads nft scripts: write one as `text` or `file`",
            ),
            None => {}
        }
        backends
    }

    /// Tells when backends that are chosen elsewhere do not load these rules.
    pub(crate) fn check_all(
        &self,
        origin: Option<&RulesOrigin>,
        backends: &[Backend],
        problems: &mut Problems,
    ) {
        let Some(origin) = origin.filter(|_| !backends.is_empty()) else {
            return;
        };
        let native = backends.contains(&Backend::Native);
        let script =
            matches!(origin, RulesOrigin::Written(source) if recognise(source) == Format::Nft);
        if native != script {
            problems.add_with_help(
                self.rules.span.clone(),
                "these rules are loaded through the same backend as the ruleset, which cannot load them",
                "write both as nft scripts, or both as iptables rules",
            );
        }
    }

    /// Tells when backends do not load the language that rules are written in.
    pub(crate) fn check(&self, source: &Source, backends: &[Backend], problems: &mut Problems) {
        let native = backends.contains(&Backend::Native);
        if native && backends.iter().any(|backend| *backend != Backend::Native) {
            problems.add_with_help(
                self.backends.span.clone(),
                "`native` loads nft scripts, the other backends iptables rules: a ruleset cannot be both",
                "write a ruleset for each, or one `beside` the other",
            );
            return;
        }
        match (recognise(source), native) {
            (Format::Nft, false) => problems.add_with_help(
                self.rules.span.clone(),
                "this is an nft script, but its backend loads iptables rules",
                format!("write `{} = \"native\"`", self.backends.key),
            ),
            (Format::Saved | Format::Commands, true) => problems.add_with_help(
                self.rules.span.clone(),
                "these are iptables rules, but `native` loads nft scripts",
                format!("write `{} = \"nft\"` or `\"legacy\"`", self.backends.key),
            ),
            _ => {}
        }
    }
}

/// Tells what only rules of iptables can have, of a script of nft that has it. `there` are the keys of the two tables
/// that ask for something.
pub(crate) fn without_iptables(there: impl IntoIterator<Item = Place>, problems: &mut Problems) {
    for Place { key, span } in there {
        let (message, help) = match key {
            "helper" => (
                "`helper` adds an iptables rule, but this is an nft script",
                "write a `ct helper` object and a rule with `ct helper set` into the script",
            ),
            "skip-refused-lines" => (
                "no line of an nft script can be left out: it is loaded as a whole or not at all",
                "remove this, and fix the script",
            ),
            "beside" => (
                "a second nft script beside the first",
                "write both into one script",
            ),
            _ => continue,
        };
        problems.add_with_help(span, message, help);
    }
}
