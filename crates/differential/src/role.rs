//! Where the firewall stands, and who has which address there.

use fwlab_record::Family;

/// Where the firewall stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// On the server's host.
    ServerFirewall,
    /// On the client's host.
    ClientFirewall,
    /// On a router between the two.
    Gateway,
    /// On the router of the server's private network.
    ServerNat,
    /// On the router of the client's private network.
    ClientNat,
}

impl Role {
    /// All of them.
    pub(crate) const ALL: [Role; 5] = [
        Role::ServerFirewall,
        Role::ClientFirewall,
        Role::Gateway,
        Role::ServerNat,
        Role::ClientNat,
    ];

    /// The topology's shape, as scenario files spell it.
    pub(crate) fn shape(self) -> &'static str {
        match self {
            Role::ServerFirewall => "server-firewall",
            Role::ClientFirewall => "client-firewall",
            Role::Gateway => "gateway",
            Role::ServerNat => "server-nat",
            Role::ClientNat => "client-nat",
        }
    }

    /// Whether packets cross the firewall's host instead of ending there.
    pub(crate) fn forwards(self) -> bool {
        !matches!(self, Role::ServerFirewall | Role::ClientFirewall)
    }

    /// The chains in which packets to the server are decided on, and packets to the client.
    pub(crate) fn ways(self) -> [&'static str; 2] {
        match self {
            Role::ServerFirewall => ["INPUT", "OUTPUT"],
            Role::ClientFirewall => ["OUTPUT", "INPUT"],
            Role::Gateway | Role::ServerNat | Role::ClientNat => ["FORWARD", "FORWARD"],
        }
    }

    /// The chain of the tables before filter that a control connection's first packet meets.
    pub(crate) fn first_chain(self) -> &'static str {
        match self {
            Role::ClientFirewall => "OUTPUT",
            _ => "PREROUTING",
        }
    }

    /// The interface towards the client, and the one towards the server.
    pub(crate) fn interfaces(self) -> [&'static str; 2] {
        match self {
            Role::ServerFirewall | Role::ClientFirewall => ["e0", "e0"],
            Role::Gateway | Role::ClientNat => ["lan", "wan"],
            Role::ServerNat => ["wan", "lan"],
        }
    }

    /// The server's own address.
    pub(crate) fn server(self, family: Family) -> &'static str {
        let [v4, v6] = match self {
            Role::ServerFirewall | Role::ClientFirewall => ["10.77.0.1", "fd77::1"],
            Role::Gateway | Role::ClientNat => ["203.0.113.10", "2001:db8:113::10"],
            Role::ServerNat => ["192.168.7.10", "fd77:7::10"],
        };
        of(family, v4, v6)
    }

    /// The gateway's address towards the server, and an address of nobody in that network.
    pub(crate) fn gateway_and_nobody(self, family: Family) -> [&'static str; 2] {
        match self {
            Role::ServerFirewall | Role::ClientFirewall => {
                [self.server(family), of(family, "10.77.0.66", "fd77::66")]
            }
            Role::Gateway | Role::ClientNat => [
                of(family, "203.0.113.1", "2001:db8:113::1"),
                of(family, "203.0.113.66", "2001:db8:113::66"),
            ],
            Role::ServerNat => [
                of(family, "192.168.7.1", "fd77:7::1"),
                of(family, "192.168.7.66", "fd77:7::66"),
            ],
        }
    }
}

/// The text of a family.
pub(crate) fn of<'a>(family: Family, v4: &'a str, v6: &'a str) -> &'a str {
    match family {
        Family::Ipv4 => v4,
        Family::Ipv6 => v6,
    }
}
