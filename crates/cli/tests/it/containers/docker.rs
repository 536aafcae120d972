//! The Docker of this machine, as a person at its command line has it.

use fwlab_skipped::{Need, skipped};
use std::fs;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::{RwLockReadGuard, RwLockWriteGuard};

use serde_json::json;

use crate::support::{fwlab, lab, lab_alone};

/// The label of every container of fwlab: its owner's id, start and PID namespace.
pub(crate) const OWNER: &str = "org.fwlab.owner";

/// The right to start containers, where they can be; where not, says why. Where the
/// environment has `FWLAB_REQUIRE=containers`, as in CI, that is a failure.
pub(crate) fn containers() -> Option<RwLockReadGuard<'static, ()>> {
    can().then(lab).flatten()
}

/// The same, while no other test of this process has started anything.
pub(crate) fn containers_alone() -> Option<RwLockWriteGuard<'static, ()>> {
    can().then(lab_alone).flatten()
}

fn can() -> bool {
    static LACKS: LazyLock<Option<String>> = LazyLock::new(lacks);
    let Some(why) = &*LACKS else { return true };
    skipped(Need::Containers, why);
    false
}

/// What is missing for tests of containers.
fn lacks() -> Option<String> {
    let doctor = fwlab().arg("doctor").stdin(Stdio::null()).output();
    let said = String::from_utf8_lossy(&doctor.expect("fwlab runs").stdout).into_owned();
    let mut lines = said.lines();
    let lacking =
        lines.find(|line| line.starts_with("✗ containers") || line.starts_with("✗ image"));
    if let Some(line) = lacking {
        return Some(line.trim_start_matches("✗ ").to_owned());
    }
    let client = Command::new("docker").arg("--version").output();
    client
        .err()
        .map(|error| format!("docker, its client: {error}"))
}

/// Asks Docker, and returns its answer.
#[track_caller]
pub(crate) fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker")
        .args(arguments)
        .env("DOCKER_BUILDKIT", "0")
        .stdin(Stdio::null())
        .output()
        .expect("`containers` has looked");
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "docker {arguments:?}: {words}{said}"
    );
    said
}

/// The containers of a process: id and image, a line each.
pub(crate) fn containers_of(process: u32) -> Vec<String> {
    let format = format!("{{{{.Label \"{OWNER}\"}}}} {{{{.ID}}}} {{{{.Image}}}} {{{{.Command}}}}");
    let filter = format!("label={OWNER}");
    let listing = docker(&[
        "ps",
        "--all",
        "--no-trunc",
        "--filter",
        &filter,
        "--format",
        &format,
    ]);
    let own = format!("{process}-");
    let lines = listing.lines().filter_map(|line| {
        let (owner, rest) = line.split_once(' ')?;
        owner.starts_with(&own).then(|| rest.to_owned())
    });
    lines.collect()
}

/// Whether there is a container of that id or name, running or not.
pub(crate) fn is_there(id: &str) -> bool {
    let filter = format!("id={id}");
    !docker(&["ps", "--all", "--quiet", "--filter", &filter]).is_empty()
}

/// A container that a test starts by itself. Dropping this removes it.
pub(crate) struct Own(pub(crate) String);

impl Own {
    /// One that sleeps, with this label.
    #[track_caller]
    pub(crate) fn sleeping(label: &str) -> Own {
        let image = fwlab_containers::Image::Vsftpd.to_string();
        Own(docker(&Own::arguments(label, &image)))
    }

    fn arguments<'a>(label: &'a str, image: &'a str) -> [&'a str; 10] {
        [
            "run",
            "--detach",
            "--network",
            "none",
            "--label",
            label,
            "--entrypoint",
            "/bin/sleep",
            image,
            "600",
        ]
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // What is being told may be that it is gone.
        let _ = Command::new("docker")
            .args(["rm", "--force", "--volumes", &self.0])
            .output();
    }
}

/// An image that stands for one of fwlab's. Dropping this removes it.
pub(crate) struct Stand(pub(crate) String);

impl Stand {
    /// vsftpd's image, with these further lines of its Dockerfile, and with this in place of
    /// what starts its server, where something is.
    #[track_caller]
    pub(crate) fn of_vsftpd(name: &str, lines: &str, serve: Option<&str>) -> Stand {
        let folder = tempfile::tempdir().expect("a folder");
        let from = fwlab_containers::Image::Vsftpd;
        let mut dockerfile = format!("FROM {from}\n{lines}\n");
        if let Some(serve) = serve {
            fs::write(folder.path().join("serve"), serve).expect("it can be written");
            dockerfile += "COPY serve /usr/local/lib/fwlab/serve\n";
        }
        fs::write(folder.path().join("Dockerfile"), dockerfile).expect("it can be written");
        let stand = Stand(format!("fwlab-test/{name}:{}", std::process::id()));
        let path = folder.path().to_str().expect("a path of ours");
        docker(&[
            "build",
            "--quiet",
            "--network",
            "none",
            "--tag",
            &stand.0,
            path,
        ]);
        stand
    }

    /// An image of nothing, for that architecture, as `docker save` would have written it.
    #[track_caller]
    pub(crate) fn for_architecture(architecture: &str) -> Stand {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, content: &[u8]| {
            fs::write(folder.path().join(name), content).expect("it can be written");
        };
        let stand = Stand(format!("fwlab-test/{architecture}:{}", std::process::id()));
        // Two blocks of zeros: an archive of nothing, and its digest.
        write("layer.tar", &[0; 1024]);
        let layer = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
        let config = json!({
            "architecture": architecture, "os": "linux", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [layer] }
        });
        write("config.json", config.to_string().as_bytes());
        let manifest = json!([{
            "Config": "config.json", "RepoTags": [stand.0], "Layers": ["layer.tar"]
        }]);
        write("manifest.json", manifest.to_string().as_bytes());
        let tar = Command::new("tar")
            .current_dir(folder.path())
            .args([
                "--create",
                "--file=image.tar",
                "manifest.json",
                "config.json",
                "layer.tar",
            ])
            .status();
        assert!(tar.expect("tar is there").success());
        let image = folder.path().join("image.tar");
        docker(&[
            "load",
            "--quiet",
            "--input",
            image.to_str().expect("a path of ours"),
        ]);
        stand
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = Command::new("docker")
            .args(["rmi", "--force", &self.0])
            .output();
    }
}
