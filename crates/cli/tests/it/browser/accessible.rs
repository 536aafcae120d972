//! The page for those who do not see it, or see it otherwise: by axe-core's rules, and by the browser's own tree of roles and names.

use serde_json::{Value, json};

use super::page::Page;
use crate::made_up::{of_every_result, page_of};
use crate::tools::fetched;

const OPEN: &str = "document.querySelector('td button.missed').click()";

/// What axe-core finds that is serious or worse.
#[track_caller]
fn faults(page: &mut Page, world: u64) -> Vec<String> {
    let found = page.eval_in(
        Some(world),
        "axe.run(document, { resultTypes: ['violations'] }).then((found) => ({
           passes: found.passes.length,
           faults: found.violations
             .filter((fault) => ['serious', 'critical'].includes(fault.impact))
             .map((fault) => `${fault.id}: ${fault.help}: ${fault.nodes.map((node) => node.html).join(' ')}`),
         }))",
    );
    assert!(
        found["passes"].as_u64() > Some(10),
        "it has looked: {found}"
    );
    let faults = found["faults"].as_array().expect("a list").iter();
    faults
        .map(|fault| fault.as_str().expect("a text").to_owned())
        .collect()
}

/// Fails where axe-core finds something serious in light or dark, and gives its world. Nothing where there is no axe-core.
#[track_caller]
pub(super) fn assert_accessible(page: &mut Page) -> Option<u64> {
    let axe = fetched("axe.min.js")?;
    // In a world of its own: the page's policy would not let it in.
    let world = page.world();
    page.eval_in(Some(world), &format!("{axe};0"));
    for scheme in ["light", "dark"] {
        page.scheme(scheme);
        assert_eq!(faults(page, world), Vec::<String>::new(), "{scheme}");
    }
    Some(world)
}

#[test]
fn axe_finds_nothing_serious() {
    let (_folder, file) = page_of(&of_every_result());
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    assert_accessible(&mut page);
    page.eval(OPEN);
    let Some(world) = assert_accessible(&mut page) else {
        return;
    };
    page.assert_quiet();
    // It would be heard.
    page.eval("document.getElementById('close').textContent = ''");
    let faults = faults(&mut page, world);
    assert!(
        faults.iter().any(|fault| fault.starts_with("button-name")),
        "{faults:?}"
    );
}

/// The nodes of the browser's tree that a screen reader is told of: role and name.
#[track_caller]
fn told(page: &mut Page) -> Vec<(String, String)> {
    page.ask("Accessibility.enable", json!({}));
    let tree = page.ask("Accessibility.getFullAXTree", json!({}));
    let nodes = tree["nodes"].as_array().expect("nodes").iter();
    let nodes = nodes.filter(|node| node["ignored"] == false);
    let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
    nodes
        .map(|node| (text(&node["role"]), text(&node["name"])))
        .collect()
}

fn names<'a>(told: &'a [(String, String)], role: &str) -> Vec<&'a str> {
    let of = told.iter().filter(|(it, _)| it == role);
    of.map(|(_, name)| name.as_str()).collect()
}

#[test]
fn everything_has_its_role_and_a_name() {
    let (_folder, file) = page_of(&of_every_result());
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    let list = told(&mut page);
    let buttons = names(&list, "button");
    assert!(buttons.contains(&"Show all"), "{buttons:?}");
    // A cell's button says what became of it, and which it is.
    let cell = ", mixed::shut::nft::vsftpd::suppaftp::pasv::plain::ipv4::retr";
    assert!(
        buttons
            .iter()
            .any(|name| name.starts_with("✗ timeout") && name.ends_with(cell)),
        "{buttons:?}"
    );
    for role in [
        "button",
        "combobox",
        "searchbox",
        "search",
        "columnheader",
        "rowheader",
        "region",
    ] {
        let names = names(&list, role);
        assert!(!names.is_empty(), "no {role} in {list:?}");
        assert!(
            names.iter().all(|name| !name.trim().is_empty()),
            "{role}: {names:?}"
        );
    }
    assert_eq!(
        names(&list, "columnheader"),
        ["rules", "port", "eprt", "pasv", "epsv"]
    );
    assert!(names(&list, "dialog").is_empty(), "it is not open");
    page.eval(OPEN);
    let open = told(&mut page);
    let [dialog] = names(&open, "dialog")[..] else {
        panic!("{open:?}")
    };
    assert!(dialog.starts_with("mixed::shut::nft::"), "{dialog}");
    assert_eq!(
        names(&open, "button"),
        ["Close"],
        "nothing behind it is told"
    );
    assert_eq!(names(&open, "list"), ["What happened, in order"]);
    assert_eq!(names(&open, "listitem").len(), 6, "{open:?}");
    // Each says where, and the one that decided that it did.
    let texts = names(&open, "StaticText").join(" ");
    for told in ["client: ", "server: ", "This decided it: ", "18.744 ms"] {
        assert!(texts.contains(told), "{told}: {texts}");
    }
}
