use super::*;

/// What stands in Debian's `/etc/vsftpd.conf`, without its comments.
pub(super) const VSFTPD: &str = "# Example config file /etc/vsftpd.conf\nlisten=NO\nlisten_ipv6=YES\nanonymous_enable=NO\nlocal_enable=YES\n\
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
            "2: vsftpd has no setting `pasv_min_prot` that fwlab knows: it is ignored; did you mean `pasv_min_port`?",
            "3: cmds_denied may refuse transfers, but is ignored here",
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
