use super::*;

fn refused(program: ServerProgram, files: &[(&str, &str)]) -> Option<String> {
    let files: Vec<ServerConfig> = files.iter().map(|(path, text)| file(path, text)).collect();
    let refused = stand_together(program, &files).err()?;
    assert!(refused.help().starts_with("give ") || refused.help().starts_with("a server "));
    Some(refused.to_string())
}

#[test]
fn two_main_files_are_not_one_server_s() {
    let vsftpd = [
        ("a/vsftpd.conf", "listen=YES\n"),
        ("b/vsftpd.conf", "listen=NO\n"),
    ];
    assert_eq!(
        refused(ServerProgram::Vsftpd, &vsftpd).as_deref(),
        Some("a/vsftpd.conf and b/vsftpd.conf are both settings of vsftpd")
    );
    let pure = [
        ("a/pure-ftpd.conf", "TLS 1\n"),
        ("pure-ftpd.conf", "TLS 0\n"),
    ];
    assert_eq!(
        refused(ServerProgram::PureFtpd, &pure).as_deref(),
        Some("a/pure-ftpd.conf and pure-ftpd.conf are both settings of pure-ftpd")
    );
    let proftpd = [
        ("proftpd.conf", "Port 21\n"),
        ("old/proftpd.conf", "Port 2121\n"),
    ];
    assert_eq!(
        refused(ServerProgram::Proftpd, &proftpd).as_deref(),
        Some(
            "proftpd.conf and old/proftpd.conf are both settings of proftpd, but nothing includes old/proftpd.conf"
        )
    );
    for (program, files) in [
        (ServerProgram::Vsftpd, &vsftpd[..]),
        (ServerProgram::PureFtpd, &pure),
        (ServerProgram::Proftpd, &proftpd),
    ] {
        assert_eq!(refused(program, &files[..1]), None);
        assert_eq!(refused(program, &[]), None);
    }
}

#[test]
fn what_proftpd_conf_includes_belongs_to_it() {
    let main = "Include /etc/proftpd/modules.conf\n <VirtualHost 192.0.2.1>\n include \"/etc/proftpd/other.conf\"\n</VirtualHost>\n\
                Include /etc/proftpd/conf.d/\n#Include /etc/proftpd/tls.conf\n";
    let all = [
        ("proftpd.conf", main),
        ("modules.conf", "Include /etc/proftpd/deep.conf\n"),
        ("/etc/proftpd/other.conf", "Port 2121\n"),
        ("web1/etc/proftpd/conf.d/a.conf", "Port 21\n"),
        ("conf.d/b.conf", "Port 21\n"),
        ("deep.conf", "Include proftpd.conf\nInclude modules.conf\n"),
    ];
    assert_eq!(refused(ServerProgram::Proftpd, &all), None);
    // Includes may go round, and a comment includes nothing.
    let with = [&all[..], &[("tls.conf", "TLSEngine on\n")]].concat();
    assert_eq!(
        refused(ServerProgram::Proftpd, &with).as_deref(),
        Some(
            "proftpd.conf and tls.conf are both settings of proftpd, but nothing includes tls.conf"
        )
    );
    let elsewhere = [("proftpd.conf", main), ("d/b.conf", "Port 21\n")];
    assert!(refused(ServerProgram::Proftpd, &elsewhere).is_some());
}

#[test]
fn a_pure_ftpd_reads_one_file_or_one_for_each_setting() {
    let each = [
        ("/etc/pure-ftpd/conf/TLS", "1\n"),
        ("/etc/pure-ftpd/conf/PassivePortRange", "40000 40100\n"),
    ];
    assert_eq!(refused(ServerProgram::PureFtpd, &each), None);
    let twice = [each[0], each[1], ("old/conf/TLS", "0\n")];
    assert_eq!(
        refused(ServerProgram::PureFtpd, &twice).as_deref(),
        Some("/etc/pure-ftpd/conf/TLS and old/conf/TLS are both the same setting of Pure-FTPd")
    );
    for mixed in [
        [("pure-ftpd.conf", "TLS 1\n"), each[1]],
        [each[1], ("pure-ftpd.conf", "TLS 1\n")],
    ] {
        let said = refused(ServerProgram::PureFtpd, &mixed).expect("none reads both");
        assert!(said.starts_with("no Pure-FTPd reads both "), "{said}");
    }
}

/// A copy of a folder counts as the folder, and its files are read.
#[test]
fn what_is_included_from_a_copy_of_a_folder_is_read() {
    let files = [
        file("proftpd.conf", "Include /etc/proftpd/conf.d/*.conf\n"),
        file("conf.d/range.conf", "PassivePorts 40000 40100\n"),
    ];
    let read = read_server(ServerProgram::Proftpd, &files).expect("it is right");
    assert_eq!(read.settings.passive_ports, Some((40_000, 40_100)));
    assert_eq!(read.notes, []);
}
