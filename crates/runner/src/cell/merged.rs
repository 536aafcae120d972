use std::mem::discriminant;

use fwlab_judge::Finding;
use fwlab_record::{NodeName, Outcome};

/// What clients that do the same at one time come to: one outcome, or the lab cannot tell which.
pub(super) fn merged(clients: &[&NodeName], findings: Vec<Finding>) -> Finding {
    let mut findings = findings.into_iter();
    let first = findings.next().expect("there is a client");
    for (client, other) in clients.iter().skip(1).zip(findings) {
        let differs = match (&first, &other) {
            (Finding::Outcome(first), Finding::Outcome(other)) => {
                let kind = |outcome: &Outcome| {
                    let Outcome {
                        symptom,
                        phase,
                        came_through,
                        ..
                    } = outcome;
                    (
                        *symptom,
                        *phase,
                        *came_through,
                        discriminant(&outcome.cause),
                    )
                };
                kind(first) != kind(other)
            }
            (Finding::Outcome(_), Finding::Inconclusive(_)) => true,
            (Finding::Inconclusive(_), _) => false,
        };
        if differs {
            let words = |finding: &Finding| match finding {
                Finding::Outcome(outcome) => outcome.to_string(),
                Finding::Inconclusive(why) => why.clone(),
            };
            return Finding::Inconclusive(format!(
                "{} and {client} did the same, but it ended in two ways: {}; and {}",
                clients[0],
                words(&first),
                words(&other)
            ));
        }
    }
    first
}
