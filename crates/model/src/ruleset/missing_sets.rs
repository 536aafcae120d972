//! Sets that rules match on and that nothing makes: each is told once, with all rules that ask for it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::mistake::{MistakeBuilder, MistakeKind, quote};

/// The most lines that are named.
const NAMED: usize = 8;

/// The set that a loader did not find, by its words: `Set banned doesn't exist.`
pub(super) fn missing(words: &str) -> Option<&str> {
    let (name, rest) = words.strip_prefix("Set ")?.split_once(' ')?;
    rest.starts_with("doesn't exist").then_some(name)
}

/// The sets that are missing, and in which lines rules ask for each.
#[derive(Debug, Default)]
pub(super) struct MissingSets {
    lines: BTreeMap<String, Vec<u32>>,
}

impl MissingSets {
    /// Takes a rule that asks for a set.
    pub(super) fn asked(&mut self, name: &str, line: u32) {
        self.lines.entry(name.to_owned()).or_default().push(line);
    }

    /// Tells a set, at the first rule that asks for it; nothing where it was told.
    pub(super) fn tell(&mut self, name: &str, span: Range<usize>) -> Option<MistakeBuilder> {
        let lines = self.lines.remove(name)?;
        let named = lines.iter().take(NAMED).map(u32::to_string);
        let named = named.collect::<Vec<_>>().join(", ");
        let asked = match (lines.len(), lines.len().saturating_sub(NAMED)) {
            (1, _) => String::new(),
            (_, 0) => format!(": lines {named} ask for it"),
            (_, more) => format!(": lines {named} and {more} more ask for it"),
        };
        let name = quote(name);
        let draft = MistakeBuilder::new(
            MistakeKind::Refused,
            span,
            format!("iptables refuses this: Set {name} doesn't exist{asked}"),
        )
        .label("nothing makes this set")
        .help(format!(
            "the rules do not include what makes the set: give what `ipset save` writes, too; or, with `fwlab \
             check`, --set {name}=ADDRESS,… says what is in it, and --empty-sets that it is empty"
        ));
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_read_from_the_loader_s_words() {
        assert_eq!(missing("Set bad doesn't exist."), Some("bad"));
        assert_eq!(missing("Set bad is of another kind"), None);
        assert_eq!(missing("Bad rule"), None);
    }

    #[test]
    fn a_set_is_told_once() {
        let mut sets = MissingSets::default();
        for line in 3..20 {
            sets.asked("bad", line);
        }
        assert!(sets.tell("bad", 0..1).is_some());
        assert!(sets.tell("bad", 0..1).is_none());
        assert!(sets.tell("other", 0..1).is_none());
    }
}
