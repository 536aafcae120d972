use std::path::Path;

use fwlab_fabric::{Scratch, ScratchError};
use fwlab_record::NodeName;

use crate::support::{build, can_build, ipv4_pair, shell};

const MIB: u64 = 1 << 20;

fn errno(error: ScratchError) -> Option<i32> {
    match error {
        ScratchError::File { source, .. } => source.raw_os_error(),
        other => panic!("{other}"),
    }
}

#[test]
fn files_and_folders_come_back_as_they_were_written() {
    if !can_build() {
        return;
    }
    let scratch = Scratch::new(MIB).expect("a scratch");
    scratch.create_dir("pub", 0o777).expect("a folder");
    scratch.create_dir("pub/deep", 0o700).expect("a folder");
    scratch.write("pub/deep/file", b"first").expect("a file");
    scratch.write("pub/deep/file", b"2nd").expect("a file");
    assert_eq!(scratch.read("pub/deep/file").expect("a file"), b"2nd");
    let copied = scratch
        .write_from("copy", &b"from a reader"[..])
        .expect("a file");
    assert_eq!(copied, 13);
    assert!(scratch.read("missing").is_err());
    use std::os::unix::fs::PermissionsExt;
    let folder = scratch
        .open("pub")
        .expect("a folder")
        .metadata()
        .expect("metadata");
    assert_eq!(folder.permissions().mode() & 0o7777, 0o777);
}

#[test]
fn the_limit_holds() {
    if !can_build() {
        return;
    }
    let scratch = Scratch::new(MIB).expect("a scratch");
    let error = scratch
        .write("big", &vec![0; 2 << 20])
        .expect_err("too big");
    assert_eq!(errno(error), Some(libc::ENOSPC));
}

#[test]
fn no_path_leads_out() {
    if !can_build() {
        return;
    }
    let scratch = Scratch::new(MIB).expect("a scratch");
    for path in [
        "..",
        "../etc/passwd",
        "a/../../etc/passwd",
        "/etc/passwd",
        "",
    ] {
        assert!(scratch.read(path).is_err(), "{path}");
        assert!(scratch.write(path, b"x").is_err(), "{path}");
        assert!(scratch.create_dir(path, 0o755).is_err(), "{path}");
    }
}

#[tokio::test]
async fn links_that_a_program_made_are_not_followed() {
    if !can_build() {
        return;
    }
    let fabric = build(&ipv4_pair()).await;
    let server = fabric.node(&NodeName::server()).expect("a server");
    let scratch = Scratch::new(MIB).expect("a scratch");
    let point = scratch.mount_point().display();
    let script = format!(
        "ln -s /etc/passwd {point}/file; ln -s /etc {point}/folder; \
         ln -s real {point}/inner; echo x > {point}/real; mkfifo {point}/fifo"
    );
    let spec = shell(&script).files(scratch.clone());
    let mut program = server.program(spec).await.expect("a shell");
    let status = program.wait().await.expect("the node lives");
    assert!(
        status.success(),
        "{}",
        String::from_utf8_lossy(&program.stderr())
    );
    for path in ["file", "folder/passwd", "inner"] {
        assert_eq!(
            errno(scratch.read(path).expect_err(path)),
            Some(libc::ELOOP),
            "{path}"
        );
        let written = scratch.write(path, b"x").expect_err(path);
        assert_eq!(errno(written), Some(libc::ELOOP), "{path}");
    }
    let made = scratch.create_dir("folder/new", 0o755).expect_err("a link");
    assert_eq!(errno(made), Some(libc::ELOOP));
    assert!(!Path::new("/etc/new").exists());
    assert_eq!(scratch.read("real").expect("a file"), b"x\n");
    // A FIFO without a writer reads as empty instead of holding the lab up.
    assert_eq!(scratch.read("fifo").expect("no wait"), b"");
}
