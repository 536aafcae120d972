//! A firewall that is a container of somebody's image.

use std::sync::Arc;

use fwlab_containers::FirewallImage;
use fwlab_model::ruleset::SourceText;
use fwlab_record::Backend;

use crate::deployment::Deployment;
use crate::format::table::{Placed, table};
use crate::format::value::{Node, Settings, Text, Word};
use crate::problem::Problems;
use crate::read::nodes::known_node;
use crate::read::source::ScenarioFile;
use crate::rules::{ImageRules, RulesOrigin, RulesetEntry};

/// What the ruleset is called that an image loads.
const NAME: &str = "image";

table! {
    FirewallTable, ["topology.firewall"],
    "A firewall that is a container: each cell starts one from this image, without an engine network and with \
     NET_ADMIN. Its namespace is the node, with the lab's links. Its entry point loads the rules, and fwlab \
     reads them from outside once they are in. There is no `[[ruleset]]` then; the only ruleset is called \
     `image`.",
    keys {
        required "image", Text,
        "the reference of an image that the engine has: nothing is pulled. `fwlab/firewall` is built by `fwlab images`"
            -> image;
        "ready", Text,
        "text that its log shows when its rules are in; default: when its HEALTHCHECK finds it healthy" -> ready;
        "backend", Word<Backend>,
        "the kind of all its rules: `nft` and `legacy` are iptables rules, `native` is nft; default `nft`" -> backend;
        "environment", Settings<String>, "environment variables that it is started with" -> environment;
        "at", Node, "the node that it takes the place of; default the shape's firewall" -> at;
    }
}

/// Reads the image that the firewall is, and puts it at its node.
pub(crate) fn firewall(
    table: Placed<FirewallTable>,
    deployment: &mut Deployment,
    file: &ScenarioFile<'_>,
    problems: &mut Problems,
) -> Option<RulesetEntry> {
    let Placed { value: table, span } = table;
    let is_placed = table.at.is_there;
    if let Some(node) = known_node(table.at, &deployment.topology, problems) {
        deployment.firewall = Some(node.value);
    }
    if deployment.firewall.is_none() && !is_placed {
        problems.add_with_help(
            span,
            "this topology does not say which node is the firewall",
            "write `at = …` with that node",
        );
    }
    let ready = table.ready.at();
    if let Some(ready) = ready.as_ref().filter(|ready| ready.value.is_empty()) {
        problems.add_with_help(
            ready.span.clone(),
            "every log shows an empty text from the start",
            "write what its log shows when its rules are in",
        );
    }
    let image = table.image.at()?;
    if image.value.is_empty() || image.value.contains(char::is_whitespace) {
        problems.add_with_help(
            image.span.clone(),
            format!("`{}` is not an image", image.value),
            "for example \"registry.example/firewall:1.2\"",
        );
    }
    let text = SourceText::new(file.path.display().to_string(), file.text);
    Some(RulesetEntry {
        name: NAME.into(),
        at: None,
        origin: RulesOrigin::Image(ImageRules {
            image: FirewallImage {
                image: image.value,
                ready: ready.map(|ready| ready.value),
                environment: table.environment.value.into_iter().flatten().collect(),
            },
            span: image.span,
            file: Arc::new(text),
        }),
        ipv6: None,
        helper: false,
        skip_refused_lines: false,
        backends: vec![table.backend.value.unwrap_or(Backend::Nft)],
        sets: None,
        beside: Vec::new(),
        also: Vec::new(),
    })
}
