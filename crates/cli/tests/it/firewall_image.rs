//! Firewalls that are containers of somebody's image.

use std::path::PathBuf;
use std::time::Duration;

use fwlab_containers::{ContainerError, Engine, FirewallImage, Image};
use fwlab_skipped::{Need, skipped};
use tempfile::TempDir;
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::{ContainerConfig, ContainerCreateBody};
use testcontainers::bollard::query_parameters::{
    CommitContainerOptionsBuilder, CreateContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptions, RemoveImageOptions,
};
use tokio::runtime::Runtime;

use crate::support::{Ended, end_of, fwlab, is_root, lab, shared};

fn runtime() -> Runtime {
    Runtime::new().expect("threads can be had")
}

/// Whether firewalls can be containers here; otherwise says that a test is skipped.
fn has_images() -> bool {
    if !is_root("a container's network") {
        return false;
    }
    let lacks = runtime().block_on(async {
        let engine = Engine::connect().await.map_err(|none| none.to_string())?;
        match Image::Firewall.is_built(&engine).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("there is no image; fwlab images builds it".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    });
    if let Err(why) = &lacks {
        skipped(Need::Lab, why);
    }
    lacks.is_ok()
}

/// A scenario whose firewall is an image, in a folder of its own.
struct Scenario(TempDir);

impl Scenario {
    fn new(topology: &str) -> Scenario {
        let folder = tempfile::tempdir().expect("a folder");
        let text = format!(
            "description = \"A firewall that is an image.\"\n[topology]\n{topology}\n[matrix]\ndata = [\"port\", \"pasv\"]\n"
        );
        std::fs::write(folder.path().join("own.toml"), text).expect("the file is written");
        Scenario(folder)
    }

    /// On a gateway.
    fn of(firewall: &str) -> Scenario {
        Scenario::new(&format!("shape = \"gateway\"\nfirewall = {firewall}"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("own.toml")
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = fwlab();
        command.arg("run").arg(self.path()).arg("--keep-going");
        end_of(command.args(arguments))
    }
}

/// An image like fwlab's own firewall, with another entry point. Dropping it removes it.
struct OwnImage {
    docker: Docker,
    reference: String,
}

impl OwnImage {
    fn new(name: &str, entry_point: &str) -> OwnImage {
        let docker = Docker::connect_with_local_defaults().expect("the engine is there");
        let body = ContainerCreateBody {
            image: Some(Image::Firewall.to_string()),
            ..Default::default()
        };
        let (repository, tag) = (format!("fwlab-test/{name}"), std::process::id().to_string());
        runtime().block_on(async {
            let made = docker
                .create_container(None::<CreateContainerOptions>, body)
                .await
                .expect("a container is made");
            let options = CommitContainerOptionsBuilder::new()
                .container(&made.id)
                .repo(&repository)
                .tag(&tag)
                .build();
            let words = ["/bin/sh", "-c", entry_point].map(str::to_owned);
            let config = ContainerConfig {
                entrypoint: Some(words.to_vec()),
                ..Default::default()
            };
            let committed = docker.commit_container(options, config).await;
            let removed = docker
                .remove_container(&made.id, None::<RemoveContainerOptions>)
                .await;
            committed.expect("it becomes an image");
            removed.expect("the container goes");
        });
        OwnImage {
            docker,
            reference: format!("{repository}:{tag}"),
        }
    }

    /// How many containers of it there are.
    fn containers(&self) -> usize {
        let filters = [("ancestor".to_owned(), vec![self.reference.clone()])];
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filters.into())
            .build();
        let listed = runtime().block_on(self.docker.list_containers(Some(options)));
        listed.expect("the engine lists").len()
    }
}

impl Drop for OwnImage {
    fn drop(&mut self) {
        let removed = runtime().block_on(self.docker.remove_image(
            &self.reference,
            None::<RemoveImageOptions>,
            None,
        ));
        if let Err(error) = removed {
            eprintln!("{} is left: {error}", self.reference);
        }
    }
}

#[test]
fn rules_of_each_backend_are_named_as_the_image_loaded_them() {
    let Some(_lab) = lab() else { return };
    if !has_images() {
        return;
    }
    for (backend, rules, cause) in [
        (
            "nft",
            "rules.v4",
            "gateway: ipv4/filter/FORWARD/2 `-A FORWARD -i wan",
        ),
        (
            "legacy",
            "rules.v4",
            "gateway: ipv4/filter/FORWARD/2 `-A FORWARD -i wan",
        ),
        (
            "native",
            "rules.nft",
            "gateway: inet/firewall/forward/2 `iifname \"wan\"",
        ),
    ] {
        let scenario = Scenario::of(&format!(
            "{{ image = \"fwlab/firewall\", backend = \"{backend}\", environment = \
             {{ FIREWALL_BACKEND = \"{backend}\", FIREWALL_RULES = \"/etc/firewall/{rules}\" }} }}"
        ));
        let Ended { stdout, .. } = scenario.run(&[]).with(0);
        let row = stdout.lines().find(|line| line.starts_with("  image  "));
        let row: Vec<&str> = row.expect("there is a row").split_whitespace().collect();
        assert_eq!(row[1], backend);
        assert_eq!(row[row.len() - 2..], ["rejected", "passes"], "{stdout}");
        assert!(stdout.contains(cause), "{stdout}");
    }
}

#[test]
fn rules_of_another_backend_than_said_are_not_judged() {
    let Some(_lab) = lab() else { return };
    if !has_images() {
        return;
    }
    for (loaded, said) in [("legacy", "nft"), ("nft", "legacy"), ("legacy", "native")] {
        let scenario = Scenario::of(&format!(
            "{{ image = \"fwlab/firewall\", backend = \"{said}\", environment = {{ FIREWALL_BACKEND = \"{loaded}\" }} }}"
        ));
        let Ended { stdout, .. } = scenario.run(&[]).with(3);
        let told = format!("gateway has rules of {loaded}, in ip");
        assert!(stdout.contains(&told), "{stdout}");
        assert!(stdout.contains("2 inconclusive"), "{stdout}");
    }
}

/// nft lists the rules of iptables too, but not what their targets do.
#[test]
fn a_target_of_iptables_is_not_judged_by_what_nft_lists() {
    let Some(_lab) = lab() else { return };
    if !has_images() {
        return;
    }
    let scenario = Scenario::of("{ image = \"fwlab/firewall\", backend = \"native\" }");
    let Ended { stdout, .. } = scenario.run(&[]).with(3);
    let told = "gateway: a rule of ip/filter/FORWARD dropped or rejected the packet, but it is not known which";
    assert!(stdout.contains(told), "{stdout}");
    assert!(stdout.contains("1 inconclusive"), "{stdout}");
}

#[test]
fn rules_of_two_backends_are_not_judged() {
    let Some(_lab) = lab() else { return };
    if !has_images() {
        return;
    }
    let both = OwnImage::new(
        "both",
        "iptables-nft -A INPUT -j ACCEPT && iptables-legacy -A INPUT -j ACCEPT && echo in && exec sleep infinity",
    );
    for said in ["nft", "legacy"] {
        let scenario = Scenario::of(&format!(
            "{{ image = \"{}\", backend = \"{said}\", ready = \"in\" }}",
            both.reference
        ));
        let Ended { stdout, .. } = scenario.run(&[]).with(3);
        assert!(
            stdout.contains("all of them must be of one backend"),
            "{stdout}"
        );
    }
    assert_eq!(both.containers(), 0);
}

#[test]
fn rules_that_change_meanwhile_are_not_judged() {
    let Some(_lab) = lab() else { return };
    if !has_images() {
        return;
    }
    let restless = OwnImage::new(
        "restless",
        "iptables -A FORWARD -j ACCEPT; echo in; while :; do iptables -A INPUT -j ACCEPT; done",
    );
    let scenario = Scenario::of(&format!(
        "{{ image = \"{}\", ready = \"in\" }}",
        restless.reference
    ));
    let Ended { stdout, .. } = scenario.run(&[]).with(3);
    assert!(
        stdout.contains("gateway had different rules at the end"),
        "{stdout}"
    );
    assert_eq!(restless.containers(), 0);
}

#[test]
fn a_firewall_that_ends_is_told_with_its_log() {
    let Some(_lab) = lab() else { return };
    if !has_images() {
        return;
    }
    let fails = Scenario::of(
        "{ image = \"fwlab/firewall\", environment = { FIREWALL_RULES = \"/nowhere\" } }",
    );
    let Ended { stdout, .. } = fails.run(&[]).with(3);
    assert!(
        stdout.contains("with exit status 2; its log: ") && stdout.contains("/nowhere"),
        "{stdout}"
    );
    let brief = OwnImage::new("brief", "iptables -P FORWARD DROP; echo in; exit 7");
    let scenario = Scenario::of(&format!(
        "{{ image = \"{}\", ready = \"in\" }}",
        brief.reference
    ));
    let Ended { stdout, .. } = scenario.run(&[]).with(3);
    assert!(
        stdout.contains("ended") && stdout.contains("with exit status 7; its log: in"),
        "{stdout}"
    );
    assert_eq!(brief.containers(), 0);
}

#[test]
fn a_firewall_that_is_never_ready_is_told_with_its_log() {
    let _started = shared();
    if !has_images() {
        return;
    }
    let unhealthy = OwnImage::new("unhealthy", "echo not yet; exec sleep infinity");
    let of = |ready: Option<&str>| FirewallImage {
        image: unhealthy.reference.clone(),
        ready: ready.map(str::to_owned),
        environment: Vec::new(),
    };
    runtime().block_on(async {
        let engine = Engine::connect().await.expect("it was there");
        for (image, what) in [
            (of(Some("all in")), "its log does not show `all in`"),
            (of(None), "its HEALTHCHECK does not find it healthy"),
        ] {
            let firewall = image.start(&engine).await.expect("it starts");
            let error = firewall.wait_ready(Duration::from_millis(500)).await;
            match error.expect_err("it is not ready") {
                ContainerError::NotReady { missing, log, .. } => {
                    assert_eq!((missing.as_str(), log.as_str()), (what, "not yet"));
                }
                other => panic!("{other}"),
            }
        }
        let settled = fwlab_containers::settle().await;
        settled.expect("Docker removes what it is asked to");
    });
    assert_eq!(unhealthy.containers(), 0);
}

#[test]
fn an_image_that_cannot_be_a_firewall_is_a_mistake_of_the_file() {
    let Some(_lab) = lab() else { return };
    if !has_images() {
        return;
    }
    for (firewall, message) in [
        (
            "{ image = \"nobody.invalid:5000/firewall:1\", ready = \"in\" }",
            "there is no image nobody.invalid:5000/firewall:1",
        ),
        (
            "{ image = \"fwlab/client\" }",
            "fwlab cannot tell when a container of fwlab/client:",
        ),
    ] {
        let scenario = Scenario::of(firewall);
        let Ended { stderr, .. } = scenario.run(&[]).with(2);
        assert!(stderr.contains(message), "{stderr}");
        assert!(stderr.contains("own.toml:4:22]"), "{stderr}");
    }
}

/// On a host's own firewall the peer is in the image's namespace.
#[test]
fn a_peer_runs_beside_the_firewall_unless_it_is_a_container_of_its_own() {
    let Some(_lab) = lab() else { return };
    if !has_images() {
        return;
    }
    let host = OwnImage::new(
        "host",
        "iptables -P INPUT DROP; iptables -A INPUT -m state --state ESTABLISHED -j ACCEPT; echo in; exec sleep infinity",
    );
    let scenario = Scenario::new(&format!(
        "shape = \"client-firewall\"\nfirewall = {{ image = \"{}\", ready = \"in\" }}",
        host.reference
    ));
    let Ended { stdout, .. } = scenario.run(&[]).with(0);
    assert!(
        stdout.contains("client: ipv4/filter/INPUT `-P INPUT DROP` stopped SYN"),
        "{stdout}"
    );
    // The evidence tells which image it was.
    let required = format!(
        "{}[[require]]\nsymptom = \"transferred\"\n",
        std::fs::read_to_string(scenario.path()).expect("it was written")
    );
    std::fs::write(scenario.path(), required).expect("the file is written");
    let Ended { stdout, .. } = scenario.run(&[]).with(1);
    let remark = format!("a container of {}", host.reference);
    assert!(stdout.contains(&remark), "{stdout}");
    // Nothing was run then, and that shows nothing.
    let Ended { stdout, .. } = scenario.run(&["--cold", "--client", "curl"]).with(3);
    assert!(
        stdout.contains("client is the firewall's container, so a cold peer cannot run there"),
        "{stdout}"
    );
    assert!(
        stdout.contains("2 cells") && stdout.contains("2 skipped"),
        "{stdout}"
    );
    assert_eq!(host.containers(), 0);
}
