//! `check` with the FTP server's own settings: what of them is used, what is said, and what is refused.

use fwlab_skipped::{Need, skipped};

use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab, has_program, lab, peers, shared};

/// A server behind them can be reached on port 21 and on 40000 to 40100.
const RULES: &str = "*filter
:INPUT DROP [0:0]
-A INPUT -p tcp --dport 21 -j ACCEPT
-A INPUT -p tcp --dport 40000:40100 -j ACCEPT
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
";

const RANGE: &str = "listen=YES\nlocal_enable=YES\npasv_min_port=40000\npasv_max_port=40100\n";

fn check(files: &[(&str, &[u8])], more: &[&str]) -> Ended {
    let rules: (&str, &[u8]) = ("rules.v4", RULES.as_bytes());
    let folder = folder(&[&[rules], files].concat());
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["check", "rules.v4", "--at", "server"])
        .args(more);
    end_of(&mut command)
}

/// What each row of the table came to.
fn rows(ended: &Ended) -> Vec<Vec<&str>> {
    let rows = ended.stdout.lines().filter_map(|line| {
        let (_, outcomes) = line.split_once("← suppaftp")?;
        Some(outcomes.split_whitespace().collect())
    });
    rows.collect()
}

#[track_caller]
fn says(ended: &Ended, words: &[&str]) {
    for words in words {
        assert!(ended.stderr.contains(words), "{words}\n{}", ended.stderr);
    }
}

#[test]
fn the_range_of_vsftpd_conf_is_used_and_said() {
    let Some(_lab) = lab() else { return };
    let files: &[(&str, &[u8])] = &[("vsftpd.conf", RANGE.as_bytes())];
    let data = ["--server", "libunftp", "--data", "pasv,epsv"];
    let ended = check(files, &[&["vsftpd.conf"], &data[..]].concat()).with(0);
    assert_eq!(rows(&ended), [["passes", "passes"]], "{}", ended.stdout);
    says(
        &ended,
        &[
            "the server's settings are those of vsftpd.conf: port 21, passive ports 40000-40100, active data from a high port, no TLS",
        ],
    );
    // As an option, and with what an option says in place of it.
    let option = [
        "--server-config",
        "vsftpd.conf",
        "--passive-ports",
        "50000-50100",
    ];
    let ended = check(files, &[&option[..], &data[..]].concat()).with(0);
    assert_eq!(rows(&ended), [["timeout", "timeout"]], "{}", ended.stdout);
    says(
        &ended,
        &["--passive-ports: 50000-50100, and not 40000-40100 as in vsftpd.conf"],
    );
    // The option holds, and that is said.
    let other = RANGE.replace("=40", "=50");
    let both: &[(&str, &[u8])] = &[files[0], ("other.conf", other.as_bytes())];
    let option = ["vsftpd.conf", "--server-config", "other.conf"];
    let ended = check(both, &[&option[..], &data[..]].concat()).with(0);
    assert_eq!(rows(&ended), [["timeout", "timeout"]], "{}", ended.stdout);
    says(
        &ended,
        &["--server-config: other.conf, and not vsftpd.conf"],
    );
}

/// TLS, and which ways to transfer are tried at all.
#[test]
fn what_the_server_refuses_is_not_tried() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "no vsftpd on this machine");
    }
    let text = format!("{RANGE}ssl_enable=YES\nport_enable=NO\nlisten_port=2121\n");
    let rules = RULES.replace("--dport 21 ", "--dport 2121 ");
    let ended = check(
        &[
            ("rules.v4", rules.as_bytes()),
            ("vsftpd.conf", text.as_bytes()),
        ],
        &["vsftpd.conf"],
    )
    .with(0);
    assert_eq!(
        rows(&ended),
        [["passes", "passes"]],
        "{}{}",
        ended.stdout,
        ended.stderr
    );
    assert!(!ended.stdout.contains("port "), "{}", ended.stdout);
    says(
        &ended,
        &[
            "port 2121",
            "TLS required, whose session data connections resume",
            "vsftpd.conf refuses active transfers: they are not tried",
        ],
    );
}

/// vsftpd runs with its own settings: what they refuse, it refuses, and no rule does.
#[test]
fn a_command_that_vsftpd_conf_denies_is_refused_by_the_server() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "no vsftpd on this machine");
    }
    let text = format!(
        "{RANGE}cmds_denied=EPSV\nlocal_root=/srv\nrsa_cert_file=/etc/x.pem\npam_service_name=vsftpd\nbanner_file=/etc/shadow\n"
    );
    let files: &[(&str, &[u8])] = &[("vsftpd.conf", text.as_bytes())];
    let data = ["vsftpd.conf", "--data", "pasv,epsv"];
    let ended = check(files, &data).with(0);
    assert_eq!(rows(&ended), [["passes", "refused"]], "{}", ended.stdout);
    let words = "epsv: the peer replied `550 Permission denied.`";
    assert!(ended.stdout.contains(words), "{}", ended.stdout);
    assert!(!ended.stdout.contains("rules.v4, line"), "{}", ended.stdout);
    says(
        &ended,
        &[
            "of vsftpd.conf 4 settings are used as they are; replaced by the lab's: local_enable, local_root, rsa_cert_file; \
             left out: pam_service_name (who logs in), banner_file (the host's files)",
        ],
    );
    assert!(!ended.stderr.contains("ignored"), "{}", ended.stderr);
    // Another server does not run with them, and that is said.
    let ended = check(files, &[&data[..], &["--server", "libunftp"]].concat()).with(0);
    assert_eq!(rows(&ended), [["passes", "passes"]], "{}", ended.stdout);
    says(
        &ended,
        &["cmds_denied may refuse transfers, but is ignored here"],
    );
}

#[test]
fn active_data_comes_from_the_port_that_vsftpd_conf_says() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "no vsftpd on this machine");
    }
    let rules = RULES.replace(
        "COMMIT",
        "-A OUTPUT -p tcp --sport 989 -j REJECT --reject-with tcp-reset\nCOMMIT",
    );
    let text = format!("{RANGE}connect_from_port_20=YES\nftp_data_port=989\n");
    let files: &[(&str, &[u8])] = &[
        ("rules.v4", rules.as_bytes()),
        ("vsftpd.conf", text.as_bytes()),
    ];
    let data = ["vsftpd.conf", "--data", "port"];
    let ended = check(files, &data).with(0);
    assert_ne!(rows(&ended), [["passes"]], "{}", ended.stdout);
    assert!(ended.stdout.contains("--sport 989"), "{}", ended.stdout);
    says(&ended, &["active data from port 989"]);
    let ended = check(files, &[&data[..], &["--data-from-high-port"]].concat()).with(0);
    assert_eq!(rows(&ended), [["passes"]], "{}", ended.stdout);
}

/// What the program itself does not start with is told with its words and the line, before anything is tried.
#[test]
fn what_vsftpd_does_not_start_with_is_told_in_its_words() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "no vsftpd on this machine");
    }
    let text = format!("{RANGE}write_enable=maybe\npasv_min_prot=/etc/shadow\n");
    let ended = check(
        &[("vsftpd.conf", text.as_bytes())],
        &["vsftpd.conf", "--data", "pasv"],
    )
    .with(2);
    assert_eq!(ended.stdout, "");
    says(
        &ended,
        &[
            "did you mean `pasv_min_port`?",
            "vsftpd.conf:5: vsftpd ",
            "vsftpd.conf:6: vsftpd ",
            "does not start with `write_enable=maybe`: 500 OOPS: bad bool value in config file for: write_enable",
            "does not start with `pasv_min_prot`: 500 OOPS: unrecognised variable in config file: pasv_min_prot",
        ],
    );
}

/// A table that stays has them, too.
#[test]
fn a_written_scenario_has_the_server_s_own_settings() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "no vsftpd on this machine");
    }
    let text = format!("{RANGE}cmds_denied=EPSV\n");
    let folder = folder(&[
        ("rules.v4", RULES.as_bytes()),
        ("vsftpd.conf", text.as_bytes()),
    ]);
    let run = |arguments: &[&str]| {
        let mut command = fwlab();
        command.current_dir(folder.path()).args(arguments);
        end_of(&mut command).with(0)
    };
    let check = ["check", "rules.v4", "vsftpd.conf", "--at", "server"];
    let write = ["--data", "epsv", "--write-scenario", "web.toml"];
    run(&[&check[..], &write[..]].concat());
    let written = std::fs::read_to_string(folder.path().join("web.toml")).expect("it was written");
    assert!(written.contains("\"cmds_denied\" = \"EPSV\""), "{written}");
    let ended = run(&["run", "web.toml"]);
    assert!(ended.stdout.contains("✓ refused"), "{}", ended.stdout);
}

/// The file that Debian installs, as it is.
#[test]
fn debian_s_own_file_is_read() {
    let Some(_lab) = lab() else { return };
    let Ok(text) = std::fs::read(peers().join("etc/vsftpd.conf")) else {
        return skipped(
            Need::Programs,
            "no /etc/vsftpd.conf of Debian's below target/peers",
        );
    };
    let ended = check(
        &[("vsftpd.conf", &text)],
        &["vsftpd.conf", "--data", "pasv"],
    )
    .with(0);
    says(
        &ended,
        &["vsftpd.conf: port 21, any passive port, active data from port 20, no TLS"],
    );
    let lines = match has_program("vsftpd") {
        // What runs of it is the second.
        true => 2,
        false => 1,
    };
    assert_eq!(ended.stderr.lines().count(), lines, "{}", ended.stderr);
    // What the rules open and the server does not keep to is told, and how to say it.
    assert!(
        ended.stdout.contains("--passive-ports 40000-40100"),
        "{}",
        ended.stdout
    );
}

#[test]
fn another_server_stands_for_one_that_is_not_here() {
    let Some(_lab) = lab() else { return };
    let proftpd = "<Global>\nPassivePorts 40000 40100\n</Global>\nPort 21\nInclude /etc/proftpd/conf.d/*.conf\n<VirtualHost 192.0.2.1>\n</VirtualHost>\n";
    let ended = check(
        &[("proftpd.conf", proftpd.as_bytes())],
        &["proftpd.conf", "--data", "epsv", "--where", "host"],
    );
    says(
        &ended,
        &[
            "the server's settings are those of proftpd.conf: port 21, passive ports 40000-40100, active data from port 20, no TLS",
            "proftpd.conf:5: /etc/proftpd/conf.d/*.conf is not here",
            "proftpd.conf:6: the settings are those of the main server",
        ],
    );
    if !has_program("proftpd") {
        says(&ended, &["proftpd is not on this machine: "]);
        assert_eq!(rows(&ended), [["passes"]], "{}", ended.stdout);
    }
}

/// A server that waits for IPv4 alone has no clients of IPv6, and one on the loopback interface none at all.
#[test]
fn who_cannot_connect_to_the_server_is_not_tried() {
    let Some(_lab) = lab() else { return };
    let rules6 = RULES.replace(
        "*filter\n:INPUT DROP [0:0]\n",
        "# Generated by ip6tables-save\n*filter\n:INPUT DROP [0:0]\n-A INPUT -p ipv6-icmp -j ACCEPT\n",
    );
    let with = |conf: &str, more: &[&str]| {
        let conf = format!("{RANGE}{conf}");
        let files: &[(&str, &[u8])] = &[
            ("rules.v6", rules6.as_bytes()),
            ("vsftpd.conf", conf.as_bytes()),
        ];
        let asked = ["rules.v6", "vsftpd.conf", "--server", "libunftp"];
        let data = ["--data", "epsv", "--protection", "plain"];
        check(files, &[&asked[..], &data[..], more].concat())
    };
    let ended = with("", &[]).with(0);
    says(
        &ended,
        &["the server listens only for IPv4 clients: IPv6 is not tried"],
    );
    assert!(!ended.stdout.contains("ipv6"), "{}", ended.stdout);
    says(
        &with("", &["--family", "ipv4,ipv6"]).with(2),
        &["the server listens only for IPv4 clients, but IPv6 is asked for"],
    );
    says(
        &with("listen_address=127.0.0.1\n", &[]).with(2),
        &["the server listens on 127.0.0.1, the host's own loopback address"],
    );
    let both = RANGE.replace("listen=YES", "listen_ipv6=YES");
    let files: &[(&str, &[u8])] = &[
        ("rules.v6", rules6.as_bytes()),
        ("vsftpd.conf", both.as_bytes()),
    ];
    let asked = ["rules.v6", "vsftpd.conf", "--server", "libunftp"];
    let data = [
        "--data",
        "epsv",
        "--protection",
        "plain",
        "--expect",
        "all passes",
    ];
    let ended = check(files, &[&asked[..], &data[..]].concat()).with(0);
    assert!(ended.stdout.contains("4 met"), "{}", ended.stdout);
}

#[test]
fn an_address_that_is_announced_is_where_clients_go() {
    let Some(_lab) = lab() else { return };
    let data = [
        "--server",
        "libunftp",
        "--data",
        "pasv,epsv",
        "--protection",
        "plain",
    ];
    let range = ["--passive-ports", "40000-40100"];
    let elsewhere = ["--advertise", "198.51.100.200"];
    let ended = check(&[], &[&data[..], &range[..], &elsewhere[..]].concat()).with(0);
    let rows_of = rows(&ended);
    assert_ne!(rows_of[0][0], "passes", "{}", ended.stdout);
    assert_eq!(rows_of[0].last(), Some(&"passes"), "{}", ended.stdout);
    // Of settings, only where clients connect to it: a gateway in front is not part of this.
    let text = format!("{RANGE}pasv_address=203.0.113.5\n");
    let files: &[(&str, &[u8])] = &[("vsftpd.conf", text.as_bytes())];
    let ended = check(files, &[&["vsftpd.conf"], &data[..]].concat()).with(0);
    assert_eq!(rows(&ended), [["passes", "passes"]], "{}", ended.stdout);
    says(
        &ended,
        &[
            "the server announces 203.0.113.5, which is not the address that clients connect to here",
        ],
    );
    let to = ["vsftpd.conf", "--to", "203.0.113.5"];
    let ended = check(files, &[&to[..], &data[..]].concat()).with(0);
    assert_eq!(rows(&ended), [["passes", "passes"]], "{}", ended.stdout);
    assert!(
        !ended.stderr.contains("is not the address"),
        "{}",
        ended.stderr
    );
}

#[test]
fn settings_that_are_wrong_are_told_and_nothing_is_run() {
    let _shared = shared();
    let garbage: Vec<u8> = (0..1u32 << 20)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let cases: [(&str, &[u8], &str); 8] = [
        (
            "vsftpd.conf",
            b"pasv_min_port=40100\npasv_max_port=40000\n",
            "vsftpd.conf:1: `pasv_min_port=40100` is above pasv_max_port=40000",
        ),
        (
            "vsftpd.conf",
            b"listen_port=ftp\n",
            "vsftpd.conf:1: `listen_port=ftp` is not a port",
        ),
        (
            "vsftpd.conf",
            b"ssl_enable=maybe\n",
            "write one of YES, TRUE, 1, NO, FALSE, 0",
        ),
        (
            "vsftpd.conf",
            b"pasv_address=\xff\xfe\n",
            "is not an IPv4 address",
        ),
        (
            "proftpd.conf",
            b"PassivePorts 40000\n",
            "write its two ends",
        ),
        ("pure-ftpd.conf", b"TLS 9\n", "write one of 0, 1, 2, 3"),
        (
            "rules.conf",
            b"something else\n",
            "is not known as the settings of a server",
        ),
        (
            "rules.conf",
            &garbage,
            "is not known as the settings of a server",
        ),
    ];
    for (name, text, told) in cases {
        let ended = check(&[(name, text)], &["--server-config", name]).with(2);
        says(&ended, &[told]);
        assert!(ended.stderr.len() < 4000, "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
    // By its name it is vsftpd's: what it says is nothing, and is told in a few lines.
    let ended = check(
        &[("vsftpd.conf", &[&garbage[..], b"x"].concat())],
        &["vsftpd.conf"],
    )
    .with(2);
    says(&ended, &["it is larger than 1 MiB"]);
    let two: &[(&str, &[u8])] = &[
        ("vsftpd.conf", b"listen=YES\n"),
        ("proftpd.conf", b"Port 21\n"),
    ];
    let ended = check(two, &["vsftpd.conf", "proftpd.conf"]).with(2);
    says(&ended, &["has those of another server"]);
    let folder = folder(&two[..1]);
    let mut command = fwlab();
    command
        .current_dir(folder.path())
        .args(["check", "vsftpd.conf", "--at", "server"]);
    says(
        &end_of(&mut command).with(2),
        &["no rules are given with it"],
    );
}
