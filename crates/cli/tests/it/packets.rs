//! `--capture`: the packets of each cell, as Wireshark opens them.

use std::path::Path;

use crate::bad_input::folder;
use crate::support::{end_of, fwlab, lab};

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

#[test]
fn the_packet_that_decided_says_why_and_tls_can_be_read() {
    let Some(_lab) = lab() else { return };
    let folder = folder(&[("captured.toml", SCENARIO.as_bytes())]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["run", "captured.toml", "--capture", "packets"]);
    end_of(&mut command).with(0);
    let of = |protection: &str| {
        let name = format!(
            "packets/captured/drop-nft-libunftp-suppaftp-pasv-{protection}-ipv4-retr.pcapng"
        );
        blocks(&folder.path().join(name))
    };
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
