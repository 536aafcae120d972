//! Why a packet that no rule stopped came to nothing, where addresses and other packets tell.

use fwlab_record::{Cause, EventId, Evidence, Fact, NodeName, Packet, Role, Seen, Way, is_private};

use crate::Why;
use crate::ends::{End, Ends};

/// Why a data connection came to nothing without a rule that stopped it, where its addresses tell.
pub(crate) fn led_astray(
    connection: Role,
    node: &NodeName,
    evidence: &Evidence,
) -> Option<(Why, Vec<EventId>)> {
    let Role::Data(setup) = connection else {
        return None;
    };
    let control = Ends::of(evidence, Role::Control);
    let data = Ends::of(evidence, connection);
    // The other end, as whoever opens the data connection knows it, and as it is known there.
    let (known, expected) = match setup.is_active() {
        true => (control.opener(), control.known_as()),
        false => (control.known_as(), control.opener()),
    };
    if let (Some(sent), Some(known)) = (data.sent, known)
        && sent.flow.to.ip() != known
    {
        let announced = sent.flow.to.ip();
        let mut rests_on = vec![sent.event];
        let mut facts = evidence.facts.iter().rev();
        let of_address = facts.find(|fact| {
            matches!(&fact.what, Seen::Announced { announcement } if announcement.address == Some(announced))
        });
        rests_on.extend(of_address.map(|fact| fact.event));
        return Some((Why::AnnouncedElsewhere { announced, known }, rests_on));
    }
    if let (Some(came), Some(known)) = (data.came, expected)
        && came.flow.from.ip() != known
        && is_peer(&came, &control)
    {
        let why = Why::FromElsewhere {
            came: came.flow.from.ip(),
            known,
            reply: None,
        };
        return Some((why, vec![came.event]));
    }
    let led_on = control.came.filter(|_| control.is_led_on())?;
    let not_led_on = !setup.is_active() && *node != *led_on.node && !data.is_led_on();
    not_led_on.then(|| (Why::NotForwarded, vec![led_on.event]))
}

/// Whether a gateway itself reset a connection: that is to an address of its own.
pub(crate) fn is_reset_by_gateway(cause: &Cause) -> bool {
    match cause {
        Cause::Host {
            node,
            packet: Packet::Tcp { flags, .. },
            ..
        } => *node == NodeName::gateway() && flags.is_rst(),
        _ => false,
    }
}

/// Whether the packet was dropped by a host that its time to live ended at.
pub(crate) fn time_exceeded(cause: &Cause, evidence: &Evidence) -> Option<(Why, Vec<EventId>)> {
    let is_it = |packet: &Packet| {
        matches!(packet, Packet::Icmp { from, kind, code: 0, .. }
            if *kind == if from.is_ipv6() { 3 } else { 11 })
    };
    let lost = match cause {
        Cause::Loss {
            packet: Packet::Tcp { flow, .. },
            ..
        } => Some(flow),
        Cause::Host { packet, .. } if is_it(packet) => None,
        _ => return None,
    };
    let tells = |fact: &&Fact| match &fact.what {
        Seen::Packet {
            way: Way::Out,
            packet,
        } if is_it(packet) => {
            let Packet::Icmp { about, .. } = packet else {
                return false;
            };
            lost.is_none() || about.as_ref() == lost
        }
        _ => false,
    };
    let told = evidence.facts.iter().rev().find(tells)?;
    Some((Why::TimeExceeded, vec![told.event]))
}

/// Whether whoever opened a connection said no to an answer, since it came from another address than the one connected to.
pub(crate) fn answered_past(
    connection: Role,
    node: &NodeName,
    evidence: &Evidence,
) -> Option<(Why, Vec<EventId>)> {
    let ends = Ends::of(evidence, connection);
    let (sent, came) = ends.sent.zip(ends.came)?;
    let is_past = sent.node == node
        && came.node != node
        && sent.flow.from == came.flow.from
        && sent.flow.to.ip() != came.flow.to.ip();
    let why = Why::AnsweredPast {
        from: came.flow.to.ip(),
        known: sent.flow.to.ip(),
    };
    is_past.then(|| (why, vec![sent.event, came.event]))
}

/// Whether an answer was lost because it went to a private address, which no gateway had translated.
pub(crate) fn no_way_back(
    cause: &Cause,
    connection: Role,
    evidence: &Evidence,
) -> Option<(Why, Vec<EventId>)> {
    let Cause::Loss {
        node,
        packet: Packet::Tcp { flow, flags, .. },
        ..
    } = cause
    else {
        return None;
    };
    let ends = Ends::of(evidence, connection);
    let (sent, came) = ends.sent.zip(ends.came)?;
    let address = flow.to.ip();
    // What came back as far as a gateway had a way.
    let is_its_own =
        node == came.node && sent.flow.from == came.flow.from && came.flow.from.ip() == address;
    (flags.is_syn_ack() && is_its_own && is_private(address) && sent.node != came.node)
        .then(|| (Why::NoWayBack { address }, vec![sent.event, came.event]))
}

/// Whether a packet came to one of the two peers, and to no host between them.
fn is_peer(came: &End<'_>, control: &Ends<'_>) -> bool {
    let ends = [control.sent, control.came];
    ends.iter().flatten().any(|end| end.node == came.node)
}

/// Why a peer said no, where addresses tell more than its words.
pub(crate) fn said(reply: &str, evidence: &Evidence, rests_on: &mut Vec<EventId>) -> Why {
    let reply = reply.to_owned();
    let control = Ends::of(evidence, Role::Control);
    let mut facts = evidence.facts.iter().rev();
    let announced = facts.find_map(|fact| match &fact.what {
        Seen::Announced { announcement } => Some((announcement, fact.event)),
        _ => None,
    });
    let Some((announcement, event)) = announced else {
        return Why::Said(reply);
    };
    let data = Ends::of(evidence, Role::Data(announcement.setup));
    let active = announcement.setup.is_active();
    if let (true, Some(address), Some(known), None) =
        (active, announcement.address, control.opener(), data.sent)
        && address != known
    {
        rests_on.push(event);
        return Why::AddressRefused {
            announced: address,
            known,
            reply,
        };
    }
    let expected = match active {
        true => control.known_as(),
        false => control.opener(),
    };
    match (data.came, expected) {
        (Some(came), Some(known)) if came.flow.from.ip() != known && is_peer(&came, &control) => {
            rests_on.push(came.event);
            Why::FromElsewhere {
                came: came.flow.from.ip(),
                known,
                reply: Some(reply),
            }
        }
        _ => Why::Said(reply),
    }
}
