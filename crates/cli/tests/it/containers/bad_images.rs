//! Images that are not there, or do not do what they should: each has a clear end, with what
//! the container said, and none is a finding about a firewall.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use fwlab_containers::Image;
use fwlab_skipped::{Need, skipped};
use serde_json::Value;

use super::docker::{Stand, containers, containers_of};
use super::go_between::GoBetween;
use crate::support::{Ended, Running, fwlab, report};

/// Rules that could be blamed: they drop whatever is not asked for.
const SCENARIO: &str = r#"
description = "Everything that is needed passes, and the rest is dropped."
[topology]
shape = "client-firewall"
[[ruleset]]
name = "rules"
text = '''
iptables -P INPUT DROP
iptables -P OUTPUT DROP
iptables -A INPUT -m state --state ESTABLISHED -j ACCEPT
iptables -A OUTPUT -p tcp -j ACCEPT
'''
[matrix]
servers = ["vsftpd"]
clients = ["suppaftp"]
data = ["pasv"]
operations = ["stor"]
[[require]]
symptom = "transferred"
"#;

/// Runs one cell with vsftpd in a container, at that Docker.
pub(super) fn run_at(between: &GoBetween, more: &[&str]) -> (Ended, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("scenario.toml"), SCENARIO).expect("it can be written");
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .env("DOCKER_HOST", between.host())
        .args([
            "run",
            "scenario.toml",
            "--backend",
            "nft",
            "--where",
            "container",
            "--report",
        ])
        .arg("json=report.json")
        .args(more);
    let running = Running::start(&mut command);
    let id = running.id();
    let ended = running.end(Duration::from_secs(100));
    between.assert_planted();
    assert_eq!(containers_of(id), Vec::<String>::new(), "{ended:?}");
    let cells: BTreeMap<String, Value> = report(&folder.path().join("report.json"));
    assert_eq!(cells.len(), 1, "{ended:?}");
    let cell = cells.into_values().next().expect("one");
    (ended, cell)
}

/// The cell has this result, its reason and the terminal have these words, and the run ends with 3.
#[track_caller]
fn assert_says((ended, cell): &(Ended, Value), result: &str, words: &[&str]) {
    assert_eq!(cell["result"], result, "{cell} {ended:?}");
    let why = cell["why"].as_str().expect("a reason");
    for part in words {
        assert!(why.contains(part), "{part} in {why}");
        assert!(ended.stdout.contains(part), "{part} in {}", ended.stdout);
    }
    assert_eq!(ended.code, Some(3), "{ended:?}");
}

#[test]
fn an_image_that_is_missing_is_named_with_the_command_that_builds_it() {
    let Some(_containers) = containers() else {
        return;
    };
    let between = GoBetween::with(Image::Vsftpd, "fwlab-test/there-is-none:1");
    let missing = format!(
        "there is no image {}: build it: fwlab images",
        Image::Vsftpd
    );
    for more in [&["--no-build"][..], &["--no-build", "--cold"]] {
        assert_says(&run_at(&between, more), "skipped", &[&missing]);
    }
    let mut required = fwlab();
    required
        .env("DOCKER_HOST", between.host())
        .args(["run", "scenarios/seed/active-client.toml", "--server"])
        .args(["vsftpd", "--require", "containers", "--no-build"]);
    let ended = Running::start(&mut required)
        .end(Duration::from_secs(60))
        .with(3);
    let told = format!(
        "fwlab: there is no image {}\n  fwlab images\n",
        Image::Vsftpd
    );
    assert_eq!(ended.stderr, told);
    assert_eq!(ended.stdout, "");
}

#[test]
fn an_image_for_another_platform_is_not_started() {
    let Some(_containers) = containers() else {
        return;
    };
    let (other, here) = match std::env::consts::ARCH {
        "x86_64" => ("arm64", "amd64"),
        "aarch64" => ("amd64", "arm64"),
        arch => {
            skipped(
                Need::Machine,
                format_args!("what is another platform than {arch}?"),
            );
            return;
        }
    };
    let stand = Stand::for_architecture(other);
    let between = GoBetween::with(Image::Vsftpd, &stand.0);
    let told = format!(
        "the image {} is for {other}, but this machine is {here}: build it here with `fwlab images`",
        Image::Vsftpd
    );
    for more in [&[][..], &["--cold"]] {
        assert_says(&run_at(&between, more), "skipped", &[&told]);
    }
}

/// One that cannot even wait: what it said is shown, and with which status it ended.
#[test]
fn an_image_that_cannot_wait_for_cells_is_shown_with_its_log() {
    let Some(_containers) = containers() else {
        return;
    };
    let stand = Stand::of_vsftpd("no-mkfifo", "RUN rm /usr/bin/mkfifo", None);
    let between = GoBetween::with(Image::Vsftpd, &stand.0);
    let words = ["ended at once with exit status 127", "mkfifo: not found"];
    assert_says(&run_at(&between, &[]), "skipped", &words);
}

/// One without even a shell.
#[test]
fn an_image_without_a_shell_is_told() {
    let Some(_containers) = containers() else {
        return;
    };
    let here = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        arch => {
            skipped(Need::Machine, format_args!("how does Docker call {arch}?"));
            return;
        }
    };
    let stand = Stand::for_architecture(here);
    let between = GoBetween::with(Image::Vsftpd, &stand.0);
    let words = ["ended at once with exit status 127", "/bin/sh"];
    assert_says(&run_at(&between, &[]), "skipped", &words);
}

#[test]
fn a_server_that_ends_at_once_is_shown_with_its_log_and_status() {
    let Some(_containers) = containers() else {
        return;
    };
    let serve = "#!/bin/sh\necho 'no licence for this machine' >&2\nexit 7\n";
    let stand = Stand::of_vsftpd("ends", "", Some(serve));
    let between = GoBetween::with(Image::Vsftpd, &stand.0);
    for more in [&[][..], &["--cold"]] {
        let ran = run_at(&between, more);
        let words = ["ended at once", "no licence for this machine"];
        assert_says(&ran, "inconclusive", &words);
        // A program's status as Rust says it, and a container's as Docker does.
        let why = ran.1["why"].as_str().expect("a reason");
        let status = ["exit status: 7", "exit status 7"];
        assert!(status.iter().any(|words| why.contains(words)), "{why}");
    }
}

/// Runs the cell warm and cold, at once: either waits for a deadline.
fn warm_and_cold(between: &GoBetween) -> [(Ended, Value); 2] {
    std::thread::scope(|scope| {
        let ways = [&[][..], &["--cold"]];
        let running = ways.map(|more| scope.spawn(move || run_at(between, more)));
        running.map(|way| way.join().expect("its own failure is told above"))
    })
}

#[test]
fn a_server_that_never_listens_has_a_deadline_and_its_log_is_shown() {
    let Some(_containers) = containers() else {
        return;
    };
    let serve = "#!/bin/sh\necho 'waiting for a database'\nexec sleep 600\n";
    let stand = Stand::of_vsftpd("waits", "", Some(serve));
    for ran in warm_and_cold(&GoBetween::with(Image::Vsftpd, &stand.0)) {
        let words = [
            "nobody listens on TCP port 21 after 10s",
            "waiting for a database",
        ];
        assert_says(&ran, "inconclusive", &words);
    }
}

#[test]
fn a_server_that_never_answers_has_a_deadline_and_its_log_is_shown() {
    let Some(_containers) = containers() else {
        return;
    };
    let serve = "#!/bin/sh\necho 'busy with something else'\nmkdir -p /srv/ftp\nexec perl -MIO::Socket::INET -e '\
        $s = IO::Socket::INET->new(LocalAddr => \"0.0.0.0\", LocalPort => 21, Listen => 5) or die $!; \
        push @kept, $s->accept while 1'\n";
    let stand = Stand::of_vsftpd("mute", "", Some(serve));
    for ran in warm_and_cold(&GoBetween::with(Image::Vsftpd, &stand.0)) {
        let words = ["no rule stopped a packet of it"];
        assert_says(&ran, "inconclusive", &words);
        let told = "the server's last words: busy with something else";
        assert!(ran.0.stdout.contains(told), "{}", ran.0.stdout);
    }
}
