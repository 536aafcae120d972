//! A stage as it is written in a scenario file, part by part.

use std::net::IpAddr;

use fwlab_model::{Interface, LinkSpec, NextHop, NodeSpec};
use fwlab_record::{Family, InterfaceName};

use super::Deployment;
use crate::toml_text::{line, list, quoted};

impl Deployment {
    /// The long form of its topology: TOML that, in a scenario, gives the same nodes,
    /// links and addresses. Client and server stand in `[client]` and `[server]`.
    pub fn long_form(&self) -> String {
        let mut text = "[topology]\n".to_owned();
        if let Some(firewall) = &self.firewall {
            line(&mut text, "firewall", &quoted(firewall.as_str()));
        }
        if self.reached_at != self.own_addresses() {
            line(&mut text, "connect-to", &list(&self.reached_at));
        }
        for node in &self.topology.nodes {
            text += "\n[[topology.node]]\n";
            self.node(node, &mut text);
        }
        for link in &self.topology.links {
            text += "\n[[topology.link]]\n";
            self.link(link, &mut text);
        }
        text
    }

    /// What the client would connect to if nothing were said.
    fn own_addresses(&self) -> Vec<IpAddr> {
        let families = Family::ALL.iter();
        families
            .filter_map(|family| self.server_address(*family))
            .collect()
    }

    fn node(&self, node: &NodeSpec, text: &mut String) {
        line(text, "name", &quoted(node.name.as_str()));
        if node.forwards {
            line(text, "forwards", "true");
        }
        let interfaces = self.topology.interfaces_in(&node.name);
        let addresses: Vec<String> = interfaces
            .filter(|interface| !interface.addresses.is_empty())
            .map(
                |Interface {
                     name, addresses, ..
                 }| entry(name, &list(addresses)),
            )
            .collect();
        if !addresses.is_empty() {
            line(text, "addresses", &table(&addresses));
        }
        let bridges: Vec<String> = node
            .bridges
            .iter()
            .map(|bridge| entry(&bridge.interface, &list(&bridge.ports)))
            .collect();
        if !bridges.is_empty() {
            line(text, "bridges", &table(&bridges));
        }
        let routes: Vec<String> = node
            .routes
            .iter()
            .map(|route| {
                let to = format!("to = {}", quoted(&route.to.to_string()));
                let via = match &route.via {
                    NextHop::Neighbour(via) => format!("via = {}", quoted(&via.to_string())),
                    NextHop::Link(interface) => format!("link = {}", quoted(interface.as_str())),
                    NextHop::Sink(interface) => format!("sink = {}", quoted(interface.as_str())),
                };
                table(&[to, via])
            })
            .collect();
        match &routes[..] {
            [] => {}
            [route] => line(text, "routes", &format!("[{route}]")),
            routes => line(
                text,
                "routes",
                &format!("[\n    {},\n]", routes.join(",\n    ")),
            ),
        }
    }

    fn link(&self, link: &LinkSpec, text: &mut String) {
        let ends = link
            .ends
            .iter()
            .map(|end| format!("{}:{}", end.node, end.interface));
        line(text, "between", &list(&ends.collect::<Vec<_>>()));
        if let Some(mtu) = link.mtu {
            line(text, "mtu", &mtu.to_string());
        }
    }
}

fn table(entries: &[String]) -> String {
    format!("{{ {} }}", entries.join(", "))
}

fn entry(interface: &InterfaceName, value: &str) -> String {
    let name = interface.as_str();
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.bytes().all(bare) {
        format!("{name} = {value}")
    } else {
        format!("{} = {value}", quoted(name))
    }
}
