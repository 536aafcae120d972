//! What else remedies open: ports that a new connection comes to, before and after.

use std::collections::BTreeSet;

use fwlab_record::Exit;
use fwlab_runner::{Doors, Knock};

use super::ports::Ports;
use super::search::Search;
use crate::command::trial::{CLASSES, Candidate};

/// What was opened to the peers of a class: ports of the server's, and of the client's.
type Opened = (BTreeSet<u16>, BTreeSet<u16>);

/// Tries the ports for each class of peers, and says which were opened, and to whom.
pub(super) fn opened(
    search: &Search<'_>,
    before: &Candidate,
    after: &Candidate,
) -> Result<String, Exit> {
    let ports = Ports::of(after.remedies(), &search.rules.ports());
    let tried = ports.tried.iter();
    let knocks: Vec<Knock> = tried.map(|&to| Knock { from: None, to }).collect();
    let mut places = search.bench.one_of_each_class();
    let classes = places.len();
    places.truncate(CLASSES);
    let each = places.iter().map(|at| async {
        let [was, is] =
            [before, after].map(|candidate| search.bench.reach(candidate, *at, &knocks));
        let (was, is) = futures::try_join!(was, is)?;
        let standing =
            |doors: &Doors| -> BTreeSet<u16> { doors.standing().map(|knock| knock.to).collect() };
        let opened = |was: &Doors, is: &Doors| -> BTreeSet<u16> { &standing(is) - &standing(was) };
        let opened: Opened = (
            opened(&was.of_server, &is.of_server),
            opened(&was.of_client, &is.of_client),
        );
        Ok((*at, opened))
    });
    let each = search
        .bench
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
    let mut told = format!("\nOf {} ports that were tried", knocks.len());
    if classes > CLASSES {
        told += &format!(", for {CLASSES} of {classes} classes of peers");
    }
    if groups.is_empty() {
        return Ok(told + ", it opens none to new connections.\n");
    }
    told += ", it opens to new connections:\n";
    for ((of_server, of_client), places) in &groups {
        let ends = [
            ("server to clients", of_server),
            ("client to servers", of_client),
        ];
        let ends = ends.iter().filter(|(_, opened)| !opened.is_empty());
        let ends: Vec<String> = ends
            .map(|(end, opened)| format!("{} of the {end}", ports.listed(opened)))
            .collect();
        told += &format!("  {}: {}\n", ends.join("; "), search.bench.whom(places));
    }
    Ok(told)
}
