use fwlab_model::ruleset::{
    Format, Listing, Ruleset, Source, correspond, dump_family, parse, recognise,
};
use fwlab_record::Family;

use crate::repeated::takes_no_longer_than_it_is_long;
use crate::spans::{assert_labels_within, assert_within};

/// A ruleset in any of its forms: a dump, commands, prose around them.
///
/// Mistakes point into the text. What is read and rendered is read back the same, is a listing to
/// the reader of listings, and corresponds to itself.
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
    let parsed = match parse(&source, family) {
        Ok(parsed) => parsed,
        Err(mistakes) => {
            let text = mistakes.source().text();
            assert!(!mistakes.told().is_empty(), "refused for nothing");
            for mistake in mistakes.told() {
                assert_labels_within(mistake, text);
            }
            return;
        }
    };
    assert_eq!(parsed.format, recognise(&source));
    assert!(!matches!(parsed.format, Format::Nft | Format::Unknown));
    for (_, rule) in parsed.ruleset.rules() {
        if let Some(line) = rule.source() {
            assert_within(line.start..line.end, parsed.source.text(), rule);
            assert_eq!(parsed.source.line_of(line.start), line.line);
        }
    }
    for family in parsed.ruleset.families() {
        is_read_back(&parsed.ruleset, family);
    }
}

fn is_read_back(ruleset: &Ruleset, family: Family) {
    let rendered = ruleset.render(family);
    assert_eq!(rendered.line_count(), rendered.text().lines().count());
    let source = Source::new("rendered", rendered.text());
    let again = parse(&source, family).unwrap_or_else(|mistakes| {
        panic!("{}\nis refused: {:?}", rendered.text(), mistakes.told())
    });
    assert_eq!(again.ruleset.render(family).text(), rendered.text());
    for (table, chains) in ruleset.tables(family) {
        assert_eq!(Some(chains), again.ruleset.table(family, table));
    }
    let impurities = |ruleset: &Ruleset| {
        let mine = ruleset.impurities().into_iter();
        mine.filter(|impurity| impurity.rule.chain.family == family.into())
            .count()
    };
    assert_eq!(impurities(ruleset), impurities(&again.ruleset));
    let listing = Listing::parse(rendered.text(), family)
        .unwrap_or_else(|error| panic!("{}\nis no listing: {error}", rendered.text()));
    if let Err(differences) = correspond(&again.ruleset, &listing) {
        panic!("{}\nis not itself: {differences:?}", rendered.text());
    }
}
