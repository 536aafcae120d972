//! What else remedies open: ports that a new connection comes to, before and after.

use std::collections::{BTreeMap, BTreeSet};

use fwlab_fix::{Accepts, Remedy};
use fwlab_record::{Exit, Family};
use fwlab_runner::Reach;

use super::candidate::Candidate;
use super::search::Search;
use crate::command::exit::complain;

/// Ports of every part of the range: well-known ones, both ends of those that hosts take by themselves, and some between.
const PORTS: [u16; 20] = [
    20, 21, 22, 25, 80, 139, 443, 990, 1023, 1024, 3306, 5432, 8080, 20_000, 32_768, 40_000, 49_152,
    55_555, 60_999, 65_535,
];

/// Tries the ports on the classes that gained something, and says which were opened.
pub(super) fn opened(
    search: &Search<'_>,
    before: &Candidate,
    after: &Candidate,
    gained: &[usize],
) -> Result<String, Exit> {
    let ports = ports(after);
    let mut places: BTreeMap<(Family, usize), usize> = BTreeMap::new();
    for at in gained {
        let tried = &search.tried[*at];
        places.entry((tried.family, tried.class)).or_insert(*at);
    }
    let mut of_server = BTreeSet::new();
    let mut of_client = BTreeSet::new();
    for ((family, _), at) in &places {
        let [was, is] = [before, after].map(|candidate| reach(search, candidate, *at, *family, &ports));
        let (was, is) = (was?, is?);
        of_server.extend(is.of_server.difference(&was.of_server).copied());
        of_client.extend(is.of_client.difference(&was.of_client).copied());
    }
    let listed = |ports: &BTreeSet<u16>| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let mut told = format!("\nOf {} ports that were tried, ", ports.len());
    told += &match (of_server.is_empty(), of_client.is_empty()) {
        (true, true) => "it opens none to new connections.".to_owned(),
        (false, true) => format!("it opens {} of the server's to clients.", listed(&of_server)),
        (true, false) => format!("it opens {} of the client's to servers.", listed(&of_client)),
        (false, false) => format!(
            "it opens {} of the server's to clients, and {} of the client's to servers.",
            listed(&of_server),
            listed(&of_client)
        ),
    };
    told.push('\n');
    Ok(told)
}

/// The usual ones, and those at the ends of a range that is opened.
fn ports(candidate: &Candidate) -> Vec<u16> {
    let mut ports: BTreeSet<u16> = PORTS.into();
    for remedy in candidate.remedies() {
        if let Remedy::Accept {
            what: Accepts::Ports { low, high },
            ..
        } = remedy
        {
            let ends = [low.checked_sub(1), Some(*low), Some(*high), high.checked_add(1)];
            ports.extend(ends.into_iter().flatten());
        }
    }
    ports.into_iter().filter(|port| *port > 0).collect()
}

fn reach(
    search: &Search<'_>,
    candidate: &Candidate,
    at: usize,
    family: Family,
    ports: &[u16],
) -> Result<Reach, Exit> {
    let cell = &search.planned[at];
    let scenario = candidate.scenario(&cell.scenario);
    let failed = |error: String| {
        complain(format!("what it opens could not be tried: {error}"), None);
        Exit::Lab
    };
    search.runtime.block_on(async {
        let rules = search.loader.prepare(&scenario, 0, cell.axes.backend).await;
        let rules = rules.map_err(|errors| failed(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
        let reached = search.loader.reach(&rules, &scenario.stage, family, ports).await;
        reached.map_err(|error| failed(error.to_string()))
    })
}
