//! A cell's evidence as a sequence diagram: where its arrows begin and end, what is said of them, wide and narrow.

use serde_json::Value;

use super::accessible::assert_accessible;
use super::page::{Key, Page};
use crate::made_up::{on, page_of, stopped};
use crate::pictures::REPORT;

/// The one cell of the kept report that has evidence.
const CELL: &str = "[...document.querySelectorAll('td button')].find((button) =>
  button.textContent.includes('::before::nft::vsftpd::curl::pasv::plain'))";

/// Of each arrow: its words, by how many pixels it misses the lanes that it goes between, and whether a cross is at its end.
const ARROWS: &str = "
(() => {
  const middle = (element) => { const box = element.getBoundingClientRect(); return (box.left + box.right) / 2; };
  const lanes = Object.fromEntries([...document.querySelectorAll('.heads span')].map((head) => [head.textContent, middle(head)]));
  return [...document.querySelectorAll('.sequence li.arrow')].map((item) => {
    const [from, to] = item.querySelector('.where').textContent.replace(': ', '').split(' → ').map((name) => lanes[name]);
    const line = item.querySelector('.line');
    const box = line.getBoundingClientRect();
    const [begin, end] = from < to ? [box.left, box.right] : [box.right, box.left];
    return {
      text: item.textContent,
      off: Math.max(Math.abs(begin - from), Math.abs(end - to)),
      crossed: getComputedStyle(line, '::after').content.includes('✗'),
    };
  });
})()";

#[track_caller]
fn opened() -> Option<(tempfile::TempDir, Page)> {
    let lines: Vec<Value> = REPORT
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let (folder, file) = page_of(&lines);
    let mut page = Page::of(&file)?;
    page.eval(&format!("{CELL}.focus()"));
    page.press(Key::Enter);
    Some((folder, page))
}

#[track_caller]
fn assert_arrows(page: &mut Page, size: &str) {
    let arrows = page.eval(ARROWS);
    let arrows = arrows.as_array().expect("arrows");
    assert!(arrows.len() > 8, "{size}: {arrows:?}");
    for arrow in arrows {
        assert!(arrow["off"].as_f64() < Some(1.5), "{size}: {arrow}");
        let is_stopped = arrow["text"]
            .as_str()
            .is_some_and(|text| text.contains('✗'));
        assert_eq!(arrow["crossed"], is_stopped, "{size}: {arrow}");
    }
    let text = |part: &str| {
        let is_it = |arrow: &&Value| arrow["text"].as_str().is_some_and(|it| it.contains(part));
        arrows.iter().filter(is_it).count()
    };
    for (part, times) in [
        ("client → server: ftp, control: PASV", 1),
        ("server → client: ftp, control: 227 ", 1),
        ("client → server: wire, control: SYN ", 1),
        ("server → client: wire, control: SYN+ACK ", 1),
    ] {
        assert_eq!(text(part), times, "{size}: {part}: {arrows:?}");
    }
}

#[test]
fn arrows_go_from_lane_to_lane_and_the_one_that_was_stopped_is_crossed() {
    let Some((_folder, mut page)) = opened() else {
        return;
    };
    page.size(1100, 800);
    assert_arrows(&mut page, "wide");
    // A packet is one arrow, and not what each of two nodes saw.
    let decided = page.text("document.querySelector('.sequence li.deciding').textContent");
    assert!(decided.contains("client → server: "), "{decided}");
    assert!(
        decided.contains("✗ server: policy of ipv4/filter/INPUT"),
        "{decided}"
    );
    assert_accessible(&mut page);
    page.size(320, 640);
    assert_arrows(&mut page, "narrow");
    let over = "(() => {
      const frames = [...document.querySelectorAll('#evidence .scroll, #details')];
      return Math.max(...frames.map((frame) => frame.scrollWidth - frame.clientWidth));
    })()";
    assert_eq!(page.number(over), 0.0);
    assert_accessible(&mut page);
    page.assert_quiet();
}

#[test]
fn a_cell_without_evidence_says_where_it_would_be() {
    let Some((_folder, mut page)) = opened() else {
        return;
    };
    page.press(Key::Escape);
    page.eval("document.querySelector('details.scenario').open = true; document.querySelector('td button.met').click()");
    let said = page.text("document.getElementById('evidence').textContent");
    assert!(said.contains("--evidence all"), "{said}");
    page.assert_quiet();
}

/// With more nodes than a screen has room for it is a list, in which each line says where.
#[test]
fn more_lanes_than_can_be_drawn_are_a_list() {
    let mut line = on(stopped(), "many", "shut", "pasv");
    let facts = line["evidence"]["facts"].as_array_mut().expect("facts");
    let fact = facts[0].clone();
    for number in 0..9 {
        let mut fact = fact.clone();
        fact["node"] = format!("node-{number}").into();
        facts.push(fact);
    }
    let (_folder, file) = page_of(&[line]);
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    page.eval("document.querySelector('td button.missed').click()");
    let seen = "(() => {
      const seen = (part) => [...document.querySelectorAll(part)].filter((it) => it.checkVisibility() && it.getBoundingClientRect().width > 20).length;
      return [seen('.heads'), seen('.sequence .line'), seen('.sequence .where'), seen('.sequence .time')];
    })()";
    for width in [320, 1500] {
        page.size(width, 800);
        assert_eq!(
            page.eval(seen),
            serde_json::json!([0, 0, 15, 15]),
            "{width}"
        );
        let over = "document.getElementById('details').scrollWidth - document.getElementById('details').clientWidth";
        assert_eq!(page.number(over), 0.0, "{width}");
    }
    assert_accessible(&mut page);
    page.assert_quiet();
}
