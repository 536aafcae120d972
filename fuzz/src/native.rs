use fwlab_model::ruleset::Source;
use fwlab_model::ruleset::native::{Echo, NativeListing, NativeScript};

use crate::repeated::takes_no_longer_than_it_is_long;
use crate::spans::assert_labels_within;

/// A script of nft.
///
/// Mistakes point into the text. What is loaded has everything in its place, and no byte more than a line's end.
pub fn native(input: &[u8]) {
    read(input);
    takes_no_longer_than_it_is_long(input, read);
}

fn read(input: &[u8]) {
    let script = match NativeScript::read(&Source::new("input", input)) {
        Ok(script) => script,
        Err(mistakes) => {
            for mistake in mistakes.told() {
                assert_labels_within(mistake, mistakes.source().text());
            }
            return;
        }
    };
    let (source, loaded) = (script.source().text(), script.text());
    let added = loaded.len() - source.len();
    assert!(added <= 1, "{added} bytes were added");
    assert_eq!(
        loaded[..source.len()].matches('\n').count(),
        source.matches('\n').count(),
        "a line has moved"
    );
    let _ = script.interfaces_used();
    // Nothing is listed: then every chain that the script makes is missed, each once.
    let known = script.correspond(&NativeListing::default(), &Echo::default());
    if let Err(differences) = known {
        let lines = source.lines().count() as u32;
        for difference in differences {
            let line = difference.line;
            assert!(line.is_none_or(|line| (1..=lines).contains(&line.line)));
        }
    }
}
