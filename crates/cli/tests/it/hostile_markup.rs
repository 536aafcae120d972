//! What rules and peers say is no markup in a report: no HTML, no link, no mention, and it ends no table.

use std::fs;

use crate::bad_input::folder;
use crate::support::{end_of, fwlab, lab};

pub(crate) const HOSTILE: &str = "</details></script><!--<img src=q onerror=alert(1)> @owned #1 [q](http://q) ``` | ` &lt; **b** $q$";

/// A server that says it, and a rule that has it for a comment.
fn scenario() -> String {
    r#"
description = "DESCRIPTION"
topology.shape = "client-firewall"
matrix = { servers = "scripted-server", data = "pasv" }
require = [{ symptom = "transferred" }]
[server]
script = """
PASV
  550 HOSTILE
"""
[[ruleset]]
name = "|`@owned<b>#1\\"
text = "iptables -P INPUT ACCEPT"
[[ruleset]]
name = "r"
text = '''iptables -A INPUT -p tcp --sport 21 -m comment --comment "COMMENT" -j DROP'''
"#
    .replace("HOSTILE", HOSTILE)
    .replace("COMMENT", &HOSTILE.replace(['`', '$'], ""))
    .replace("DESCRIPTION", HOSTILE)
}

/// What Markdown, GitHub or GitLab would make something of stands in code alone (CommonMark 0.31 sections 4.5 and 6.1).
#[track_caller]
fn assert_no_markup(markdown: &str) {
    let mut fence: Option<&str> = None;
    for line in markdown.lines() {
        let run = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if run.len() >= open.len() && run == line => fence = None,
            None if run.len() >= 3 && line == format!("{run}text") => fence = Some(run),
            Some(_) => {}
            None => assert_no_markup_in(line),
        }
    }
    assert_eq!(fence, None, "{markdown}");
}

#[track_caller]
fn assert_no_markup_in(line: &str) {
    let own = [
        "<details><summary>",
        "</summary>",
        "</details>",
        "<!-- A report of fwlab. -->",
    ];
    let mut outside = outside_code(line);
    for own in own {
        outside = outside.replace(own, "");
    }
    let outside = outside.trim_start_matches('#');
    for markup in ["<", "@", "#", "](", "http", "$", "**b", "owned", "q"] {
        let is_english = markup == "q" && !outside.contains("//q");
        assert!(is_english || !outside.contains(markup), "{markup}: {line}");
    }
}

/// A line without its code.
#[track_caller]
fn outside_code(line: &str) -> String {
    let run = |text: &str| text.len() - text.trim_start_matches('`').len();
    let mut rest = line;
    let mut outside = String::new();
    while let Some(at) = rest.find('`') {
        outside.push_str(&rest[..at]);
        let length = run(&rest[at..]);
        rest = &rest[at + length..];
        // As many backquotes again, and no more.
        loop {
            let end = rest.find('`');
            let end = end.unwrap_or_else(|| panic!("code without an end: {line}"));
            let closing = run(&rest[end..]);
            rest = &rest[end + closing..];
            if closing == length {
                break;
            }
        }
    }
    outside + rest
}

#[test]
fn what_others_wrote_is_no_markup() {
    let Some(_lab) = lab() else { return };
    let folder = folder(&[("@owned<b>`|.toml", scenario().as_bytes())]);
    let mut command = fwlab();
    command.current_dir(folder.path()).args([
        "run",
        ".",
        "--backend=nft",
        "--keep-going",
        "--report=markdown=report.md",
        "--report=sarif=report.sarif",
        "--report=html=report.html",
    ]);
    end_of(&mut command).with(1);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it was written");
    let markdown = read("report.md");
    assert_no_markup(&markdown);
    assert!(markdown.contains("onerror"), "{markdown}");
    let table = markdown.lines().filter(|line| line.starts_with('|'));
    let fields = table.map(|line| line.matches('|').count());
    assert_eq!(fields.collect::<Vec<_>>(), [5; 4], "{markdown}");
    assert!(!read("report.sarif").contains("]("));
    // In HTML it is in the data alone, and nothing there is a tag.
    let html = read("report.html");
    let data = crate::html::data_in(&html);
    assert!(
        data.contains("onerror") && !data.contains(['<', '>', '&']),
        "{data}"
    );
    let page = html.replace(data, "");
    for theirs in ["onerror", "owned", "DESCRIPTION"] {
        assert!(!page.contains(theirs), "{theirs}: {page}");
    }
}
