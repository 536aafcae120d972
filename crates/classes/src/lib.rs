//! Classes of peers: whom a ruleset can tell apart.
//!
//! Rules look at the interface by which a packet comes or goes and at its addresses. If every such condition
//! gives the same result for two hosts, the rules treat them alike, so one of them can represent both: they are
//! in one *class*. Each class has a representative, with which its transfers are tried.
//!
//! | to | there is |
//! | --- | --- |
//! | divide hosts into classes | [`Classes::of`] |
//! | put one's representative into a topology | [`Place::deployment`] |
//! | say which of them ended the same | [`Classes::describe`] |

mod conditions;
mod describe;
mod interfaces;
mod narrow;
mod network;
mod partition;
mod place;
mod usable;
mod value;
mod ways;

use std::collections::BTreeSet;
use std::net::IpAddr;

use fwlab_model::IpNet;
use fwlab_model::ruleset::{Hook, Told};
use fwlab_record::{Family, InterfaceName};

use conditions::Conditions;
pub use network::{Behind, Network, Setting};
pub use place::Place;
pub use value::Value;

/// Where the firewall stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// On the client's host: the other end is the server.
    Client,
    /// On the server's host: the other end is the client.
    Server,
    /// On a router between the two.
    Router,
    /// On a router whose own address clients connect to, and that sends them on to the server.
    Forwarder,
    /// The same, of clients who are in the server's own network.
    Hairpin,
}

impl Position {
    /// Whether clients connect to an address of the firewall's own, and come to the server behind it.
    pub fn forwards(self) -> bool {
        matches!(self, Position::Forwarder | Position::Hairpin)
    }

    /// Whether packets of a transfer pass a hook where the firewall stands.
    pub fn passes(self, hook: Hook) -> bool {
        match self {
            Position::Client | Position::Server => hook != Hook::Forward,
            Position::Router | Position::Forwarder | Position::Hairpin => {
                matches!(hook, Hook::Prerouting | Hook::Forward | Hook::Postrouting)
            }
        }
    }
}

/// What the peers of a class have in common, in one respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Respect {
    /// The interface of the firewall that the other end is on: on a router, the client.
    Interface,
    /// The other end's address: on a router, the client's.
    Address,
    /// The address of the host's own that the other end knows it by; where it forwards, the one that clients connect to.
    Own,
    /// On a router: the interface that the server is on.
    FarInterface,
    /// On a router: the server's address.
    FarAddress,
}

/// What is asked of a ruleset.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where the firewall stands.
    pub position: Position,
    /// The family that is spoken.
    pub family: Family,
    /// The ports that a transfer may use: all others never occur.
    pub control_port: u16,
    /// The ports that the server listens on for data, where they are chosen.
    pub passive_ports: Option<(u16, u16)>,
    /// Chosen by the user, or given by the lab where nothing tells otherwise.
    pub ends: [End; 2],
    /// Addresses that are somebody's already.
    pub taken: Vec<IpAddr>,
    /// The firewall's own network, where it is known.
    pub network: Option<Network>,
    /// The most classes.
    pub at_most: usize,
}

/// One end of a transfer as the firewall sees it: of a host, the other end and the host itself; of a router, the client and
/// the server.
#[derive(Debug, Clone, Default)]
pub struct End {
    /// Only this interface.
    pub interface: Option<InterfaceName>,
    /// Only this address.
    pub address: Option<IpAddr>,
    /// Networks in which nobody of this end is.
    pub elsewhere: Vec<IpNet>,
    /// The networks in which whoever is of this end is; all, where there is none.
    pub within: Vec<IpNet>,
    /// What stands for addresses that no rule names, best first.
    pub usual_addresses: Vec<IpAddr>,
    /// What stands for interfaces that no rule names, best first.
    pub usual_interfaces: Vec<InterfaceName>,
}

/// The classes of peers that a ruleset tells apart.
#[derive(Debug, Clone)]
pub struct Classes {
    position: Position,
    respects: Vec<(Respect, Vec<Value>)>,
    classes: Vec<Class>,
    /// Those beyond the bound.
    beyond: Vec<Class>,
    /// How many combinations were left out since no such host can be.
    pub impossible: usize,
    /// How many classes there are beyond the bound.
    pub untried: usize,
    /// Conditions that tell hosts apart in ways that are not read, in words.
    pub unread: BTreeSet<String>,
}

/// One class: the place of its value in each respect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Class(Vec<usize>);

/// The representative of a class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Representative {
    /// The interface of the firewall that the other end, or the client, is on.
    pub interface: Option<InterfaceName>,
    /// The interface that the server is on.
    pub far_interface: Option<InterfaceName>,
    /// The address of the other end, or of the client.
    pub address: Option<IpAddr>,
    /// The host's own address, the server's, or that which clients connect to.
    pub far_address: Option<IpAddr>,
}

impl End {
    /// Whether somebody of this end can have an address.
    fn may_have(&self, address: IpAddr) -> bool {
        let is_in = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
        !is_in(&self.elsewhere) && (self.within.is_empty() || is_in(&self.within))
    }
}

/// How rules name one end of a class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The interface that it is on.
    pub interface: Option<InterfaceName>,
    /// Its addresses.
    pub address: Option<IpNet>,
}

impl Classes {
    /// Divides hosts into classes by what rules tell of them.
    pub fn of(told: &[Told], question: &Question) -> Classes {
        let conditions = Conditions::of(told, question);
        let [near, far] = &question.ends;
        let family = question.family;
        let network = question.network.as_ref();
        let interfaces = |end: &End| match (&end.interface, network) {
            (Some(chosen), _) => vec![Value::chosen_interface(chosen)],
            (None, Some(network)) => network
                .spoken(family)
                .map(Value::chosen_interface)
                .collect(),
            (None, None) => interfaces::values(&conditions.interfaces, &end.usual_interfaces),
        };
        let addresses = |of: &conditions::OfAddresses, end: &End| match end.address {
            Some(chosen) if !end.may_have(chosen) => Vec::new(),
            Some(chosen) => vec![Value::chosen_address(chosen, network)],
            None => partition::values(of, end, question),
        };
        let own = |end: &End| match (end.address, network) {
            (None, Some(network)) => partition::own(family, &conditions.own, network),
            _ => addresses(&conditions.own, end),
        };
        let mut respects = vec![
            (Respect::Interface, interfaces(near)),
            (Respect::Address, addresses(&conditions.peers, near)),
        ];
        match question.position {
            Position::Client | Position::Server | Position::Hairpin => {
                respects.push((Respect::Own, own(far)));
            }
            Position::Forwarder => {
                respects.push((Respect::Own, own(far)));
                respects.push((Respect::FarInterface, interfaces(far)));
            }
            Position::Router => {
                respects.push((Respect::FarInterface, interfaces(far)));
                respects.push((Respect::FarAddress, addresses(&conditions.peers, far)));
            }
        }
        let mut classes = Classes {
            position: question.position,
            respects,
            classes: Vec::new(),
            beyond: Vec::new(),
            impossible: 0,
            untried: 0,
            unread: conditions.unread,
        };
        classes.multiply(question.at_most);
        classes
    }

    fn multiply(&mut self, at_most: usize) {
        let mut all = vec![Class(Vec::new())];
        for (_, values) in &self.respects {
            let with = |class: &Class| {
                let class = class.clone();
                (0..values.len()).map(move |at| Class([&class.0[..], &[at]].concat()))
            };
            // Far more than anybody waits for: what is cut here is counted below.
            all = all.iter().flat_map(with).take(100_000).collect();
        }
        let product = self.respects.iter().map(|(_, values)| values.len());
        let product = product.fold(1, usize::saturating_mul);
        let every = all.len();
        all.retain(|class| self.representative_of(class).is_some());
        self.impossible = every - all.len();
        // What no rule names comes first, since that is most of the world; then what differs from it in one respect, and so on: where not
        // all are tried, each value has been tried with the rest of all others before two of them come together.
        all.sort_by_key(|class| self.named(class));
        self.untried = all.len().saturating_sub(at_most) + (product - every);
        self.beyond = all.split_off(at_most.min(all.len()));
        all.sort();
        self.classes = all;
    }

    /// In how many respects a class is one that rules name, and in how many of these it is addresses.
    fn named(&self, class: &Class) -> (usize, usize) {
        let named = || self.values(class).filter(|(_, value)| !value.is_rest());
        let is_interface =
            |respect: Respect| matches!(respect, Respect::Interface | Respect::FarInterface);
        let of_addresses = named().filter(|(respect, _)| !is_interface(*respect));
        (named().count(), of_addresses.count())
    }

    fn values<'a>(&'a self, class: &'a Class) -> impl Iterator<Item = (Respect, &'a Value)> {
        let places = self.respects.iter().zip(&class.0);
        places.map(|((respect, values), at)| (*respect, &values[*at]))
    }

    fn representative_of(&self, class: &Class) -> Option<Representative> {
        let value = |wanted: Respect| {
            let mut values = self.values(class);
            values
                .find(|(respect, _)| *respect == wanted)
                .map(|(_, value)| value)
        };
        let address = value(Respect::Address)?;
        let interface = value(Respect::Interface)?.interface(None);
        let mut made = Representative {
            address: Some(address.address(interface.as_ref(), None)?),
            interface,
            ..Representative::default()
        };
        if let Some(far) = value(Respect::FarInterface) {
            made.far_interface = Some(far.interface(made.interface.as_ref())?);
        }
        if let Some(far) = value(Respect::FarAddress) {
            made.far_address = Some(far.address(made.far_interface.as_ref(), made.address)?);
        }
        if let Some(own) = value(Respect::Own) {
            made.far_address = Some(own.own_address(made.interface.as_ref(), made.address)?);
        }
        Some(made)
    }

    /// How rules name the two ends of a class, the near one first: the interface, and the addresses, where these are one; nothing of
    /// what no rule names. An address that a forwarder's clients connect to is none of an end's: rules behind the translation do
    /// not see it.
    ///
    /// # Panics
    /// When there is no such class.
    pub fn named_ends(&self, class: usize) -> (Named, Named) {
        let named = |wanted: Respect| {
            let mut values = self.values(&self.classes[class]);
            let (_, value) = values.find(|(respect, _)| *respect == wanted)?;
            (!value.is_rest()).then(|| value.words())
        };
        let interface = |wanted| {
            let words = named(wanted).filter(|words| !words.contains(['+', ',']));
            words.and_then(|name| InterfaceName::new(name).ok())
        };
        let address = |wanted| {
            named(wanted).and_then(|words| {
                let one = || words.parse::<IpAddr>().map(IpNet::from);
                words.parse().or_else(|_| one()).ok()
            })
        };
        let own = match self.position {
            Position::Forwarder => None,
            _ => address(Respect::Own),
        };
        (
            Named {
                interface: interface(Respect::Interface),
                address: address(Respect::Address),
            },
            Named {
                interface: interface(Respect::FarInterface),
                address: address(Respect::FarAddress).or(own),
            },
        )
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The representative of a class, by its place.
    ///
    /// # Panics
    /// When there is no such class.
    pub fn representative(&self, class: usize) -> Representative {
        self.representative_of(&self.classes[class])
            .expect("a class without one is not kept")
    }
}

#[cfg(test)]
mod tests;
