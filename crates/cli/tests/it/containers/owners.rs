//! Whose a container is decides whether it is touched.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use super::docker::{OWNER, Own, containers, is_there};
use crate::support::{end_of, fwlab};

/// A label as fwlab writes it: process, start in clock ticks, PID namespace.
fn label(process: u32, started: &str) -> String {
    let namespace = fs::metadata("/proc/self/ns/pid")
        .expect("a namespace")
        .ino();
    format!("{OWNER}={process}-{started}-{namespace}")
}

fn start_of(process: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    fields
        .split_whitespace()
        .nth(19)
        .expect("its start")
        .to_owned()
}

#[test]
fn only_what_fwlab_made_and_nobody_owns_any_more_is_removed() {
    let Some(_containers) = containers() else {
        return;
    };
    let id = std::process::id();
    let namespace = fs::metadata("/proc/self/ns/pid")
        .expect("a namespace")
        .ino();
    let kept = [
        ("somebody else's", "com.example.app=ftp".to_owned()),
        ("of an owner that cannot be read", format!("{OWNER}=me")),
        ("of nobody", format!("{OWNER}=")),
        ("of an owner and more", format!("{OWNER}=1-2-3-4")),
        (
            "of an owner elsewhere",
            format!("{OWNER}=1-2-{}", namespace + 1),
        ),
        ("of this process", label(id, &start_of(id))),
    ]
    .map(|(whose, label)| (whose, Own::sleeping(&label)));
    // A run of fwlab beside this test removes what nobody owns as soon as Docker tells of it, so
    // this one has an owner until it stands.
    let mut owner = Command::new("sleep")
        .arg("600")
        .spawn()
        .expect("it can be started");
    let left = Own::sleeping(&label(owner.id(), &start_of(owner.id())));
    owner.kill().expect("it runs");
    owner.wait().expect("it was started here");
    end_of(fwlab().arg("doctor")).with(0);
    for (whose, container) in &kept {
        assert!(is_there(&container.0), "one {whose} was removed");
        let running =
            super::docker::docker(&["inspect", "--format", "{{.State.Running}}", &container.0]);
        assert_eq!(running, "true", "one {whose} was ended");
    }
    assert!(
        !is_there(&left.0),
        "what a process that ended has left is still there"
    );
}
