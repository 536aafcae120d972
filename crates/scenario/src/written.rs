//! A scenario of one ruleset as the file that it would be, with its rules in files beside it.

use std::fmt::Write as _;

use fwlab_ftp::DataSourcePort;
use fwlab_model::ruleset::Source;
use fwlab_record::{Backend, Family, NodeName};

use crate::toml_text::{line, list, quoted};
use crate::{RulesOrigin, Scenario};

/// The text of a scenario, and the files that it names, each with what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenScenario {
    /// The scenario file.
    pub text: String,
    /// Files beside it, by name.
    pub files: Vec<(String, Vec<u8>)>,
}

impl WrittenScenario {
    /// Of a scenario of one ruleset, whose files begin with `stem`, and with what it requires. What it is about, its
    /// description, is said in the file; what a scenario file cannot say of it is an error, in words.
    ///
    /// # Errors
    /// When there is something that only the whole host has: rules of more than two backends at once.
    pub fn of(
        scenario: &Scenario,
        stem: &str,
        requirements: &[String],
    ) -> Result<WrittenScenario, String> {
        let mut text = String::new();
        let mut files = Vec::new();
        line(&mut text, "description", &quoted(&scenario.description));
        if !scenario.tags.is_empty() {
            line(&mut text, "tags", &list(&scenario.tags));
        }
        let _ = write!(text, "\n{}", scenario.deployment.long_form());
        for node in &scenario.deployment.topology.nodes {
            if node.sysctls.is_empty() {
                continue;
            }
            text += "\n[[sysctl]]\n";
            line(&mut text, "node", &quoted(node.name.as_str()));
            let settings = node.sysctls.iter();
            let settings: Vec<String> = settings
                .map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)))
                .collect();
            line(&mut text, "set", &format!("{{ {} }}", settings.join(", ")));
        }
        server(scenario, &mut text);
        client(scenario, &mut text);
        let [ruleset] = &scenario.rulesets[..] else {
            return Err("it has several rulesets".into());
        };
        let mut file = |kind: &str, source: &Source| {
            let name = format!("{stem}.{kind}");
            files.push((name.clone(), source.text.clone()));
            quoted(&name)
        };
        text += "\n[[ruleset]]\n";
        line(&mut text, "name", &quoted(&ruleset.name));
        // Rules of a family that no cell speaks are none of the scenario's.
        let is_native = ruleset.backends.contains(&Backend::Native);
        let speaks = |family| scenario.matrix.families.contains(&family);
        let other = (!is_native && !speaks(Family::Ipv4)).then_some(&RulesOrigin::None);
        let ipv6 = ruleset.ipv6.as_ref().filter(|_| speaks(Family::Ipv6));
        match other.unwrap_or(&ruleset.origin) {
            RulesOrigin::Written(source) => {
                let kind = match is_native {
                    true => "nft",
                    false => "rules",
                };
                line(&mut text, "file", &file(kind, source));
            }
            RulesOrigin::None if ipv6.is_some() => {}
            _ => return Err("its rules do not come from a file".into()),
        }
        if let Some(ipv6) = ipv6 {
            line(&mut text, "file6", &file("rules6", ipv6));
        }
        line(&mut text, "backends", &list(&ruleset.backends));
        if let Some(sets) = &ruleset.sets {
            line(&mut text, "sets", &file("ipset", sets));
        }
        match &ruleset.beside[..] {
            [] => {}
            [(backend, source)] => {
                let name = file("beside", source);
                line(
                    &mut text,
                    "beside",
                    &format!("{{ backend = \"{backend}\", file = {name} }}"),
                );
            }
            _ => {
                return Err(
                    "a scenario file can have rules of only one backend beside a ruleset, and these are more"
                        .into(),
                );
            }
        }
        matrix(scenario, &mut text);
        for requirement in requirements {
            let _ = write!(text, "\n{requirement}");
        }
        Ok(WrittenScenario { text, files })
    }
}

fn server(scenario: &Scenario, text: &mut String) {
    let terms = &scenario.server;
    *text += "\n[server]\n";
    if scenario.deployment.server != NodeName::server() {
        line(text, "at", &quoted(scenario.deployment.server.as_str()));
    }
    line(text, "control-port", &terms.control_port.to_string());
    if let Some((low, high)) = terms.passive_ports {
        line(text, "passive-ports", &quoted(&format!("{low}-{high}")));
    }
    let source_port = match terms.data_source_port {
        DataSourcePort::Twenty => "20",
        DataSourcePort::Ephemeral => "ephemeral",
    };
    line(text, "data-source-port", &quoted(source_port));
    if let Some(address) = terms.advertised_address {
        line(text, "advertised-address", &quoted(&address.to_string()));
    }
    if terms.require_session_reuse {
        line(text, "require-session-reuse", "true");
    }
    if !terms.options.is_empty() {
        *text += "\n[server.options]\n";
        for (name, value) in &terms.options {
            line(text, &quoted(name), &quoted(value));
        }
    }
}

fn client(scenario: &Scenario, text: &mut String) {
    let deployment = &scenario.deployment;
    let mut own = String::new();
    if deployment.client != NodeName::client() {
        line(&mut own, "at", &quoted(deployment.client.as_str()));
    }
    if deployment.connect_port != scenario.server.control_port {
        line(
            &mut own,
            "control-port",
            &deployment.connect_port.to_string(),
        );
    }
    if !own.is_empty() {
        let _ = write!(text, "\n[client]\n{own}");
    }
}

fn matrix(scenario: &Scenario, text: &mut String) {
    let matrix = &scenario.matrix;
    *text += "\n[matrix]\n";
    line(text, "servers", &list(&matrix.servers));
    line(text, "clients", &list(&matrix.clients));
    line(text, "data", &list(&matrix.data));
    line(text, "protections", &list(&matrix.protections));
    line(text, "families", &list(&matrix.families));
    line(text, "operations", &list(&matrix.operations));
}
