use fwlab_model::ruleset::{
    Attempt, Format, Listing, Ruleset, Source, dump_family, parse, recognise,
};
use fwlab_record::Family;

use crate::repeated::takes_no_longer_than_it_is_long;
use crate::spans::{assert_labels_within, assert_within};

/// A ruleset in any of its forms: a dump, commands, prose around them.
///
/// Mistakes point into the text, those of a loader that refuses everything, too. What is read and rendered is read back
/// the same.
pub fn ruleset(input: &[u8]) {
    for family in Family::ALL {
        read(input, *family);
    }
    let _ = dump_family(&Source::new("input", input));
    let text = String::from_utf8_lossy(input);
    let _ = Listing::parse(&text, Family::Ipv4);
    takes_no_longer_than_it_is_long(input, |input| {
        let _ = parse(&Source::new("input", input), Family::Ipv4);
    });
}

fn read(input: &[u8], family: Family) {
    let source = Source::new("input", input);
    let parsed = parse(&source, family);
    let text = parsed.source.text();
    let told = parsed.mistakes.iter().flat_map(|mistakes| mistakes.told());
    for mistake in told {
        assert_labels_within(mistake, text);
    }
    if parsed.mistakes.is_none() {
        assert_eq!(parsed.format, recognise(&source));
        assert!(!matches!(parsed.format, Format::Nft | Format::Unknown));
    }
    for family in parsed.ruleset.families() {
        for command in parsed.ruleset.commands(family) {
            if let Some(line) = command.source() {
                assert_within(line.start..line.end, text, command);
                assert_eq!(parsed.source.line_of(line.start), line.line);
            }
        }
        all_refused(&parsed.ruleset, family);
        is_read_back(&parsed.ruleset, family);
    }
}

fn all_refused(ruleset: &Ruleset, family: Family) {
    let mut attempt = Attempt::new(ruleset, family);
    let lines = attempt.input().batches().concat().lines().count();
    let said: String = (1..=lines)
        .map(|line| format!("Bad argument `x'\nError occurred at line: {line}\n"))
        .collect();
    attempt.refused(&said, "exit status: 2");
    let mistakes = attempt.mistakes();
    for mistake in mistakes.iter().flat_map(|mistakes| mistakes.told()) {
        let source = ruleset.source(family).expect("it was read from one");
        assert_labels_within(mistake, source.text());
    }
}

fn is_read_back(ruleset: &Ruleset, family: Family) {
    let rendered = ruleset.render(family);
    let again = parse(&Source::new("rendered", rendered.as_str()), family);
    if again.mistakes.is_none() {
        assert_eq!(again.ruleset.render(family), rendered);
    }
}
