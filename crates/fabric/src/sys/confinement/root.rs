//! The roots that confined processes find in place of the machine's: each a mount namespace
//! that is made once, and copied for each process.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{chroot, pivot_root};

use super::mounts::{Devices, Mounts, attach, clone_tree, make_private};
use super::plan::Plan;
use super::step::SetupStep;

/// What every process may need of the machine, where it is there: its libraries, and where the
/// loader of programs looks for them.
const LIBRARIES: [&str; 14] = [
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
];

/// What names and numbers mean, which is the same everywhere.
const NAMES: [&str; 2] = ["/etc/protocols", "/etc/services"];

const DEVICES: [&str; 4] = ["null", "zero", "random", "urandom"];

/// Files that a root has of its own: nothing tells who the machine's users are, or asks
/// anybody about them.
const OWN_FILES: [(&str, &str); 4] = [
    (
        "/etc/passwd",
        "root:x:0:0:root:/:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
    ),
    ("/etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    (
        "/etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files\nnetworks: files\nprotocols: files\nservices: files\n",
    ),
];

/// Directories with nothing in them: something is mounted on them for one process, or they
/// stand on every machine.
const EMPTY: [&str; 6] = ["/proc", Roots::FILES, "/dev", "/etc", "/run", "/tmp"];

/// Where a root is put together: a directory that stands everywhere, and below which nothing
/// of it is.
const STAGING: &str = "/proc";

/// What went wrong, and where.
pub(super) type Failure = (SetupStep, io::Error);

/// The roots that were made, by what is seen in them.
pub(super) struct Roots {
    /// Where the spawner itself lives, with all of the machine's mounts.
    outside: OwnedFd,
    made: BTreeMap<(Vec<CString>, bool), OwnedFd>,
}

impl Roots {
    /// Where a process's own files can be mounted in a root of its own.
    const FILES: &str = crate::scratch::MOUNT_POINT;

    /// Moves this process into a mount namespace that it may come back to, and away from what
    /// programs of the machine share.
    pub(super) fn new() -> Result<Roots, Failure> {
        let failed = |error: nix::Error| (SetupStep::Namespaces, error.into());
        unshare(
            CloneFlags::CLONE_NEWNS
                | CloneFlags::CLONE_NEWIPC
                | CloneFlags::CLONE_NEWUTS
                | CloneFlags::CLONE_NEWCGROUP,
        )
        .map_err(failed)?;
        make_private().map_err(|error| (SetupStep::Mounts, error))?;
        Ok(Roots {
            outside: own_namespace()?,
            made: BTreeMap::new(),
        })
    }

    /// The mount namespace of a root in which these paths are seen, and what every process needs.
    pub(super) fn get(&mut self, sees: &[CString], mounts: Mounts) -> Result<&OwnedFd, Failure> {
        let key = (sees.to_vec(), mounts == Mounts::AsOn5_10);
        if !self.made.contains_key(&key) {
            let made = make(sees, mounts);
            // Out of it again, made or not.
            let back = setns(&self.outside, CloneFlags::CLONE_NEWNS);
            back.map_err(|error| (SetupStep::Namespaces, error.into()))?;
            self.made.insert(key.clone(), made?);
        }
        Ok(&self.made[&key])
    }
}

/// The mount namespace that this thread is in.
fn own_namespace() -> Result<OwnedFd, Failure> {
    let opened = File::open("/proc/thread-self/ns/mnt").map(OwnedFd::from);
    opened.map_err(|error| (SetupStep::Namespaces, error))
}

fn make(sees: &[CString], mounts: Mounts) -> Result<OwnedFd, Failure> {
    let in_root = |error| (SetupStep::Root, error);
    let plan = plan(sees).map_err(in_root)?;
    unshare(CloneFlags::CLONE_NEWNS).map_err(|error| (SetupStep::Namespaces, error.into()))?;
    let namespace = own_namespace()?;
    let table = File::open("/proc/self/mountinfo");
    build(&plan, mounts, table).map_err(in_root)?;
    Ok(namespace)
}

fn plan(sees: &[CString]) -> io::Result<Plan> {
    let mut plan = Plan::default();
    for path in LIBRARIES.iter().chain(&NAMES) {
        unless_absent(plan.add(Path::new(path)))?;
    }
    for path in sees {
        // A program that is not there is told of when it is to be run.
        unless_absent(plan.add(Path::new(OsStr::from_bytes(path.to_bytes()))))?;
    }
    Ok(plan.reduced())
}

fn unless_absent(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// Makes the root of the mount namespace that this process is in, and nothing else in it.
fn build(plan: &Plan, mounts: Mounts, table: io::Result<File>) -> io::Result<()> {
    // Everything is taken before something is mounted that might hide it.
    let trees = plan
        .mounts
        .iter()
        .map(|path| Ok((path.as_path(), clone_tree(path)?)))
        .collect::<io::Result<Vec<_>>>()?;
    let devices = DEVICES.map(|name| (name, clone_tree(&Path::new("/dev").join(name))));
    let outer_proc = clone_tree(Path::new("/proc"))?;

    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let options = Some("mode=0755,size=1m,nr_inodes=4k");
    mount(Some("tmpfs"), STAGING, Some("tmpfs"), flags, options)?;
    let staged = |path: &Path| {
        let below = path.strip_prefix("/").unwrap_or(path);
        Path::new(STAGING).join(below)
    };
    for directory in EMPTY {
        fs::create_dir_all(staged(Path::new(directory)))?;
    }
    for (path, tree) in &trees {
        let at = staged(path);
        make_mount_point(&at, is_directory(tree)?)?;
        attach(tree.as_fd(), &c_path(&at)?)?;
    }
    for (link, target) in &plan.links {
        let at = staged(link);
        make_parent(&at)?;
        symlink(target, at)?;
    }
    for (path, text) in OWN_FILES {
        let at = staged(Path::new(path));
        // The machine's own, where it was asked for.
        if !at.exists() {
            fs::write(at, text)?;
        }
    }
    for name in DEVICES {
        File::create(staged(&Path::new("/dev").join(name)))?;
    }
    // Until a process has one of its own, or where the kernel lets it have none. It is what
    // the kernel looks for, too, when somebody mounts one in a user namespace.
    attach(outer_proc.as_fd(), &c_path(&staged(Path::new("/proc")))?)?;
    mounts.seal(Path::new(STAGING), Devices::Hidden, table)?;
    for (name, tree) in devices {
        let at = staged(&Path::new("/dev").join(name));
        attach(tree?.as_fd(), &c_path(&at)?)?;
    }
    std::env::set_current_dir(STAGING)?;
    match pivot_root(".", ".") {
        Ok(()) => umount2(".", MntFlags::MNT_DETACH)?,
        // The machine's root is what it was booted from, which stays where it is; or a filter, as
        // containers have one, keeps this process from the call: it is covered.
        Err(nix::Error::EINVAL | nix::Error::EPERM) => {
            let nothing: Option<&str> = None;
            mount(Some("."), "/", nothing, MsFlags::MS_MOVE, nothing)?;
            chroot(".")?;
        }
        Err(error) => return Err(error.into()),
    }
    std::env::set_current_dir("/")
}

fn is_directory(tree: &OwnedFd) -> io::Result<bool> {
    Ok(File::from(tree.try_clone()?).metadata()?.is_dir())
}

fn make_mount_point(at: &Path, directory: bool) -> io::Result<()> {
    if directory {
        return fs::create_dir_all(at);
    }
    make_parent(at)?;
    File::create(at).map(drop)
}

fn make_parent(at: &Path) -> io::Result<()> {
    at.parent().map_or(Ok(()), fs::create_dir_all)
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}
