//! A command line that is wrong, and a machine that lacks what is needed: told before anything runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::bad_input::{folder, told};
use crate::support::{as_here, end_of, is_root, lab, root, shared};

#[test]
fn a_command_line_that_is_wrong_is_told() {
    let _machine = shared();
    let folder = folder(&[("rules.v4", b"iptables -P INPUT DROP\n")]);
    let seed = root().join("scenarios/seed");
    let seed = seed.to_str().expect("the repository's path is text");
    let told = |arguments: &[&str]| told(folder.path(), arguments);
    insta::assert_snapshot!(told(&["run", seed, "--filter", "side=x"]), @r#"
    exit 2
    fwlab: --filter: `side` is not an axis; the axes are scenario, ruleset, backend, server, client, data, protection, family, operation, tag
    "#);
    insta::assert_snapshot!(told(&["run", seed, "--filter", " "]), @r#"
    exit 2
    fwlab: --filter: an empty filter chooses nothing
    "#);
    insta::assert_snapshot!(told(&["run", seed, "--filter", "no-such-cell"]), @r#"
    exit 2
    fwlab: no cell is chosen
      `fwlab list` shows the cells that there are
    "#);
    insta::assert_snapshot!(told(&["run", seed, "--server", "curl"]), @"
    exit 2
    error: invalid value 'curl' for '--server <PEER>'
      [possible values: [every server]]

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(told(&["run", seed, "--client", "vsftpd"]), @"
    exit 2
    error: invalid value 'vsftpd' for '--client <PEER>'
      [possible values: [every client]]

      tip: a similar value exists: 'lftp'

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(told(&["run", seed, "--server", "wu-ftpd"]), @"
    exit 2
    error: invalid value 'wu-ftpd' for '--server <PEER>'
      [possible values: [every server]]

      tip: a similar value exists: 'pure-ftpd'

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(told(&["run", seed, "--report", "xml=x"]), @r#"
    exit 2
    error: invalid value 'xml=x' for '--report <FORMAT=FILE>': `xml` is not a format: write json=FILE, junit=FILE, sarif=FILE, markdown=FILE or html=FILE

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(told(&["run", seed, "--patience", "none"]), @r#"
    exit 2
    error: invalid value 'none' for '--patience <early|full>': `none` is not a patience: write early or full

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(told(&["run", "nowhere"]), @r#"
    exit 2
      × cannot read nowhere
      ╰─▶ No such file or directory (os error 2)
      help: name a scenario file or a folder of them
    "#);
    insta::assert_snapshot!(told(&["run", "."]), @r#"
    exit 2
      × . holds no scenario
      help: a scenario is a file that ends in .toml; `fwlab schema` describes its contents
    "#);
    insta::assert_snapshot!(told(&["check", "nowhere.v4", "--at", "client"]), @r#"
    exit 2
    fwlab: cannot read nowhere.v4: No such file or directory (os error 2)
    "#);
    insta::assert_snapshot!(told(&["check", ".", "--at", "client"]), @r#"
    exit 2
    fwlab: cannot read .: it is a directory, and only plain files are read
    "#);
    insta::assert_snapshot!(told(&["check", "rules.v4"]), @r#"
    exit 2
    fwlab: whose rules are these, rules.v4?
      --at server, --at client, --at gateway, or --at port-forward for a gateway that forwards its own control port
    "#);
    insta::assert_snapshot!(told(&["check", "rules.v4", "--at", "router"]), @r#"
    exit 2
    error: invalid value 'router' for '--at <AT>'
      [possible values: client, server, gateway, port-forward, hairpin]

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(told(&["check", "rules.v4", "--at", "client", "--data", "passive"]), @r#"
    exit 2
    error: invalid value 'passive' for '--data <SETUP>'
      [possible values: port, eprt, pasv, epsv]

      tip: a similar value exists: 'pasv'

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(told(&["check", "rules.v4", "--at", "client", "--control-port", "0"]), @r#"
    exit 2
    error: invalid value '0' for '--control-port <PORT>': 0 is not in 1..=65535

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(told(&["check", "rules.v4", "--at", "client", "--passive-ports", "70000"]), @r#"
    exit 2
    error: invalid value '70000' for '--passive-ports <LOW-HIGH>': write a port or LOW-HIGH, 1 to 65535

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(told(&["check", "rules.v4", "--at", "client", "--from", "10.0.0.1/8"]), @r#"
    exit 2
    error: invalid value '10.0.0.1/8' for '--from <ADDRESS>': `10.0.0.1/8` is not an address such as 192.0.2.7 or 2001:db8::7

    For more information, try '--help'.
    "#);
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_the_run() {
    let Some(_lab) = lab() else { return };
    let folder = folder(&[("rules.v4", b"iptables -P INPUT DROP\n")]);
    let arguments = [
        "check",
        "rules.v4",
        "--at",
        "client",
        "--report",
        "json=no/such/folder/x",
    ];
    insta::assert_snapshot!(told(folder.path(), &arguments), @r#"
    exit 2
    fwlab: cannot write no/such/folder/x: No such file or directory (os error 2)
      name a file in a folder that exists and that you may write to
    "#);
}

/// A machine without iptables: the folders where it could be are hidden in a mount namespace.
#[test]
fn a_machine_without_iptables_is_told_what_to_install() {
    let Some(_lab) = lab() else { return };
    let hide = "for folder in /usr/sbin /sbin /usr/local/sbin; do
        mount -t tmpfs none $folder || exit 77
    done
    PATH=/nowhere exec \"$@\"";
    let mut command = Command::new("unshare");
    as_here(&mut command);
    command
        .args([
            "--mount",
            "sh",
            "-c",
            hide,
            "sh",
            env!("CARGO_BIN_EXE_fwlab"),
        ])
        .args(["run", "scenarios/seed"]);
    let ended = end_of(&mut command);
    if ended.code == Some(77) {
        eprintln!(
            "skipped: the folders of programs cannot be hidden here: {}",
            ended.stderr
        );
        return;
    }
    let ended = ended.with(3);
    assert_eq!(ended.stdout, "");
    insta::assert_snapshot!(ended.stderr, @r#"
    fwlab: no iptables on this machine: neither iptables-nft-restore nor iptables-legacy-restore was found
      install it: apt-get install iptables (Debian, Ubuntu), dnf install iptables-nft iptables-legacy (Fedora)
    "#);
}

#[test]
fn a_user_without_a_user_namespace_is_told() {
    let _machine = shared();
    if !is_root("to become an ordinary user") {
        return;
    }
    let folder = folder(&[("rules.v4", b"iptables -P INPUT DROP\n")]);
    let program = folder.path().join("fwlab");
    fs::copy(env!("CARGO_BIN_EXE_fwlab"), &program).expect("a copy");
    let open = |path: &Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    };
    open(folder.path());
    open(&program);
    let as_nobody = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        as_here(&mut command);
        command
            .current_dir(folder.path())
            .env("FWLAB_USER_NAMESPACE", "off")
            .env("FWLAB_PEERS", "")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(&program)
            .args(arguments);
        end_of(&mut command)
    };
    let ended = as_nobody(&["check", "rules.v4", "--at", "client"]).with(3);
    assert_eq!(ended.stdout, "");
    insta::assert_snapshot!(ended.stderr, @r#"
    fwlab: no privilege to make network namespaces: FWLAB_USER_NAMESPACE=off is set
      unset FWLAB_USER_NAMESPACE
    "#);
    let ended = as_nobody(&["doctor"]).with(3);
    assert!(
        ended.stdout.contains("FWLAB_USER_NAMESPACE=off is set"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.ends_with("fwlab cannot work here yet.\n"),
        "{}",
        ended.stdout
    );
}
