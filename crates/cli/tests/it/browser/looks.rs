//! Narrow, light and dark.

use super::page::Page;
use crate::made_up::{of_every_result, page_of};

/// Every text that can be seen, with a contrast to its ground below 4.5 (WCAG 2.2, 1.4.3), and how many were looked at.
const FAINT: &str = "
(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const part = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = numbers(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  let seen = 0;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const element = text.parentElement;
    if (!text.data.trim() || !element.checkVisibility() || element.closest('.hidden')) continue;
    seen += 1;
    const [one, other] = [light(numbers(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) faint.push(`${contrast.toFixed(2)} ${text.data}`);
  }
  return { seen, faint };
})()";

const OPEN: &str = "document.querySelector('td button.missed').click()";

#[test]
fn text_stands_out_in_light_and_dark() {
    let (_folder, file) = page_of(&of_every_result());
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    page.eval(OPEN);
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        page.scheme(scheme);
        let found = page.eval(FAINT);
        assert!(found["seen"].as_u64() > Some(60), "{found}");
        assert_eq!(found["faint"], serde_json::json!([]), "{scheme}");
        grounds.push(page.text("getComputedStyle(document.body).backgroundColor"));
    }
    assert_eq!(grounds, ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]);
    // The measure itself.
    page.eval("document.documentElement.style.setProperty('--quiet', '#444b53')");
    assert_ne!(page.eval(FAINT)["faint"], serde_json::json!([]));
}

#[test]
fn a_narrow_screen_scrolls_one_way() {
    let (_folder, file) = page_of(&of_every_result());
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    page.size(320, 640);
    let over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(page.number(over), 0.0);
    page.eval(OPEN);
    assert_eq!(page.number(over), 0.0);
    let dialog = "(() => {
      const dialog = document.getElementById('details');
      return [dialog.scrollWidth - dialog.clientWidth, dialog.getBoundingClientRect().right <= 320];
    })()";
    assert_eq!(page.eval(dialog), serde_json::json!([0, true]));
    // A table that is wider scrolls in its own frame.
    let wide = "[...document.querySelectorAll('#scenarios .scroll')].some((frame) => frame.scrollWidth > frame.clientWidth)";
    assert_eq!(page.eval(wide), true, "else this tests nothing");
    page.assert_quiet();
}
