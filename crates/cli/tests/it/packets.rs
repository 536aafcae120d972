//! `--capture`: the packets of each cell, as Wireshark opens them.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::bad_input::folder;
use crate::support::{end_of, fwlab, lab};
use crate::tools::tool;

const SCENARIO: &str = r#"
description = "captured"
[topology]
shape = "server-firewall"
[[ruleset]]
name = "drop"
text = "iptables -A INPUT -p tcp --dport 1024: --syn -j DROP"
backends = "nft"
[matrix]
servers = ["libunftp"]
data = ["pasv"]
families = "ipv4"
protections = ["plain", "explicit"]
"#;

/// The blocks of a pcapng file: kind and body.
fn blocks(file: &Path) -> Vec<(u32, Vec<u8>)> {
    let bytes = std::fs::read(file).expect("it is written");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = word(at + 4) as usize;
        found.push((word(at), bytes[at + 8..at + length - 4].to_vec()));
        at += length;
    }
    found
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// A folder with the captures of both cells.
fn captured() -> TempDir {
    let folder = folder(&[("captured.toml", SCENARIO.as_bytes())]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["run", "captured.toml", "--capture", "packets"]);
    end_of(&mut command).with(0);
    folder
}

/// The file of a cell.
fn capture_of(folder: &TempDir, protection: &str) -> PathBuf {
    folder.path().join(format!(
        "packets/captured/drop-nft-libunftp-suppaftp-pasv-{protection}-ipv4-retr.pcapng"
    ))
}

#[test]
fn the_packet_that_decided_says_why_and_tls_can_be_read() {
    let Some(_lab) = lab() else { return };
    let folder = captured();
    let of = |protection: &str| blocks(&capture_of(&folder, protection));
    let (plain, explicit) = (of("plain"), of("explicit"));
    let kinds = |blocks: &[(u32, Vec<u8>)]| {
        let mut kinds: Vec<u32> = blocks.iter().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds(&plain), [0x0a0d_0d0a, 1, 6]);
    assert_eq!(kinds(&explicit), [0x0a0d_0d0a, 1, 10, 6]);
    assert!(
        holds(&explicit[3].1, "CLIENT_TRAFFIC_SECRET_0 "),
        "secrets come before packets"
    );
    for blocks in [plain, explicit] {
        let why = "ipv4/filter/INPUT/1, line 7 `";
        assert!(holds(&blocks[0].1, why), "what the file is about");
        let interfaces: Vec<&[u8]> = blocks[1..3].iter().map(|(_, body)| &body[12..]).collect();
        assert!(holds(interfaces[0], "server") || holds(interfaces[0], "client"));
        let packets = blocks.iter().filter(|(kind, _)| *kind == 6);
        let told: Vec<&Vec<u8>> = packets
            .map(|(_, body)| body)
            .filter(|body| holds(body, why))
            .collect();
        let [decided] = &told[..] else {
            panic!("{} packets decided", told.len())
        };
        // An IPv4 packet of TCP with SYN alone.
        assert_eq!(
            (decided[20] >> 4, decided[29], decided[20 + 20 + 13]),
            (4, 6, 2)
        );
    }
}

/// What the program that people open it with makes of it.
#[test]
fn tshark_reads_where_a_packet_was_why_one_was_stopped_and_the_dialogue_below_tls() {
    let Some(_lab) = lab() else { return };
    let folder = captured();
    for protection in ["plain", "explicit"] {
        let file = capture_of(&folder, protection);
        let Some(lines) = tshark(&file) else { return };
        for node in ["client", "server"] {
            assert!(lines.iter().any(|line| line[0] == node), "{lines:#?}");
        }
        assert!(
            lines
                .iter()
                .all(|line| ["client", "server"].contains(&&*line[0]))
        );
        let told: Vec<_> = lines.iter().filter(|line| !line[1].is_empty()).collect();
        let [decided] = told[..] else {
            panic!("{told:#?}")
        };
        assert_eq!((&*decided[0], &*decided[2]), ("server", "TCP"));
        assert!(
            decided[1].contains("ipv4/filter/INPUT/1, line 7 `"),
            "{decided:?}"
        );
        assert!(decided[3].contains("[SYN]"), "{decided:?}");
        let said: Vec<&str> = lines
            .iter()
            .filter(|line| line[2] == "FTP")
            .map(|line| &*line[3])
            .collect();
        let is_said = |what: &str| said.iter().any(|line| line.starts_with(what));
        for line in [
            "Request: USER anonymous",
            "Request: PASV",
            "Response: 227 Entering Passive Mode",
        ] {
            assert!(is_said(line), "{line}: {said:#?}");
        }
        // Behind AUTH it was encrypted on the wire.
        assert_eq!(is_said("Request: AUTH TLS"), protection == "explicit");
    }
}

/// The packets as tshark reads them: interface, comment, protocol and what it says of them. Nothing where there is none.
fn tshark(file: &Path) -> Option<Vec<Vec<String>>> {
    let mut command = tool(&["tshark"])?;
    command.args(["-n", "-T", "fields", "-r"]).arg(file);
    for field in [
        "frame.interface_name",
        "frame.comment",
        "_ws.col.Protocol",
        "_ws.col.Info",
    ] {
        command.args(["-e", field]);
    }
    let text = end_of(&mut command).with(0).stdout;
    let lines = text
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect());
    let lines: Vec<Vec<String>> = lines.collect();
    assert!(
        lines.len() > 20 && lines.iter().all(|line| line.len() == 4),
        "{text}"
    );
    Some(lines)
}

#[test]
fn a_folder_with_something_in_it_is_refused() {
    let folder = folder(&[("captured.toml", SCENARIO.as_bytes())]);
    std::fs::create_dir_all(folder.path().join("packets/there")).expect("it is made");
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["run", "captured.toml", "--capture", "packets"]);
    let ended = end_of(&mut command);
    if ended.stderr.contains("is not empty") {
        ended.with(2);
    } else {
        // Without a lab nothing is run, and so nothing written.
        ended.with(3);
    }
}
