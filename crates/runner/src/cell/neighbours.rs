use fwlab_judge::Finding;

/// What a finding is worth when the machine's table of neighbours was full meanwhile: one node may not have found another.
pub(super) fn without_neighbours(finding: Finding) -> Finding {
    let seems = match finding {
        Finding::Outcome(outcome) if outcome.cause.may_be_the_labs() => {
            format!("it seems to be {outcome}")
        }
        Finding::Inconclusive(why) => why,
        firm @ Finding::Outcome(_) => return firm,
    };
    Finding::Inconclusive(format!(
        "the machine's table of neighbours was full meanwhile (net.ipv4.neigh.default.gc_thresh3, which all namespaces share): \
         with fewer cells at a time it is not; {seems}"
    ))
}

#[cfg(test)]
mod tests {
    use fwlab_record::{Cause, Outcome, Phase, Symptom};

    use super::*;

    #[test]
    fn what_a_fault_of_the_lab_may_look_like_is_not_told_as_an_outcome() {
        let finding = |cause| {
            Finding::Outcome(Outcome {
                symptom: Symptom::Refused,
                phase: Phase::Transfer,
                cause,
                event: None,
                came_through: None,
            })
        };
        let reply = "425 cannot connect".to_owned();
        let told = without_neighbours(finding(Cause::Reply { reply }));
        let Finding::Inconclusive(why) = told else {
            panic!("{told:?}")
        };
        assert!(
            why.ends_with(
                "it seems to be refused at transfer: the peer replied `425 cannot connect`"
            ),
            "{why}"
        );
        let passed = finding(Cause::None);
        assert_eq!(without_neighbours(passed.clone()), passed);
    }
}
