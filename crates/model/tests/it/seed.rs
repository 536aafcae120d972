//! The article that the project started from.

use fwlab_model::ruleset::{ChainPolicy, MistakeKind, Source, TableName, parse};
use fwlab_record::{ChainId, Family};

use crate::kernel;

const ACTIVE: &str = include_str!("../../../../lab/rulesets/seed/active.rules");
const PASSIVE: &str = include_str!("../../../../lab/rulesets/seed/passive.rules");
const PUBLISHED: [&str; 2] = [
    include_str!("../../../../lab/rulesets/seed/active-as-published.txt"),
    include_str!("../../../../lab/rulesets/seed/passive-as-published.txt"),
];

#[test]
fn as_published_each_rule_has_its_dash_named() {
    for published in PUBLISHED {
        let mistakes = kernel::mistakes(published, Family::Ipv4).unwrap();
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
        let mistakes = kernel::mistakes(published, Family::Ipv4).unwrap();
        let lines = mistakes.told().iter().map(|mistake| {
            let line = mistake.help().unwrap().trim_start_matches("write ");
            line.trim_matches('`').to_owned()
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        for backend in kernel::backends() {
            let rules = |text: &str| -> Vec<String> {
                let ruleset = parse(&Source::new("rules", text), Family::Ipv4).ruleset;
                let (_, listing) = kernel::attempt(backend, &ruleset, Family::Ipv4);
                let listing = listing.unwrap();
                let rules = listing.rules();
                rules
                    .map(|(id, rule)| format!("{id} {}", rule.statement()))
                    .collect()
            };
            assert_eq!(rules(&text), rules(corrected));
        }
    }
}

#[test]
fn the_rules_stand_in_order_and_know_their_lines() {
    for text in [ACTIVE, PASSIVE] {
        let parsed = parse(&Source::new("seed", text), Family::Ipv4);
        assert_eq!(parsed.notes, []);
        for backend in kernel::backends() {
            let (attempt, listing) = kernel::attempt(backend, &parsed.ruleset, Family::Ipv4);
            let listing = listing.unwrap();
            let lines = attempt.correspond(&listing).unwrap();
            let chains: Vec<_> = listing
                .chains(TableName::Filter)
                .map(|(name, chain)| (name, chain.policy()))
                .collect();
            let drop = Some(ChainPolicy::Drop);
            assert_eq!(
                chains,
                [("FORWARD", drop), ("INPUT", drop), ("OUTPUT", drop)]
            );
            let rules = listing.rules();
            let mut all: Vec<_> = rules.map(|(id, _)| lines.source_line(&id)).collect();
            all.sort_unstable();
            assert_eq!(all, [Some(7), Some(8), Some(9), Some(10)]);
            let input = ChainId {
                family: Family::Ipv4.into(),
                table: "filter".to_owned(),
                chain: "INPUT".to_owned(),
            };
            assert_eq!(lines.policy_line(&input), Some(4));
            assert_eq!(listing.impurities(&lines), []);
        }
    }
}
