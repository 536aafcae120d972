//! What a rule that accepts RELATED lets in beside FTP's data connections: a client may announce any port of its own.

use fwlab_classes::Position;
use fwlab_record::{DataSetup, Exit, Protection};
use fwlab_runner::{Knock, Reach};

use super::rules::Line;
use super::taken::AsItIs;
use crate::command::trial::{Bench, Candidate, passes};

/// A port that data connections have nothing to do with, and that somebody listens on.
pub(super) const PORT: u16 = 22;

/// Connections to a client's own service that came through because the client had announced its port.
pub(super) struct Wide<'l> {
    /// The rules without any one of which it does not.
    pub(super) lines: Vec<&'l Line>,
    /// Whom it was tried for: a cell of each class.
    pub(super) places: Vec<usize>,
}

/// Tries it for transfers by PORT that pass in plain, of clients that the rules are there for. Where the port is open to anybody, it tells nothing.
pub(super) fn wide<'l>(
    bench: &Bench<'_>,
    as_it_is: &AsItIs,
    lines: &'l [Line],
) -> Result<Option<Wide<'l>>, Exit> {
    if !matches!(
        bench.subject.place.position(),
        Position::Client | Position::Router
    ) {
        return Ok(None);
    }
    let is_open = |at: &usize| {
        let mut swept = as_it_is.swept.iter();
        swept.any(|(place, reach)| bench.is_one_class(*place, *at) && stands(reach))
    };
    let mut places: Vec<usize> = Vec::new();
    for (at, record) in &as_it_is.records {
        let axes = &record.axes;
        let is_new = !places.iter().any(|place| bench.is_one_class(*place, *at));
        if axes.data == DataSetup::Port
            && axes.protection == Protection::Plain
            && is_new
            && passes(record)
            && !is_open(at)
        {
            places.push(*at);
        }
    }
    let none = Candidate::none(bench.subject);
    let announced = |candidate: &Candidate, of: &[usize]| -> Result<Vec<usize>, Exit> {
        let records = bench.run_announcing(candidate, |at| of.contains(&at), PORT)?;
        let passing = records.into_iter().filter(|(_, record)| passes(record));
        Ok(passing.map(|(at, _)| at).collect())
    };
    let places = announced(&none, &places)?;
    if places.is_empty() {
        return Ok(None);
    }
    let mut closing = Vec::new();
    for line in lines {
        let mut statements = line.rules.iter().map(|rule| rule.statement.to_lowercase());
        if !statements.any(|statement| statement.contains("related")) {
            continue;
        }
        let Ok(without) = none.without(line.slot, line.line) else {
            continue;
        };
        if announced(&without, &places)?.is_empty() {
            closing.push(line);
        }
    }
    Ok(Some(Wide {
        lines: closing,
        places,
    }))
}

/// Whether anybody may connect to the port.
fn stands(reach: &Reach) -> bool {
    let mut standing = reach.of_client.standing();
    standing.any(|Knock { to, .. }| to == PORT)
}
