use super::*;

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

/// What stands in Debian's `/etc/proftpd/proftpd.conf`, without its comments.
pub(super) const PROFTPD: &str = "Include /etc/proftpd/modules.conf\nUseIPv6 on\n<IfModule mod_ident.c>\n  IdentLookups off\n</IfModule>\n\
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
            "2: PassivePorts is also at line 1, with another value: the last one is used",
            "7: with TLS, the server announces this address, which is ignored here",
        ]
    );
}
