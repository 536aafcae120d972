//! The picture of `fwlab explain` in the README: what the command prints of a kept report, drawn. `scripts/pictures` makes it anew.

use std::fmt::Write as _;

use crate::support::{end_of, fwlab, root, shared};

/// The kept report of a run: all that is in the pictures of the page.
pub(crate) const REPORT: &str = include_str!("pictures/report.json");

/// The kept report of one cell, and the scenario that it is of: all that is in the picture of `explain`.
const EXPLAINED: &str = include_str!("pictures/explained.json");
const SCENARIO: &str = include_str!("pictures/web-server.toml");

/// Whether pictures are to be written, rather than compared.
pub(crate) fn is_to_write() -> bool {
    std::env::var_os("FWLAB_PICTURES").is_some()
}

/// As wide as a line may be, in characters, and their size in the picture.
const COLUMNS: usize = 118;
const WIDE: usize = 8;
const HIGH: usize = 18;

/// Lines that fit: a longer one goes on below.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.trim_end().lines() {
        let mut rest = line;
        while rest.chars().count() > COLUMNS {
            let (end, _) = rest.char_indices().nth(COLUMNS).expect("it is longer");
            let end = rest[..end].rfind(' ').expect("a space in a long line");
            lines.push(rest[..end].to_owned());
            rest = &rest[end + 1..];
        }
        lines.push(rest.to_owned());
    }
    lines
}

/// A terminal with this text: each line as wide as its characters are, whatever the font.
fn drawn(title: &str, lines: &[String]) -> String {
    let escaped = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let (width, height) = (COLUMNS * WIDE + 32, (lines.len() + 1) * HIGH + 24);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{}</title>\n\
         <style>text {{ font: 13px ui-monospace, 'DejaVu Sans Mono', monospace; fill: #e6e9ed; white-space: pre }} \
         .command {{ fill: #9ea7b1 }} .decided {{ fill: #ff8b85; font-weight: bold }}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#14181d\"/>\n",
        escaped(title)
    );
    let command = format!("$ {title}");
    for (at, line) in std::iter::once(&command).chain(lines).enumerate() {
        if line.is_empty() {
            continue;
        }
        let class = match line.starts_with('▶') {
            _ if at == 0 => " class=\"command\"",
            true => " class=\"decided\"",
            false => "",
        };
        let (y, long) = ((at + 1) * HIGH + 10, line.chars().count() * WIDE);
        writeln!(
            svg,
            "<text x=\"16\" y=\"{y}\" textLength=\"{long}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\"{class}>{}</text>",
            escaped(line)
        )
        .expect("a text takes all");
    }
    svg + "</svg>\n"
}

#[test]
fn the_picture_of_explain_is_what_it_prints() {
    let _started = shared();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("report.json", EXPLAINED), ("web-server.toml", SCENARIO)] {
        std::fs::write(folder.path().join(name), text).expect("it can be written");
    }
    let mut command = fwlab();
    command.current_dir(folder.path());
    command.args(["explain", "report.json", "web-server.toml"]);
    let printed = end_of(&mut command).with(0).stdout;
    for shown in ["▶", "walked, by the rules", "│ ^^^^"] {
        assert!(printed.contains(shown), "{shown}: {printed}");
    }
    let title = "fwlab explain report.json web-server.toml";
    let picture = drawn(title, &wrapped(&printed));
    let file = root().join("docs/pictures/explain.svg");
    if is_to_write() {
        std::fs::write(&file, &picture).expect("it can be written");
    }
    let kept = std::fs::read_to_string(&file).expect("it is there");
    assert!(
        kept == picture,
        "run scripts/pictures, and look at docs/pictures/explain.svg"
    );
}
