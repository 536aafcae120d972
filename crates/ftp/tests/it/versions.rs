use std::path::Path;

use fwlab_ftp::{Client, Libunftp, Server, Suppaftp};
use libtest_mimic::{Failed, Trial};

/// The versions that the embedded peers give are those that are built in.
pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("versions-are-those-of-the-lock-file", || {
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
        let lock = std::fs::read_to_string(lock)?;
        locked(&lock, "libunftp", &Libunftp.version())?;
        locked(&lock, "suppaftp", &Suppaftp.version())
    })]
}

fn locked(lock: &str, package: &str, version: &str) -> Result<(), Failed> {
    let entry = format!("name = \"{package}\"\nversion = \"{version}\"");
    if lock.contains(&entry) {
        Ok(())
    } else {
        Err(format!("{package} {version} is not what Cargo.lock holds").into())
    }
}
