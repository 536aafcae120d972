use std::net::Ipv4Addr;

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

/// What stands in Debian's `/etc/vsftpd.conf`, without its comments.
const VSFTPD: &str = "# Example config file /etc/vsftpd.conf\nlisten=NO\nlisten_ipv6=YES\nanonymous_enable=NO\nlocal_enable=YES\n\
    dirmessage_enable=YES\nuse_localtime=YES\nxferlog_enable=YES\nconnect_from_port_20=YES\n\
    secure_chroot_dir=/var/run/vsftpd/empty\npam_service_name=vsftpd\nrsa_cert_file=/etc/ssl/certs/ssl-cert-snakeoil.pem\n\
    rsa_private_key_file=/etc/ssl/private/ssl-cert-snakeoil.key\nssl_enable=NO\n\n#\n#utf8_filesystem=YES\n";

#[test]
fn debian_s_vsftpd_conf_is_read() {
    let read = read(ServerProgram::Vsftpd, VSFTPD);
    assert_eq!(
        read.settings,
        ServerSettings {
            control_port: Some(21),
            passive_ports: None,
            advertised_address: None,
            data_from_port_20: Some(true),
            offers_tls: Some(false),
            requires_tls: Some(false),
            implicit_tls: Some(false),
            require_session_reuse: Some(false),
            active_enabled: Some(true),
            passive_enabled: Some(true),
            listens_on: Some("::".parse().expect("an address")),
        }
    );
    assert_eq!(read.notes, []);
}

#[test]
fn what_people_add_to_vsftpd_conf_is_read() {
    let added = format!(
        "{VSFTPD}ssl_enable=YES\nrequire_ssl_reuse=NO\npasv_min_port=40000\npasv_max_port=40100\npasv_address=203.0.113.5\n\
         listen_port=2121\nport_enable=no\nftpd_banner=Gr\u{fc}\u{df}e = hello\n"
    );
    let settings = read(ServerProgram::Vsftpd, &added).settings;
    assert_eq!(settings.passive_ports, Some((40000, 40100)));
    assert_eq!(
        settings.advertised_address,
        Some(Ipv4Addr::new(203, 0, 113, 5))
    );
    assert_eq!(settings.control_port, Some(2121));
    assert_eq!(
        (settings.offers_tls, settings.requires_tls),
        (Some(true), Some(true))
    );
    assert_eq!(settings.require_session_reuse, Some(false));
    assert_eq!(settings.active_enabled, Some(false));
    // Whoever logs in by name need not have TLS.
    let may = format!("{added}force_local_data_ssl=NO\nforce_local_logins_ssl=NO\n");
    let settings = read(ServerProgram::Vsftpd, &may).settings;
    assert_eq!(
        (settings.offers_tls, settings.requires_tls),
        (Some(true), Some(false))
    );
    let implicit = format!("{added}implicit_ssl=YES\nlisten_port=990\n");
    let settings = read(ServerProgram::Vsftpd, &implicit).settings;
    assert_eq!(
        (settings.implicit_tls, settings.control_port),
        (Some(true), Some(990))
    );
    // Ports are taken from one end on, and by its own lowest one where none is given (measured with 3.0.3).
    let only = |text: &str| read(ServerProgram::Vsftpd, text).settings.passive_ports;
    assert_eq!(only("pasv_min_port=60000\n"), Some((60000, 65535)));
    assert_eq!(only("pasv_max_port=6000\n"), Some((5001, 6000)));
    assert_eq!(only("pasv_max_port=2000\n"), None);
    assert_eq!(only("pasv_min_port=0\npasv_max_port=0\n"), None);
    assert_eq!(
        read(ServerProgram::Vsftpd, "listen_port=2121\n")
            .settings
            .control_port,
        None
    );
}

#[test]
fn what_is_wrong_in_vsftpd_conf_is_told_with_its_line() {
    let told = mistakes(
        ServerProgram::Vsftpd,
        "listen=YES\npasv_min_port=40100\npasv_max_port=40000\nlisten_port = 2121\nssl_enable=maybe\nftp_data_port=70000\n\
         pasv_address=ftp.example.org\nport_enable=\npasv_enable=YES \n",
    );
    let places: Vec<&str> = told.iter().map(|told| &told[..14]).collect();
    assert_eq!(told.len(), 7, "{told:#?}");
    for line in [2, 4, 5, 6, 7, 8, 9] {
        assert!(
            places.contains(&format!("server.conf:{line}:").as_str()),
            "{line}: {told:#?}"
        );
    }
    let unknown = read(
        ServerProgram::Vsftpd,
        "listen=YES\npasv_min_prot=40000\ncmds_denied=PASV,DELE\n",
    );
    assert!(!unknown.notes[0].of_another && unknown.notes[1].of_another);
    assert_eq!(unknown.own.unknown[0].key, "pasv_min_prot");
    assert_eq!(
        notes(&unknown),
        [
            "2: vsftpd has no setting `pasv_min_prot` that fwlab knows: it is not heeded; did you mean `pasv_min_port`?",
            "3: cmds_denied may refuse transfers, and is not heeded here",
        ]
    );
}

/// Debian's file, and what somebody may write who wants out of the lab.
#[test]
fn what_vsftpd_runs_with_is_what_is_known_to_be_harmless() {
    let hostile = "banner_file=/etc/shadow\nlisten_address=0.0.0.0\nnopriv_user=daemon\nlocal_root=/\nguest_enable=YES\n\
        ftpd_banner=x\rlisten_port=1\nhttp_enable=YES\nno_such=/etc/shadow\n   port_enable=NO\nport_enable=YES\n\
        cmds_denied=EPSV,PORT\n";
    let own = read(ServerProgram::Vsftpd, &format!("{VSFTPD}{hostile}")).own;
    let stand = own.stand.iter();
    let stand: Vec<(u32, &str, &str)> = stand
        .map(|one| (one.line, one.key.as_str(), one.value.as_str()))
        .collect();
    assert_eq!(
        stand,
        [(27, "port_enable", "YES"), (28, "cmds_denied", "EPSV,PORT")]
    );
    assert_eq!(own.set_up, 5, "where it listens, port 20, TLS");
    let left_out: Vec<&str> = own.left_out.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        left_out,
        [
            "dirmessage_enable",
            "use_localtime",
            "pam_service_name",
            "banner_file",
            "guest_enable",
            "ftpd_banner",
            "http_enable",
            "no_such",
        ]
    );
    assert_eq!(
        own.replaced,
        [
            "anonymous_enable",
            "local_enable",
            "xferlog_enable",
            "secure_chroot_dir",
            "rsa_cert_file",
            "rsa_private_key_file",
            "nopriv_user",
            "local_root",
        ]
    );
}

/// As `option=value`, in order.
fn standing(read: &ServerRead) -> Vec<String> {
    let stand = read.own.stand.iter();
    stand
        .map(|one| format!("{}={}", one.key, one.value))
        .collect()
}

#[test]
fn what_proftpd_runs_with_is_what_is_known_to_be_harmless() {
    let text = "AllowForeignAddress on\nMaxClients 30 \"no %{env:X}\"\nInclude /etc/shadow\nLoadModule mod_exec.c\n\
        User root\nDisplayConnect /etc/shadow\nMaxInstances \\\n 7\nShowSymlinks on # x\nTCPNoDelay off\n\
        <Global>\nTCPNoDelay on\nDeferWelcome on\n</Global>\n<Directory />\nTimesGMT on\n</Directory>\n\
        <VirtualHost 192.0.2.1>\nUseSendfile off\n</VirtualHost>\n<IfModule mod_none.c>\nNoneSuch 1\nTimeoutLinger 9\n</IfModule>\n\
        <IfDefine X>\nUseGlobbing off\n</IfDefine>\nNoSuch /etc/shadow\n\
        <Limit EPSV>\nDenyAll\n</Limit>\n<Limit port eprt>\n  DenyAll\n</Limit>\n<Limit LOGIN>\nDenyAll\n</Limit>\n\
        <Limit PASV>\nOrder deny,allow\nDenyAll\n</Limit>\n<Limit PASV>\n<Limit LIST>\nDenyAll\n</Limit>\n</Limit>\n\
        <Directory />\n<Limit PASV>\nDenyAll\n</Limit>\n</Directory>\n";
    let read = read(ServerProgram::Proftpd, text);
    assert_eq!(
        standing(&read),
        [
            "AllowForeignAddress=on",
            "MaxInstances=7",
            "TCPNoDelay=off",
            "DeferWelcome=on",
            "TimeoutLinger=9",
            "Limit=EPRT EPSV PORT",
        ]
    );
    assert_eq!(read.own.replaced, ["User"]);
    let unknown: Vec<&str> = read
        .own
        .unknown
        .iter()
        .map(|one| one.key.as_str())
        .collect();
    assert_eq!(
        unknown,
        ["NoSuch"],
        "a module that is not there minds nothing"
    );
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

/// What stands in Debian's `/etc/proftpd/proftpd.conf`, without its comments.
const PROFTPD: &str = "Include /etc/proftpd/modules.conf\nUseIPv6 on\n<IfModule mod_ident.c>\n  IdentLookups off\n</IfModule>\n\
    ServerName \"Debian\"\nServerType standalone\nDeferWelcome off\nDefaultServer on\nShowSymlinks on\nTimeoutNoTransfer 600\n\
    ListOptions \"-l\"\nDenyFilter \\*.*/\n# DefaultRoot ~\nPort 21\n# PassivePorts 49152 65534\n<IfModule mod_dynmasq.c>\n\
    # DynMasqRefresh 28800\n</IfModule>\nMaxInstances 30\nUser proftpd\nGroup nogroup\nUmask 022  022\nAllowOverwrite on\n\
    <IfModule mod_ratio.c>\nRatios off\n</IfModule>\nInclude /etc/proftpd/conf.d/\n";

#[test]
fn debian_s_proftpd_conf_is_read() {
    let read = read(ServerProgram::Proftpd, PROFTPD);
    assert_eq!(
        read.settings,
        ServerSettings {
            control_port: Some(21),
            data_from_port_20: Some(true),
            offers_tls: Some(false),
            requires_tls: Some(false),
            implicit_tls: Some(false),
            require_session_reuse: Some(false),
            active_enabled: Some(true),
            passive_enabled: Some(true),
            ..ServerSettings::default()
        }
    );
    // Its includes are not there.
    let lines: Vec<u32> = read.notes.iter().map(|note| note.line).collect();
    assert_eq!(lines, [1, 28], "{:?}", read.notes);
}

#[test]
fn sections_and_includes_of_proftpd_are_followed() {
    let tls = file(
        "/etc/proftpd/conf.d/tls.conf",
        "<IfModule mod_tls.c>\nTLSEngine on\nTLSRequired auth+data\nTLSOptions NoCertRequest \\\n NoSessionReuseRequired\n</IfModule>\n",
    );
    let main = file(
        "/etc/proftpd/proftpd.conf",
        "<Global>\nPassivePorts 40000 40100\nPort 2121\n</Global>\nPort 21\nRootRevoke UseNonCompliantActiveTransfers\n\
         <VirtualHost 192.0.2.1>\nPort 990\n</VirtualHost>\n<Anonymous ~ftp>\nPassivePorts 1 2\n</Anonymous>\n\
         MasqueradeAddress 203.0.113.5\nInclude /etc/proftpd/conf.d/*.conf\n",
    );
    let read = read_server(ServerProgram::Proftpd, &[main, tls]).expect("it is right");
    assert_eq!(read.settings.control_port, Some(21));
    assert_eq!(read.settings.passive_ports, Some((40000, 40100)));
    assert_eq!(
        read.settings.advertised_address,
        Some(Ipv4Addr::new(203, 0, 113, 5))
    );
    assert_eq!(read.settings.data_from_port_20, Some(false));
    assert_eq!(
        (read.settings.offers_tls, read.settings.requires_tls),
        (Some(true), Some(true))
    );
    assert_eq!(read.settings.require_session_reuse, Some(false));
    assert_eq!(read.notes.len(), 1, "{:?}", read.notes);
    let off = self::read(
        ServerProgram::Proftpd,
        "Port 0\n<VirtualHost 192.0.2.1>\nPort 990\nTLSEngine on\nTLSOptions UseImplicitSSL\n</VirtualHost>\n<VirtualHost 192.0.2.2>\nPort 1\n</VirtualHost>\n",
    );
    assert_eq!(off.settings.control_port, Some(990));
    assert_eq!(off.settings.implicit_tls, Some(true));
    assert_eq!(off.settings.require_session_reuse, Some(true));
    // A file that includes itself ends.
    let round = [
        file("a.conf", "Include b.conf\n"),
        file("b.conf", "Include b.conf\nPort 2121\n"),
    ];
    read_server(ServerProgram::Proftpd, &round).expect("it ends");
}

#[test]
fn what_is_wrong_in_proftpd_conf_is_told() {
    let told = mistakes(
        ServerProgram::Proftpd,
        "Port many\nPassivePorts 40100 40000\nTLSRequired sometimes\n</Global>\nMasqueradeAddress 203.0.113.5.6/7\n",
    );
    assert_eq!(told.len(), 5, "{told:#?}");
    assert_eq!(
        mistakes(ServerProgram::Proftpd, "PassivePorts 20 30\n").len(),
        1
    );
    assert_eq!(
        mistakes(ServerProgram::Proftpd, "PassivePorts 40000\n").len(),
        1
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

/// What stands twice, and options that add up.
#[test]
fn directives_of_proftpd_that_stand_twice_are_told_or_add_up() {
    let text = "PassivePorts 40000 40100\nPassivePorts 50000 50100\nTLSEngine on\nTLSOptions NoCertRequest\n\
                TLSOptions NoSessionReuseRequired\nTLSOptions EnableDiags\nTLSMasqueradeAddress 203.0.113.5\n";
    let read = read(ServerProgram::Proftpd, text);
    assert_eq!(read.settings.passive_ports, Some((50000, 50100)));
    assert_eq!(read.settings.require_session_reuse, Some(false));
    assert_eq!(
        notes(&read),
        [
            "2: PassivePorts stands at line 1, too, and says something else: the last one is taken",
            "7: with TLS the server announces this address, and it is not heeded here",
        ]
    );
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
