//! Filters choose cells, and an earlier run is shown beside a later one.

use super::page::Page;
use crate::made_up::{of_every_result, on, page_against, page_of, passed, stopped};

/// The cells that are shown, and what is said of them.
#[track_caller]
fn shown(page: &mut Page) -> (f64, String) {
    // Sections that nothing calls for are drawn when they are opened.
    let count = page.number(
        "(() => {
           for (const section of document.querySelectorAll('details')) section.open = true;
           return new Promise((done) => requestAnimationFrame(() => setTimeout(() =>
             done(document.querySelectorAll('#scenarios td button').length))));
         })()",
    );
    (
        count,
        page.text("document.getElementById('chosen').textContent"),
    )
}

#[test]
fn a_filter_leaves_what_it_chooses() {
    let (_folder, file) = page_of(&of_every_result());
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    let said = |cells: u32| (f64::from(cells), format!("{cells} of 8 cells shown"));
    let all = (8.0, "all cells shown".to_owned());
    assert_eq!(shown(&mut page), all);
    for (list, value, cells) in [
        ("result", "missed", 2),
        ("result", "inconclusive", 1),
        ("result", "skipped", 1),
        ("result", "not run", 1),
        ("result", "met", 3),
        ("symptom", "data-timeout", 2),
        ("symptom", "transferred", 3),
    ] {
        page.choose(list, value);
        assert_eq!(shown(&mut page), said(cells), "{list}: {value}");
        page.choose(list, "");
        assert_eq!(shown(&mut page), all, "{list}");
    }
    // Both causes are one rule's.
    let causes = page.number("document.querySelectorAll('#cause option').length");
    assert_eq!(causes, 2.0, "all, and the rule");
    let cause = page.text("document.querySelectorAll('#cause option')[1].value");
    assert!(cause.contains("-A INPUT -p tcp -j DROP"), "{cause}");
    page.choose("cause", &cause);
    assert_eq!(shown(&mut page), said(2));
    // Several at once.
    page.choose("result", "met");
    assert_eq!(shown(&mut page).0, 0.0);
    page.eval("document.querySelector('button[type=reset]').click()");
    page.eventually("document.getElementById('chosen').textContent === 'all cells shown'");
    assert_eq!(shown(&mut page), all, "after the reset");
    page.eval("document.getElementById('text').focus()");
    for (text, cells) in [("mixed", 6), (" PASV", 1), (" drop", 1), (" nowhere", 0)] {
        page.types(text);
        let said = said(cells);
        page.eventually(&format!(
            "document.getElementById('chosen').textContent === '{}'",
            said.1
        ));
        assert_eq!(shown(&mut page), said, "{text}");
    }
    page.assert_quiet();
}

#[test]
fn what_a_cell_was_stands_beside_what_it_is() {
    let cells = |own: fn() -> serde_json::Value| {
        [
            on(own(), "one", "rules", "pasv"),
            on(passed(), "one", "rules", "port"),
        ]
    };
    let (_folder, file) = page_against(&cells(passed), &cells(stopped));
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    let was = "[...document.querySelectorAll('.was')].map((was) => was.textContent).join()";
    assert_eq!(page.text(was), "was passes");
    assert_eq!(
        page.eval("document.getElementById('against').hidden"),
        false
    );
    page.choose("since", "otherwise");
    assert_eq!(shown(&mut page), (1.0, "1 of 2 cells shown".to_owned()));
    // Both are shown side by side, with what was seen in each.
    page.eval("document.querySelector('td button').click()");
    let sides =
        "[...document.querySelectorAll('.sides h4')].map((side) => side.textContent).join()";
    assert_eq!(page.text(sides), "Before,Now");
    let of = |at: u8, what: &str| {
        format!(
            "[...document.querySelectorAll('.sides > section')[{at}].querySelectorAll('{what}')].map((one) => one.textContent).join()"
        )
    };
    assert!(
        page.text(&of(0, "dd")).contains("transferred"),
        "{}",
        page.text(&of(0, "dd"))
    );
    assert!(
        page.text(&of(1, "dt")).starts_with("Outcome,Cause"),
        "{}",
        page.text(&of(1, "dt"))
    );
    assert!(
        page.text(&of(1, ".sequence .deciding"))
            .contains("This decided it")
    );
    assert!(
        page.text(&of(0, ".sequence .what"))
            .contains("227 announces"),
        "{}",
        page.text(&of(0, ".sequence .what"))
    );
    page.eval("document.getElementById('close').click()");
    page.choose("since", "as before");
    assert_eq!(shown(&mut page), (1.0, "1 of 2 cells shown".to_owned()));
    assert_eq!(page.text(was), "");
    page.assert_quiet();
}
