//! What of `vsftpd.conf` runs as it stands: options that neither name a file, a user or a program, nor say where it
//! listens (vsftpd.conf(5) and vsftpd's `tunables.c`, 3.0.3).

use crate::server::ServerProgram;
use crate::server::own::Fate;

/// Harmless as they stand: switches, numbers, masks, commands, and the text of the 220.
const STAND: &[&str] = &[
    "accept_timeout",
    "anon_mkdir_write_enable",
    "anon_other_write_enable",
    "anon_umask",
    "anon_upload_enable",
    "anon_world_readable_only",
    "ascii_download_enable",
    "ascii_upload_enable",
    "async_abor_enable",
    "chmod_enable",
    "cmds_allowed",
    "cmds_denied",
    "connect_timeout",
    "data_connection_timeout",
    "delete_failed_uploads",
    "dirlist_enable",
    "download_enable",
    "file_open_mode",
    "force_dot_files",
    "ftp_data_port",
    "ftpd_banner",
    "hide_ids",
    "idle_session_timeout",
    "local_umask",
    "lock_upload_files",
    "ls_recurse_enable",
    "max_clients",
    "max_login_fails",
    "max_per_ip",
    "mdtm_write",
    "pasv_enable",
    "pasv_promiscuous",
    "port_enable",
    "port_promiscuous",
    "ssl_sslv2",
    "ssl_sslv3",
    "ssl_tlsv1",
    "ssl_tlsv1_1",
    "ssl_tlsv1_2",
    "strict_ssl_read_eof",
    "strict_ssl_write_shutdown",
    "use_sendfile",
    "utf8_filesystem",
    "write_enable",
];

/// Read, and set up by the lab: where it listens, what it announces, TLS as each cell asks for it.
const SET_UP: &[&str] = &[
    "allow_anon_ssl",
    "connect_from_port_20",
    "force_anon_data_ssl",
    "force_anon_logins_ssl",
    "force_local_data_ssl",
    "force_local_logins_ssl",
    "implicit_ssl",
    "listen",
    "listen_address",
    "listen_address6",
    "listen_ipv6",
    "listen_port",
    "pasv_addr_resolve",
    "pasv_address",
    "pasv_max_port",
    "pasv_min_port",
    "require_ssl_reuse",
    "ssl_enable",
];

/// The lab has its own.
const REPLACED: &[&str] = &[
    "allow_writeable_chroot",
    "anon_root",
    "anonymous_enable",
    "background",
    "debug_ssl",
    "dsa_cert_file",
    "dsa_private_key_file",
    "ftp_username",
    "isolate",
    "isolate_network",
    "local_enable",
    "local_root",
    "log_ftp_protocol",
    "nopriv_user",
    "rsa_cert_file",
    "rsa_private_key_file",
    "run_as_launching_user",
    "seccomp_sandbox",
    "secure_chroot_dir",
    "ssl_ciphers",
    "vsftpd_log_file",
    "xferlog_enable",
    "xferlog_file",
    "xferlog_std_format",
];

/// Left out, and why; the rest of what vsftpd knows is not known to be harmless.
const LEFT_OUT: &[(&str, &[&str])] = &[
    (
        "who logs in",
        &[
            "banned_email_file",
            "check_shell",
            "chroot_list_enable",
            "chroot_list_file",
            "chroot_local_user",
            "deny_email_enable",
            "email_password_file",
            "guest_enable",
            "guest_username",
            "no_anon_password",
            "pam_service_name",
            "passwd_chroot_enable",
            "require_cert",
            "secure_email_list_enable",
            "session_support",
            "ssl_request_cert",
            "user_config_dir",
            "user_sub_token",
            "userlist_deny",
            "userlist_enable",
            "userlist_file",
            "validate_cert",
            "virtual_use_local_privs",
        ],
    ),
    (
        "the host's files",
        &[
            "banner_file",
            "ca_certs_file",
            "dirmessage_enable",
            "message_file",
            "tcp_wrappers",
            "use_localtime",
        ],
    ),
    ("logs", &["dual_log_enable", "no_log_lock", "syslog_enable"]),
    (
        "nothing to a firewall",
        &[
            "anon_max_rate",
            "delay_failed_login",
            "delay_successful_login",
            "local_max_rate",
            "trans_chunk_size",
        ],
    ),
];

/// What becomes of an option.
pub(super) fn fate(key: &str) -> Fate {
    let lists = [
        (STAND, Fate::Stands),
        (SET_UP, Fate::SetUp),
        (REPLACED, Fate::Replaced),
    ];
    let mut left_out = LEFT_OUT.iter();
    if let Some((_, fate)) = lists.iter().find(|(list, _)| list.contains(&key)) {
        *fate
    } else if let Some((why, _)) = left_out.find(|(_, keys)| keys.contains(&key)) {
        Fate::LeftOut(why)
    } else if ServerProgram::Vsftpd.knows(key) {
        Fate::UNLISTED
    } else {
        Fate::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_of_the_lists_is_one_and_stands_once() {
        let left_out = LEFT_OUT.iter().flat_map(|(_, keys)| keys.iter());
        let lists = [STAND, SET_UP, REPLACED].into_iter().flatten();
        let all: Vec<&str> = lists.chain(left_out).copied().collect();
        for key in &all {
            assert!(ServerProgram::Vsftpd.knows(key), "{key}");
            assert_eq!(all.iter().filter(|other| *other == key).count(), 1, "{key}");
        }
    }

    #[test]
    fn what_names_a_file_a_user_or_a_program_does_not_stand() {
        let parts = ["root", "user", "pam", "listen", "chown", "log", "cert"];
        for key in STAND {
            assert!(!key.ends_with("_file") && !key.ends_with("_dir"), "{key}");
            let part = parts.iter().find(|part| key.contains(*part));
            assert!(part.is_none() || *key == "max_login_fails", "{key}");
        }
        for key in ["http_enable", "one_process_model", "chown_username"] {
            assert_eq!(fate(key), Fate::UNLISTED, "{key}");
        }
        assert_eq!(fate("Listen"), Fate::Unknown);
    }
}
