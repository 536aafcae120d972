//! Scripts of nft against the real nft: lines, purity, complaints.

mod complaints;
mod impure;
mod lines;
mod reading;

use std::collections::BTreeSet;
use std::fmt::Write;

use fwlab_model::ruleset::native::{Echo, NativeListing, NativeScript};
use fwlab_model::ruleset::{Correspondence, MistakeKind, Source};
use fwlab_record::{ChainId, RuleId, RuleOrdinal, TableFamily};
use fwlab_skipped::{Need, skipped};
use proptest::prelude::*;

use crate::kernel;

/// Whether there is nft here; where not, says so.
pub(super) fn has_nft() -> bool {
    let there = kernel::run("nft -j list ruleset", "").success;
    if !there {
        skipped(Need::Programs, "no nft here");
    }
    there
}

pub(super) fn read(text: &str) -> NativeScript {
    let source = Source::new("test.nft", text);
    NativeScript::read(&source).unwrap_or_else(|mistakes| panic!("{text}\n{:?}", mistakes.told()))
}

/// What nft lists of a loaded script, and what it said when it loaded it.
pub(super) struct Loaded {
    pub(super) listing: NativeListing,
    pub(super) echo: Echo,
}

/// Loads a script and reads what is listed then.
#[track_caller]
pub(super) fn load(script: &NativeScript) -> Loaded {
    let list = "ip link set lo up; nft -e -a -f - && echo '#listed' &&
        nft -j -a list ruleset && echo && nft -a list ruleset";
    let loaded = kernel::run(list, script.text());
    assert!(loaded.success, "{}\n{}", script.text(), loaded.stderr);
    let (echoed, listed) = loaded.saved.split_once("#listed\n").expect("both");
    let (json, text) = listed.split_once("\n\n").expect("two listings");
    let listing = NativeListing::parse(json, text);
    Loaded {
        listing: listing.unwrap_or_else(|error| panic!("{error}\n{json}")),
        echo: Echo::parse(echoed),
    }
}

pub(super) fn chain(family: TableFamily, table: &str, chain: &str) -> ChainId {
    ChainId {
        family,
        table: table.into(),
        chain: chain.into(),
    }
}

pub(super) fn corresponding(script: &NativeScript, loaded: &Loaded) -> Correspondence {
    script
        .correspond(&loaded.listing, &loaded.echo)
        .unwrap_or_else(|differences| panic!("{}\n{differences:?}", script.text()))
}

/// The line of each rule of a chain, in order.
pub(super) fn lines(script: &NativeScript, loaded: &Loaded, id: &ChainId) -> Vec<Option<u32>> {
    let correspondence = corresponding(script, loaded);
    let count = loaded
        .listing
        .chain(id)
        .expect("the chain is there")
        .rules()
        .len();
    (1..=count as u32)
        .map(|ordinal| {
            let chain = id.clone();
            let ordinal = RuleOrdinal(ordinal);
            correspondence.source_line(&RuleId { chain, ordinal })
        })
        .collect()
}
