mod proftpd;
mod together;
mod vsftpd;

use std::net::Ipv4Addr;

use proftpd::PROFTPD;
use vsftpd::VSFTPD;

use super::*;
use crate::host::{Host, Listener};
use crate::piece::Piece;

fn file(path: &str, text: &str) -> ServerConfig {
    ServerConfig {
        program: String::new(),
        file: path.to_owned(),
        text: Piece {
            name: path.to_owned(),
            text: text.as_bytes().to_vec(),
            begins: 1,
        },
    }
}

fn read(program: ServerProgram, text: &str) -> ServerRead {
    read_server(program, &[file("server.conf", text)]).unwrap_or_else(|error| panic!("{error}"))
}

fn mistakes(program: ServerProgram, text: &str) -> Vec<String> {
    let error = read_server(program, &[file("server.conf", text)]).expect_err(text);
    error.told().map(ToString::to_string).collect()
}

fn notes(read: &ServerRead) -> Vec<String> {
    let notes = read.notes.iter();
    notes
        .map(|note| format!("{}: {}", note.line, note.what))
        .collect()
}

/// As `option=value`, in order.
fn standing(read: &ServerRead) -> Vec<String> {
    let stand = read.own.stand.iter();
    stand
        .map(|one| format!("{}={}", one.key, one.value))
        .collect()
}

#[test]
fn what_pure_ftpd_runs_with_are_options_of_numbers_and_switches() {
    let text = "MaxClientsPerIP 5\nNATmode yes\nLimitRecursion 10000 8\nBrokenClientsCompatibility no\nNoRename yes\n\
        ExtAuth /x\nCallUploadScript yes\nUmask 133:022\nNoSuch --bind\n";
    let read = read(ServerProgram::PureFtpd, text);
    assert_eq!(
        standing(&read),
        [
            "--maxclientsperip=5",
            "--natmode=",
            "--limitrecursion=10000:8",
            "--norename=",
        ]
    );
    assert_eq!(read.own.replaced, ["Umask"]);
    assert_eq!(read.own.unknown, []);
    assert_eq!(
        mistakes(
            ServerProgram::PureFtpd,
            "MaxClientsPerIP 5 --bind ,22\nNoRename /x\n"
        ),
        [
            "server.conf:1: `MaxClientsPerIP 5 --bind ,22` is not a number",
            "server.conf:2: `NoRename /x` is not one of its values",
        ]
    );
}

#[test]
fn pure_ftpd_is_read_from_a_file_from_files_and_from_options() {
    let expected = ServerSettings {
        control_port: Some(2121),
        passive_ports: Some((40000, 40100)),
        advertised_address: Some(Ipv4Addr::new(203, 0, 113, 5)),
        data_from_port_20: Some(true),
        offers_tls: Some(true),
        requires_tls: Some(true),
        implicit_tls: Some(false),
        require_session_reuse: Some(false),
        active_enabled: Some(true),
        passive_enabled: Some(true),
        listens_on: None,
    };
    let one = "# comment\nChrootEveryone               yes\nPassivePortRange             40000 40100\nForcePassiveIP  203.0.113.5\n\
               Bind                         ,2121\nTLS                          2\n";
    assert_eq!(read(ServerProgram::PureFtpd, one).settings, expected);
    let each = [
        file("/etc/pure-ftpd/conf/PassivePortRange", "40000 40100\n"),
        file("/etc/pure-ftpd/conf/ForcePassiveIP", "203.0.113.5\n"),
        file("/etc/pure-ftpd/conf/Bind", ",2121\n"),
        file("/etc/pure-ftpd/conf/TLS", "# why\n2\n"),
    ];
    assert_eq!(
        read_server(ServerProgram::PureFtpd, &each)
            .expect("right")
            .settings,
        expected
    );
    let options = "/usr/sbin/pure-ftpd -AE -l pam -p40000:40100 --forcepassiveip=203.0.113.5 -S ,2121 -O clf:/var/log/x -Y 2 -B";
    assert_eq!(read(ServerProgram::PureFtpd, options).settings, expected);
    let told = mistakes(
        ServerProgram::PureFtpd,
        "TLS 7\nBind 2121\nPassivePortRange 5 4\nNATmode perhaps\n",
    );
    assert_eq!(told.len(), 4, "{told:#?}");
}

#[test]
fn a_file_is_known_by_its_content_or_its_name() {
    let known = |name: &str, text: &str| recognise(name, text.as_bytes());
    assert_eq!(known("backup", VSFTPD), Some(ServerProgram::Vsftpd));
    assert_eq!(known("backup", PROFTPD), Some(ServerProgram::Proftpd));
    assert_eq!(
        known("backup", "ChrootEveryone yes\nTLS 1\nUmask 133:022\n"),
        Some(ServerProgram::PureFtpd)
    );
    assert_eq!(known("etc/vsftpd.conf", "\n"), Some(ServerProgram::Vsftpd));
    for rules in [
        "*filter\n-A INPUT -j DROP\nCOMMIT\n",
        "iptables -P INPUT DROP\n",
        "table inet x {\n}\n",
        "create a hash:ip\n",
        "",
    ] {
        assert_eq!(known("rules.v4", rules), None, "{rules}");
    }
    // Rules for such a server may be called after it.
    assert_eq!(known("vsftpd.v4", "-A INPUT -j DROP\n"), None);
}

#[test]
fn garbage_is_told_in_few_words() {
    let mut garbage: Vec<u8> = (0..MAX_SERVER_CONFIG as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for program in ServerProgram::ALL {
        let config = |text: &[u8]| ServerConfig {
            text: Piece {
                name: "g".into(),
                text: text.to_vec(),
                begins: 1,
            },
            ..file("g", "")
        };
        match read_server(*program, &[config(&garbage)]) {
            Ok(read) => assert!(read.notes.len() <= 10),
            Err(error) => assert!(error.told().count() <= 10),
        }
        let longer = [&garbage[..], b"x"].concat();
        let error = read_server(*program, &[config(&longer)]).expect_err("it is too large");
        assert!(error.to_string().contains("larger than 1 MiB"), "{error}");
    }
    garbage.truncate(10);
    let wrong = [b"listen=YES\npasv_address=\xff\xfe".as_slice(), &garbage].concat();
    let config = ServerConfig {
        text: Piece {
            name: "v".into(),
            text: wrong,
            begins: 1,
        },
        ..file("v", "")
    };
    let error = read_server(ServerProgram::Vsftpd, &[config]).expect_err("no address");
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
}

#[test]
fn the_files_of_a_captured_host_are_those_of_the_server_that_waits() {
    let listener = |program: &str, command: &str| Listener {
        address: "0.0.0.0".parse().expect("an address"),
        port: 21,
        program: program.to_owned(),
        command: command.to_owned(),
    };
    let config = |program: &str, path: &str| ServerConfig {
        program: program.to_owned(),
        ..file(path, "\n")
    };
    let host = |listeners: Vec<Listener>| Host {
        listeners,
        servers: vec![
            config("vsftpd", "/etc/vsftpd/other.conf"),
            config("vsftpd", "/etc/vsftpd.conf"),
            config("pure-ftpd", "/etc/pure-ftpd/pure-ftpd.conf"),
            config("pure-ftpd", "/etc/pure-ftpd/conf/TLS"),
        ],
        ..Host::default()
    };
    let main = |listeners: Vec<Listener>| {
        let (program, files) = host(listeners).server_files()?;
        Some(format!("{program} {} {}", files.len(), files[0].file))
    };
    let found = |text: &str| Some(text.to_owned());
    assert_eq!(
        main(vec![listener("vsftpd", "/usr/sbin/vsftpd")]),
        found("vsftpd 2 /etc/vsftpd.conf")
    );
    let named = listener("vsftpd", "/usr/sbin/vsftpd /etc/vsftpd/other.conf");
    assert_eq!(main(vec![named]), found("vsftpd 2 /etc/vsftpd/other.conf"));
    let wrapped = listener("pure-ftpd", "pure-ftpd (SERVER)");
    assert_eq!(
        main(vec![wrapped]),
        found("pure-ftpd 1 /etc/pure-ftpd/conf/TLS")
    );
    let options = listener("pure-ftpd", "/usr/sbin/pure-ftpd -A -p 40000:40100");
    let (program, files) = host(vec![options]).server_files().expect("it is known");
    let read = read_server(program, &files).expect("they are right");
    assert_eq!(read.settings.passive_ports, Some((40000, 40100)));
    // Something else waits there, and the files are not its own.
    assert_eq!(main(vec![listener("busybox-ftpd", "")]), None);
    assert_eq!(
        main(vec![listener("inetd", "")]),
        found("vsftpd 2 /etc/vsftpd.conf")
    );
}
