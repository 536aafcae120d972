//! For whom ports are tried: rules for other services tell peers apart whose transfers are the same.

use fwlab_check::{Messages, Trial};
use fwlab_model::ruleset::Told;
use fwlab_record::Exit;

use super::search::Search;
use crate::command::trial::Bench;

/// As many classes of peers are tried, of both families: each takes two labs.
pub(super) const CLASSES: usize = 100;

/// Peers by what all rules of TCP tell apart.
pub(super) struct Everybody {
    /// Their cells, where they are not too many.
    trial: Option<Trial>,
    /// How many of these are for all classes of peers.
    of_all: usize,
    /// Whether they are too many.
    pub(super) is_more_apart: bool,
}

impl Everybody {
    pub(super) fn of(search: &Search<'_>, told: &[Told]) -> Result<Everybody, Exit> {
        let told: Vec<Told> = told.iter().cloned().map(Told::of_every_service).collect();
        let (subject, terms) = (search.bench.subject, search.terms);
        // What there is to say of peers was said of those of the transfers.
        let said = &mut Messages::default();
        let all = subject.all_classes(&told, terms, said);
        let mut trial = subject.trial(&all, terms, &[], said)?;
        let of_all = trial.planned.len();
        if terms.whom.is_chosen() {
            let chosen = subject.classes(&told, terms, said);
            let chosen = subject.trial(&chosen, terms, &[], said)?;
            trial.tried.extend(chosen.tried);
            trial.planned.extend(chosen.planned);
        }
        let mut everybody = Everybody {
            trial: Some(trial),
            of_all,
            is_more_apart: false,
        };
        let classes = everybody.bench(search).one_of_each_class().len();
        if classes > CLASSES {
            everybody.trial = None;
            everybody.is_more_apart = classes > search.bench.one_of_each_class().len();
        }
        Ok(everybody)
    }

    /// Where ports are tried for them; where they are too many, for those whose transfers are.
    pub(super) fn bench<'b>(&'b self, search: &'b Search<'_>) -> Bench<'b> {
        let of_transfers = &search.bench;
        let (tried, planned, everybody) = match &self.trial {
            Some(trial) => (&*trial.tried, &*trial.planned, self.of_all),
            None => (
                of_transfers.tried,
                of_transfers.planned,
                of_transfers.everybody,
            ),
        };
        Bench {
            subject: of_transfers.subject,
            settings: of_transfers.settings.clone(),
            loader: of_transfers.loader.clone(),
            runtime: of_transfers.runtime,
            tried,
            planned,
            everybody,
        }
    }
}
