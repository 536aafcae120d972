use fwlab_host::{Edits, Host, MAX_CAPTURE};
use proptest::prelude::*;

use crate::support::{JSON, WORDS, read, refused};

/// A file of these lines, with a last line that is right.
fn sealed(sections: usize, body: &str) -> Vec<u8> {
    let body = format!("fwlab host 1\nredacted no\n{body}");
    let end = format!("end sections={sections} bytes={} cksum=none\n", body.len());
    (body + &end).into_bytes()
}

#[test]
fn a_file_that_is_cut_anywhere_is_told() {
    let ends_line = |end: usize| end == 0 || WORDS[end - 1] == b'\n';
    let ends = (0..WORDS.len()).filter(|end| *end < 100 || end % 101 == 0 || ends_line(*end));
    for end in ends {
        let said = refused(&WORDS[..end]);
        let is_told = match end {
            // Too little to know what it is.
            0..12 => said.contains("it is not what `fwlab capture` writes"),
            _ => said.contains("cut off"),
        };
        assert!(is_told, "{end}: {said}");
    }
}

#[test]
fn a_file_without_a_part_of_it_is_told() {
    let text = std::str::from_utf8(WORDS).expect("it is text");
    let borders: Vec<usize> = text.match_indices("\n== ").map(|(at, _)| at).collect();
    for pair in borders.windows(2) {
        let without = text[..pair[0]].to_owned() + &text[pair[1]..];
        let said = refused(without.as_bytes());
        assert!(said.contains("it was edited"), "{said}");
    }
}

#[test]
fn every_byte_that_is_changed_is_told() {
    for at in (0..JSON.len()).step_by(61) {
        let mut bytes = JSON.to_vec();
        bytes[at] ^= 1;
        refused(&bytes);
    }
}

#[test]
fn an_edit_is_read_where_that_is_asked_for() {
    let text = String::from_utf8(JSON.to_vec()).expect("it is text");
    let edited = text.replace("pasv_min_port=40000", "pasv_min_port=50000");
    let said = refused(edited.as_bytes());
    assert_eq!(
        said,
        "host.fwlab: it was edited, or damaged on the way: its checksum differs"
    );
    let host = Host::read("host.fwlab", edited.as_bytes(), Edits::Accepted).expect("it is read");
    assert_eq!(host.routes, read(JSON).routes);
}

#[test]
fn other_files_and_newer_ones_are_told() {
    for text in [
        "",
        "*filter\nCOMMIT\n",
        "fwlab host\n",
        "fwlab host x\n",
        "fwlab host 1x\n",
    ] {
        let said = refused(text.as_bytes());
        assert!(said.contains("its first line is not"), "{said}");
    }
    let newer = String::from_utf8(JSON.to_vec()).expect("it is text");
    let said = refused(newer.replacen("host 1\n", "host 2\n", 1).as_bytes());
    assert!(said.contains("a newer fwlab made it"), "{said}");
    let said = refused(newer.replace('\n', "\r\n").as_bytes());
    assert!(said.contains("CR LF"), "{said}");
    let said = refused((newer + "more\n").as_bytes());
    assert!(said.contains("there is more after its last line"), "{said}");
}

#[test]
fn what_is_too_large_is_told() {
    let mut large = JSON.to_vec();
    large.resize(MAX_CAPTURE + 1, b'\n');
    assert!(refused(&large).contains("larger than 64 MiB"));
    let line = format!("|{}\n", "x".repeat(1 << 20));
    let body = format!("\n== nft\n$ nft\n{}exit 0\n", line.repeat(17));
    let said = refused(&sealed(1, &body));
    assert!(said.contains("a section is larger than 16 MiB"), "{said}");
    let entries = "{},".repeat(600_000);
    for answer in [entries, "x\n|".repeat(600_000)] {
        let body = format!("\n== routes\n$ ip route\n|[{answer}\nexit 0\n");
        let said = refused(&sealed(1, &body));
        assert!(
            said.starts_with("host.fwlab:6: routes: there is more"),
            "{said}"
        );
    }
    let many = "\n== ftp-config x\n- none\n".repeat(600);
    assert!(refused(&sealed(600, &many)).contains("more sections"));
}

#[test]
fn a_section_is_one_that_is_known() {
    for (body, why) in [
        (
            "== ../../etc/passwd\n$ x\nexit 0\n",
            "host.fwlab:3: there is no section `../../etc/passwd`",
        ),
        (
            "== nft /etc/passwd\n$ x\nexit 0\n",
            "host.fwlab:3: `nft /etc/passwd` is not a line",
        ),
        ("== \u{1b}[2J\n$ x\nexit 0\n", "there is no section `␛[2J`"),
        (
            "== nft\n- none\n== nft\n- none\n",
            "host.fwlab:5: the section nft appears twice",
        ),
        (
            "== nft\n$ nft\n|x\ny\nexit 0\n",
            "host.fwlab:6: `y` is not a line",
        ),
        (
            "== nft\n$ nft\n|x\nexit no\n",
            "host.fwlab:6: `no` is not a line",
        ),
        ("== nft\n$ nft\n|x\n", "cut off"),
        ("== nft\n", "cut off"),
        ("x\n", "host.fwlab:3: `x` is not a line"),
    ] {
        let said = refused(&sealed(1, body));
        assert!(said.contains(why), "{body}: {said}");
    }
}

#[test]
fn what_cannot_be_is_told_with_its_line_and_all_at_once() {
    let body = "== addresses\n$ ip addr\n|1: a/b: <UP> mtu 1\n|2: eth0: <UP>\n|    inet 10.0.0.1/99 scope global\n|    inet6 x/64\nexit 0\n";
    let mistakes = Host::read("host.fwlab", &sealed(1, body), Edits::Refused);
    let mistakes = mistakes.expect_err("it cannot be");
    let told: Vec<String> = mistakes.told().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "host.fwlab:5: addresses: `a/b` is not a valid interface name",
            "host.fwlab:7: addresses: `10.0.0.1/99` is not a valid network",
            "host.fwlab:8: addresses: `x/64` is not a valid network",
        ]
    );
    let body =
        "== links\n$ ip -json link\n|[{\"ifname\":\"lo\"},\n| {\"ifname\":\"../x\"}]\nexit 0\n";
    let said = refused(&sealed(1, body));
    assert!(
        said.starts_with("host.fwlab:6: links: `../x` is not an interface name"),
        "{said}"
    );
}

#[test]
fn what_a_host_did_not_let_be_read_is_no_mistake() {
    let body = "== nft\n$ nft list ruleset\n|\nexit 1\n!Operation not permitted\n\n== ip6tables-legacy\n? no program\n";
    let host = read(&sealed(2, body));
    let why: Vec<(u32, &str)> = host
        .unread
        .iter()
        .map(|unread| (unread.line, unread.why.as_str()))
        .collect();
    assert_eq!(
        why,
        [
            (3, "its command failed: Operation not permitted"),
            (9, "no program")
        ]
    );
    assert!(!host.has_rules());
}

/// Lines as a file has them, and others.
fn line() -> impl Strategy<Value = String> {
    let sections = fwlab_host::SectionName::WORDS;
    prop_oneof![
        proptest::sample::select(sections).prop_map(|name| format!("== {name}")),
        Just("$ ip addr".to_owned()),
        Just("exit 0".to_owned()),
        "[|!?-] ?(default|via|dev|eth0|1: lo: <UP>|inet|10\\.0\\.0\\.1/8|nexthop|[0-9:. ]|table ip|[{}\\[\\]\",]){0,8}",
        "\\PC{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_lines_are_read_or_told(lines in proptest::collection::vec(line(), 0..40)) {
        let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let _ = Host::read("x", &sealed(1, &body), Edits::Accepted);
    }

    #[test]
    fn any_bytes_are_read_or_told(
        at in 0..WORDS.len(),
        bytes in proptest::collection::vec(any::<u8>(), 1..8),
        is_json in any::<bool>(),
    ) {
        let mut text = if is_json { JSON } else { WORDS }.to_vec();
        text.splice(at..(at + bytes.len()).min(text.len()), bytes);
        let _ = Host::read("x", &text, Edits::Accepted);
    }
}
