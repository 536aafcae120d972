//! Rulesets as people have them: each loads, and each loaded rule is known by its line.

use fwlab_model::ruleset::{Source, parse};
use fwlab_record::{ChainId, Family, RuleId, RuleOrdinal};

use crate::kernel;

macro_rules! corpus {
    ($($family:ident $name:literal),+ $(,)?) => {
        &[$((Family::$family, $name, include_str!(concat!("corpus/", $name)))),+]
    };
}

/// Written for this test, after what distributions, front ends and how-tos make.
const CORPUS: &[(Family, &str, &str)] = corpus![
    Ipv4 "container-engine.rules",
    Ipv4 "distribution-default.rules",
    Ipv4 "front-end-chains.rules",
    Ipv4 "ftp-server-helper.rules",
    Ipv4 "ftp-server-static.sh",
    Ipv4 "gateway-nat.sh",
    Ipv4 "home-router-zones.rules",
    Ipv4 "intrusion-prevention.rules",
    Ipv4 "inserts-and-deletes.sh",
    Ipv4 "old-style.rules",
    Ipv4 "orchestrator-services.rules",
    Ipv4 "pasted-prompts.txt",
    Ipv4 "spellings.rules",
    Ipv4 "virtual-machines.rules",
    Ipv6 "ipv6-default.rules",
    Ipv6 "ipv6-ftp.sh",
];

#[test]
fn what_is_rendered_is_parsed_to_the_same() {
    for (family, name, text) in CORPUS {
        let parsed = parse(&Source::new(*name, *text), *family);
        assert!(parsed.mistakes.is_none(), "{name}: {:#?}", parsed.mistakes);
        assert!(!parsed.ruleset.is_empty(), "{name}");
        for family in parsed.ruleset.families() {
            let rendered = parsed.ruleset.render(family);
            let again = parse(&Source::new(*name, rendered.as_str()), family).ruleset;
            assert_eq!(again.render(family), rendered, "{name}");
        }
    }
}

/// Each rule gets its line as a comment, so that the kernel's own listing says
/// where it came from, and the counters can be held against it.
fn marked(text: &str) -> String {
    let mark = |(number, line): (usize, &str)| {
        let rule = ["-A ", "-I ", "-R "]
            .iter()
            .any(|command| line.contains(command))
            && !line.starts_with("#!");
        let commented = line.starts_with("# ") && !line.contains("tables ");
        if !rule || commented || line.ends_with('\\') {
            return format!("{line}\n");
        }
        let (line, comment) = line.split_once(" # ").unwrap_or((line, ""));
        let comment = if comment.is_empty() {
            String::new()
        } else {
            format!(" # {comment}")
        };
        format!("{line} -m comment --comment line-{}{comment}\n", number + 1)
    };
    text.lines().enumerate().map(mark).collect()
}

#[test]
fn every_ruleset_loads_and_every_loaded_rule_is_known_by_its_line() {
    for backend in kernel::backends() {
        for (family, name, text) in CORPUS {
            let text = marked(text);
            let ruleset = parse(&Source::new(*name, text.as_str()), *family).ruleset;
            for family in ruleset.families() {
                let (attempt, listing) = kernel::attempt(backend, &ruleset, family);
                let mistakes = attempt.mistakes();
                assert!(mistakes.is_none(), "{name} ({backend}): {mistakes:#?}");
                let listing = listing.unwrap_or_else(|said| panic!("{name} ({backend}): {said}"));
                let correspondence = kernel::correspond(backend, &attempt, &listing, family);
                let mut marks = 0;
                for table in listing.tables() {
                    for (chain, listed) in listing.chains(table) {
                        for (at, rule) in listed.rules().iter().enumerate() {
                            let chain = ChainId {
                                family: family.into(),
                                table: table.word().into(),
                                chain: chain.into(),
                            };
                            let id = RuleId {
                                chain,
                                ordinal: RuleOrdinal(at as u32 + 1),
                            };
                            let line = correspondence
                                .source_line(&id)
                                .expect("every rule was read from a line");
                            let Some((_, mark)) = rule.statement().split_once("--comment line-")
                            else {
                                continue;
                            };
                            let mark = mark.split(' ').next().unwrap_or_default();
                            assert_eq!(
                                mark,
                                line.to_string(),
                                "{name} ({backend}): {}",
                                rule.statement()
                            );
                            marks += 1;
                        }
                    }
                }
                assert!(marks > 3, "{name} has {marks} marked rules");
            }
        }
    }
}
