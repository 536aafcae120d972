//! Whose transfers are tried: what was chosen of them, and what is said of the rest.

use std::net::IpAddr;
use std::sync::Arc;

use fwlab_classes::{Classes, Position, Question};
use fwlab_model::ruleset::Told;
use fwlab_record::{Exit, Family};

use crate::messages::Messages;
use crate::subject::{OfFamilies, Subject};
use crate::terms::{Terms, Whom};

/// How many classes are tried where nobody says: each loads all rules anew.
fn at_most(whom: &Whom, rules: usize) -> usize {
    let of_rules = 100_000 / rules.max(1);
    whom.classes.map_or(of_rules.clamp(2, 50), usize::from)
}

/// What is asked of the rules in a family.
pub(crate) fn question(subject: &Subject, whom: &Whom, told: &[Told], family: Family) -> Question {
    let Subject {
        place,
        serving,
        connect_port,
        ..
    } = subject;
    let mut asked = place.question(family, *connect_port, at_most(whom, told.len()));
    asked.passive_ports = serving.terms.passive_ports;
    let chosen = |addresses: &[IpAddr]| {
        let mut addresses = addresses.iter().copied();
        addresses.find(|address| Family::of(*address) == family)
    };
    let [near, far] = &mut asked.ends;
    near.interface = whom.on.clone();
    far.interface = whom.out.clone();
    if let (Some(network), Position::Forwarder, None) = (&place.network, asked.position, &whom.out)
    {
        let server = place.layout.addressing.server.address(family);
        far.interface = server.and_then(|server| network.towards(server));
    }
    if asked.position == Position::Hairpin && whom.on.is_none() {
        let server = place.layout.addressing.server.address(family);
        near.interface = place
            .network
            .as_ref()
            .zip(server)
            .and_then(|(network, server)| network.towards(server));
    }
    let (from, to) = (chosen(&whom.from), chosen(&serving.to));
    [near.address, far.address] = match asked.position {
        // The other end is the server.
        Position::Client => [to, from],
        Position::Server | Position::Router | Position::Forwarder | Position::Hairpin => [from, to],
    };
    asked
}

/// Addresses of a family that nobody speaks.
pub(crate) fn refused(terms: &Terms, spoken: &[Family], said: &mut Messages) -> Result<(), Exit> {
    let whom = &terms.whom;
    let mut given = [&whom.from, &whom.to, &whom.server_address]
        .into_iter()
        .flatten();
    match given.find(|address| !spoken.contains(&Family::of(**address))) {
        None => Ok(()),
        Some(unspoken) => {
            let family = Family::of(*unspoken);
            said.say(
                format!(
                    "{unspoken} is an {} address, but nobody speaks that here",
                    family.protocol()
                ),
                Some(&format!("add `--family {family}`")),
            );
            Err(Exit::Usage)
        }
    }
}

/// Says what of the classes is not tried, and what is not known of them.
pub(crate) fn tell(classes: &Classes, family: Family, is_known: bool, said: &mut Messages) {
    if classes.untried > 0 {
        let all = classes.len() + classes.untried;
        said.say(
            format!(
                "the rules tell {all} classes of {} peers apart; {} of them are tried",
                family.protocol(),
                classes.len()
            ),
            Some(&format!(
                "--classes {all} tries all; --on, --out, --from and --to choose some"
            )),
        );
    }
    if is_known && classes.impossible > 0 {
        let (count, are) = match classes.impossible {
            1 => ("1 class".to_owned(), "is"),
            more => (format!("{more} classes"), "are"),
        };
        said.say(
            format!(
                "{count} of {} peers that the rules tell apart {are} left out: that host has no route to such an address by such an interface",
                family.protocol()
            ),
            None,
        );
    }
    for unread in &classes.unread {
        said.say(
            format!(
                "the rules tell peers apart by {unread}, which fwlab does not read: such peers are not tried"
            ),
            None,
        );
    }
}

/// Whether everybody was tried whom the rules tell apart; if not, says what follows.
///
/// # Errors
/// When somebody was not: then nothing is known of them.
pub fn everybody(classes: &OfFamilies, follows: &str, said: &mut Messages) -> Result<(), Exit> {
    let all =
        |(_, classes): &(Family, Arc<Classes>)| classes.untried == 0 && classes.unread.is_empty();
    if classes.iter().all(all) {
        return Ok(());
    }
    said.say(
        format!("not all peers that the rules tell apart were tried: {follows}"),
        Some("--classes tries more; --on, --out, --from and --to choose some"),
    );
    Err(Exit::Lab)
}
