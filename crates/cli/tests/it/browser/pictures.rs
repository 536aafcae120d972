//! The pictures of the page in the README. Pixels differ from one browser to the next, so they are written and not compared.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::page::Page;
use crate::made_up::page_of;
use crate::pictures::{REPORT, is_to_write};
use crate::support::root;

/// The page as it is shown, as a PNG.
#[track_caller]
fn picture(page: &mut Page) -> Vec<u8> {
    let told = page.ask("Page.captureScreenshot", json!({ "format": "png" }));
    let data = told["data"].as_str().expect("a picture");
    BASE64_STANDARD.decode(data).expect("it is in base64")
}

#[test]
fn the_page_and_a_cell_can_be_drawn() {
    let lines: Vec<Value> = REPORT
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let (_folder, file) = page_of(&lines);
    let Some(mut page) = Page::of(&file) else {
        return;
    };
    page.size(1000, 620);
    page.scheme("light");
    // As the page of a run is, which is held against none.
    page.eval("document.getElementById('against').hidden = true");
    let list = picture(&mut page);
    page.size(1000, 1000);
    page.eval(
        "[...document.querySelectorAll('td button')].find((button) => button.textContent.includes('::before::nft::vsftpd::curl::pasv::plain')).click();
         for (const term of document.querySelectorAll('#facts dt'))
           if (term.textContent === 'Before') term.nextElementSibling.remove(), term.remove();
         document.activeElement.blur();
         document.querySelector('.sequence .deciding').scrollIntoView({ block: 'nearest' });",
    );
    assert!(page.number("document.querySelectorAll('.sequence .deciding').length") > 0.0);
    let cell = picture(&mut page);
    assert!(list != cell, "the cell is not open");
    for (name, png) in [("page", &list), ("cell", &cell)] {
        assert!(png.starts_with(b"\x89PNG"), "{name}");
        assert!(
            (10_000..150_000).contains(&png.len()),
            "{name}: {} bytes",
            png.len()
        );
        if is_to_write() {
            let file = root().join(format!("docs/pictures/{name}.png"));
            std::fs::write(file, png).expect("it can be written");
        }
    }
}
