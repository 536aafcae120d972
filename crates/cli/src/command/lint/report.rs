//! What `lint` prints.

use std::collections::BTreeMap;

use fwlab_text::{line as shown, one_line};

use super::fold;
use super::holes::Hole;
use super::order::AsFirst;
use super::related::{PORT, Wide};
use super::rules::{Line, PassedOver, Sorted};
use crate::command::trial::Bench;
use crate::text::Page;

/// As many examples of what was passed over are named.
const NAMED: usize = 4;

/// How much was tried.
pub(super) struct Extent {
    pub(super) transfers: usize,
    pub(super) ports: usize,
    pub(super) classes: usize,
    /// Transfers of which nothing is known.
    pub(super) unclear: usize,
}

/// What came of the lines.
#[derive(Default)]
pub(super) struct Found<'l> {
    pub(super) idle: Vec<&'l Line>,
    /// What some of them would do as the first of their chains.
    pub(super) as_first: Vec<(&'l Line, AsFirst)>,
    /// Whether each of these is told by itself.
    pub(super) is_verbose: bool,
    pub(super) unclear: Vec<(&'l Line, String)>,
    pub(super) needed: usize,
}

pub(super) fn report(
    page: &mut Page,
    bench: &Bench<'_>,
    extent: &Extent,
    found: &Found<'_>,
    holes: &[(Hole, Vec<&Line>)],
    wide: Option<&Wide<'_>>,
    sorted: &Sorted,
) {
    let name = one_line(&bench.subject.files.name);
    let taken = found.idle.len() + found.unclear.len() + found.needed;
    page.text(format_args!(
        "{name}: {} taken away in turn; tried were {} transfers and {} ports, for {}\n",
        lines(taken),
        extent.transfers,
        extent.ports,
        classes(extent.classes)
    ));
    let (each, folded) = match found.is_verbose {
        true => (found.idle.clone(), BTreeMap::new()),
        false => fold::folded(&found.idle),
    };
    for line in each {
        page.text(format_args!("\n{}\n", rule(bench, line)));
        page.text("  changes nothing: everything that was tried ended the same without it\n");
        if let Some(why) = &line.why {
            page.text(format_args!("  {}\n", shown(why)));
        }
        let mut as_first = found.as_first.iter();
        let as_first = as_first.find(|(moved, _)| std::ptr::eq(*moved, line));
        if let Some(words) = as_first.and_then(|(_, as_first)| as_first.words()) {
            page.text(format_args!("  {words}\n"));
        }
        if line.is_of_others() {
            page.text("  it also matches protocols other than TCP, which were not tried\n");
        }
    }
    for (kind, lines) in folded {
        fold::page(page, bench, kind, &lines);
    }
    if found.idle.len() > 1 {
        page.text(
            "\nEach was taken away by itself: once one of them is gone, another may be needed.\n",
        );
    }
    for (line, why) in &found.unclear {
        page.text(format_args!(
            "\n{}\n  unclear: {}\n",
            rule(bench, line),
            shown(why)
        ));
    }
    for (hole, line) in holes {
        hole_page(page, bench, hole, line);
    }
    if let Some(wide) = wide {
        wide_page(page, bench, wide);
    }
    if !sorted.passed_over.is_empty() {
        page.text("\nRules that were not taken away, so what they change is not known:\n");
        for (why, rules) in &sorted.passed_over {
            page.text(format_args!("  {}\n", passed_over(why, rules)));
        }
    }
    let mut ended = format!(
        "\n{} changed something, {} nothing",
        found.needed,
        found.idle.len()
    );
    if !found.unclear.is_empty() {
        ended += &format!(", {} unclear", found.unclear.len());
    }
    let holes = holes.len() + usize::from(wide.is_some());
    ended += &match holes {
        0 => ", no hole by a source port that was tried".to_owned(),
        1 => ", 1 hole".to_owned(),
        more => format!(", {more} holes"),
    };
    if extent.unclear > 0 {
        ended += &format!(
            "; {} transfers are unclear and were not compared",
            extent.unclear
        );
    }
    page.text(ended + "\n");
}

fn lines(count: usize) -> String {
    match count {
        1 => "1 line of rules".to_owned(),
        more => format!("{more} lines of rules"),
    }
}

fn classes(count: usize) -> String {
    match count {
        1 => "1 class of peers".to_owned(),
        more => format!("{more} classes of peers"),
    }
}

/// A line by its first rule, and its file where there are several.
fn rule(bench: &Bench<'_>, line: &Line) -> String {
    let first = &line.rules[0];
    let none = crate::command::trial::Candidate::none(bench.subject);
    let file = none
        .name_among_several(line.slot)
        .map_or_else(String::new, |name| format!("{} ", one_line(name)));
    let more = match line.rules.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more of that line"),
    };
    let told = format!(
        "{}, {file}line {} `{}`{more}",
        first.rule, line.line, first.statement
    );
    shown(&told).to_string()
}

fn hole_page(page: &mut Page, bench: &Bench<'_>, hole: &Hole, lines: &[&Line]) {
    match lines {
        [] => page.text("\nA hole; the rule that accepts it was not found:\n"),
        [line] => page.text(format_args!("\nA hole: {}\n", rule(bench, line))),
        several => {
            page.text("\nA hole that stays open if any one of these rules is taken away:\n");
            for line in several {
                page.text(format_args!("{}\n", rule(bench, line)));
            }
        }
    }
    let port = hole.port;
    let (from, to) = &hole.example;
    let from = from.map_or_else(|| format!("port {port}"), |from| from.to_string());
    let ports: Vec<String> = hole.to.iter().map(u16::to_string).collect();
    let told = format!(
        "  SYN {from} → {to} came through, with no FTP session open\n  \
         from port {port} new connections came through, but not from ports that the kernel picked, to\n  {}\n  \
         peers: {}\n  \
         root can send from any port, so the port says nothing about the sender\n",
        ports.join(", "),
        shown(&bench.whom(&hole.places)),
    );
    page.text(told);
    if port == 20 {
        page.text(
            "  instead, for active FTP without TLS, assign the helper ftp and accept what is RELATED by it;\n  \
             `fwlab fix --want active` writes both. Under TLS, no helper can read: use passive FTP\n",
        );
    }
}

fn wide_page(page: &mut Page, bench: &Bench<'_>, wide: &Wide<'_>) {
    match &wide.lines[..] {
        [] => page.text("\nA hole; the rule that accepts it was not found:\n"),
        [line] => page.text(format_args!("\nA hole: {}\n", rule(bench, line))),
        several => {
            page.text("\nA hole that closes if any one of these rules is taken away:\n");
            for line in several {
                page.text(format_args!("{}\n", rule(bench, line)));
            }
        }
    }
    page.text(format_args!(
        "  a server's connection to port {PORT} of the client came through when the client had announced that port; nobody else's did\n  \
         peers: {}\n  \
         the helper ftp expects whatever is announced: anything that makes a client speak FTP, such as a page in its browser, can open any of its ports this way\n  \
         instead: accept what is RELATED only to ports 1024 and above, as `--dport 1024:` does\n",
        shown(&bench.whom(&wide.places)),
    ));
}

fn passed_over(why: &PassedOver, rules: &[String]) -> String {
    let mut named: Vec<&str> = Vec::new();
    for rule in rules {
        if !named.contains(&rule.as_str()) {
            named.push(rule);
        }
    }
    let more = named.len().saturating_sub(NAMED);
    named.truncate(NAMED);
    let mut told = format!("{} {}: {}", rules.len(), why.words(), named.join("; "));
    if more > 0 {
        told += &format!("; and {more} more");
    }
    shown(&told).to_string()
}
