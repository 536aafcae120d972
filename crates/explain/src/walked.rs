//! How the packet that decided came to the rule that stopped it, in words.

use fwlab_record::{Backend, Evidence, Verdict, Walked, line_in_words};

/// Its way, chain by chain, by the rules that it matched. The kernel traces no others, so none is told. Nothing where the record
/// has no way.
pub(crate) fn walked(evidence: &Evidence) -> Option<String> {
    let steps = &evidence.walked;
    let first = steps.first()?;
    let is_of_several = steps.iter().any(|step| step.backend != first.backend);
    let is_of_legacy = steps.iter().any(|step| step.backend == Backend::Legacy);
    let mut text = String::from("walked, by the rules that it matched");
    let mut notes = Vec::new();
    if is_of_legacy {
        notes.push("the trace of iptables-legacy does not say what these told it");
    }
    if is_of_several {
        notes.push(
            "each backend has a trace of its own, and their order is that in which they were heard",
        );
    }
    if !notes.is_empty() {
        text += &format!(" ({})", notes.join("; "));
    }
    let chains = steps.chunk_by(|one, next| {
        one.backend == next.backend && one.place.chain() == next.place.chain()
    });
    for (number, steps) in chains.enumerate() {
        text += if number == 0 { ": " } else { "; " };
        if is_of_several {
            text += &format!("{} ", steps[0].backend);
        }
        let places: Vec<String> = steps.iter().map(step_in_words).collect();
        text += &format!("{}: {}", steps[0].place.chain(), places.join(", "));
    }
    Some(text)
}

/// A rule's place and line, and what the packet was told where that is more than to go on.
fn step_in_words(step: &Walked) -> String {
    let mut text = step.place.to_string();
    if let Some(line) = line_in_words(step.source_line, step.source_file.as_deref()) {
        text += &format!(" ({line})");
    }
    let to = step.to_chain.as_deref().unwrap_or("another chain");
    match step.verdict {
        None | Some(Verdict::Continue) => text,
        Some(Verdict::Jump) => format!("{text} → {to}"),
        Some(verdict @ Verdict::Goto) => {
            format!("{text} {} → {to}", verdict.word().to_uppercase())
        }
        Some(verdict) => format!("{text} {}", verdict.word().to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use fwlab_record::{ChainId, RuleId, RuleOrdinal, TableFamily, WalkedPlace};

    use super::*;

    fn chain(table: &str, chain: &str) -> ChainId {
        ChainId {
            family: TableFamily::Ipv4,
            table: table.into(),
            chain: chain.into(),
        }
    }

    fn step(place: WalkedPlace, source_line: Option<u32>, verdict: Option<Verdict>) -> Walked {
        Walked {
            backend: Backend::Nft,
            place,
            source_line,
            source_file: None,
            verdict,
            to_chain: None,
        }
    }

    fn rule(table: &str, of: &str, ordinal: u32) -> WalkedPlace {
        let ordinal = RuleOrdinal(ordinal);
        let chain = chain(table, of);
        WalkedPlace::Rule(RuleId { chain, ordinal })
    }

    fn told(walked: Vec<Walked>) -> Option<String> {
        super::walked(&Evidence {
            walked,
            ..Evidence::default()
        })
    }

    #[test]
    fn a_way_is_told_chain_by_chain() {
        let log = step(
            rule("raw", "PREROUTING", 1),
            Some(3),
            Some(Verdict::Continue),
        );
        let policy = WalkedPlace::Policy(chain("raw", "PREROUTING"));
        let jump = Walked {
            to_chain: Some("ftp".into()),
            ..step(rule("filter", "INPUT", 4), Some(9), Some(Verdict::Jump))
        };
        let back = step(rule("filter", "ftp", 2), None, Some(Verdict::Return));
        let drop = Walked {
            source_file: Some("rules.v4".into()),
            ..step(rule("filter", "INPUT", 5), Some(10), Some(Verdict::Drop))
        };
        let way = vec![
            log,
            step(policy, None, Some(Verdict::Accept)),
            jump,
            back,
            drop,
        ];
        assert_eq!(
            told(way).as_deref(),
            Some(
                "walked, by the rules that it matched: ipv4/raw/PREROUTING: rule 1 (line 3), policy ACCEPT; \
                 ipv4/filter/INPUT: rule 4 (line 9) → ftp; ipv4/filter/ftp: rule 2 RETURN; \
                 ipv4/filter/INPUT: rule 5 (line 10 of rules.v4) DROP"
            )
        );
        assert_eq!(told(Vec::new()), None);
    }

    #[test]
    fn what_the_trace_does_not_say_is_not_told() {
        let legacy = Walked {
            backend: Backend::Legacy,
            ..step(rule("filter", "INPUT", 1), Some(2), None)
        };
        let text = "walked, by the rules that it matched (the trace of iptables-legacy does not say what these told it): ";
        assert_eq!(
            told(vec![legacy.clone()]),
            Some(format!("{text}ipv4/filter/INPUT: rule 1 (line 2)"))
        );
        let several = text.replace(
            "): ",
            "; each backend has a trace of its own, and their order is that in which they were heard): ",
        );
        let nameless = WalkedPlace::SomeRule(chain("t", "__chain0"));
        let native = Walked {
            backend: Backend::Native,
            ..step(nameless, None, Some(Verdict::Drop))
        };
        assert_eq!(
            told(vec![legacy, native]),
            Some(format!(
                "{several}legacy ipv4/filter/INPUT: rule 1 (line 2); native ipv4/t/__chain0: a rule DROP"
            ))
        );
    }
}
