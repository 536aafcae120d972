use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Component, Path};

use async_trait::async_trait;
use fwlab_fabric::{Capabilities, Node, Scratch};
use fwlab_record::{PeerName, Protection};

use crate::program::installed::Installed;
use crate::program::running::{Places, ServerProgram};
use crate::{
    Content, DataSourcePort, Login, PeerError, PeerMissing, RunningServer, Server, ServerSettings,
    Support, TransferSpec,
};

use super::PROGRAM;

const PEER: PeerName = PeerName::Vsftpd;

/// Long enough that the lab's patience, and not the server's, ends a wait: seconds.
const SERVER_PATIENCE: u32 = 600;

const CONFIGURATION: &str = "vsftpd.conf";
const CERTIFICATE: &str = "certificate.pem";
const LOG: &str = "vsftpd.log";
const ROOT: &str = "root";

/// vsftpd, started in a node.
///
/// It runs as the lab's root, which in a user namespace is an ordinary user, and
/// needs no user, directory or PAM service of its own on the machine. It changes
/// no user and no root directory (`run_as_launching_user`), since a user namespace
/// with one user has none to change to; everything that the network sees is as
/// ever: it binds port 20 when it should, it checks PORT against the control
/// connection, it keeps to its range of passive ports, unless that is the wrong
/// way round: then it keeps to none.
#[derive(Debug, Clone)]
pub struct Vsftpd {
    installed: Installed,
}

impl Vsftpd {
    /// Looks for it on this machine.
    ///
    /// # Errors
    ///
    /// When it is not there, or does not run.
    pub fn find() -> Result<Vsftpd, PeerMissing> {
        Ok(Vsftpd {
            installed: Installed::find(PEER, PROGRAM)?,
        })
    }
}

#[async_trait]
impl Server for Vsftpd {
    fn name(&self) -> PeerName {
        PEER
    }

    fn version(&self) -> String {
        self.installed
            .version
            .trim_start_matches("vsftpd: version ")
            .into()
    }

    fn supports(&self, _: &TransferSpec, settings: &ServerSettings) -> Support {
        let login = || match settings.login {
            Login::Anonymous => Support::Yes,
            Login::Named | Login::As { .. } => {
                Support::no("a vsftpd of this machine has no users to log in by name")
            }
        };
        let options = || match options(settings) {
            Ok(_) => Support::Yes,
            Err(why) => Support::no(why),
        };
        login().and(options)
    }

    async fn start(
        &self,
        node: &Node,
        settings: &ServerSettings,
    ) -> Result<Box<dyn RunningServer>, PeerError> {
        let files = files(settings)?;
        let home = files.mount_point();
        let mut spec = self
            .installed
            .spec(&files)
            .arguments([home.join(CONFIGURATION)]);
        spec.capabilities = Capabilities::SERVER;
        // What it has to say of a bad option goes there.
        spec.speaks_on_input = true;
        let places = Places {
            root: ROOT,
            log: LOG,
        };
        let running = ServerProgram::start(PEER, node, settings, spec, files, places).await?;
        Ok(Box::new(running))
    }
}

/// Its configuration, the directory that it serves, and what it holds at the start.
fn files(settings: &ServerSettings) -> Result<Scratch, PeerError> {
    let failed = |source| PeerError::Files { peer: PEER, source };
    // What is there, what may be sent, and logs.
    let limit = 2 * Content::MAX_SIZE + (16 << 20);
    let files = Scratch::new(limit).map_err(failed)?;
    let options = options(settings).map_err(|why| PeerError::Settings { peer: PEER, why })?;
    let configuration = configuration(settings, options, files.mount_point());
    files
        .write(CONFIGURATION, configuration.as_bytes())
        .map_err(failed)?;
    if settings.protection.protects_data() {
        let certificate = settings.shown_certificate();
        files
            .write(CERTIFICATE, certificate.pem().as_bytes())
            .map_err(failed)?;
    }
    files.create_dir(ROOT, 0o755).map_err(failed)?;
    if let Some(stored) = &settings.stored {
        let path = Path::new(ROOT).join(stored.content.name());
        files
            .write_from(path, stored.content.reader(0..stored.size))
            .map_err(failed)?;
    }
    Ok(files)
}

/// The options that name a file or a directory (vsftpd.conf(5)).
const PATHS: [&str; 18] = [
    "anon_root",
    "banned_email_file",
    "banner_file",
    "ca_certs_file",
    "chroot_list_file",
    "dsa_cert_file",
    "dsa_private_key_file",
    "ecdsa_cert_file",
    "email_password_file",
    "local_root",
    "message_file",
    "rsa_cert_file",
    "rsa_private_key_file",
    "secure_chroot_dir",
    "user_config_dir",
    "userlist_file",
    "vsftpd_log_file",
    "xferlog_file",
];

/// Whether a path stays below the directory that it is relative to.
fn stays_below(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// The extra options, when each can stand on a line of its own, and names no file but the
/// server's own.
fn options(settings: &ServerSettings) -> Result<&[(String, String)], String> {
    let options = &settings.options;
    let mut named = options
        .iter()
        .filter(|(name, _)| PATHS.contains(&name.as_str()));
    if let Some((name, value)) = named.find(|(_, value)| !stays_below(value)) {
        return Err(format!(
            "`{name}={value}` names a file of the machine, and vsftpd sees none of them here: \
             write a path relative to its own files, or leave the option out"
        ));
    }
    let plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ')
    };
    match settings.options.iter().find(|(name, value)| {
        name.is_empty() || name.contains(['=', ' ', '#']) || !plain(name) || !plain(value)
    }) {
        Some((name, value)) => Err(format!(
            "`{name}={value}` is not an option of vsftpd.conf(5)"
        )),
        None => Ok(&settings.options),
    }
}

/// vsftpd.conf(5). An option that stands twice counts as it stands last.
fn configuration(settings: &ServerSettings, options: &[(String, String)], home: &Path) -> String {
    let (listen, address) = match settings.address {
        IpAddr::V4(_) => ("listen=YES\nlisten_ipv6=NO", "listen_address"),
        IpAddr::V6(_) => ("listen=NO\nlisten_ipv6=YES", "listen_address6"),
    };
    let from_twenty = match settings.data_source_port {
        DataSourcePort::Twenty => "YES",
        DataSourcePort::Ephemeral => "NO",
    };
    let mut text = format!(
        "{listen}\n\
         {address}={}\n\
         listen_port={}\n\
         background=NO\n\
         run_as_launching_user=YES\n\
         ftp_username=root\n\
         nopriv_user=root\n\
         secure_chroot_dir={home}\n\
         anonymous_enable=YES\n\
         local_enable=NO\n\
         anon_root={home}/{ROOT}\n\
         allow_writeable_chroot=YES\n\
         write_enable=YES\n\
         anon_upload_enable=YES\n\
         anon_other_write_enable=YES\n\
         anon_umask=022\n\
         connect_from_port_20={from_twenty}\n\
         accept_timeout={SERVER_PATIENCE}\n\
         connect_timeout={SERVER_PATIENCE}\n\
         data_connection_timeout={SERVER_PATIENCE}\n\
         idle_session_timeout={SERVER_PATIENCE}\n\
         seccomp_sandbox=NO\n\
         isolate=NO\n\
         isolate_network=NO\n\
         xferlog_enable=YES\n\
         xferlog_std_format=NO\n\
         log_ftp_protocol=YES\n\
         vsftpd_log_file={home}/{LOG}\n",
        settings.address,
        settings.control_port,
        home = home.display(),
    );
    let passive = settings
        .passive_ports
        .map(|ports| [("pasv_min_port", ports.min), ("pasv_max_port", ports.max)]);
    for (name, port) in passive.into_iter().flatten() {
        writeln!(text, "{name}={port}").expect("a string takes everything");
    }
    if let Some(address) = settings.advertised_address {
        writeln!(text, "pasv_address={address}").expect("a string takes everything");
    }
    if settings.protection.protects_data() {
        text += &tls(settings, home);
    }
    for (name, value) in options {
        writeln!(text, "{name}={value}").expect("a string takes everything");
    }
    text
}

/// The options for TLS. What it offers it demands, so that nothing passes for protected
/// that is not. Its own choice of ciphers leaves out those for ECDSA keys.
fn tls(settings: &ServerSettings, home: &Path) -> String {
    let yes = |yes: bool| if yes { "YES" } else { "NO" };
    format!(
        "ssl_enable=YES\n\
         implicit_ssl={}\n\
         allow_anon_ssl=YES\n\
         force_anon_logins_ssl=YES\n\
         force_anon_data_ssl=YES\n\
         require_ssl_reuse={}\n\
         rsa_cert_file={home}/{CERTIFICATE}\n\
         rsa_private_key_file={home}/{CERTIFICATE}\n\
         ssl_ciphers=HIGH\n\
         debug_ssl=YES\n",
        yes(settings.protection == Protection::Implicit),
        yes(settings.require_session_reuse),
        home = home.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PassivePorts;

    fn settings() -> ServerSettings {
        ServerSettings {
            address: [192, 168, 0, 201].into(),
            control_port: 21,
            passive_ports: Some(PassivePorts {
                min: 31250,
                max: 31240,
            }),
            advertised_address: None,
            protection: Protection::Plain,
            login: Login::Anonymous,
            certificate: None,
            require_session_reuse: false,
            data_source_port: DataSourcePort::Ephemeral,
            stored: None,
            alone_in_node: true,
            options: vec![("pasv_address".into(), "198.51.100.1".into())],
        }
    }

    #[test]
    fn the_configuration_says_what_the_settings_say() {
        let settings = settings();
        let options = options(&settings).unwrap();
        let text = configuration(&settings, options, Path::new("/srv"));
        for line in [
            "listen_address=192.168.0.201",
            "connect_from_port_20=NO",
            "anon_root=/srv/root",
            "pasv_min_port=31250",
            "pasv_max_port=31240",
            "pasv_address=198.51.100.1",
        ] {
            assert!(text.lines().any(|have| have == line), "{line}");
        }
        // vsftpd takes a line with blanks around the sign, or none, for a mistake.
        assert!(
            text.lines()
                .all(|line| line.contains('=') && !line.contains(" ="))
        );
        assert!(
            text.ends_with("pasv_address=198.51.100.1\n"),
            "options come last"
        );
    }

    #[test]
    fn an_option_names_no_file_of_the_machine() {
        let with = |name: &str, value: &str| {
            let mut settings = settings();
            settings.options = vec![(name.into(), value.into())];
            options(&settings).map(drop)
        };
        for path in ["/etc/shadow", "../x", "a/../../x", "/"] {
            for name in PATHS {
                let refused = with(name, path).unwrap_err();
                assert!(refused.contains("relative to its own files"), "{refused}");
            }
        }
        assert_eq!(with("banner_file", "banner"), Ok(()));
        assert_eq!(with("ftpd_banner", "/etc/shadow"), Ok(()), "a text");
    }

    #[test]
    fn an_option_keeps_to_its_line() {
        for (name, value) in [
            ("a", "b\nlisten_port=1"),
            ("a=b", "c"),
            ("", "x"),
            ("#a", "b"),
        ] {
            let mut settings = settings();
            settings.options = vec![(name.into(), value.into())];
            assert!(options(&settings).is_err(), "{name}={value}");
        }
    }
}
