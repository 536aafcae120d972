//! A firewall that is a container of somebody's image.

use std::sync::Arc;

use fwlab_containers::FirewallImage;
use fwlab_record::Backend;
use miette::NamedSource;

use crate::format::table::{At, table};
use crate::format::value::{Node, Settings, Text, Word};
use crate::problem::Problems;
use crate::read::nodes::known_node;
use crate::read::source::Origin;
use crate::rules::{ImageRules, RulesOrigin, RulesetEntry};
use crate::stage::Stage;

/// What the ruleset is called that an image loads.
const NAME: &str = "image";

table! {
    FirewallTable, ["topology.firewall"],
    "A firewall that is a container: each cell starts one of this image, without a network of the engine's and with \
     NET_ADMIN. Its namespace is the node, with the lab's links, and its entry point loads its rules, which \
     are read from outside when they are in. There is no `[[ruleset]]` then; the one that there is, is named `image`.",
    keys {
        required "image", Text,
        "its reference, of an image that the engine has: nothing is pulled. `fwlab/firewall` is built by `fwlab images`"
            -> image;
        "ready", Text,
        "text that its log shows when its rules are in; default: when its HEALTHCHECK finds it healthy" -> ready;
        "backend", Word<Backend>,
        "what its rules are, all of them: `nft` and `legacy` of iptables, `native` of nft; default `nft`" -> backend;
        "environment", Settings<String>, "environment variables that it is started with" -> environment;
        "at", Node, "the node that it is; default the shape's firewall" -> at;
    }
}

/// Reads the image that the firewall is, and puts it at its node.
pub(crate) fn firewall(
    table: At<FirewallTable>,
    stage: &mut Stage,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> Option<RulesetEntry> {
    let At { value: table, span } = table;
    let is_placed = table.at.is_there;
    if let Some(node) = known_node(table.at, &stage.topology, problems) {
        stage.firewall = Some(node.value);
    }
    if stage.firewall.is_none() && !is_placed {
        problems.add_with_help(
            span,
            "this topology does not say which node the firewall is",
            "write `at = …`, the node that it is",
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
            format!("`{}` is no image", image.value),
            "for example \"registry.example/firewall:1.2\"",
        );
    }
    let text = NamedSource::new(file.path.display().to_string(), file.text.to_owned());
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
            file: Arc::new(text.with_language("toml")),
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
