//! A firewall that is a container of somebody's image.

use std::sync::Arc;

use fwlab_containers::FirewallImage;
use fwlab_record::Backend;
use miette::NamedSource;

use super::problem::Problems;
use super::read_nodes::known_node;
use super::read_source::Origin;
use super::reader::Reader;
use super::rules::{ImageRules, RulesOrigin, RulesetEntry};
use super::stage::Stage;

/// What the ruleset is called that an image loads.
const NAME: &str = "image";

/// Reads the image that the firewall is, where `firewall` is a table, and puts it at its node.
pub(super) fn firewall(
    topology: &Reader<'_>,
    stage: &mut Stage,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> Option<RulesetEntry> {
    if !topology.has_table("firewall") {
        return None;
    }
    let table = topology.table("firewall", problems)?;
    table.require("image", problems);
    if let Some(node) = known_node(&table, "at", &stage.topology, problems) {
        stage.firewall = Some(node.value);
    }
    if stage.firewall.is_none() && !table.has("at") {
        problems.add_with_help(
            table.span.clone(),
            "this topology does not say which node the firewall is",
            "write `at = …`, the node that it is",
        );
    }
    let ready = table.text("ready", problems);
    if let Some(ready) = ready.as_ref().filter(|ready| ready.value.is_empty()) {
        problems.add_with_help(
            ready.span.clone(),
            "every log shows an empty text from the start",
            "write what its log shows when its rules are in",
        );
    }
    let backend = table.word::<Backend>("backend", problems);
    let environment = table.settings("environment", problems).unwrap_or_default();
    let image = table.text("image", problems)?;
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
                environment: environment
                    .into_iter()
                    .map(|(name, value)| (name, value.value))
                    .collect(),
            },
            span: image.span,
            file: Arc::new(text.with_language("toml")),
        }),
        ipv6: None,
        helper: false,
        skip_refused_lines: false,
        backends: vec![backend.map_or(Backend::Nft, |backend| backend.value)],
        sets: None,
        beside: Vec::new(),
        also: Vec::new(),
    })
}
