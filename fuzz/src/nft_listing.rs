use fwlab_model::ruleset::Source;
use fwlab_model::ruleset::native::{Echo, NativeListing, NativeScript};
use fwlab_record::{RuleId, RuleOrdinal};

/// What nft lists: its JSON, a NUL byte, and its text, which is a script, too.
///
/// A rule is found by its place, in a table that is listed or was implied by the rule.
pub fn nft_listing(input: &[u8]) {
    let at = input.iter().position(|byte| *byte == 0);
    let (json, text) = input.split_at(at.unwrap_or(input.len()));
    let json = String::from_utf8_lossy(json);
    let text = String::from_utf8_lossy(text.get(1..).unwrap_or_default());
    let Ok(listing) = NativeListing::parse(&json, &text) else {
        return;
    };
    for (id, chain) in listing.chains() {
        assert_eq!(listing.chain(id), Some(chain));
        let ordinals = (1..).map(RuleOrdinal);
        for (rule, ordinal) in chain.rules().iter().zip(ordinals) {
            let chain = id.clone();
            assert_eq!(listing.rule(&RuleId { chain, ordinal }), Some(rule));
            assert!(!rule.statement().is_empty());
        }
    }
    if let Ok(script) = NativeScript::read(&Source::new("text", text.as_bytes()))
        && let Ok(lines) = script.correspond(&listing, &Echo::parse(&text))
    {
        let _ = listing.impurities(&lines);
    }
}
