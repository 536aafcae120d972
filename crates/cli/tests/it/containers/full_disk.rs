//! A disk that is full: Docker's, and a server's.

use fwlab_containers::Image;

use super::bad_images::run_at;
use super::docker::{Stand, containers};
use super::go_between::{GoBetween, Planted};
use crate::support::{end_of, fwlab};

/// What Docker says where its folder is full.
const NO_ROOM: &str = "mkdir /var/lib/docker/overlay2/0f3c-init: no space left on device";

#[test]
fn dockers_disk_is_full_when_a_container_is_made_or_started() {
    let Some(_containers) = containers() else {
        return;
    };
    for part in ["/containers/create", "/start"] {
        for more in [&[][..], &["--cold"]] {
            let between = GoBetween::start(move |line| {
                if line.starts_with("POST ") && line.contains(part) {
                    Planted::Answer(500, NO_ROOM)
                } else {
                    Planted::Nothing
                }
            });
            let (ended, cell) = run_at(&between, more);
            assert_eq!(
                (ended.code, &cell["result"]),
                (Some(3), &"skipped".into()),
                "{ended:?}"
            );
            let why = cell["why"].as_str().expect("a reason");
            let image = Image::Vsftpd.to_string();
            for words in ["a container of ", &image, " was not started", NO_ROOM] {
                assert!(why.contains(words), "{words} in {why}");
            }
            assert!(
                !why.contains("fwlab images"),
                "an image does not mend it: {why}"
            );
        }
    }
}

/// Warm containers are there, and then Docker has no room for the cell's own.
#[test]
fn dockers_disk_is_full_in_the_middle_of_a_run() {
    let Some(_containers) = containers() else {
        return;
    };
    let idle_first = std::sync::atomic::AtomicBool::new(true);
    let between = GoBetween::start(move |line| {
        let creates = line.starts_with("POST ") && line.contains("/containers/create");
        if creates && !idle_first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            Planted::Answer(500, NO_ROOM)
        } else {
            Planted::Nothing
        }
    });
    let (ended, cell) = run_at(&between, &["--cold"]);
    assert_eq!(
        (ended.code, &cell["result"]),
        (Some(3), &"inconclusive".into()),
        "{ended:?}"
    );
    assert!(ended.stdout.contains(NO_ROOM), "{}", ended.stdout);
}

#[test]
fn dockers_disk_is_full_when_an_image_is_built() {
    let Some(_containers) = containers() else {
        return;
    };
    let vsftpd = format!("/images/{}/json", Image::Vsftpd);
    let between = GoBetween::start(move |line| {
        if line.contains(&vsftpd) {
            Planted::Answer(404, "No such image")
        } else if line.contains("/build") {
            Planted::Answer(500, NO_ROOM)
        } else {
            Planted::Nothing
        }
    });
    let mut images = fwlab();
    images
        .env("DOCKER_HOST", between.host())
        .args(["images", "--peer", "vsftpd"]);
    let ended = end_of(&mut images).with(3);
    between.assert_planted();
    let told = format!("{} was not built", Image::Vsftpd);
    assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    assert!(ended.stderr.contains(NO_ROOM), "{}", ended.stderr);
}

/// The server itself has no room left for what is sent to it, for real: it says so.
#[test]
fn a_server_without_room_is_no_firewall() {
    let Some(_containers) = containers() else {
        return;
    };
    // Its own files are all it can write to; then the real server starts.
    let serve = "#!/bin/sh\n\
        head -c 1G /dev/zero >/srv/fill 2>/dev/null\n\
        exec /bin/sh /usr/local/lib/fwlab/real/serve\n";
    let lines = "RUN mkdir /usr/local/lib/fwlab/real \
        && cp /usr/local/lib/fwlab/serve /usr/local/lib/fwlab/vsftpd.conf /usr/local/lib/fwlab/settings.sh \
           /usr/local/lib/fwlab/real/";
    let stand = Stand::of_vsftpd("full", lines, Some(serve));
    let between = GoBetween::with(Image::Vsftpd, &stand.0);
    let (ended, cell) = run_at(&between, &[]);
    assert!(
        matches!(cell["result"].as_str(), Some("inconclusive" | "missed")),
        "{cell} {ended:?}"
    );
    let kind = cell["cause"]["kind"].as_str();
    assert!(
        !matches!(kind, Some("rule" | "policy" | "helper" | "loss")),
        "{cell}"
    );
    assert!(matches!(ended.code, Some(1 | 3)), "{ended:?}");
}
