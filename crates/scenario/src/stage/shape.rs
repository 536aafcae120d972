use fwlab_record::NodeName;
use strum::VariantArray;

/// Where the firewall stands: the named topologies.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
    strum::VariantNames,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Shape {
    /// Client and server on one link, the rules on the client's host.
    ClientFirewall,
    /// Client and server on one link, the rules on the server's host.
    ServerFirewall,
    /// A router between client and server, without NAT, with the rules on it.
    Gateway,
    /// The client in a private network behind a gateway with the rules; the server on the
    /// Internet, from where no route leads back.
    ClientNat,
    /// The server in a private network behind a gateway with the rules; the client on the
    /// Internet, where it knows the server by the gateway's address.
    ServerNat,
    /// Both in private networks, each behind a gateway of its own: `client-gateway` and
    /// `server-gateway`. A ruleset says which of them loads it.
    BothNat,
    /// Both in the private network behind one gateway with the rules, which bridges its
    /// inside; the client knows the server by the gateway's address outside.
    Hairpin,
}

impl Shape {
    /// All of them, in the order in which they are told of.
    pub const ALL: &'static [Shape] = <Shape as VariantArray>::VARIANTS;

    /// The shape as it is written in files.
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// The node that loads the rulesets that do not say where they belong.
    pub fn firewall(self) -> Option<NodeName> {
        match self {
            Shape::ClientFirewall => Some(NodeName::client()),
            Shape::ServerFirewall => Some(NodeName::server()),
            Shape::Gateway | Shape::ClientNat | Shape::ServerNat | Shape::Hairpin => {
                Some(NodeName::gateway())
            }
            Shape::BothNat => None,
        }
    }

    /// Whether client and server are on one link.
    pub fn is_direct(self) -> bool {
        matches!(self, Shape::ClientFirewall | Shape::ServerFirewall)
    }
}
