//! What rules and peers say is text, whatever it looks like.

use super::page::Page;
use crate::hostile_markup::HOSTILE;
use crate::made_up::{hostile, page_of};

#[test]
fn what_others_wrote_is_shown_as_they_wrote_it() {
    let (_folder, file) = page_of(&hostile());
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    page.eval("document.querySelector('td button.missed').click()");
    let theirs =
        "document.querySelectorAll('img, b, a, iframe, object, svg, [onerror], [style]').length";
    assert_eq!(page.number(theirs), 0.0);
    assert_eq!(
        page.number("document.scripts.length"),
        2.0,
        "the data and the page's own"
    );
    for (what, place) in [
        ("scenario", "document.querySelector('summary').textContent"),
        ("ruleset", "document.querySelector('.rules').textContent"),
        ("name", "document.getElementById('name').textContent"),
        ("facts", "document.getElementById('facts').textContent"),
        (
            "evidence",
            "document.querySelector('.deciding').textContent",
        ),
        (
            "filter",
            "document.querySelectorAll('#cause option')[1].textContent",
        ),
    ] {
        let text = page.text(place);
        assert!(text.contains(HOSTILE), "{what}: {text}");
    }
    // Looked for as it is.
    page.eval(
        "document.getElementById('details').close(); document.getElementById('text').focus()",
    );
    page.types("onerror=alert(1)>");
    page.eventually("document.getElementById('chosen').textContent === '2 of 2 cells shown'");
    page.assert_quiet();
}
