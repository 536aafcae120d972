use std::collections::BTreeSet;

use fwlab_model::ruleset::native::NativeScript;
use fwlab_model::ruleset::{Format, Mistakes, Note, Source, parse, recognise};
use fwlab_model::{Backend, Family};

/// What has to be known of rules before a lab is built for them.
pub(crate) struct Rules {
    /// The interfaces that they name; `eth+` or, in a script of nft, `eth*` for all that begin so.
    pub(crate) interfaces: BTreeSet<String>,
    /// What was read with leniency.
    pub(crate) notes: Vec<Note>,
}

/// Reads rules of whichever language.
pub(crate) fn read(source: &Source) -> Result<Rules, Mistakes> {
    if is_script(source) {
        let script = NativeScript::read(source)?;
        return Ok(Rules {
            interfaces: script.interfaces_used(),
            notes: script.notes().to_vec(),
        });
    }
    // Without an IPv6 lab yet, a dump is taken for IPv4; commands name their family.
    let parsed = parse(source, Family::Ipv4)?;
    Ok(Rules {
        interfaces: parsed.ruleset.interfaces_used(),
        notes: parsed.notes,
    })
}

/// The backends that load rules of this language.
pub(crate) fn backends(source: &Source) -> &'static [Backend] {
    if is_script(source) {
        &[Backend::Native]
    } else {
        &Backend::IPTABLES
    }
}

fn is_script(source: &Source) -> bool {
    recognise(source) == Format::Nft
}
