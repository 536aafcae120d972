//! Every path that there is, and those that there should not be.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::attack::{Breaches, Place, SECRET};

/// What stands in a root of its own, beside the folders on the way to the program's file.
const TOP: [&str; 14] = [
    "dev", "etc", "files", "gnu", "lib", "lib32", "lib64", "libx32", "nix", "proc", "run", "sys",
    "tmp", "usr",
];

/// What stands in its `/etc`: names and numbers that are the same everywhere, and no user.
const ETC: [&str; 15] = [
    "alternatives",
    "ethertypes",
    "group",
    "host.conf",
    "hosts",
    "iproute2",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "networks",
    "nsswitch.conf",
    "passwd",
    "protocols",
    "services",
    "ld-musl-x86_64.path",
];

const DEVICES: [&str; 4] = ["null", "random", "urandom", "zero"];

/// The most paths that are tried below one of the machine's folders: its libraries are many.
const PATHS_LIMIT: usize = 5000;

/// Files that it knows to be there.
pub(super) fn known_paths(secrets: &[PathBuf], breaches: &mut Breaches) {
    let usual = [
        "/etc/shadow",
        "/etc/sudoers",
        "/etc/ssh",
        "/root",
        "/home",
        "/var",
        "/boot",
        "/mnt",
        "/srv",
        "/opt",
        "/dev/sda",
        "/dev/vda",
        "/dev/mem",
        "/dev/kmsg",
        "/dev/tty",
        "/dev/ptmx",
        "/dev/shm",
        "/dev/net/tun",
        "/run/docker.sock",
        "/var/run/docker.sock",
        "/run/xtables.lock",
        "/sys/kernel",
        "/sys/fs/cgroup",
        "/proc/kcore",
        "/proc/1/root/etc/shadow",
    ];
    for path in usual {
        let found = Path::new(path).symlink_metadata().is_ok();
        // The kernel shows it, and lets nobody read it.
        let guarded = path.starts_with("/proc") && File::open(path).is_err();
        breaches.if_so(found && !guarded, format!("{path} is there"));
    }
    for path in secrets {
        for prefix in [
            "",
            "/proc/1/root",
            "/proc/self/root",
            "/proc/self/cwd/../../..",
        ] {
            let path = format!("{prefix}{}", path.display());
            let read = fs::read_to_string(&path);
            breaches.if_so(read.is_ok(), format!("{path} was read"));
            let written = OpenOptions::new().append(true).open(&path);
            breaches.if_so(written.is_ok(), format!("{path} was opened for writing"));
            breaches.if_so(
                fs::remove_file(&path).is_ok(),
                format!("{path} was removed"),
            );
        }
    }
}

/// All that can be seen, each tried for writing.
pub(super) fn everything(place: Place, breaches: &mut Breaches) {
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    };
    let own = std::env::current_exe().ok();
    let own = own.iter().filter_map(|path| path.components().nth(1));
    let own: Vec<String> = own
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    for name in names("/") {
        // What a container is made of here was started with these.
        let known = TOP.contains(&name.as_str()) || own.contains(&name) || name == "bin";
        breaches.if_so(!known, format!("/{name} is there"));
    }
    for name in names("/etc") {
        breaches.if_so(
            !ETC.contains(&name.as_str()),
            format!("/etc/{name} is there"),
        );
    }
    let devices = names("/dev");
    breaches.if_so(
        devices != DEVICES.map(String::from).into(),
        format!("devices: {devices:?}"),
    );
    if place != Place::Loader {
        for name in names("/proc") {
            let process = name.parse::<u32>().is_ok() || name == "self" || name == "thread-self";
            breaches.if_so(!process, format!("/proc/{name} is there"));
        }
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    breaches.if_so(users.lines().count() != 2, format!("users: {users}"));
    let mut tried = 0;
    walk(Path::new("/"), &mut tried, breaches);
    breaches.if_so(tried < 100, format!("only {tried} paths were tried"));
}

fn walk(folder: &Path, tried: &mut usize, breaches: &mut Breaches) {
    // What is its own, and what the kernel makes up.
    let own = ["/files", "/proc"]
        .iter()
        .any(|own| folder.starts_with(own));
    let container = folder.starts_with("/run") || folder.starts_with("/tmp");
    if own || container || *tried > PATHS_LIMIT {
        return;
    }
    let made = folder.join("fwlab-was-here");
    breaches.if_so(
        File::create(&made).is_ok() || fs::create_dir(&made).is_ok(),
        format!("{} was made", made.display()),
    );
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        *tried += 1;
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            walk(&path, tried, breaches);
            continue;
        }
        if kind.is_symlink() {
            continue;
        }
        let device = folder == Path::new("/dev");
        let opened = OpenOptions::new().append(true).open(&path);
        breaches.if_so(
            opened.is_ok() && !device,
            format!("{} can be written", path.display()),
        );
        let mut text = String::new();
        let small = entry.metadata().is_ok_and(|found| found.len() < 4096);
        if small
            && !device
            && File::open(&path).is_ok_and(|mut file| file.read_to_string(&mut text).is_ok())
        {
            breaches.if_so(
                text.contains(SECRET),
                format!("{} was found", path.display()),
            );
        }
    }
}

/// What it was handed: its own streams.
pub(super) fn descriptors(breaches: &mut Breaches) {
    for entry in fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten()
    {
        let Ok(to) = entry.path().read_link() else {
            continue;
        };
        let to = to.to_string_lossy().into_owned();
        let own = ["pipe:", "/dev/null", "/proc/", "anon_inode:"]
            .iter()
            .any(|own| to.starts_with(own));
        breaches.if_so(!own, format!("descriptor {:?} is {to}", entry.file_name()));
    }
    let inherited: Vec<String> = std::env::vars()
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with("FWLAB_TEST_"))
        .filter(|name| !["LC_ALL", "XTABLES_LOCKFILE"].contains(&name.as_str()))
        .collect();
    breaches.if_so(!inherited.is_empty(), format!("variables: {inherited:?}"));
}

/// Its own, and no others.
pub(super) fn processes(place: Place, lab: &str, breaches: &mut Breaches) {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    let most = if place == Place::Loader { 1 } else { 2 };
    breaches.if_so(processes.len() > most, format!("processes: {processes:?}"));
    let line = fs::read(format!("/proc/{lab}/cmdline")).unwrap_or_default();
    let own = std::process::id().to_string() == *lab;
    breaches.if_so(!own && !line.is_empty(), "the lab's process is seen");
}

/// Files by their numbers, past every mount: what CAP_DAC_READ_SEARCH opens.
pub(super) fn handles(secrets: &[PathBuf], breaches: &mut Breaches) {
    #[repr(C)]
    struct Handle {
        bytes: u32,
        kind: i32,
        number: [u32; 32],
    }
    for path in ["/", "/etc", "/usr/lib", "/files"] {
        let Ok(folder) = File::open(path) else {
            continue;
        };
        for (bytes, number) in [(8, 2), (8, 128), (8, 1), (12, 2)] {
            let mut handle = Handle {
                bytes,
                kind: 1,
                number: [0; 32],
            };
            handle.number[0] = number;
            let opened = super::kernel::open_by_handle(&folder, (&raw mut handle).cast());
            breaches.if_so(opened, format!("inode {number} beside {path} was opened"));
        }
    }
    let name = secrets
        .first()
        .map(|path| path.as_os_str().as_bytes().len());
    breaches.if_so(name == Some(0), "no secret was named");
}
