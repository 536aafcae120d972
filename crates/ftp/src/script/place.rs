use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use fwlab_record::NodeName;

/// A host as a script names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// A node of the stage: `client`, `server`, `third`.
    Node(NodeName),
    /// An address.
    Address(IpAddr),
}

/// A host and a port as a script writes them: `client:8080`, `10.77.0.2:8080`,
/// `[fd00::2]:8080`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// What a script binds a connection to before it connects: a port, an address, or
/// both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) address: Option<IpAddr>,
    pub(super) port: Option<u16>,
}

/// The addresses of the nodes that a script may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(BTreeMap<NodeName, IpAddr>);

impl Hosts {
    /// The address of a host; `None` for a node that is not among them.
    pub fn address(&self, host: &Host) -> Option<IpAddr> {
        match host {
            Host::Address(address) => Some(*address),
            Host::Node(name) => self.0.get(name).copied(),
        }
    }

    /// The address and port of a target; `None` where its node is not among them.
    pub fn socket_address(&self, target: &Target) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.address(&target.host)?, target.port))
    }

    /// Whether a node is among them.
    pub fn has(&self, node: &NodeName) -> bool {
        self.0.contains_key(node)
    }

    /// The nodes with their addresses, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&NodeName, IpAddr)> {
        self.0.iter().map(|(name, address)| (name, *address))
    }

    /// The names of the nodes, in order.
    pub fn names(&self) -> impl Iterator<Item = &NodeName> {
        self.0.keys()
    }
}

impl FromIterator<(NodeName, IpAddr)> for Hosts {
    fn from_iter<I: IntoIterator<Item = (NodeName, IpAddr)>>(hosts: I) -> Hosts {
        Hosts(hosts.into_iter().collect())
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Host, String> {
        if let Ok(address) = text.parse() {
            return Ok(Host::Address(address));
        }
        // A dotted text was meant to be an address; its error says so better.
        if text.contains(['.', ':']) {
            return Err(format!("`{text}` is not an address or a node"));
        }
        NodeName::new(text)
            .map(Host::Node)
            .map_err(|error| error.to_string())
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Target, String> {
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| format!("`{text}` has no port"))?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        Ok(Target {
            host: host.parse()?,
            port: parse_port(port)?,
        })
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Source, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Source {
                address: Some(address.ip()),
                port: Some(address.port()),
            });
        }
        if let Ok(address) = text.parse() {
            return Ok(Source {
                address: Some(address),
                port: None,
            });
        }
        parse_port(text)
            .map(|port| Source {
                address: None,
                port: Some(port),
            })
            .map_err(|_| format!("`{text}` is not a port or an address"))
    }
}

/// A port in digits, 1 to 65535.
pub(super) fn parse_port(text: &str) -> Result<u16, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port @ 1..) if digits => Ok(port),
        _ => Err(format!("`{text}` is not a port, 1 to 65535")),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Node(name) => name.fmt(f),
            Host::Address(address) => address.fmt(f),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Host::Address(address) => SocketAddr::new(address, self.port).fmt(f),
            Host::Node(_) => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_target() {
        for text in ["client:8080", "10.77.0.2:8080", "[fd00::2]:8080"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        for text in [
            "client",
            "client:0",
            "client:+1",
            "client:65536",
            "10.77.0:8080",
            "Client:1",
            ":1",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_a_source() {
        let source = |text: &str| text.parse::<Source>().map(|it| (it.address, it.port));
        let address = Some("10.77.0.9".parse().unwrap());
        assert_eq!(source("20"), Ok((None, Some(20))));
        assert_eq!(source("10.77.0.9"), Ok((address, None)));
        assert_eq!(source("10.77.0.9:20"), Ok((address, Some(20))));
        assert!(source("client").is_err());
    }

    #[test]
    fn a_node_is_known_by_its_name() {
        let client = NodeName::client();
        let hosts: Hosts = [(client.clone(), [10, 0, 0, 2].into())]
            .into_iter()
            .collect();
        let target: Target = "client:8080".parse().unwrap();
        assert_eq!(
            hosts.socket_address(&target),
            Some("10.0.0.2:8080".parse().unwrap())
        );
        assert_eq!(hosts.address(&Host::Node(NodeName::server())), None);
    }
}
