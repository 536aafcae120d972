//! What others wrote reaches a terminal, a log or a report as text, and as nothing else.

use std::fs;
use std::path::Path;

use fwlab_cli::report::Format;
use quick_junit::Report;

use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab, lab, report, shared};

/// What a terminal obeys, or what hides and turns what stands beside it: an escape sequence, a bell, C1,
/// bidi marks, a zero width, a line separator, a mark of byte order, a tag, a noncharacter. It ends in an
/// order to GitHub's runner.
const HOSTILE: &str = "\u{1b}[31m\u{1b}]0;owned\u{7}\r\u{7f}\u{9b}2J\u{85}\u{202e}\u{2066}\u{61c}\u{200b}\u{2028}\u{2029}\
     \u{feff}\u{e0041}\u{fffe}\u{3164}##[error]x";

/// As TOML writes it: every character by its number.
fn in_toml() -> String {
    let written = HOSTILE.chars().map(|c| match u32::from(c) {
        code @ 0x20..0x7f => char::from_u32(code).map(String::from).unwrap_or_default(),
        code => format!("\\U{code:08X}"),
    });
    written.collect()
}

/// Fails where text has anything but what can be seen, and line ends.
#[track_caller]
fn assert_seen(what: &str, text: &str) {
    let hostile = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || HOSTILE.chars().any(|one| one == c && !one.is_ascii())
    };
    let found = text.chars().find(|c| hostile(*c));
    assert_eq!(found, None, "{what}: {text:?}");
}

/// The same of what is printed, which GitHub's runner may read: it has no order for it either.
#[track_caller]
fn assert_harmless(what: &str, text: &str) {
    assert_seen(what, text);
    assert!(!text.contains("##["), "{what}: {text}");
    let order = text
        .lines()
        .find(|line| line.trim_start().starts_with("::"));
    assert_eq!(order, None, "{what}");
}

/// Runs fwlab in a folder, and holds what it printed.
#[track_caller]
fn printed(folder: &Path, arguments: &[&str]) -> Ended {
    let ended = end_of(fwlab().current_dir(folder).args(arguments));
    let what = format!("{arguments:?}");
    assert_harmless(&what, &ended.stdout);
    assert_harmless(&what, &ended.stderr);
    ended
}

/// A scenario with hostile text wherever a scenario has text that is not held to words of its own, and with a
/// server that says it.
fn scenario() -> String {
    let bad = in_toml();
    // A scripted reply has no line end and no control character but what its own escapes write.
    r#"description = "BAD\n::error::description"
report = ["https://example.org/BAD", "BAD"]
messages = ["BAD\n::error::a `message`"]
tags = ["BAD"]
[topology]
shape = "client-firewall"
[server]
script = """
PASV
  550 BAD no
"""
[[ruleset]]
name = "NAME"
text = "iptables -A INPUT -p tcp --dport 9 -m comment --comment 'u202e \u202e \u200b' -j DROP"
[matrix]
servers = "scripted-server"
data = "pasv"
[[require]]
symptom = "transferred"
"#
    .replace("NAME", "rules\\u202e\\u0007\\u009b2J")
    .replace("550 BAD", &format!("550 {}", in_script()))
    .replace("BAD", &bad)
}

/// As a reply of a script may have it.
fn in_script() -> String {
    let kept = HOSTILE
        .chars()
        .filter(|c| !matches!(c, '\r' | '\u{7}' | '\u{1b}' | '\u{7f}'));
    kept.map(|c| match u32::from(c) {
        code @ 0x20..0x7f => char::from_u32(code).map(String::from).unwrap_or_default(),
        code => format!("\\U{code:08X}"),
    })
    .collect()
}

#[test]
fn every_report_and_listing_is_harmless() {
    let Some(_lab) = lab() else { return };
    let name = format!("{}.toml", HOSTILE.replace('/', ""));
    let folder = folder(&[(&name, scenario().as_bytes())]);
    for arguments in [
        &["list", "."][..],
        &["list", ".", "--cells"],
        &["list", ".", "--by-symptom"],
    ] {
        let ended = printed(folder.path(), arguments).with(0);
        assert!(ended.stdout.contains("<U+202E>"), "{ended:?}");
    }
    let reports = Format::all()
        .iter()
        .map(|format| format!("--report={}=report.{}", format.word, format.word));
    let reports: Vec<String> = reports.collect();
    let mut arguments = vec!["run", ".", "--backend=nft"];
    arguments.extend(reports.iter().map(String::as_str));
    let ended = printed(folder.path(), &arguments).with(1);
    for part in ["<U+202E>", "missed", "550 "] {
        assert!(ended.stdout.contains(part), "{part}: {ended:?}");
    }
    let read = |word: &str| {
        let file = folder.path().join(format!("report.{word}"));
        fs::read_to_string(file).expect("it was written")
    };
    // JSON has it as it was, and is for programs alone.
    for format in Format::all().iter().filter(|format| format.word != "json") {
        let text = read(format.word);
        assert_seen(format.word, &text);
        assert!(text.contains("U+202E"), "{}: {text}", format.word);
    }
    let xml = read("junit");
    let junit = Report::deserialize_from_str(&xml).expect("it is JUnit's");
    assert_eq!(junit.failures, 1);
    // What XML 1.0 forbids (section 2.2), by number.
    for number in ["&#x1b", "&#27", "&#7;", "&#x7;", "&#xfffe", "&#65534"] {
        assert!(!xml.to_lowercase().contains(number), "{number}: {xml}");
    }
    let cells = report(&folder.path().join("report.json"));
    let (_, line) = cells.first_key_value().expect("a cell");
    let statement = line["cause"]["statement"].as_str().expect("the reply");
    assert!(statement.contains('\u{202e}'), "{line}");
}

#[test]
fn every_mistake_is_harmless() {
    let _machine = shared();
    let bad = in_toml();
    let sound = "description = \"x\"\ntopology.shape = \"client-firewall\"\n";
    let rules = "ruleset = [{ name = \"r\", text = \"iptables -P INPUT DROP\" }]\n";
    let in_file = |text: &str| {
        let folder = folder(&[("bad.toml", text.as_bytes())]);
        let ended = printed(folder.path(), &["run", "bad.toml"]).with(2);
        assert!(!ended.stderr.is_empty());
    };
    for text in [
        format!("\"{bad}\" = 1\n{sound}{rules}"),
        format!("{sound}{rules}matrix.servers = \"{bad}\"\n"),
        format!("{sound}{rules}matrix.rulesets = \"{bad}\"\n"),
        format!("{sound}ruleset = [{{ name = \"{bad}\", text = \"\" }}]\n"),
        format!("{sound}ruleset = [{{ name = \"r\", file = \"{bad}\" }}]\n"),
        format!("{sound}ruleset = [{{ name = \"r\", text = \"iptables -A {bad}\" }}]\n"),
        format!("{sound}ruleset = [{{ name = \"r\", text = \"table inet f {{ {bad} }}\" }}]\n"),
        format!(
            "{sound}{rules}sysctl = [{{ node = \"{bad}\", set = {{ \"{bad}\" = \"{bad}\" }} }}]\n"
        ),
        format!(
            "{sound}{rules}server.options = {{ \"{bad}\" = \"{bad}\" }}\nclient.active-ports = \"{bad}\"\n"
        ),
        format!("{sound}{rules}server.script = \"{bad}\"\n"),
        format!("{sound}{rules}[[require]]\nsymptom = \"{bad}\"\n"),
        // In the file as it is, and no TOML.
        format!("{sound}{rules}{HOSTILE} = 1\n"),
        format!("{sound}{rules}# {HOSTILE}\nmatrix.data = \"none\" # {HOSTILE}\n"),
    ] {
        in_file(&text);
    }
    let names = [
        format!("{HOSTILE}.toml"),
        format!("{HOSTILE}.v4"),
        format!("\n::error::{HOSTILE}"),
    ];
    let one = |c: char| c != '/' && c != '\0';
    for name in names.map(|name| name.chars().filter(|c| one(*c)).collect::<String>()) {
        let folder = folder(&[(&name, b"-A \x1b[31m nothing \xff\n")]);
        for arguments in [
            &["run", &name][..],
            &["check", &name, "--at", "client"],
            &["check", &format!("{name}x"), "--at", "client"],
            &["list", &format!("{name}x")],
            &["run", "--filter", &name],
            &["run", "--server", &name],
            &["check", &name, "--at", &name],
            &["run", &name, "--report", &format!("json={name}")],
            &[&name],
        ] {
            let ended = printed(folder.path(), arguments);
            assert_eq!(ended.code, Some(2), "{ended:?}");
        }
    }
}

/// What Rust refuses to pad, a column or a width beyond 65,535, ends nothing.
#[test]
fn a_mistake_far_to_the_right_is_shown_in_its_place() {
    let _machine = shared();
    let elements: Vec<String> = (0..8_000)
        .map(|n| format!("10.0.{}.{}", n / 256, n % 256))
        .collect();
    let script = format!(
        "table inet f {{ set s {{ type ipv4_addr; elements = {{ {} }} }} include \"x\"; }}\n",
        elements.join(", ")
    );
    assert!(script.len() > 1 << 16);
    let sound = "description = \"x\"\ntopology.shape = \"client-firewall\"\n";
    let rules = "ruleset = [{ name = \"r\", text = \"iptables -P INPUT DROP\" }]\n";
    let list = vec!["\"pasv\""; 10_000].join(", ");
    let far = format!("{sound}{rules}matrix = {{ tags = [{list}], data = \"nowhere\" }}\n");
    let long = "x".repeat(70_000);
    let long = format!("{sound}ruleset = [{{ name = \"{long}\", text = \"\" }}]\n");
    let folder = folder(&[
        ("rules.nft", script.as_bytes()),
        ("far.toml", far.as_bytes()),
        ("long.toml", long.as_bytes()),
    ]);
    for (arguments, part) in [
        (
            &["check", "rules.nft", "--at", "client"][..],
            "include \"x\"",
        ),
        (&["run", "far.toml"], "data = \"nowhere\""),
        (
            &["run", "long.toml"],
            "a ruleset's name has at most 100 characters",
        ),
    ] {
        let ended = printed(folder.path(), arguments).with(2);
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        assert!(ended.stderr.contains('…'), "{}", ended.stderr);
        assert!(ended.stderr.len() < 10_000, "{}", ended.stderr.len());
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

/// Nothing gets past [`Page`](fwlab_cli::report::Page): one file writes to standard output and standard error, and takes
/// nothing else. (Lints forbid `print!` and its like.)
#[test]
fn one_file_writes_to_standard_output() {
    fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(crate::support::root().join("crates"))
        .expect("the crates")
        .flatten()
    {
        sources(&entry.path().join("src"), &mut found);
    }
    assert!(found.len() > 100, "{}", found.len());
    found.retain(|path| {
        let text = fs::read_to_string(path).expect("it can be read");
        text.contains("io::stdout()") || text.contains("io::stderr()")
    });
    let [writer] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(writer.ends_with("cli/src/command/exit.rs"), "{writer:?}");
}
