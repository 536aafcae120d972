//! Each of these asks a process of its own, since privilege is settled before `main`.

use std::os::unix::process::CommandExt;
use std::process::Command;

use fwlab_fabric::Privilege;
use fwlab_skipped::{Need, skipped};
use nix::unistd::geteuid;

const ASKED: &str = "FWLAB_TEST_PRIVILEGE";

/// What a copy of this program says, started with that change.
fn ask(change: impl FnOnce(&mut Command)) -> String {
    let mut command = Command::new(std::env::current_exe().expect("a test binary"));
    command
        .args(["--exact", "privilege::privilege_is_told", "--nocapture"])
        .env(ASKED, "1");
    change(&mut command);
    let output = command.output().expect("the test binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once("privilege: "));
    line.map(|(_, privilege)| privilege.to_owned())
        .unwrap_or_else(|| panic!("{output:?}"))
}

fn real_root() -> bool {
    matches!(Privilege::current(), Ok(Privilege::Root))
}

#[test]
fn privilege_is_told() {
    if std::env::var_os(ASKED).is_some() {
        match Privilege::current() {
            Ok(privilege) => println!("\nprivilege: {privilege:?} as user {}", geteuid()),
            Err(error) => println!("\nprivilege: {:?}, {error}, {}", error.door, error.help),
        }
        return;
    }
    match Privilege::current() {
        Ok(privilege) => {
            // The copy finds what this process has, whichever it is.
            assert_eq!(ask(|_| {}), format!("{privilege:?} as user 0"));
        }
        Err(error) => skipped(Need::Lab, format_args!("{error}; {}", error.help)),
    }
}

#[test]
fn an_ordinary_user_is_root_of_a_namespace_unless_told_not_to() {
    let copy = std::env::current_exe().expect("a test binary");
    let nobody = |command: &mut Command| {
        command.uid(65534).gid(65534).current_dir("/");
    };
    let can_run = real_root()
        && Command::new("/bin/test")
            .arg("-r")
            .arg(&copy)
            .uid(65534)
            .current_dir("/")
            .status()
            .is_ok_and(|status| status.success());
    if !can_run {
        skipped(
            Need::Machine,
            format_args!("not root, or {} is not readable by others", copy.display()),
        );
        return;
    }
    assert_eq!(ask(nobody), "UserNamespace as user 0");
    let told = ask(|command| {
        nobody(command);
        command.env("FWLAB_USER_NAMESPACE", "off");
    });
    assert!(told.starts_with("SwitchedOff, "), "{told}");
    assert!(told.ends_with("unset FWLAB_USER_NAMESPACE"), "{told}");
}

#[test]
fn root_without_capabilities_is_told_which() {
    let Some(setpriv) = fwlab_fabric::find_tool("setpriv").filter(|_| real_root()) else {
        skipped(Need::Machine, "not root, or no setpriv");
        return;
    };
    let copy = std::env::current_exe().expect("a test binary");
    let output = Command::new(setpriv)
        .args(["--bounding-set=-all,+sys_admin", "--inh-caps=-all"])
        .arg(copy)
        .args(["--exact", "privilege::privilege_is_told", "--nocapture"])
        .env(ASKED, "1")
        .output()
        .expect("setpriv runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("root lacks CAP_NET_ADMIN"), "{output:?}");
    assert!(!text.contains("CAP_SYS_ADMIN and"), "{output:?}");
    assert!(text.contains("--cap-add NET_ADMIN"), "{output:?}");
}
