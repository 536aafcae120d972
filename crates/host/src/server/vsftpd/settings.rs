use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::own::fate;
use crate::piece::Piece;
use crate::server::reader::{Reader, Setting, lines};
use crate::server::{ServerProgram, ServerSettings};

/// vsftpd's own port, where nothing is said (vsftpd.conf(5), `listen_port`).
const PORT: u16 = 21;
/// Its lowest passive port where `pasv_min_port` is not given, and where it is given lower than any (measured with 3.0.3).
const LOWEST_BY_ITSELF: u16 = 5001;
const LOWEST: u16 = 1024;

pub(in crate::server) fn read(piece: &Piece, reader: &mut Reader) -> ServerSettings {
    let said = Said::read(piece, reader);
    said.own(reader);
    let (listens, listens_on) = said.listens(reader);
    let tls = said.tls(reader);
    let control_port = said.port("listen_port", reader).flatten();
    let from_20 = said.is("connect_from_port_20", false, reader);
    let data_port = said.port("ftp_data_port", reader).flatten();
    if let (Some(port), true) = (data_port.filter(|port| *port != 20), from_20) {
        reader.data_port(port);
        let what = format!(
            "active data connections come from port {port}; here they come from a high port"
        );
        said.note_of_another("ftp_data_port", reader, what);
    }
    said.notes(reader);
    ServerSettings {
        control_port: listens.then(|| control_port.unwrap_or(PORT)),
        passive_ports: said.passive_ports(reader),
        advertised_address: said.announced(reader),
        data_from_port_20: Some(from_20 && data_port.is_none_or(|port| port == 20)),
        offers_tls: Some(tls.offers),
        requires_tls: Some(tls.requires),
        implicit_tls: Some(tls.implicit),
        require_session_reuse: Some(tls.reuse),
        active_enabled: Some(said.is("port_enable", true, reader)),
        passive_enabled: Some(said.is("pasv_enable", true, reader)),
        listens_on,
    }
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "write each as a separate setting"
)]
struct Tls {
    offers: bool,
    requires: bool,
    implicit: bool,
    reuse: bool,
}

/// What the file says, each option as it stands last.
struct Said(BTreeMap<String, Setting>);

impl Said {
    fn read(piece: &Piece, reader: &mut Reader) -> Said {
        let mut said = BTreeMap::new();
        for (line, text) in lines(piece) {
            // It skips blanks before an option and takes everything behind it as it is (measured with 3.0.3).
            let text = text.trim_start();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            let setting = Setting {
                file: piece.name.clone(),
                line,
                key: key.to_owned(),
                between: '=',
                value: value.to_owned(),
            };
            let without = key.trim_end();
            if without != key && ServerProgram::Vsftpd.knows(without) {
                reader.mistake(
                    &setting,
                    "has a space before its `=`, and vsftpd does not start with it",
                    format!("write {without}={}", value.trim()),
                );
                continue;
            }
            reader.unknown(&setting, ServerProgram::Vsftpd);
            if setting.value.is_empty() && ServerProgram::Vsftpd.knows(key) && matters(key) {
                reader.mistake(
                    &setting,
                    "has no value, and vsftpd does not start with it",
                    "write option=value, or leave the line out",
                );
                continue;
            }
            said.insert(key.to_owned(), setting);
        }
        Said(said)
    }

    fn note(&self, key: &str, reader: &mut Reader, what: impl FnOnce(&Setting) -> String) {
        if let Some(setting) = self.0.get(key) {
            reader.note(setting, what(setting));
        }
    }

    /// What is so where another program runs in vsftpd's place.
    fn note_of_another(&self, key: &str, reader: &mut Reader, what: String) {
        if let Some(setting) = self.0.get(key) {
            reader.note_of_another(setting, what);
        }
    }

    /// What becomes of each option where vsftpd itself runs, in order of line.
    fn own(&self, reader: &mut Reader) {
        let mut all: Vec<&Setting> = self.0.values().collect();
        all.sort_by_key(|setting| setting.line);
        for setting in all {
            reader.own(setting, &setting.key, fate(&setting.key));
        }
    }

    /// An option that is YES or NO, in any letters, TRUE, FALSE, 1 or 0 (measured with 3.0.3).
    fn is(&self, key: &str, default: bool, reader: &mut Reader) -> bool {
        let Some(setting) = self.0.get(key) else {
            return default;
        };
        let yes = ["YES", "TRUE", "1"].map(|word| (word, true));
        let no = ["NO", "FALSE", "0"].map(|word| (word, false));
        let words = [yes, no].concat();
        reader.one_of(setting, &words).unwrap_or(default)
    }

    /// A port, or 0 for none that is chosen. Nothing where the option is not there, or wrong.
    fn port(&self, key: &str, reader: &mut Reader) -> Option<Option<u16>> {
        let setting = self.0.get(key)?;
        let value = setting.value.trim_end_matches([' ', '\t']);
        if value == "0" && key.starts_with("pasv_") {
            return Some(None);
        }
        // Of one that begins with 0, vsftpd takes the digits as octal ones.
        if value.len() > 1 && value.starts_with('0') {
            reader.mistake(
                setting,
                "is an octal number for vsftpd",
                "write it without the leading 0",
            );
            return None;
        }
        reader.port(setting, value).map(Some)
    }

    fn passive_ports(&self, reader: &mut Reader) -> Option<(u16, u16)> {
        let first = self.port("pasv_min_port", reader).flatten();
        let last = self.port("pasv_max_port", reader).flatten();
        match (first, last) {
            (None, None) => None,
            (Some(first), None) => Some((first.max(LOWEST), u16::MAX)),
            (None, Some(last)) if last >= LOWEST_BY_ITSELF => Some((LOWEST_BY_ITSELF, last)),
            (None, Some(last)) => {
                self.note("pasv_max_port", reader, |_| {
                    format!("without pasv_min_port, vsftpd takes ports from {LOWEST_BY_ITSELF} up, or any port if the last is {last}")
                });
                None
            }
            (Some(first), Some(last)) if first <= last && last >= LOWEST => {
                Some((first.max(LOWEST), last))
            }
            (Some(first), Some(last)) => {
                let setting = &self.0["pasv_min_port"];
                reader.mistake(
                    setting,
                    &format!("is above pasv_max_port={last}, or both are below {LOWEST}: vsftpd does not keep to such a range"),
                    format!("write pasv_min_port={} and pasv_max_port={}", first.min(last), first.max(last)),
                );
                None
            }
        }
    }

    fn announced(&self, reader: &mut Reader) -> Option<Ipv4Addr> {
        let resolves = self.is("pasv_addr_resolve", false, reader);
        let setting = self.0.get("pasv_address")?;
        reader.announced(setting, resolves)
    }

    /// Whether it waits for clients by itself, and where.
    fn listens(&self, reader: &mut Reader) -> (bool, Option<IpAddr>) {
        let four = self.is("listen", false, reader);
        let six = self.is("listen_ipv6", false, reader);
        let (key, all) = match (four, six) {
            (true, true) => {
                let setting = &self.0["listen_ipv6"];
                reader.mistake(
                    setting,
                    "and listen=YES exclude each other: vsftpd does not start",
                    "write listen=NO: the IPv6 socket takes IPv4 connections, too",
                );
                return (true, None);
            }
            (false, false) => {
                self.note("listen_port", reader, |_| {
                    "without listen=YES or listen_ipv6=YES, inetd or systemd waits for clients, and vsftpd ignores this".into()
                });
                return (false, None);
            }
            (true, false) => ("listen_address", IpAddr::from(Ipv4Addr::UNSPECIFIED)),
            (false, true) => ("listen_address6", IpAddr::from(Ipv6Addr::UNSPECIFIED)),
        };
        let Some(setting) = self.0.get(key) else {
            return (true, Some(all));
        };
        let address = setting.value.trim().parse::<IpAddr>().ok();
        let address = address.filter(|address| address.is_ipv4() == four);
        if address.is_none() {
            reader.mistake(
                setting,
                "is not an address of that family",
                "write it in numbers, as in 192.0.2.7 or 2001:db8::7",
            );
        }
        (true, address)
    }

    fn tls(&self, reader: &mut Reader) -> Tls {
        let enabled = self.is("ssl_enable", false, reader);
        let mut is = |key, default| self.is(key, default, reader);
        let named = is("local_enable", false);
        let anonymous = is("anonymous_enable", false);
        let anonymous_may = is("allow_anon_ssl", false);
        let named_must = is("force_local_data_ssl", true) | is("force_local_logins_ssl", true);
        let anonymous_must = is("force_anon_data_ssl", false) | is("force_anon_logins_ssl", false);
        let implicit = is("implicit_ssl", false);
        let reuse = is("require_ssl_reuse", true);
        let offers = enabled && (named || !anonymous || anonymous_may);
        // Somebody can do without, where those who log in so need not have it.
        let named_need_not = named && !named_must;
        let anonymous_need_not = anonymous && !anonymous_must;
        let nobody_need = match (named, anonymous) {
            (false, false) => !named_must,
            _ => named_need_not || anonymous_need_not,
        };
        let implicit = enabled && implicit;
        Tls {
            offers,
            requires: offers && (implicit || !nobody_need),
            implicit,
            reuse: enabled && reuse,
        }
    }

    /// What may decide, and is not heeded here.
    fn notes(&self, reader: &mut Reader) {
        for key in ["cmds_allowed", "cmds_denied"] {
            let names = |word: &str| ["PORT", "EPRT", "PASV", "EPSV"].contains(&word.trim());
            let setting = self.0.get(key);
            let decides = setting.filter(|setting| {
                key == "cmds_allowed" || setting.value.to_ascii_uppercase().split(',').any(names)
            });
            if let Some(setting) = decides {
                let what = format!("{key} may refuse transfers, but is ignored here");
                reader.note_of_another(setting, what);
            }
        }
        if self.is("tcp_wrappers", false, reader) {
            self.note("tcp_wrappers", reader, |_| {
                "hosts.allow and hosts.deny may refuse clients, but are not read".into()
            });
        }
        self.note("user_config_dir", reader, |_| {
            "settings of single users are not read".into()
        });
    }
}

/// Whether an option is read here.
fn matters(key: &str) -> bool {
    let read = [
        "pasv_",
        "listen",
        "force_",
        "port_enable",
        "ssl_enable",
        "implicit_ssl",
        "require_ssl_reuse",
    ];
    read.iter().any(|begin| key.starts_with(begin))
        || [
            "connect_from_port_20",
            "ftp_data_port",
            "local_enable",
            "anonymous_enable",
            "allow_anon_ssl",
        ]
        .contains(&key)
}
