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
    20, 21, 22, 25, 80, 139, 443, 990, 1023, 1024, 3306, 5432, 8080, 20_000, 32_768, 40_000,
    49_152, 55_555, 60_999, 65_535,
];

/// As many classes of peers are tried: each takes two labs.
const CLASSES: usize = 24;

/// What was opened to the peers of a class: ports of the server's, and of the client's.
type Opened = (BTreeSet<u16>, BTreeSet<u16>);

/// Tries the ports for each class of peers, and says which were opened, and to whom.
pub(super) fn opened(
    search: &Search<'_>,
    before: &Candidate,
    after: &Candidate,
) -> Result<String, Exit> {
    let ports = ports(after);
    // One cell of each class; those of the peers that were chosen first.
    let mut places: BTreeMap<(bool, Family, usize), usize> = BTreeMap::new();
    for (at, tried) in search.tried.iter().enumerate() {
        let of_all = at < search.everybody;
        places
            .entry((of_all, tried.family, tried.class))
            .or_insert(at);
    }
    let classes = places.len();
    let tried: Vec<usize> = places.into_values().take(CLASSES).collect();
    let each = tried.iter().map(|at| async {
        let [was, is] = [before, after].map(|candidate| reach(search, candidate, *at, &ports));
        let (was, is) = futures::try_join!(was, is)?;
        let opened: Opened = (
            is.of_server.difference(&was.of_server).copied().collect(),
            is.of_client.difference(&was.of_client).copied().collect(),
        );
        Ok((*at, opened))
    });
    let each = search
        .runtime
        .block_on(futures::future::try_join_all(each))?;
    let mut groups: Vec<(Opened, Vec<usize>)> = Vec::new();
    for (at, opened) in each {
        match groups.iter_mut().find(|(known, _)| *known == opened) {
            Some((_, places)) => places.push(at),
            None => groups.push((opened, vec![at])),
        }
    }
    groups.retain(|((of_server, of_client), _)| !of_server.is_empty() || !of_client.is_empty());
    let mut told = format!("\nOf {} ports that were tried", ports.len());
    if classes > CLASSES {
        told += &format!(", for {CLASSES} of {classes} classes of peers");
    }
    if groups.is_empty() {
        return Ok(told + ", it opens none to new connections.\n");
    }
    told += ", it opens to new connections:\n";
    for ((of_server, of_client), places) in &groups {
        let listed = |ports: &BTreeSet<u16>| {
            ports
                .iter()
                .map(u16::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let ends = [
            ("server to clients", of_server),
            ("client to servers", of_client),
        ];
        let ends = ends.iter().filter(|(_, ports)| !ports.is_empty());
        let ends: Vec<String> = ends
            .map(|(end, ports)| format!("{} of the {end}", listed(ports)))
            .collect();
        told += &format!("  {}: {}\n", ends.join("; "), whom(search, places));
    }
    Ok(told)
}

/// The peers of some cells.
fn whom(search: &Search<'_>, places: &[usize]) -> String {
    let mut words: Vec<String> = Vec::new();
    if places.iter().any(|at| *at >= search.everybody) {
        words.push("those that were chosen".to_owned());
    }
    for family in Family::ALL {
        let of = places.iter().filter(|at| **at < search.everybody);
        let of: Vec<_> = of
            .map(|at| &search.tried[*at])
            .filter(|tried| tried.family == *family)
            .collect();
        let Some(first) = of.first() else { continue };
        let members = of.iter().map(|tried| tried.class).collect();
        for line in first.classes.describe(&members) {
            if !words.contains(&line) {
                words.push(line);
            }
        }
    }
    words.join("; ")
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
            let ends = [
                low.checked_sub(1),
                Some(*low),
                Some(*high),
                high.checked_add(1),
            ];
            ports.extend(ends.into_iter().flatten());
        }
    }
    ports.into_iter().filter(|port| *port > 0).collect()
}

async fn reach(
    search: &Search<'_>,
    candidate: &Candidate,
    at: usize,
    ports: &[u16],
) -> Result<Reach, Exit> {
    let family = search.tried[at].family;
    let cell = &search.planned[at];
    let scenario = candidate.scenario(&cell.scenario);
    let failed = |error: String| {
        complain(format!("what it opens could not be tried: {error}"), None);
        Exit::Lab
    };
    let rules = search.loader.prepare(&scenario, 0, cell.axes.backend).await;
    let rules = rules.map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        failed(errors.join("; "))
    })?;
    let reached = search.loader.reach(&rules, &scenario.stage, family, ports);
    reached.await.map_err(|error| failed(error.to_string()))
}
