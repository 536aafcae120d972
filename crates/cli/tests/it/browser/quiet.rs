//! The page is quick, asks for nothing, and complains of nothing.

use super::page::Page;
use crate::made_up::{many, page_by_hand, page_of};

/// When the first table had been drawn, in milliseconds from the beginning of the navigation, and how many had been by then. The
/// observer hears of it after the page's script, and the frame's callback comes with the frame that shows it; the task after that comes
/// when it is drawn.
const WATCH: &str = "
new MutationObserver((_, observer) => {
  if (!document.querySelector('table')) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => {
    document.documentElement.dataset.tables = document.querySelectorAll('table').length;
    document.documentElement.dataset.firstTable = performance.now();
  }));
}).observe(document, { childList: true, subtree: true });";

/// The first table of many is there before the others are drawn. It takes 0.2 to 0.4 s where nothing else runs, and so the machine is
/// this test's own: `scripts/test` runs it when all others are done.
#[test]
fn ten_thousand_cells_have_their_first_table_within_a_second() {
    let (_folder, file) = page_of(&many(10_000));
    let Some(mut page) = Page::blank_alone() else {
        return;
    };
    page.ask(
        "Page.addScriptToEvaluateOnNewDocument",
        serde_json::json!({ "source": WATCH, "worldName": "watch" }),
    );
    // The machine does other things, too: the best of three is what the page takes.
    let took = [(); 3].map(|()| {
        page.open(&file);
        page.eventually("document.documentElement.dataset.firstTable");
        page.number("Number(document.documentElement.dataset.firstTable)")
    });
    let best = took.into_iter().fold(f64::INFINITY, f64::min);
    let bytes = file.metadata().expect("it is there").len();
    eprintln!("10,000 cells, {bytes} bytes: first table after {took:.0?} ms");
    let [tables, all] = [
        "Number(document.documentElement.dataset.tables)",
        "document.querySelectorAll('#scenarios details').length",
    ]
    .map(|asked| page.number(asked));
    assert!(tables * 4.0 < all, "{tables} of {all} tables");
    assert!(best < 1000.0, "{took:?} ms");
    let counts = page.text("document.getElementById('counts').textContent");
    assert_eq!(counts, "10000 cells: 200 missed, 9800 met");
    page.assert_quiet();
}

/// What the other tests rest on: a page that does what it must not is told of.
#[test]
fn what_a_page_must_not_do_is_heard() {
    for (what, html) in [
        (
            "Runtime.consoleAPICalled",
            "<script>console.error('oh')</script>",
        ),
        (
            "Runtime.exceptionThrown",
            "<script>throw new Error('oh')</script>",
        ),
        (
            "Network.requestWillBeSent",
            "<img src='http://127.0.0.1:9/q'>",
        ),
        (
            "Log.entryAdded",
            "<meta http-equiv='Content-Security-Policy' content=\"script-src 'none'\"><script>1</script>",
        ),
    ] {
        let (_folder, file) = page_by_hand(&format!("<!doctype html><title>q</title>{html}"));
        let Some(page) = Page::of(&file) else { return };
        let told = page.complaints();
        assert!(
            told.iter().any(|told| told.contains(what)),
            "{what}: {told:?}"
        );
    }
}
