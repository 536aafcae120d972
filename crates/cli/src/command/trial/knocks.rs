//! New connections to ports, tried for each class of peers.

use std::collections::BTreeMap;

use fwlab_record::{Exit, Family};
use fwlab_runner::{Knock, Reach};

use super::{Bench, Candidate};
use crate::command::exit::complain;

/// Ports of every part of the range: well-known ones, both ends of those that hosts take by themselves, and some between.
pub(in crate::command) const PORTS: [u16; 20] = [
    20, 21, 22, 25, 80, 139, 443, 990, 1023, 1024, 3306, 5432, 8080, 20_000, 32_768, 40_000,
    49_152, 55_555, 60_999, 65_535,
];

/// As many classes of peers are tried for each rule that is taken away: each takes a lab.
pub(in crate::command) const CLASSES: usize = 24;

impl Bench<'_> {
    /// One cell of each class; those of the peers that were chosen first, and of both families by turns, since the last ones may
    /// be too many to try.
    pub(in crate::command) fn one_of_each_class(&self) -> Vec<usize> {
        let mut places: BTreeMap<(bool, usize, Family), usize> = BTreeMap::new();
        for (at, tried) in self.tried.iter().enumerate() {
            let of_all = at < self.everybody;
            places
                .entry((of_all, tried.class, tried.family))
                .or_insert(at);
        }
        places.into_values().collect()
    }

    /// What comes of new connections for the class of a cell, with a candidate's rules.
    pub(in crate::command) async fn reach(
        &self,
        candidate: &Candidate,
        at: usize,
        knocks: &[Knock],
    ) -> Result<Reach, Exit> {
        let family = self.tried[at].family;
        let cell = &self.planned[at];
        let scenario = candidate.scenario(&cell.scenario);
        let failed = |error: String| {
            complain(
                format!("new connections to ports could not be tried: {error}"),
                None,
            );
            Exit::Lab
        };
        let rules = self.loader.prepare(&scenario, 0, cell.axes.backend).await;
        let rules = rules.map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            failed(errors.join("; "))
        })?;
        let reached = self
            .loader
            .reach(&rules, &scenario.deployment, family, knocks);
        reached.await.map_err(|error| failed(error.to_string()))
    }

    /// The peers of some cells, one of each class.
    pub(in crate::command) fn whom(&self, places: &[usize]) -> String {
        let is_chosen = |at: &usize| *at >= self.everybody;
        let (chosen, others): (Vec<usize>, Vec<usize>) =
            places.iter().partition(|at| is_chosen(at));
        let of_chosen = self
            .one_of_each_class()
            .iter()
            .filter(|at| is_chosen(at))
            .count();
        let mut words = match chosen.len() {
            0 => Vec::new(),
            all if all == of_chosen => vec!["those that were chosen".to_owned()],
            _ => {
                let lines = self.lines(&chosen).into_iter();
                lines
                    .map(|line| format!("of those that were chosen, {line}"))
                    .collect()
            }
        };
        words.extend(self.lines(&others));
        words.join("; ")
    }

    /// The peers of cells as the rows of a table have them, with the protocol where only one of two is meant.
    fn lines(&self, places: &[usize]) -> Vec<String> {
        let is_tried = |family: &&Family| self.tried.iter().any(|tried| tried.family == **family);
        let families: Vec<Family> = Family::ALL.iter().filter(is_tried).copied().collect();
        let mut lines: Vec<(String, Vec<Family>)> = Vec::new();
        for family in &families {
            let of = places.iter().map(|at| &self.tried[*at]);
            let of: Vec<_> = of.filter(|tried| tried.family == *family).collect();
            let Some(first) = of.first() else { continue };
            let members = of.iter().map(|tried| tried.class).collect();
            for line in first.classes.describe(&members) {
                match lines.iter_mut().find(|(known, _)| *known == line) {
                    Some((_, of)) => of.push(*family),
                    None => lines.push((line, vec![*family])),
                }
            }
        }
        let with_family = |(line, of): (String, Vec<Family>)| match of[..] {
            [family] if families.len() > 1 => format!("{line} over {}", family.protocol()),
            _ => line,
        };
        lines.into_iter().map(with_family).collect()
    }
}
