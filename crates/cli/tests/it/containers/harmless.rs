//! The host beside a Docker at work is left as it was.

use std::fs;
use std::path::Path;
use std::time::Duration;

use fwlab_fabric::HostState;

use super::docker::{Own, containers_alone, docker};
use crate::support::{DEADLINE, Running, count, eventually, fwlab, report};

/// Whether every veth of Docker's has its IPv6 address for good: the kernel first asks whether
/// somebody else has it (RFC 4862 section 5.4), and adds a route when nobody answers.
fn links_are_settled() -> bool {
    let Ok(addresses) = fs::read_to_string("/proc/net/if_inet6") else {
        return true;
    };
    const TENTATIVE: u8 = 0x40;
    let settled = |link: &str| {
        addresses.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words[5] == link
                && u8::from_str_radix(words[4], 16).is_ok_and(|flags| flags & TENTATIVE == 0)
        })
    };
    let links = fs::read_dir("/sys/class/net").expect("links").flatten();
    let names = links.map(|link| link.file_name().to_string_lossy().into_owned());
    let has_ipv6 = |link: &String| {
        let disabled = format!("/proc/sys/net/ipv6/conf/{link}/disable_ipv6");
        fs::read_to_string(disabled).is_ok_and(|value| value.trim() == "0")
    };
    names
        .filter(|link| link.starts_with("veth") || link == "docker0")
        .filter(has_ipv6)
        .all(|link| settled(&link))
}

/// Docker's own rules, networks and containers, and one that runs in its bridge.
#[test]
fn the_host_and_its_docker_are_as_before() {
    let Some(_alone) = containers_alone() else {
        return;
    };
    let image = fwlab_containers::Image::Vsftpd.to_string();
    let docker_folder = docker(&["info", "--format", "{{.DockerRootDir}}"]);
    // On Docker's own network where it has one: with an interface, rules and a route of the host's.
    let bridge = Path::new("/sys/class/net/docker0").exists();
    if !bridge {
        eprintln!("this Docker has no docker0: its rules are not compared, as there are none");
    }
    let network = if bridge { "bridge" } else { "none" };
    let beside = Own(docker(&[
        "run",
        "--detach",
        "--network",
        network,
        "--entrypoint",
        "/bin/sleep",
        &image,
        "600",
    ]));
    eventually(
        "its link is settled",
        Duration::from_secs(20),
        links_are_settled,
    );
    let networks = || {
        docker(&[
            "network",
            "ls",
            "--no-trunc",
            "--format",
            "{{.ID}} {{.Name}}",
        ])
    };
    let volumes = || docker(&["volume", "ls", "--quiet"]);
    let before = (HostState::capture(), networks(), volumes());
    if bridge {
        // The comparison has something to compare.
        let state = format!("{:?}", before.0);
        for part in ["docker0", "MASQUERADE", "DOCKER"] {
            assert!(state.contains(part), "{part} is not in what is compared");
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.json");
    for (more, filter, met) in [
        (&["--where", "container"][..], "ruleset=with-helper", 24),
        (&["--cold"], "ruleset=with-helper data=pasv", 6),
    ] {
        let mut command = fwlab();
        command
            .args([
                "run",
                "scenarios/seed/passive-client.toml",
                "scenarios/seed/passive-server.toml",
            ])
            .args([
                "--server",
                "vsftpd,proftpd,pure-ftpd",
                "--client",
                "curl",
                "--filter",
                filter,
            ])
            .args(["--require", "containers", "--keep-going", "--report"])
            .arg(format!("json={}", file.display()))
            .args(more);
        Running::start(&mut command).end(DEADLINE).with(0);
        let cells = report(&file);
        assert!(
            count(&cells, "met") >= met,
            "{} of {}",
            count(&cells, "met"),
            cells.len()
        );
    }
    let after = (HostState::capture(), networks(), volumes());
    let mut differences = before.0.differences(&after.0);
    // A container's file system and namespace are mounted by Docker as long as it runs, whoever
    // started it: that none is left of a run, `clean_up` sees.
    let of_a_container = |line: &String| {
        line.starts_with("mount ")
            && (line.contains(&docker_folder) || line.contains("/run/docker/netns/"))
    };
    differences.retain(|line| !of_a_container(line));
    assert_eq!(differences, Vec::<String>::new());
    assert_eq!((before.1, before.2), (after.1, after.2));
    assert_eq!(
        docker(&["inspect", "--format", "{{.State.Running}}", &beside.0]),
        "true"
    );
}
