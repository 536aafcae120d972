//! What a scenario file asks for reaches nothing of the machine, whoever runs it.

use fwlab_skipped::{Need, skipped};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{Ended, end_of, fwlab, has_program, lab};

const SECRET: &str = "nobody's but the machine's";

/// Files of the machine that anybody could read and write, if he saw them.
struct Victims {
    folder: TempDir,
    read: PathBuf,
    written: PathBuf,
}

impl Victims {
    fn new() -> Victims {
        let folder = tempfile::tempdir().expect("a folder");
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
        open(folder.path(), 0o777).expect("it is this user's");
        let file = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, SECRET).expect("room");
            open(&path, 0o666).expect("it is this user's");
            path
        };
        Victims {
            read: file("read"),
            written: file("written"),
            folder,
        }
    }

    fn run(&self, scenario: &str) -> Ended {
        let file = self.folder.path().join("scenario.toml");
        fs::write(&file, scenario).expect("room");
        end_of(
            fwlab()
                .arg("run")
                .arg(&file)
                .args(["--where", "host", "--keep-going"]),
        )
    }

    /// Only the scenario was added, and nothing of what it named.
    fn are_untouched(&self) {
        for path in [&self.read, &self.written] {
            assert_eq!(fs::read_to_string(path).expect("it is there"), SECRET);
        }
        let left = fs::read_dir(self.folder.path()).expect("a folder").count();
        assert_eq!(left, 3, "{}", self.folder.path().display());
    }
}

/// A client that does this, and what comes of its cell.
fn scenario(server: &str, script: &str, symptom: &str) -> String {
    format!(
        r#"
description = "A client that asks for what is not the server's."
[topology]
shape = "server-firewall"
[client]
script = '''
@login
{script}
QUIT
'''
[[ruleset]]
name = "none"
none = true
[matrix]
servers = "{server}"
clients = "scripted-client"
data = "pasv"
[[require]]
symptom = "{symptom}"
"#
    )
}

#[test]
fn what_a_client_asks_of_vsftpd_is_the_server_s_own() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "no vsftpd here");
    }
    let victims = Victims::new();
    let (read, written) = (victims.read.display(), victims.written.display());
    let made = victims.folder.path().join("made");
    let made = made.display();
    let up = "../../../../../../../..";
    let transfers = [
        format!("RETR {read}"),
        format!("RETR {up}{read}"),
        format!("STOR {written}"),
        format!("STOR {up}{written}"),
        format!("STOR {made}"),
        format!("APPE {written}"),
        "STOR /dev/vda".to_owned(),
        "RETR /etc/shadow".to_owned(),
    ];
    let transfers = transfers
        .map(|command| format!("@setup\n{command}\n5yz\n"))
        .concat();
    let others = [
        format!("DELE {written}"),
        format!("RNFR {written}"),
        format!("MKD {made}"),
    ];
    let others = others.map(|command| format!("{command}\n5yz\n")).concat();
    // And then a transfer as ever.
    let script = transfers + &others + "@setup\n@transfer";
    let scenario = scenario("vsftpd", &script, "transferred");
    victims.run(&scenario).with(0);
    victims.are_untouched();
}

#[test]
fn what_a_client_asks_of_libunftp_is_the_server_s_own() {
    let Some(_lab) = lab() else { return };
    let victims = Victims::new();
    let (read, written) = (victims.read.display(), victims.written.display());
    let asked = format!("@setup\nRETR {read}\n150\n@open\n5yz\nDELE {written}\n5yz\nCWD /etc\n5yz");
    victims
        .run(&scenario("libunftp", &asked, "refused"))
        .with(0);
    victims.are_untouched();
}

#[test]
fn an_option_that_names_a_file_of_the_machine_is_refused() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "no vsftpd here");
    }
    let victims = Victims::new();
    let run = |option: &str, value: &str| {
        victims.run(&format!(
            r#"
description = "A server that is told to reach for what is not its own."
[topology]
shape = "server-firewall"
[server]
options = {{ {option} = "{value}" }}
[[ruleset]]
name = "none"
none = true
[matrix]
servers = "vsftpd"
data = "pasv"
"#
        ))
    };
    let (read, written) = (
        victims.read.display().to_string(),
        victims.written.display().to_string(),
    );
    for (option, value) in [
        ("banner_file", &read),
        ("vsftpd_log_file", &written),
        ("xferlog_file", &written),
        ("rsa_cert_file", &read),
    ] {
        let ended = run(option, value).with(3);
        let said = ended.stdout + &ended.stderr;
        assert!(
            said.contains("names a file of the machine"),
            "{option}: {said}"
        );
        assert!(!said.contains(SECRET), "{option}: {said}");
    }
    victims.are_untouched();
    // A name that leads nowhere else is the server's own affair.
    run("xferlog_file", "own.log").with(0);
    victims.are_untouched();
}
