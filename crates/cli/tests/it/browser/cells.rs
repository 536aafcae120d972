//! A cell opens, by pointer and by the keyboard alone.

use super::page::{Key, Page};
use crate::made_up::{of_every_result, page_of};

/// The button of the first cell that missed.
const MISSED: &str = "document.querySelector('td button.missed')";

/// What has the focus: an id, or a name for whoever has none.
const FOCUS: &str = "document.activeElement.id || document.activeElement.getAttribute('aria-label') || document.activeElement.tagName";

const IS_OPEN: &str = "document.getElementById('details').open";

#[test]
fn a_cell_opens_what_is_known_of_it() {
    let (_folder, file) = page_of(&of_every_result());
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    page.eval(&format!("{MISSED}.focus(); {MISSED}.click()"));
    assert_eq!(page.eval(IS_OPEN), true);
    let name = page.text("document.getElementById('name').textContent");
    assert!(name.starts_with("mixed::shut::nft::"), "{name}");
    let facts = page.eval(
        "Object.fromEntries([...document.querySelectorAll('#facts dt')].map((term) =>
           [term.textContent, term.nextElementSibling.textContent]))",
    );
    assert_eq!(facts["Result"], "missed");
    assert_eq!(facts["Required"], "transferred");
    for (term, part) in [
        ("Outcome", "data-timeout at data-connect"),
        ("Cause", "`-A INPUT -p tcp -j DROP` stopped SYN"),
        ("Why", "data connection"),
        ("To pass", "would pass"),
    ] {
        let text = facts[term].as_str().unwrap_or_default();
        assert!(text.contains(part), "{term}: {facts}");
    }
    assert_eq!(
        page.number("document.querySelectorAll('.sequence > li').length"),
        6.0
    );
    // The line that decided is marked for the eye, and for the ear.
    let deciding = "[...document.querySelectorAll('.sequence li.deciding')].map((line) => line.textContent).join('\\n')";
    let deciding = page.text(deciding);
    assert!(
        deciding.contains("This decided it: ") && deciding.contains("-j DROP"),
        "{deciding}"
    );
    assert_eq!(deciding.lines().count(), 1, "{deciding}");
    let look = "getComputedStyle(document.querySelector('.deciding')).boxShadow";
    assert!(page.text(look).contains("inset"));
    page.press(Key::Escape);
    assert_eq!(page.eval(IS_OPEN), false);
    assert_eq!(
        page.eval(&format!("document.activeElement === {MISSED}")),
        true
    );
    page.assert_quiet();
}

#[test]
fn the_keyboard_alone_is_enough() {
    let (_folder, file) = page_of(&of_every_result());
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    let mut way = Vec::new();
    let is_on_cell = "document.activeElement.matches('td button.missed')";
    while page.eval(is_on_cell) != true {
        assert!(way.len() < 40, "no cell is reached: {way:?}");
        page.press(Key::Tab);
        way.push(page.text(FOCUS));
        // It can be seen where one is.
        let outline = "getComputedStyle(document.activeElement).outlineStyle";
        assert_eq!(page.text(outline), "solid", "{way:?}");
    }
    assert_eq!(way[..5], ["result", "symptom", "cause", "since", "text"]);
    page.press(Key::Enter);
    assert_eq!(page.eval(IS_OPEN), true);
    assert_eq!(page.text(FOCUS), "name", "what is read first");
    // Round within what is open, and nowhere behind it.
    let mut within = Vec::new();
    for _ in 0..6 {
        page.press(Key::Tab);
        within.push(page.text(FOCUS));
    }
    for stop in ["close", "Evidence"] {
        assert!(
            within.iter().filter(|it| *it == stop).count() >= 2,
            "{within:?}"
        );
    }
    // Between two rounds a browser may go to its own bar, which the page sees as its body.
    let is_within =
        |stop: &String| ["close", "Evidence", "BODY", "details"].contains(&stop.as_str());
    assert!(within.iter().all(is_within), "{within:?}");
    page.press(Key::Escape);
    assert_eq!(page.eval(IS_OPEN), false);
    assert_eq!(page.eval(is_on_cell), true, "back where one was");
    page.press(Key::Enter);
    while page.text(FOCUS) != "close" {
        page.press(Key::Tab);
    }
    page.press(Key::Enter);
    assert_eq!(page.eval(IS_OPEN), false);
    page.assert_quiet();
}
