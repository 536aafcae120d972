use fwlab_ftp::deviation::{Circumstances, Sign};
use fwlab_record::{Cause, CauseKind, PeerName, Phase, Symptom};

use super::*;

const REFUSED: Instead = Instead {
    symptom: Symptom::Refused,
    phase: Phase::Negotiate,
    cause: CauseKind::Reply,
};

fn sought(effect: Effect, sign_result: SignResult) -> ExpectedDeviation {
    ExpectedDeviation {
        deviation: Deviation {
            peer: PeerName::Libunftp,
            word: "refuses-eprt",
            what: "answers EPRT with 500",
            reason: "it has no such command",
            source: "a test",
            when: Circumstances::ANY,
            sign: Sign::Answers {
                verb: "EPRT",
                code: 500,
            },
            effect,
        },
        version: "0.24.0".into(),
        sign_result,
    }
}

fn absent() -> SignResult {
    SignResult::Absent("EPRT was answered with `200 fine`".into())
}

fn transferred() -> Outcome {
    Outcome {
        symptom: Symptom::Transferred,
        phase: Phase::Completion,
        cause: Cause::None,
        event: None,
        came_through: None,
    }
}

fn refused() -> Outcome {
    Outcome {
        symptom: Symptom::Refused,
        phase: Phase::Negotiate,
        cause: Cause::Reply {
            reply: "500 what?".into(),
        },
        event: None,
        came_through: None,
    }
}

fn missed(outcome: Outcome) -> Judgement {
    Judgement::Missed {
        outcome,
        why: "another symptom".into(),
    }
}

fn unclear() -> Judgement {
    Judgement::Inconclusive {
        why: "it failed".into(),
    }
}

fn judged(
    judgement: Judgement,
    effect: Effect,
    sign_result: SignResult,
) -> (Judgement, Vec<String>) {
    let mut notes = Vec::new();
    let judgement = with_deviations(judgement, &[sought(effect, sign_result)], &mut notes);
    (judgement, notes)
}

#[test]
fn one_that_is_gone_is_a_miss_that_says_which_and_where() {
    let text = "recorded deviation `refuses-eprt` of libunftp 0.24.0 no longer shows (libunftp answers EPRT with \
                500): EPRT was answered with `200 fine`; remove it from crates/ftp/src/peer/libunftp/deviations.rs";
    for effect in [
        Effect::Nothing,
        Effect::RulesOut(&[]),
        Effect::Instead(&[REFUSED]),
        Effect::GivesUp,
    ] {
        let (judgement, _) = judged(Judgement::met(transferred()), effect, absent());
        let Judgement::Missed { why, .. } = judgement else {
            panic!("{judgement:?}");
        };
        assert_eq!(why, text);
        let (judgement, _) = judged(missed(refused()), effect, absent());
        let Judgement::Missed { why, .. } = judgement else {
            panic!("{judgement:?}");
        };
        assert_eq!(why, format!("another symptom; {text}"));
        let (judgement, _) = judged(unclear(), effect, absent());
        assert!(matches!(judgement, Judgement::Inconclusive { why } if why.contains(text)));
    }
}

#[test]
fn where_nothing_is_required_one_that_is_gone_is_a_note() {
    let reported = || Judgement::Reported(transferred());
    let (judgement, notes) = judged(reported(), Effect::Nothing, absent());
    assert_eq!(judgement, reported());
    assert_eq!(notes.len(), 1);
    let (judgement, _) = judged(reported(), Effect::RulesOut(&[]), absent());
    assert_eq!(judgement.word(), "missed", "a cell that was run for it");
}

#[test]
fn one_without_effect_changes_nothing() {
    for sign_result in [SignResult::Shows, SignResult::Untold] {
        for before in [
            Judgement::met(transferred()),
            missed(refused()),
            unclear(),
            Judgement::Reported(refused()),
        ] {
            let (after, notes) = judged(before.clone(), Effect::Nothing, sign_result.clone());
            assert_eq!(after, before);
            assert_eq!(notes, [""; 0]);
        }
    }
}

#[test]
fn another_outcome_is_excused_only_where_it_shows_and_is_the_recorded_one() {
    let effect = Effect::Instead(&[REFUSED]);
    let (judgement, notes) = judged(missed(refused()), effect, SignResult::Shows);
    assert_eq!(judgement, Judgement::deviated(Some(refused())));
    assert_eq!(
        notes,
        ["deviation `refuses-eprt`: libunftp answers EPRT with 500"]
    );
    for (before, sign_result) in [
        (missed(refused()), SignResult::Untold),
        (missed(transferred()), SignResult::Shows),
        (unclear(), SignResult::Shows),
        (Judgement::met(refused()), SignResult::Shows),
    ] {
        let (after, _) = judged(before.clone(), effect, sign_result);
        assert_eq!(after, before);
    }
}

#[test]
fn a_peer_that_gives_up_excuses_that_nobody_can_tell_and_nothing_else() {
    let (judgement, _) = judged(unclear(), Effect::GivesUp, SignResult::Shows);
    assert_eq!(judgement, Judgement::deviated(None));
    for (before, sign_result) in [
        (unclear(), SignResult::Untold),
        (missed(refused()), SignResult::Shows),
    ] {
        let (after, _) = judged(before.clone(), Effect::GivesUp, sign_result);
        assert_eq!(after, before);
    }
}

#[test]
fn a_cell_that_is_run_for_a_deviation_is_met_by_it_alone() {
    let effect = Effect::RulesOut(&[REFUSED]);
    for before in [
        missed(refused()),
        Judgement::met(refused()),
        Judgement::Reported(refused()),
    ] {
        let (judgement, _) = judged(before, effect, SignResult::Shows);
        let outcome = Some(refused());
        assert_eq!(judgement, Judgement::deviated(outcome));
    }
    let (judgement, _) = judged(missed(transferred()), effect, SignResult::Shows);
    assert!(
        matches!(&judgement, Judgement::Missed { why, .. } if why.contains("a different outcome")),
        "{judgement:?}"
    );
    let (judgement, _) = judged(unclear(), effect, SignResult::Shows);
    assert_eq!(judgement.word(), "inconclusive");
    for before in [missed(refused()), Judgement::met(refused())] {
        let (after, _) = judged(before.clone(), effect, SignResult::Untold);
        assert_eq!(after, before, "it was stopped before");
    }
    for before in [Judgement::met(transferred()), unclear()] {
        let (judgement, _) = judged(before, effect, SignResult::Untold);
        assert!(
            matches!(&judgement, Judgement::Inconclusive { why } if why.contains("refuses-eprt")),
            "{judgement:?}"
        );
    }
    let (judgement, _) = judged(unclear(), Effect::RulesOut(&[]), SignResult::Shows);
    assert_eq!(judgement, Judgement::deviated(None));
}
