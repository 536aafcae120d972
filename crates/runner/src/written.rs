//! Rules that somebody wrote, as a lab or a truth table has to know them before one is built.

use std::collections::BTreeSet;

use fwlab_model::ruleset::native::NativeScript;
use fwlab_model::ruleset::{Format, Mistakes, Note, Source, dump_family, parse, recognise};
use fwlab_record::{Backend, Family};

use fwlab_scenario::RulesOrigin;

/// What has to be known of rules before a lab is built for them.
pub struct Rules {
    /// The interfaces that they name; `eth+` or, in a script of nft, `eth*` for all that begin so.
    pub interfaces: BTreeSet<String>,
    /// What was read with leniency.
    pub notes: Vec<Note>,
    /// The families that they are of, as far as they say.
    pub families: Vec<Family>,
}

/// Reads rules of whichever language. A dump that does not say its family is of this one.
///
/// # Errors
/// Every mistake in them at once.
pub fn read(source: &Source, family: Family) -> Result<Rules, Mistakes> {
    if is_script(source) {
        let script = NativeScript::read(source)?;
        return Ok(Rules {
            interfaces: script.interfaces_used(),
            notes: script.notes().to_vec(),
            families: Vec::new(),
        });
    }
    // Its mistakes are told when it is loaded, together with what the loader refuses.
    let parsed = parse(source, dump_family(source).unwrap_or(family));
    Ok(Rules {
        interfaces: parsed.ruleset.interfaces_used(),
        notes: parsed.notes,
        families: parsed.ruleset.families().collect(),
    })
}

/// Where rules stand in a ruleset: an IPv6 dump has a place of its own. A dump that does
/// not say its family is of this one.
pub fn placed(source: Source, family: Family) -> (RulesOrigin, Option<Source>) {
    let is_dump = recognise(&source) == Format::Saved;
    if is_dump && dump_family(&source).unwrap_or(family) == Family::Ipv6 {
        (RulesOrigin::None, Some(source))
    } else {
        (RulesOrigin::Written(source), None)
    }
}

/// The backends that load rules of this language.
pub fn backends(source: &Source) -> &'static [Backend] {
    if is_script(source) {
        &[Backend::Native]
    } else {
        &Backend::IPTABLES
    }
}

/// Whether they are a script of nft.
pub fn is_script(source: &Source) -> bool {
    recognise(source) == Format::Nft
}
