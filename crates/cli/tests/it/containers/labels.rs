//! What fwlab makes in Docker is known by its label, and there is no more than that.

use fwlab_containers::Image;
use nix::sys::signal::Signal;
use std::time::Duration;

use super::docker::{OWNER, containers, containers_of, docker};
use crate::support::{Running, eventually, fwlab};

#[test]
fn every_image_and_each_of_its_layers_bears_the_label() {
    let Some(_containers) = containers() else {
        return;
    };
    for image in Image::ALL {
        let reference = image.to_string();
        let format = "{{index .Config.Labels \"org.fwlab.image\"}}";
        let label = docker(&["image", "inspect", "--format", format, &reference]);
        assert_eq!(label, image.word(), "{reference}");
        // Of layers that were made here, those above the label: what is left of a build that fails.
        let history = docker(&[
            "history",
            "--no-trunc",
            "--format",
            "{{.ID}} {{.CreatedBy}}",
            &reference,
        ]);
        let layers: Vec<&str> = history
            .lines()
            .take_while(|layer| !layer.contains("LABEL org.fwlab.image"))
            .collect();
        assert!(
            layers.len() < history.lines().count(),
            "{reference}: no layer sets the label: {history}"
        );
        let mut labelled = 0;
        for id in layers.iter().filter_map(|layer| layer.split(' ').next()) {
            if id != "<missing>" {
                assert_eq!(
                    docker(&["image", "inspect", "--format", format, id]),
                    image.word()
                );
                labelled += 1;
            }
        }
        assert!(labelled > 0, "{reference}: {history}");
        let runs = |layer: &&str| layer.contains("apt-get install");
        assert!(
            layers.iter().any(runs),
            "{reference}: packages come before the label"
        );
    }
}

#[test]
fn a_container_bears_its_owner_and_has_no_network_and_no_privilege() {
    let Some(_containers) = containers() else {
        return;
    };
    let networks = || {
        docker(&[
            "network",
            "ls",
            "--no-trunc",
            "--format",
            "{{.ID}} {{.Name}}",
        ])
    };
    let before = networks();
    let mut command = fwlab();
    command.args([
        "run",
        "scenarios/seed/active-client.toml",
        "--filter=ruleset=verbatim data=port",
        "--patience=full",
        "--cold",
        "--server=vsftpd,proftpd,pure-ftpd",
        "--client=curl",
    ]);
    let running = Running::start(&mut command);
    let id = running.id();
    eventually("cells have containers", Duration::from_secs(40), || {
        containers_of(id).len() >= 6
    });
    let mut seen = 0;
    for container in containers_of(id) {
        let container = container.split(' ').next().expect("an id");
        let format = format!(
            "{{{{index .Config.Labels \"{OWNER}\"}}}} {{{{.HostConfig.NetworkMode}}}} {{{{.HostConfig.Privileged}}}} \
             {{{{.HostConfig.ReadonlyRootfs}}}} {{{{len .NetworkSettings.Ports}}}} {{{{len .HostConfig.Binds}}}}"
        );
        let output = std::process::Command::new("docker")
            .args(["inspect", "--format", &format, container])
            .output()
            .expect("docker is there");
        if !output.status.success() {
            // Its cell has ended.
            continue;
        }
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let (owner, rest) = said.split_once(' ').expect("words");
        assert!(owner.starts_with(&format!("{id}-")), "{said}");
        assert_eq!(rest, "none false true 0 0", "{container}");
        seen += 1;
    }
    assert!(seen >= 4, "{seen}");
    assert_eq!(networks(), before);
    running.signal(Signal::SIGINT);
    running.end(Duration::from_secs(30)).with(3);
    assert_eq!(networks(), before);
}
