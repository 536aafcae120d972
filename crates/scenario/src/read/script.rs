use std::ops::Range;
use std::sync::Arc;

use fwlab_ftp::script::{Mistake, Remedy, Script};
use fwlab_ftp::wire::Side;
use fwlab_record::{Family, NodeName};

use crate::deployment::Deployment;
use crate::format::section::Kind;
use crate::format::table::Placed;
use crate::format::toml_value::nearest;
use crate::format::value::{Found, Value};
use crate::hosts::hosts;
use crate::problem::Problems;

/// A script with its place in the scenario file.
pub(crate) struct ReadScript {
    pub(crate) script: Option<Arc<Script>>,
    /// Where the value stands.
    span: Range<usize>,
    /// The byte that its text begins at, where it stands in the file letter by letter.
    begin: Option<usize>,
}

/// What a scripted server does.
pub(crate) struct ServerScript;

impl Value for ServerScript {
    type Read = ReadScript;
    const KIND: Kind = Kind::Text("text");

    fn read(found: Found<'_>) -> Option<ReadScript> {
        ReadScript::read(found, Side::Server)
    }
}

/// What a scripted client does.
pub(crate) struct ClientScript;

impl Value for ClientScript {
    type Read = ReadScript;
    const KIND: Kind = Kind::Text("text");

    fn read(found: Found<'_>) -> Option<ReadScript> {
        ReadScript::read(found, Side::Client)
    }
}

impl ReadScript {
    /// Reads a side's script and tells its mistakes.
    fn read(mut found: Found<'_>, side: Side) -> Option<ReadScript> {
        let Placed { value, span } = found.text()?;
        let Found { file, problems, .. } = found;
        let begin = file.place_of(&value, &span);
        let mut read = ReadScript {
            script: None,
            begin,
            span: span.clone(),
        };
        match Script::parse(
            side,
            &value,
            file.line_of(begin.unwrap_or(span.start)) as usize,
        ) {
            Ok(script) => read.script = Some(Arc::new(script)),
            Err(mistakes) => {
                for Mistake {
                    span,
                    message,
                    remedy,
                } in mistakes
                {
                    problems.add_with_help(read.place(&span), message, help(&remedy));
                }
            }
        }
        Some(read)
    }

    /// Tells what the script names and the stage has not. `node` is where it is played.
    pub(crate) fn check(
        &self,
        deployment: &Deployment,
        node: &NodeName,
        families: &[Family],
        problems: &mut Problems,
    ) {
        let Some(script) = &self.script else { return };
        for &family in families {
            let hosts = hosts(deployment, family);
            for (name, span) in script.nodes().filter(|(name, _)| !hosts.has(name)) {
                let known = || hosts.names().map(NodeName::as_str);
                let near = nearest(name.as_str(), known());
                problems.add_with_help(
                    self.place(&span),
                    format!("this topology has no node `{name}` with an address of {family}"),
                    near.map_or_else(
                        || format!("the nodes are {}", known().collect::<Vec<_>>().join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    ),
                );
            }
        }
        for (address, span) in script.source_addresses() {
            if !address.is_loopback() && deployment.owner_of(address) != Some(node) {
                problems.add_with_help(
                    self.place(&span),
                    format!("`{node}` has no address {address} to connect from"),
                    "give it one in [topology], or write only a port: `from 20`",
                );
            }
        }
    }

    /// Tells that no cell plays the script.
    pub(crate) fn unused(&self, key: &str, peer: &str, problems: &mut Problems) {
        problems.add_with_help(
            self.span.clone(),
            format!("no cell plays this script: [matrix] does not name `{peer}`"),
            format!("write `{key} = \"{peer}\"` in [matrix]"),
        );
    }

    /// A place in the script as one in the file; all of the script where it is
    /// written in another way than it reads.
    fn place(&self, span: &Range<usize>) -> Range<usize> {
        match self.begin {
            Some(begin) => begin + span.start..begin + span.end,
            None => self.span.clone(),
        }
    }
}

fn help(remedy: &Remedy) -> String {
    let Remedy::OneOf { written, known } = remedy else {
        return remedy.to_string();
    };
    // Verbs are known in upper case, and likeness is seen in lower case.
    let lower: Vec<String> = known.iter().map(|word| word.to_lowercase()).collect();
    nearest(written, lower.iter().map(String::as_str))
        .and_then(|near| known.iter().find(|word| word.eq_ignore_ascii_case(near)))
        .map_or_else(
            || remedy.to_string(),
            |near| format!("did you mean `{near}`?"),
        )
}
