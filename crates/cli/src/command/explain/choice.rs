//! Which cell `--cell` means.

use fwlab_model::ruleset::nearest;
use fwlab_record::{Axes, Exit};
use fwlab_scenario::filter::{Filter, FilterError};
use fwlab_text::one_line;

use crate::command::exit::complain;

/// As many names are told.
const NAMED: usize = 5;

/// What `--cell` says: a cell's whole name, or words of it as in a filter. Nothing means every cell.
pub(super) struct Choice {
    text: Option<String>,
    filter: Result<Filter, FilterError>,
}

impl Choice {
    pub(super) fn of(text: Option<&str>) -> Choice {
        let words: Vec<&str> = text.into_iter().collect();
        Choice {
            text: text.map(str::to_owned),
            filter: Filter::parse(&words),
        }
    }

    /// Whether there is one at all.
    pub(super) fn is_made(&self) -> bool {
        self.text.is_some()
    }

    /// Those that are meant, in their order: the one of that name, or else all that have the words. `Err`: there is none, or
    /// the words are none, and that was told.
    pub(super) fn among<T>(
        &self,
        all: Vec<T>,
        cell: impl Fn(&T) -> (&Axes, &[String]),
    ) -> Result<Vec<T>, Exit> {
        let is_named = |one: &T| {
            let text = self.text.as_deref();
            text.is_some_and(|text| is_name_of(text.trim(), cell(one).0))
        };
        if all.iter().any(is_named) {
            return Ok(all.into_iter().filter(is_named).collect());
        }
        let filter = self.filter.as_ref().map_err(|error| {
            complain(format!("--cell: {error}"), None);
            Exit::Usage
        })?;
        let is_admitted = |one: &T| {
            let (axes, tags) = cell(one);
            filter.admits(axes, tags)
        };
        if !all.iter().any(is_admitted) {
            let cells: Vec<_> = all.iter().map(&cell).collect();
            complain(
                "there is no such transfer",
                Some(&none(self.text.as_deref().unwrap_or_default(), &cells)),
            );
            return Err(Exit::Usage);
        }
        Ok(all.into_iter().filter(is_admitted).collect())
    }
}

/// Some names, one below the other.
pub(super) fn names<'a>(cells: impl ExactSizeIterator<Item = &'a Axes>) -> String {
    let more = cells.len().saturating_sub(NAMED);
    let mut shown: Vec<String> = cells.take(NAMED).map(one_line).collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join("\n  ")
}

/// Whether a text is a cell's whole name. Its scenario is called by its path, of which more or less is known to whoever reads it
/// from a folder.
fn is_name_of(text: &str, axes: &Axes) -> bool {
    let name = axes.to_string();
    let Some(rest) = name.strip_prefix(&axes.scenario) else {
        return false;
    };
    let Some(scenario) = text.strip_suffix(rest).filter(|it| !it.is_empty()) else {
        return false;
    };
    let ends_in = |long: &str, short: &str| {
        long.strip_suffix(short)
            .is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    ends_in(scenario, &axes.scenario) || ends_in(&axes.scenario, scenario)
}

/// What there is, where no cell has all the words: the words that none has, and the names that have most of them.
fn none(text: &str, cells: &[(&Axes, &[String])]) -> String {
    let count = match cells.len() {
        0 => return "there are no cells to choose from".to_owned(),
        1 => "there is one cell".to_owned(),
        count => format!("there are {count} cells"),
    };
    let words: Vec<&str> = match text.contains("::") {
        true => text.split("::").map(str::trim).collect(),
        false => text.split_whitespace().collect(),
    };
    let filters = words.iter().map(|word| Filter::parse(&[word]).ok());
    let filters: Vec<Option<Filter>> = filters.collect();
    let has = |filter: &Option<Filter>, (axes, tags): &(&Axes, &[String])| {
        let filter = filter.as_ref();
        filter.is_some_and(|filter| filter.admits(axes, tags))
    };
    let mut told = Vec::new();
    for (word, filter) in words.iter().zip(&filters) {
        if cells.iter().any(|cell| has(filter, cell)) {
            continue;
        }
        let names: Vec<String> = cells.iter().map(|(axes, _)| axes.to_string()).collect();
        let parts = names.iter().flat_map(|name| name.split("::"));
        let meant = word.rsplit('=').next().unwrap_or(word);
        told.push(match nearest(meant, parts) {
            Some(near) => format!("none has `{}`, but there is `{near}`", one_line(word)),
            None => format!("none has `{}`", one_line(word)),
        });
    }
    let mut ranked: Vec<&(&Axes, &[String])> = cells.iter().collect();
    let held = |cell: &(&Axes, &[String])| filters.iter().filter(|it| has(it, cell)).count();
    ranked.sort_by_key(|cell| std::cmp::Reverse(held(cell)));
    told.insert(0, count);
    format!(
        "{}; the nearest names:\n  {}",
        told.join("; "),
        names(ranked.into_iter().map(|(axes, _)| *axes))
    )
}

#[cfg(test)]
mod tests {
    use fwlab_record::{Backend, DataSetup, Family, Operation, PeerName, Protection};

    use super::*;

    fn axes(scenario: &str, data: DataSetup) -> Axes {
        Axes {
            scenario: scenario.into(),
            ruleset: "a ruleset=b".into(),
            backend: Backend::Nft,
            server: PeerName::Libunftp,
            client: PeerName::Suppaftp,
            data,
            protection: Protection::Plain,
            family: Family::Ipv4,
            operation: Operation::Retr,
        }
    }

    fn chosen(text: &str) -> Result<Vec<Axes>, Exit> {
        let all = vec![
            axes("one", DataSetup::Pasv),
            axes("one", DataSetup::Port),
            axes("other/one", DataSetup::Pasv),
        ];
        Choice::of(Some(text)).among(all, |axes| (axes, &[]))
    }

    #[test]
    fn a_whole_name_is_one_cell_and_words_may_be_several() {
        let all = chosen("pasv").expect("two have it");
        assert_eq!(all.len(), 2);
        let pasv = axes("one", DataSetup::Port);
        let name = pasv.to_string();
        // It has an equals sign and a blank, which a filter would not read.
        assert_eq!(chosen(&name), Ok(vec![pasv.clone()]));
        assert_eq!(chosen(&format!("scenarios/{name}")), Ok(vec![pasv]));
        assert_eq!(chosen(&format!("anone{}", &name[3..])), Err(Exit::Usage));
        assert_eq!(chosen("data=epsv"), Err(Exit::Usage));
        assert_eq!(chosen("data=eps"), Err(Exit::Usage));
    }

    #[test]
    fn of_none_the_nearest_are_told() {
        let (pasv, port) = (axes("one", DataSetup::Pasv), axes("one", DataSetup::Port));
        let cells: Vec<(&Axes, &[String])> = vec![(&pasv, &[]), (&port, &[])];
        let told = none("nft prot", &cells);
        assert_eq!(
            told,
            format!(
                "there are 2 cells; none has `prot`, but there is `port`; the nearest names:\n  {pasv}\n  {port}"
            )
        );
        let told = none("one::a ruleset=b::legacy::port", &cells);
        let first = told.lines().nth(1).expect("a name");
        assert!(first.contains("::port::"), "{told}");
        assert!(told.contains("none has `legacy`"), "{told}");
    }
}
