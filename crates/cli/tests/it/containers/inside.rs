//! fwlab as the program of a container.

use std::process::Command;

use fwlab_containers::Image;
use fwlab_skipped::{Need, skipped};

use super::docker::containers;
use crate::support::{Ended, end_of, root};

/// Runs fwlab in a container that was started with these rights.
fn inside(rights: &[&str], arguments: &[&str]) -> Ended {
    let mounts = [
        (env!("CARGO_BIN_EXE_fwlab").to_owned(), "/fwlab"),
        (root().join("scenarios").display().to_string(), "/scenarios"),
        (root().join("lab").display().to_string(), "/lab"),
    ];
    let mut command = Command::new("docker");
    command.args(["run", "--rm", "--network", "none", "--entrypoint", "/fwlab"]);
    for (from, to) in mounts {
        command.arg("--volume").arg(format!("{from}:{to}:ro"));
    }
    end_of(
        command
            .args(rights)
            .arg(Image::Firewall.to_string())
            .args(arguments),
    )
}

const ADVISED: [&str; 8] = [
    "--cap-add",
    "NET_ADMIN",
    "--cap-add",
    "SYS_ADMIN",
    "--security-opt",
    "apparmor=unconfined",
    "--security-opt",
    "systempaths=unconfined",
];

/// With what the doctor advises it works; with less, the doctor names what lacks.
#[test]
fn the_doctor_knows_what_a_container_lacks() {
    let Some(_lab) = containers() else { return };
    if fwlab_fabric::find_tool("docker").is_none() {
        return skipped(Need::Programs, "no docker command");
    }
    if inside(&[], &["--version"]).code != Some(0) {
        return skipped(
            Need::Machine,
            "this build does not run in a container of Debian 12",
        );
    }
    let bare = inside(&[], &["doctor"]).with(3);
    assert!(
        bare.stdout
            .contains("root lacks CAP_NET_ADMIN and CAP_SYS_ADMIN"),
        "{bare:?}"
    );
    let help = ADVISED.join(" ");
    assert!(bare.stdout.contains(&help), "{bare:?}");

    let read_only = inside(&ADVISED[..6], &["doctor"]).with(3);
    assert!(
        read_only.stdout.contains("Read-only file system"),
        "{read_only:?}"
    );
    assert!(
        read_only.stdout.contains("systempaths=unconfined"),
        "{read_only:?}"
    );
    assert!(
        !read_only.stdout.contains("fwlab works here"),
        "{read_only:?}"
    );

    let doctor = inside(&ADVISED, &["doctor"]).with(0);
    assert!(doctor.stdout.contains("fwlab works here"), "{doctor:?}");
    let seed = [
        "run",
        "/scenarios/seed",
        "--server",
        "libunftp",
        "--client",
        "suppaftp",
    ];
    inside(&ADVISED, &seed).with(0);
}
