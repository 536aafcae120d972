//! The article that the project started from.

use fwlab_model::ruleset::{ChainPolicy, MistakeKind, Source, TableName, parse};
use fwlab_record::Family;

const ACTIVE: &str = include_str!("../../../../lab/rulesets/seed/active.rules");
const PASSIVE: &str = include_str!("../../../../lab/rulesets/seed/passive.rules");
const PUBLISHED: [&str; 2] = [
    include_str!("../../../../lab/rulesets/seed/active-as-published.txt"),
    include_str!("../../../../lab/rulesets/seed/passive-as-published.txt"),
];

#[test]
fn as_published_each_rule_has_its_dash_named() {
    for published in PUBLISHED {
        let mistakes = parse(&Source::new("published", published), Family::Ipv4).unwrap_err();
        assert_eq!(mistakes.told().len(), 4);
        for mistake in mistakes.told() {
            assert_eq!(mistake.kind(), MistakeKind::Dash);
            assert!(mistake.message().contains("U+2013 EN DASH"), "{mistake}");
            let help = mistake.help().unwrap();
            assert!(
                help.starts_with("write `iptables -t filter -A ") && !help.contains('–'),
                "{help}"
            );
        }
    }
}

#[test]
fn corrected_as_the_help_says_it_is_the_other_file() {
    for (published, corrected) in PUBLISHED.iter().zip([ACTIVE, PASSIVE]) {
        let mistakes = parse(&Source::new("published", *published), Family::Ipv4).unwrap_err();
        let lines = mistakes.told().iter().map(|mistake| {
            let line = mistake.help().unwrap().trim_start_matches("write ");
            line.trim_matches('`').to_owned()
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let helped = parse(&Source::new("helped", text), Family::Ipv4)
            .unwrap()
            .ruleset;
        let corrected = parse(&Source::new("corrected", corrected), Family::Ipv4)
            .unwrap()
            .ruleset;
        let rules = |ruleset: &fwlab_model::ruleset::Ruleset| {
            ruleset
                .rules()
                .map(|(id, rule)| format!("{id} {rule}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(rules(&helped), rules(&corrected));
    }
}

#[test]
fn the_rules_stand_in_order_and_know_their_lines() {
    for text in [ACTIVE, PASSIVE] {
        let parsed = parse(&Source::new("seed", text), Family::Ipv4).unwrap();
        assert_eq!(parsed.notes, []);
        let filter = parsed
            .ruleset
            .table(Family::Ipv4, TableName::Filter)
            .unwrap();
        let chains: Vec<_> = filter
            .chains()
            .iter()
            .map(|chain| (chain.name(), chain.policy()))
            .collect();
        let drop = Some(ChainPolicy::Drop);
        assert_eq!(
            chains,
            [("INPUT", drop), ("FORWARD", drop), ("OUTPUT", drop)]
        );
        let lines = |chain: &str| {
            let rules = filter.chain(chain).unwrap().rules();
            rules
                .iter()
                .map(|rule| rule.source().unwrap().line)
                .collect::<Vec<_>>()
        };
        assert_eq!(filter.chain("INPUT").unwrap().source().unwrap().line, 4);
        let mut all = [lines("INPUT"), lines("OUTPUT")].concat();
        all.sort_unstable();
        assert_eq!(all, [7, 8, 9, 10]);
        assert!(parsed.ruleset.impurities().is_empty());
    }
}
