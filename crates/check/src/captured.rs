//! A host that `fwlab capture` read: its rules, its network, and what is another here.

mod differences;
mod settings;

pub(crate) use settings::{forwarding, forwards};

use std::collections::BTreeSet;

use fwlab_classes::{Behind, Network};
use fwlab_host::{CaptureMistakes, Edits, Host, RouteKind, ServerRead, read_server};
use fwlab_model::IpNet;
use fwlab_model::ruleset::Addresses;
use fwlab_record::{Backend, Exit, Family, InterfaceName};
use fwlab_runner::written;
use fwlab_scenario::RulesOrigin;

use crate::forwarded::{self, Ports};
use crate::host_files::HostFiles;
use crate::messages::Messages;
use crate::terms::At;

/// How the file of a host begins.
pub(crate) const BEGINS: &[u8] = b"fwlab host ";

/// Where servers wait for clients, where nothing says otherwise.
pub(crate) const DEFAULT_PORT: u16 = 21;

/// Reads the file of a host.
pub(crate) fn read(name: &str, bytes: &[u8], said: &mut Messages) -> Result<HostFiles, Exit> {
    let mut host =
        Host::read(name, bytes, Edits::Refused).map_err(|mistakes: CaptureMistakes| {
            said.mistakes(mistakes.told().cloned());
            Exit::Usage
        })?;
    if !host.has_rules() {
        said.say(
            format!("{name}: that host has no rules, so it lets everything pass"),
            Some("if it should have some, capture it again once they are loaded"),
        );
        return Err(Exit::Usage);
    }
    let mut files = HostFiles {
        name: name.to_owned(),
        sets: host.ipset.as_ref().map(|piece| piece.source()),
        own_server: server(&host, said),
        ..HostFiles::empty()
    };
    let mut rules = Vec::new();
    for (&(backend, family), piece) in &host.iptables {
        rules.push((Some(backend), family, piece.source()));
    }
    if let Some(piece) = &host.nft {
        rules.push((None, Family::Ipv4, piece.source()));
    }
    for (_, family, source) in &rules {
        let known = written::read(source, *family).map_err(|mistakes| {
            said.mistakes([mistakes]);
            Exit::Usage
        })?;
        files.interfaces.extend(known.interfaces);
        let notes = known.notes.into_iter();
        files
            .notes
            .extend(notes.map(|note| (source.name.clone(), note)));
    }
    // Those of iptables-nft first, since what is beside them may be a script of nft.
    let first = rules.iter().filter_map(|(backend, ..)| *backend).max();
    files.backends.own = vec![first.unwrap_or(Backend::Native)];
    if first.is_none() {
        files.backends.able = &[Backend::Native];
    }
    for (backend, family, source) in rules {
        match (backend, family) {
            (backend, Family::Ipv4) if backend == first => {
                files.origin = RulesOrigin::Written(source);
            }
            (backend, Family::Ipv6) if backend == first => files.ipv6 = Some(source),
            (backend, _) => files
                .beside
                .push((backend.unwrap_or(Backend::Native), source)),
        }
    }
    files.families = spoken(&host);
    if files.families.is_empty() {
        // Of no address, as far as is told: its rules say what it speaks.
        files.families = vec![Family::Ipv4];
        files
            .families
            .extend(files.ipv6.as_ref().map(|_| Family::Ipv6));
    }
    let refused = settings::forget_refused(&mut host);
    differences::tell(&host, name, &refused, said);
    files.host = Some(Box::new(host));
    Ok(files)
}

/// The settings of the server that waits for clients there. Those that are wrong are told, and not used.
fn server(host: &Host, said: &mut Messages) -> Option<ServerRead> {
    let (program, files) = host.server_files()?;
    match read_server(program, &files) {
        Ok(read) => Some(read),
        Err(mistakes) => {
            said.mistakes(mistakes.told().cloned());
            said.say(
                format!("the settings of {program} on that host are wrong and are not used"),
                Some("--server-config FILE gives others"),
            );
            None
        }
    }
}

/// The families that the host has addresses in.
fn spoken(host: &Host) -> Vec<Family> {
    let families = host
        .addresses()
        .map(|address| Family::of(address.net.addr()));
    families.collect::<BTreeSet<Family>>().into_iter().collect()
}

/// Its network, as far as peers meet it; nothing where none of its addresses is known.
pub(crate) fn network(host: &Host) -> Option<Network> {
    let links = host.links.iter();
    let usable = links.filter(|link| {
        link.is_up && link.master.is_none() && link.kind.as_deref() != Some("loopback")
    });
    let interfaces = usable.map(|link| {
        let of = host
            .addresses()
            .filter(|address| address.interface == link.name);
        (
            link.name.clone(),
            of.map(|address| address.net).collect::<Vec<IpNet>>(),
        )
    });
    let interfaces: Vec<(InterfaceName, Vec<IpNet>)> = interfaces
        .filter(|(_, addresses)| !addresses.is_empty())
        .collect();
    if interfaces.is_empty() {
        return None;
    }
    let unicast = host
        .routes
        .iter()
        .filter(|route| route.kind == RouteKind::Unicast);
    let routes = unicast.filter_map(|route| {
        let hop = route.hops.iter().find(|hop| hop.is_usable)?;
        Some((route.to, hop.interface.clone()))
    });
    let mtus = host.links.iter();
    Some(Network {
        mtus: mtus
            .filter_map(|link| Some((link.name.clone(), link.mtu?)))
            .collect(),
        routes: routes.collect(),
        behind: Family::ALL
            .iter()
            .flat_map(|family| behind(host, *family))
            .collect(),
        sysctls: settings::of(host),
        interfaces,
    })
}

/// As many addresses are tried to find one that is none of the host's.
const TRIED: usize = 64;

/// Which addresses of a family are behind which interface: between the ends of two prefixes, all go the same way.
fn behind(host: &Host, family: Family) -> Vec<Behind> {
    let routes = host.routes.iter().map(|route| route.to);
    let own = host.addresses().map(|address| address.network());
    let nets = routes
        .chain(own)
        .filter(|net| Family::of(net.addr()) == family);
    let mut begins: BTreeSet<u128> = BTreeSet::new();
    for net in nets {
        begins.insert(Addresses::number(net.network()));
        begins.extend(Addresses::number(net.broadcast()).checked_add(1));
    }
    let last = match family {
        Family::Ipv4 => u128::from(u32::MAX),
        Family::Ipv6 => u128::MAX,
    };
    begins.insert(0);
    begins.retain(|begin| *begin <= last);
    let ends = begins.iter().skip(1).map(|next| next - 1).chain([last]);
    let ranges = begins.iter().copied().zip(ends);
    ranges
        .filter_map(|(first, end)| {
            // The network's own address and its last one go elsewhere, and so does an address of the host: `::1`, for one.
            let own = |number: u128| {
                let address = Addresses::address(family, number);
                host.addresses.iter().any(|own| own.net.addr() == address)
            };
            let begin = first + u128::from(end - first > 1);
            let inner = (begin..=end).take(TRIED).find(|number| !own(*number));
            let inner = Addresses::address(family, inner.unwrap_or(begin));
            let (interface, _) = host.route_to(inner)?;
            Some(Behind {
                interface,
                family,
                range: (first, end),
            })
        })
        .collect()
}

/// Whose host it is, where it says so: a server waits for clients on the control port, or the rules forward to one.
pub(crate) fn at(
    files: &HostFiles,
    control_port: Option<u16>,
    connected: Option<u16>,
) -> Option<At> {
    let host = files.host.as_deref()?;
    let told = control_port.or_else(|| {
        let settings = files.server.as_ref().or(files.own_server.as_ref())?;
        settings.settings.control_port
    });
    let control_port = told.unwrap_or(DEFAULT_PORT);
    // It waits for those whom no rule forwards.
    let proxies = ["docker-proxy", "rootlessport", "conmon"];
    let mut listeners = host.listeners.iter();
    let listens = listeners.any(|listener| {
        listener.port == control_port
            && !listener.address.is_loopback()
            && !proxies.contains(&listener.program.as_str())
    });
    if listens {
        return Some(At::Server);
    }
    let mut families = files.families.iter();
    let ports = Ports {
        listening: told,
        connected,
    };
    let forwards = families.any(|family| forwarded::by_rules(files, *family, ports).is_some());
    forwards.then_some(At::PortForward)
}
