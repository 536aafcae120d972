//! From a diagnosis to what would help.

use std::net::IpAddr;

use fwlab_explain::{Diagnosis, Opening, Why};
use fwlab_model::ruleset::Side;
use fwlab_record::{Backend, Cause, Family, Role};

use crate::only::Only;
use crate::remedy::{Accepts, ControlWay, Icmp, PassedOn, Remedy, Spot};

/// What is known of a transfer beside its diagnosis.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    /// What stopped it.
    pub cause: &'a Cause,
    /// The family that is spoken.
    pub family: Family,
    /// Where the firewall stands.
    pub side: Side,
    /// The control port, as the firewall sees it first.
    pub control_port: u16,
    /// The ports that the server keeps to; without, those that it would have to.
    pub passive_ports: Result<(u16, u16), (u16, u16)>,
    /// The address that clients connect to.
    pub connected: Option<IpAddr>,
    /// The server's own address, where a gateway leads clients on to it.
    pub server: Option<IpAddr>,
    /// The connections that a gateway passes this one on with.
    pub passed_on: Option<PassedOn>,
    /// The backend of rules that a helper is added to.
    pub backend: Backend,
    /// For whom alone a new connection is accepted.
    pub only: Only,
    /// Whether some rules take packets out of conntrack.
    pub untracks: bool,
    /// Whether a range of passive ports is opened where a helper would do.
    pub prefers_range: bool,
}

/// What would help, each with the next: all of it belongs together. Empty where nothing is known.
pub fn remedies(diagnosis: &Diagnosis, situation: &Situation<'_>) -> Vec<Remedy> {
    let Situation {
        family,
        side,
        control_port,
        backend,
        ..
    } = *situation;
    let accept = |what| {
        let mut spot = spot(situation)?;
        // What conntrack knows is narrow by itself.
        match what {
            Accepts::Ports { .. } => spot.only = situation.only.clone(),
            // It goes the other way.
            Accepts::FromPort20 => {
                spot.only = Only {
                    leaving: !situation.only.leaving,
                    ..situation.only.clone()
                };
            }
            Accepts::Established | Accepts::Related | Accepts::Icmp(_) => {}
        }
        Some(Remedy::Accept { spot, what })
    };
    let helper = || Remedy::Helper {
        family,
        side: side.into(),
        port: control_port,
        backend,
    };
    let track = || -> Vec<Remedy> {
        let kept = [ControlWay::ToServer, ControlWay::FromServer].map(|way| Remedy::Track {
            family,
            side: way.seen(side),
            way,
            port: control_port,
            backend,
        });
        // A rule of iptables does both at once.
        let helper = (backend == Backend::Native).then(helper);
        kept.into_iter().chain(helper).collect()
    };
    let range = || -> Vec<Remedy> {
        let ((low, high), is_kept) = match situation.passive_ports {
            Ok(ports) => (ports, true),
            Err(ports) => (ports, false),
        };
        let keep = (!is_kept).then_some(Remedy::PassivePorts { low, high });
        keep.into_iter()
            .chain(accept(Accepts::Ports { low, high }))
            .collect()
    };
    let active = matches!(diagnosis.connection, Role::Data(setup) if setup.is_active());
    let passive = matches!(diagnosis.connection, Role::Data(setup) if !setup.is_active());
    let why = match &diagnosis.why {
        // A rule before it is no matter of what it looks at.
        Why::ByMatch { besides, .. } => besides,
        why => why,
    };
    match why {
        Why::Stateless if diagnosis.opening != Opening::Opens => {
            let untracked = situation.untracks && diagnosis.connection == Role::Control;
            let kept = untracked.then(track).into_iter().flatten();
            accept(Accepts::Established)
                .into_iter()
                .chain(kept)
                .collect()
        }
        Why::EstablishedRefused => accept(Accepts::Established).into_iter().collect(),
        Why::RelatedRefused => accept(Accepts::Related).into_iter().collect(),
        Why::NoHelper { .. } | Why::Stateless if passive && situation.prefers_range => range(),
        Why::Stateless if situation.untracks => track(),
        // Of a connection that is untracked one way, conntrack knows no answers.
        Why::Untracked | Why::Invalid
            if situation.untracks && diagnosis.connection == Role::Control =>
        {
            track()
        }
        Why::NoHelper { .. } | Why::Stateless => vec![helper()],
        // A helper does not see what is untracked one way.
        Why::ControlUntracked | Why::NotExpected(_)
            if situation.untracks && !(passive && situation.prefers_range) =>
        {
            track()
        }
        Why::ControlUntracked if passive => range(),
        // Whatever it is that the helper does not understand.
        Why::NotExpected(_) if passive && situation.prefers_range => range(),
        Why::HiddenByTls if passive => range(),
        // On the server's own way out, its port 20 is as good as a name.
        Why::HiddenByTls
            if active && side == Side::Server && diagnosis.opening == Opening::Opens =>
        {
            accept(Accepts::FromPort20).into_iter().collect()
        }
        Why::ControlRefused => {
            let what = Accepts::Ports {
                low: control_port,
                high: control_port,
            };
            accept(what).into_iter().collect()
        }
        Why::NeighbourDiscovery => {
            let both = accept(Accepts::Icmp(Icmp::NeighbourDiscovery));
            both.into_iter().collect()
        }
        Why::PacketTooBig => {
            let icmp = match family {
                Family::Ipv4 => Icmp::FragmentationNeeded,
                Family::Ipv6 => Icmp::PacketTooBig,
            };
            // Clamping opens nothing, and helps where the narrow link is the gateway's own. Both are given: where one does
            // alone, it is the last that is taken away again.
            let clamp = (side == Side::Gateway).then_some(Remedy::ClampMss { backend, family });
            clamp
                .into_iter()
                .chain(accept(Accepts::Icmp(icmp)))
                .collect()
        }
        Why::AnnouncedElsewhere { .. } | Why::AddressRefused { .. } if !passive => vec![helper()],
        Why::FromElsewhere { .. } if active => vec![helper()],
        Why::NoWayBack { .. } | Why::AnsweredPast { .. } => {
            let masquerade = |which| Remedy::Masquerade {
                backend,
                family,
                which,
            };
            let which = situation.passed_on.clone();
            which.map(masquerade).into_iter().collect()
        }
        Why::NotForwarded if !situation.prefers_range => vec![helper()],
        Why::NotForwarded => forward(situation),
        // A server behind a gateway refuses who comes to the address that it announced past the gateway, from another one.
        Why::Said(_) if situation.prefers_range => {
            let forwards = situation.server.is_some();
            let announced = situation.connected.filter(|_| forwards);
            match announced {
                Some(IpAddr::V4(address)) => vec![Remedy::Advertise { address }],
                _ => Vec::new(),
            }
        }
        Why::AnnouncedElsewhere { .. } => {
            let advertised = match situation.connected {
                Some(IpAddr::V4(address)) => Some(Remedy::Advertise { address }),
                _ => None,
            };
            match situation.prefers_range {
                true => advertised.into_iter().collect(),
                false => vec![helper()],
            }
        }
        _ => Vec::new(),
    }
}

/// The range of passive ports, led on as the control port is.
fn forward(situation: &Situation<'_>) -> Vec<Remedy> {
    let (Some(from), Some(to)) = (situation.connected, situation.server) else {
        return Vec::new();
    };
    let (keep, (low, high)) = match situation.passive_ports {
        Ok(ports) => (None, ports),
        Err((low, high)) => (Some(Remedy::PassivePorts { low, high }), (low, high)),
    };
    let forward = Remedy::Forward {
        backend: situation.backend,
        from,
        to,
        low,
        high,
    };
    keep.into_iter().chain([forward]).collect()
}

/// Before what stopped the packet.
fn spot(situation: &Situation<'_>) -> Option<Spot> {
    let family = situation.family;
    match situation.cause {
        Cause::Rule {
            backend,
            rule,
            source_line,
            led_to: None,
            ..
        } => Some(Spot {
            chain: rule.chain.clone(),
            backend: *backend,
            family,
            line: *source_line,
            ordinal: Some(rule.ordinal.0),
            only: Only::default(),
        }),
        Cause::Policy {
            backend,
            chain,
            source_line,
            ..
        } => Some(Spot {
            chain: chain.clone(),
            backend: *backend,
            family,
            line: *source_line,
            ordinal: None,
            only: Only::default(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
