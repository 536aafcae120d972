//! The page of the kernel's fixes, and the scenarios that show them.

use std::collections::BTreeSet;

use fwlab_scenario::collect::scenarios;

use crate::support::root;

/// The table names the scenarios with the tag `kernel`, each of them and no others.
#[test]
fn the_page_of_fixes_and_the_tag_agree() {
    let page = std::fs::read_to_string(root().join("docs/kernel-fixes.md")).expect("it is there");
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let links = rows.flat_map(|row| row.split("](../scenarios/regressions/").skip(1));
    let named: BTreeSet<String> = links
        .filter_map(|rest| Some(format!("regressions/{}", rest.split_once(".toml)")?.0)))
        .collect();
    let all = scenarios(&[root().join("scenarios")]).expect("they can be read");
    let tagged: BTreeSet<String> = all
        .iter()
        .filter(|scenario| scenario.tags.iter().any(|tag| tag == "kernel"))
        .map(|scenario| scenario.name.to_string())
        .collect();
    assert_eq!(named, tagged);
    assert!(tagged.len() > 5, "{tagged:?}");
    // Every other link leads somewhere, too.
    for link in page.split("](").skip(1) {
        let link = link.split_once(')').expect("it is closed").0;
        assert!(root().join("docs").join(link).is_file(), "{link}");
    }
}
