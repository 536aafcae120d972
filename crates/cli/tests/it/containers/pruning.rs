//! `fwlab images --prune`, at a Docker that tells of images and removes none: those of this machine
//! may be another fwlab's.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fwlab_containers::Image;
use serde_json::{Value, json};

use super::docker::containers;
use super::go_between::{GoBetween, Planted};
use crate::support::{Running, fwlab};

/// One as Docker lists it.
fn listed(id: &str, references: &[&str], created: u64) -> Value {
    json!({
        "Id": id, "ParentId": "", "RepoTags": references, "RepoDigests": [], "Created": created,
        "Size": 1, "SharedSize": -1, "Labels": { "org.fwlab.image": "vsftpd" }, "Containers": -1,
    })
}

#[test]
fn images_of_other_versions_are_removed_and_no_others() {
    let Some(_containers) = containers() else {
        return;
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let current = Image::Vsftpd.to_string();
    let images = json!([
        listed("sha256:1", &["fwlab/vsftpd:0123456789ab"], 1),
        listed(
            "sha256:2",
            &[&current, "fwlab/client:0123456789ab", "mine/ftp:1"],
            1
        ),
        listed("sha256:3", &["fwlab/base:bookworm"], 1),
        listed("sha256:4", &["mine/ftp:2"], 1),
        listed("sha256:5", &["fwlab/proftpd:0123456789ab"], 1),
        listed("sha256:old", &["<none>:<none>"], 1),
        listed("sha256:new", &["<none>:<none>"], now),
    ]);
    let images = images.to_string();
    let listing: &'static [u8] = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{images}",
        images.len()
    )
    .into_bytes()
    .leak();
    let asked: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let removed = Arc::clone(&asked);
    let between = GoBetween::start(move |line| {
        if line.starts_with("DELETE ") {
            let path = line.split(' ').nth(1).expect("a path");
            let (_, reference) = path.split_once("/images/").expect("an image is removed");
            let reference = reference.replace("%2F", "/").replace("%3A", ":");
            removed.lock().expect("no panic").insert(reference.clone());
            return match reference.starts_with("fwlab/proftpd") {
                true => Planted::Answer(409, "conflict: container 12ab is using it"),
                false => Planted::Bytes(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]",
                ),
            };
        }
        match line.contains("/images/json") {
            true => Planted::Bytes(listing),
            false => Planted::Nothing,
        }
    });
    let mut command = fwlab();
    command
        .env("DOCKER_HOST", between.host())
        .args(["images", "--prune"]);
    let ended = Running::start(&mut command)
        .end(Duration::from_secs(60))
        .with(0);
    let gone = [
        "fwlab/client:0123456789ab",
        "fwlab/proftpd:0123456789ab",
        "fwlab/vsftpd:0123456789ab",
        "sha256:old",
    ];
    let asked = asked.lock().expect("no panic");
    let asked: Vec<&str> = asked
        .iter()
        .map(|path| path.split('?').next().expect("one"))
        .collect();
    assert_eq!(asked, gone);
    for line in [
        "fwlab/vsftpd:0123456789ab removed\n",
        "fwlab/client:0123456789ab removed\n",
        "sha256:old removed\n",
        "fwlab/proftpd:0123456789ab kept: ",
        "container 12ab is using it",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
    assert_eq!(ended.stdout.lines().count(), gone.len(), "{}", ended.stdout);
}
