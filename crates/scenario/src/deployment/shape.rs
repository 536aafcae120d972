use strum::VariantArray;

use super::Deployment;

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

    /// The file that it is: nodes and links, as they stand in a scenario.
    pub fn file(self) -> &'static str {
        macro_rules! file {
            ($name:literal) => {
                include_str!(concat!("../../topologies/", $name, ".toml"))
            };
        }
        match self {
            Shape::ClientFirewall => file!("client-firewall"),
            Shape::ServerFirewall => file!("server-firewall"),
            Shape::Gateway => file!("gateway"),
            Shape::ClientNat => file!("client-nat"),
            Shape::ServerNat => file!("server-nat"),
            Shape::BothNat => file!("both-nat"),
            Shape::Hairpin => file!("hairpin"),
        }
    }

    /// The shape as its file has it. The server's own addresses are not among those that it is reached at.
    ///
    /// # Panics
    /// When the file has mistakes: it is the program's own.
    pub(super) fn deployment(self) -> Deployment {
        crate::read::topology::of_file(self.file()).expect("the shapes' files have no mistakes")
    }
}
