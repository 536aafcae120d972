//! Two hosts that are tried alike, so that what differs is due to their rules.

use std::sync::Arc;

use fwlab_classes::{Classes, Question};
use fwlab_host::Host;
use fwlab_model::ruleset::Told;
use fwlab_record::{Backend, Exit, Family};
use fwlab_text::one_line;

use crate::messages::Messages;
use crate::peers;
use crate::subject::{OfFamilies, Subject};
use crate::terms::Terms;

impl Subject {
    /// Gives two hosts the same peers, interfaces and families, and the same questions. Says what of one is not the other's.
    pub fn alike(old: &mut Subject, new: &mut Subject, said: &mut Messages) -> Result<(), Exit> {
        let both = old.backends.iter().copied();
        let both: Vec<Backend> = both
            .filter(|backend| new.backends.contains(backend))
            .collect();
        if !both.is_empty() {
            old.backends.clone_from(&both);
            new.backends = both;
        }
        let (one, other) = (&mut old.place, &mut new.place);
        let interfaces = one.interfaces.union(&other.interfaces).cloned().collect();
        one.interfaces = interfaces;
        other.interfaces.clone_from(&one.interfaces);
        let mut families = other.layout.families.clone();
        let missing = one.layout.families.iter();
        families.extend(missing.filter(|family| !other.layout.families.contains(family)));
        families.sort();
        one.layout.families.clone_from(&families);
        other.layout.families = families;
        // Interfaces, addresses and routes: where both are known, the newer ones.
        match (&old.files.host, &new.files.host) {
            (Some(before), Some(after)) if !same_network(before, after) => said.say(
                format!(
                    "the two hosts differ in interfaces, addresses or routes: those of {} are used for both",
                    one_line(&new.files.name)
                ),
                Some("so any change is due to their rules and their servers' settings"),
            ),
            _ => {}
        }
        let network = other.network.take().or_else(|| one.network.take());
        one.network.clone_from(&network);
        other.network = network;
        let (one, other) = (&mut old.serving, &mut new.serving);
        one.servers.clone_from(&other.servers);
        other.to.extend(
            one.to
                .iter()
                .filter(|_| other.to.is_empty())
                .copied()
                .collect::<Vec<_>>(),
        );
        one.to.clone_from(&other.to);
        let ways = (
            other.protections.len(),
            other.data.len(),
            one.protections.len(),
            one.data.len(),
        );
        other
            .protections
            .retain(|way| one.protections.contains(way));
        other.data.retain(|way| one.data.contains(way));
        one.protections.clone_from(&other.protections);
        one.data.clone_from(&other.data);
        let left = (other.protections.len(), other.data.len());
        if left.0 == 0 || left.1 == 0 {
            said.say(
                "by their settings, the two servers have no kind of transfer in common",
                Some("--protection and --data choose what to compare all the same"),
            );
            return Err(Exit::Usage);
        }
        if ways != (left.0, left.1, left.0, left.1) {
            said.say("only what both servers' settings ask for is compared", None);
        }
        Ok(())
    }

    /// The classes of peers that two hosts tell apart together.
    pub fn classes_of_both(
        old: &Subject,
        new: &Subject,
        told: &[Vec<Told>; 2],
        terms: &Terms,
        said: &mut Messages,
    ) -> OfFamilies {
        let told = told.concat();
        let ports = [old, new].map(|subject| subject.connect_port);
        if ports[0] != ports[1] {
            said.say(
                format!(
                    "the control port was {}, and is {}: peers that only the rules for the old port tell apart are not tried",
                    ports[0], ports[1]
                ),
                None,
            );
        }
        let families = new.place.layout.families.iter();
        families
            .map(|&family| {
                let classes = Classes::of(&told, &asked(old, new, terms, &told, family));
                peers::tell(&classes, family, new.place.network.is_some(), said);
                (family, Arc::new(classes))
            })
            .collect()
    }
}

fn asked(old: &Subject, new: &Subject, terms: &Terms, told: &[Told], family: Family) -> Question {
    let mut asked = peers::question(new, &terms.whom, told, family);
    if old.serving.terms.passive_ports != new.serving.terms.passive_ports {
        asked.passive_ports = None;
    }
    asked
}

fn same_network(one: &Host, other: &Host) -> bool {
    one.links == other.links && one.addresses == other.addresses && one.routes == other.routes
}
