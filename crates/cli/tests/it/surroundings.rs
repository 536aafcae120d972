//! What a run is started with, and what lies about on the machine, changes no outcome.

use fwlab_skipped::{Need, skipped};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{as_here, assert_same, count, end_of, has_program, lab, report};

/// Two servers, three clients, both backends.
const SCENARIO: &str = "scenarios/seed/passive-client.toml";

/// Runs it below a program that changes something and then becomes fwlab; `None`: below nothing.
fn outcomes(wrapper: Option<&[&str]>, variables: &[(&str, &str)]) -> BTreeMap<String, Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.json");
    let fwlab = env!("CARGO_BIN_EXE_fwlab");
    let mut command = match wrapper {
        None => Command::new(fwlab),
        Some([program, arguments @ ..]) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(fwlab);
            command
        }
        Some([]) => panic!("no wrapper"),
    };
    as_here(&mut command);
    command
        .args(["run", SCENARIO, "--where", "host", "--report"])
        .arg(format!("json={}", file.display()))
        .envs(variables.iter().copied());
    end_of(&mut command).with(0);
    report(&file)
}

/// A shell that does this first.
fn after(script: &str) -> [String; 3] {
    let script = format!("{script}; exec \"$0\" \"$@\"");
    ["/bin/sh".into(), "-c".into(), script]
}

#[track_caller]
fn same_after(script: &str, plain: &BTreeMap<String, Value>) {
    let wrapper = after(script);
    let wrapper = wrapper.each_ref().map(String::as_str);
    let changed = outcomes(Some(&wrapper), &[]);
    assert_same(("plainly", plain), (script, &changed));
}

fn plain() -> BTreeMap<String, Value> {
    let plain = outcomes(None, &[]);
    assert!(count(&plain, "met") > 10, "{}", plain.len());
    plain
}

#[test]
fn what_a_shell_hands_on_changes_no_outcome() {
    let Some(_lab) = lab() else { return };
    let plain = plain();
    for script in [
        "umask 077",
        "umask 027",
        "umask 037",
        "umask 777",
        "trap '' CHLD",
        "trap '' PIPE HUP TERM",
        "ulimit -c unlimited; ulimit -n 256",
        "ulimit -s 512",
        "exec </dev/null 3</etc/passwd 9>/dev/null",
        "exec <&-",
    ] {
        same_after(script, &plain);
    }
}

#[test]
fn variables_change_no_outcome() {
    let Some(_lab) = lab() else { return };
    let plain = plain();
    let nowhere = "http://127.0.0.1:9";
    for variables in [
        &[
            ("LC_ALL", "de_DE.UTF-8"),
            ("LANG", "xx"),
            ("LANGUAGE", "fr"),
        ][..],
        &[("TZ", "Pacific/Kiritimati"), ("TZDIR", "/nowhere")],
        &[
            ("ftp_proxy", nowhere),
            ("http_proxy", nowhere),
            ("ALL_PROXY", nowhere),
            ("FTP_PASSIVE_MODE", "no"),
        ],
        &[
            ("SSL_CERT_FILE", "/nowhere"),
            ("SSL_CERT_DIR", "/nowhere"),
            ("OPENSSL_CONF", "/nowhere"),
        ],
        &[
            ("LD_PRELOAD", "/nowhere/lib.so"),
            ("LD_LIBRARY_PATH", "/nowhere"),
        ],
        &[
            ("XTABLES_LIBDIR", "/nowhere"),
            ("XTABLES_LOCKFILE", "/nowhere/lock"),
        ],
        &[
            ("HOME", "/nowhere"),
            ("TMPDIR", "/nowhere"),
            ("USER", ""),
            ("SHELL", "/nowhere"),
        ],
    ] {
        let changed = outcomes(None, variables);
        assert_same(("plainly", &plain), (variables[0].0, &changed));
    }
}

#[test]
fn settings_of_clients_in_a_home_change_no_outcome() {
    let Some(_lab) = lab() else { return };
    let plain = plain();
    let home = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let file = home.path().join(name);
        fs::create_dir_all(file.parent().unwrap_or(Path::new("/"))).expect("a folder");
        fs::write(file, text).expect("room");
    };
    write(".curlrc", "ftp-port -\nproxy 127.0.0.1:9\n");
    write(".config/curlrc", "max-time 0.001\n");
    write(".netrc", "default login nobody password wrong\n");
    write(".lftprc", "set ftp:passive-mode off\nset net:timeout 1\n");
    write(".config/lftp/rc", "set ftp:proxy http://127.0.0.1:9\n");
    write(
        ".wgetrc",
        "use_proxy = on\nftp_proxy = http://127.0.0.1:9\n",
    );
    let path = home.path().to_str().expect("a name in UTF-8");
    let changed = outcomes(
        None,
        &[("HOME", path), ("CURL_HOME", path), ("LFTP_HOME", path)],
    );
    assert_same(("plainly", &plain), ("with settings in the home", &changed));
}

/// Root of a user namespace that somebody else made, in a mount namespace that is not of it.
#[test]
fn root_of_somebody_s_user_namespace_is_as_good_as_another() {
    let Some(_lab) = lab() else { return };
    if !has_program("unshare")
        || !Command::new("unshare")
            .args(["-Ur", "true"])
            .status()
            .is_ok_and(|status| status.success())
    {
        return skipped(Need::Machine, "no unshare -Ur here");
    }
    let plain = plain();
    let changed = outcomes(Some(&["unshare", "-Ur"]), &[]);
    assert_same(("plainly", &plain), ("below unshare -Ur", &changed));
}

/// As in a container whose program it is.
#[test]
fn the_first_process_of_a_namespace_is_as_good_as_another() {
    let Some(_lab) = lab() else { return };
    let ways: [&[&str]; 2] = [
        &["unshare", "-Urpf", "--mount-proc"],
        &["unshare", "-pf", "--mount-proc"],
    ];
    let works = |way: &&&[&str]| {
        let mut command = Command::new(way[0]);
        command
            .args(&way[1..])
            .arg("true")
            .status()
            .is_ok_and(|status| status.success())
    };
    let Some(way) = ways.iter().rev().find(works) else {
        return skipped(Need::Machine, "no PID namespace for a run here");
    };
    let plain = plain();
    let changed = outcomes(Some(way), &[]);
    assert_same(("plainly", &plain), ("as process 1", &changed));
}
