use std::process::{Command, Stdio};
use std::time::Instant;

use fwlab_fabric::Privilege;
use tokio::runtime::Runtime;

use crate::cells::{BLOCKED, PASSES, root};
use crate::figures::figure;
use crate::median;

/// The same cell by a shell script, and how many times fwlab is quicker.
pub(crate) fn shell(runtime: &Runtime, privilege: Privilege) {
    if privilege != Privilege::Root {
        println!("the shell script beside it: skipped, it works as root alone");
        return;
    }
    let peers =
        fwlab_fabric::Peers::find("vsftpd").filter(|_| fwlab_fabric::find_tool("curl").is_some());
    let Some(vsftpd) = peers else {
        println!("the shell script beside it: skipped, vsftpd or curl is not here");
        return;
    };
    let work = tempfile::tempdir().expect("a folder");
    // The server reads it as a user of its own.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(work.path(), open).expect("it is ours");
    std::fs::create_dir(work.path().join("root")).expect("a folder");
    std::fs::create_dir(work.path().join("empty")).expect("a folder");
    std::fs::write(work.path().join("root/fwlab.bin"), vec![7_u8; 300_000]).expect("a file");
    let config = format!(
        "listen=YES\nbackground=NO\nanonymous_enable=YES\nlocal_enable=NO\nanon_root={0}/root\nno_anon_password=YES\n\
         seccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\nxferlog_enable=NO\nftp_username=daemon\nnopriv_user=nobody\n\
         secure_chroot_dir={0}/empty\nallow_writeable_chroot=YES\n",
        work.path().display()
    );
    std::fs::write(work.path().join("vsftpd.conf"), config).expect("a file");
    let start = |number: usize, kind: &str| {
        let mut command = Command::new(root().join("crates/cli/benches/figures/cell.sh"));
        command
            .args([number.to_string().as_str(), kind])
            .arg(work.path())
            .env("VSFTPD", &vsftpd.path);
        if let Some(libraries) = &vsftpd.library_path {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell")
    };
    let timed = |number: usize, kind: &str| {
        let started = Instant::now();
        let status = start(number, kind).wait().expect("it ends");
        assert!(status.success(), "the shell's {kind} cell failed");
        started.elapsed().as_secs_f64() * 1e3
    };
    let alone = median((0..15).map(|number| timed(number, "pass")).collect());
    let blocked = median((0..3).map(|number| timed(number, "blocked")).collect());
    let started = Instant::now();
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let timed = &timed;
            scope.spawn(move || {
                (0..10).for_each(|round| {
                    timed(100 + worker * 10 + round, "pass");
                })
            });
        }
    });
    let many = 80.0 / started.elapsed().as_secs_f64();
    let ours_alone = PASSES.alone(runtime, 30);
    let ours_blocked = BLOCKED.alone(runtime, 30);
    let ours_many = PASSES.rate(runtime, 400);
    figure("shell: one passing cell alone", alone, "ms");
    figure("shell to fwlab, passing", alone / ours_alone, "times");
    figure("shell: one blocked cell alone, --max-time 5", blocked, "ms");
    figure("shell to fwlab, blocked", blocked / ours_blocked, "times");
    figure("shell: passing cells a second, 8 workers", many, "/s");
    figure("fwlab to shell", ours_many / many, "times");
}
