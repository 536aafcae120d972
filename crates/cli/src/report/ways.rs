use std::collections::BTreeSet;

use fwlab_record::{Axes, CellRecord, Family, Operation, Protection};

/// How a cell transfers, beside its data setup.
pub(crate) type Way = (Family, Protection, Operation);

pub(crate) fn way(axes: &Axes) -> Way {
    (axes.family, axes.protection, axes.operation)
}

/// All ways of some cells.
#[derive(Debug)]
pub(crate) struct Ways {
    families: BTreeSet<&'static str>,
    protections: BTreeSet<&'static str>,
    operations: BTreeSet<&'static str>,
}

impl Ways {
    pub(crate) fn of(records: &[&CellRecord]) -> Ways {
        let ways = records.iter().map(|record| way(&record.axes));
        Ways::among(&ways.collect())
    }

    fn among(ways: &BTreeSet<Way>) -> Ways {
        Ways {
            families: ways.iter().map(|(family, ..)| family.word()).collect(),
            protections: ways
                .iter()
                .map(|(_, protection, _)| protection.word())
                .collect(),
            operations: ways
                .iter()
                .map(|(.., operation)| operation.word())
                .collect(),
        }
    }

    /// Some of them in words, as far as they are not all: `ipv6 explicit`.
    pub(crate) fn words(&self, some: &BTreeSet<Way>) -> String {
        let among = Ways::among(some);
        let count = among.families.len() * among.protections.len() * among.operations.len();
        if count == some.len() {
            return self.product(&among);
        }
        let single = some
            .iter()
            .map(|way| self.product(&Ways::among(&BTreeSet::from([*way]))));
        single.collect::<Vec<_>>().join(", ")
    }

    fn product(&self, some: &Ways) -> String {
        let pairs = [
            (&self.families, &some.families),
            (&self.protections, &some.protections),
            (&self.operations, &some.operations),
        ];
        let told = pairs.into_iter().filter(|(all, some)| all != some);
        let words = told.map(|(_, some)| some.iter().copied().collect::<Vec<_>>().join(","));
        words.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_all_is_not_said() {
        let way = |family, protection| (family, protection, Operation::Retr);
        let [four, six] = [Family::Ipv4, Family::Ipv6];
        let [plain, explicit] = [Protection::Plain, Protection::Explicit];
        let all: BTreeSet<Way> = [
            way(four, plain),
            way(four, explicit),
            way(six, plain),
            way(six, explicit),
        ]
        .into();
        let ways = Ways::among(&all);
        let words = |some: &[Way]| ways.words(&some.iter().copied().collect());
        assert_eq!(ways.words(&all), "");
        assert_eq!(words(&[way(six, plain), way(six, explicit)]), "ipv6");
        assert_eq!(words(&[way(six, plain), way(four, plain)]), "plain");
        assert_eq!(
            words(&[way(six, plain), way(four, explicit)]),
            "ipv4 explicit, ipv6 plain"
        );
    }
}
