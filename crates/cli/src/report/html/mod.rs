//! One page of HTML that needs nothing else: its style, its script and its data are in it, and it may load nothing
//! (a Content-Security-Policy names the hashes of the two).
//!
//! The page's own files stand beside this one. What others wrote is in the data alone, which the script shows as text.

mod data;
mod timeline;
mod words;

use std::io;

use fwlab_record::CellRecord;

use super::About;
use super::format::Format;
use super::gathered::Gathered;
use data::Data;

pub(super) const FORMAT: Format = Format {
    word: "html",
    what: "one page to browse: filters, and each cell's evidence",
    is_report,
    begin: |file, about| Gathered::report(file, about, written),
};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = concat!(include_str!("page.css"), include_str!("sequence.css"));
const SCRIPT: &str = concat!(include_str!("sequence.js"), include_str!("page.js"));

/// How a report begins, by which an older one is known.
const BEGINS: &str = "<!doctype html>\n<!-- A report of fwlab. -->\n";

fn is_report(prefix: &[u8]) -> bool {
    prefix.starts_with(BEGINS.as_bytes())
}

fn written(records: &[&CellRecord], about: &About) -> io::Result<String> {
    let data = serde_json::to_string(&Data::of(records, about))?;
    // The data last: nothing is looked for in it.
    let page = PAGE.replace("{{style}}", STYLE);
    let page = page.replace("{{script}}", SCRIPT);
    Ok(page.replacen("{{data}}", &in_script(&data), 1))
}

/// JSON as it may stand in a script element: nothing in it is a tag, a comment or a line end.
fn in_script(json: &str) -> String {
    let mut shown = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                shown.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    /// Whoever changes style or script writes the new hash to the page's policy.
    #[test]
    fn the_policy_allows_the_page_s_own_style_and_script_alone() {
        let hash = |text: &str| {
            let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
            base64::prelude::BASE64_STANDARD.encode(digest)
        };
        let (script, style) = (hash(SCRIPT), hash(STYLE));
        let policy = format!(
            "content=\"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; \
             base-uri 'none'; form-action 'none'\""
        );
        assert!(PAGE.contains(&policy), "write to page.html: {policy}");
        for own in [STYLE, SCRIPT] {
            assert!(!own.contains("</") && !own.contains("{{"));
        }
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
        ] {
            assert!(!SCRIPT.contains(forbidden), "{forbidden}");
        }
        for outside in ["http:", "https:", "url(", "@import", "src=", "href"] {
            assert!(
                !PAGE.contains(outside) && !STYLE.contains(outside) && !SCRIPT.contains(outside)
            );
        }
    }

    #[test]
    fn nothing_in_the_data_is_markup() {
        let json = serde_json::to_string("</script><!--&\u{2028}").expect("JSON");
        let shown = in_script(&json);
        assert_eq!(shown, r#""\u003c/script\u003e\u003c!--\u0026\u2028""#);
        let again: String = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(again, "</script><!--&\u{2028}");
    }
}
