//! The rules' own text beside a cell, and the filter by a scenario's tags. Both come from scenarios, so these cells are really run.

use crate::bad_input::folder;
use crate::support::{end_of, fwlab, lab};

use super::accessible::assert_accessible;
use super::page::Page;

/// A scenario with this tag, and a hostile comment below its rules.
fn scenario(tag: &str) -> String {
    let mut text = r#"description = "one"
tags = ["TAG", "both"]
topology.shape = "server-firewall"
require = [{ symptom = "transferred" }]
matrix = { servers = "libunftp", data = "pasv" }
[[ruleset]]
name = "rules"
text = '''
iptables -A INPUT -p tcp --dport 21 -j ACCEPT
iptables -A INPUT -p tcp --syn -j DROP
"#
    .replace("TAG", tag);
    // So many that they do not fit.
    for _ in 0..60 {
        text.push_str("# </pre><img src=q onerror=alert(1)>\n");
    }
    text + "'''\n"
}

#[test]
fn the_rules_stand_beside_a_cell_and_the_one_that_decided_is_lit() {
    let (_folder, file) = {
        let Some(_lab) = lab() else { return };
        let texts = [scenario("first"), scenario("second")];
        let files = [
            ("a.toml", texts[0].as_bytes()),
            ("b.toml", texts[1].as_bytes()),
        ];
        let folder = folder(&files);
        let mut command = fwlab();
        command.current_dir(folder.path());
        command.args([
            "run",
            "a.toml",
            "b.toml",
            "--backend=nft",
            "--keep-going",
            "--report=html=page.html",
        ]);
        end_of(&mut command).with(1);
        let file = folder.path().join("page.html");
        (folder, file)
    };
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    let tags = "[...document.querySelectorAll('#tag option')].map((tag) => tag.value).join()";
    assert_eq!(page.text(tags), ",both,first,second");
    let chosen = "document.getElementById('chosen').textContent";
    page.choose("tag", "both");
    assert_eq!(page.text(chosen), "2 of 2 cells shown");
    page.choose("tag", "second");
    assert_eq!(page.text(chosen), "1 of 2 cells shown");
    page.eval("document.querySelector('td button.missed').click()");
    assert_eq!(
        page.text("document.querySelector('#rules h3').textContent"),
        "Rules, b.toml"
    );
    let lit =
        "[...document.querySelectorAll('#rules mark')].map((line) => line.textContent).join()";
    assert_eq!(
        page.text(lit),
        "10 2× matched: This decided it: iptables -A INPUT -p tcp --syn -j DROP\n"
    );
    // The SYN, and its copy that the lab sent again; the other rule saw the control connection's.
    let matched = "[...document.querySelectorAll('#rules .times')].map((count) => parseInt(count.textContent)).slice(0, 2)";
    let matched = page.eval(matched);
    assert!(
        matched[0].as_u64() > Some(5) && matched[1] == 2,
        "{matched}"
    );
    assert!(
        page.text("document.querySelector('#rules .legend').textContent")
            .contains("of those that were traced")
    );
    assert_eq!(
        page.number("document.querySelectorAll('#rules pre > *').length"),
        62.0
    );
    assert_eq!(page.number("document.images.length"), 0.0);
    // It is in sight, in a box that is longer than what it shows.
    let is_seen = "(() => {
      const [box, lit] = ['#rules .scroll', '#rules mark'].map((it) => document.querySelector(it));
      const [outer, inner] = [box, lit].map((it) => it.getBoundingClientRect());
      return box.scrollHeight > box.clientHeight && inner.top >= outer.top && inner.bottom <= outer.bottom;
    })()";
    assert_eq!(page.eval(is_seen), true);
    assert_accessible(&mut page);
    page.assert_quiet();
}
